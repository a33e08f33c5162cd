"""Tables that are not in Airtable but tell what is: bases, tables, and how each table is to be ingested.

Names, columns, options and order are those of Databricks' community connectors, whose pipelines read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from ..errors import OptionError
from ..options import TABLE, Options
from ..shown import scrubbed

if TYPE_CHECKING:
    from .._native import Connector

Row = tuple[Any, ...]

# The namespace of the framework: a name in it that is none of its tables is a mistake, not a table in Airtable.
_RESERVED = "_community_"


@scrubbed
@dataclass(frozen=True)
class VirtualTable:
    """A name, its columns, and how its rows are found."""

    name: str
    schema: StructType
    rows: Callable[[Connector, Options], Iterable[Row]]
    own_options: frozenset[str] = frozenset({TABLE})

    def connector_options(self, options: Options) -> Options:
        """The options without those that mean something else here than to the connector."""
        return Options({name: value for name, value in options.items() if name not in self.own_options})

    @staticmethod
    def named(name: str) -> VirtualTable | None:
        """The virtual table of that name; `None` for a table that must be Airtable's."""
        if name in _TABLES:
            return _TABLES[name]
        if not name.startswith(_RESERVED):
            return None
        from .._native import nearest_names

        known = [table for table in _TABLES if table.startswith(_RESERVED)]
        nearest = nearest_names(name, known)
        hint = f" (did you mean {nearest[0]}?)" if nearest else ""
        raise OptionError(f"tableName {name} is no virtual table{hint}: there are {', '.join(known)}")


def _table_metadata(connector: Connector, options: Options) -> Iterable[Row]:
    # In the order of the list: a caller who gives one wants the answers beside it.
    configs = _json_option(options, "tableConfigs", dict) or {}
    listed = _names(options, "tableNameList") or []
    for table in listed:
        config = _config_of(
            table, {name: value for name, value in configs.items() if name == table or name not in listed}
        )
        if not isinstance(config, dict):
            raise OptionError(f"option tableConfigs: the value of {table} must be a JSON object of options")
        metadata = connector.metadata(table, Options.from_values(config))
        yield (table, metadata["primary_keys"], metadata["cursor_field"], metadata["ingestion_type"])


def _config_of(table: str, configs: dict[str, Any]) -> Any:
    """What is under the table's name as it is written, or else under the one name that differs by outer space alone."""
    if table in configs:
        return configs[table]
    fitting = [config for name, config in configs.items() if name.strip() == table.strip()]
    return fitting[0] if len(fitting) == 1 else {}


def _namespaces(connector: Connector, options: Options) -> Iterable[Row]:
    # Bases are one level: below a base there is nothing.
    if _names(options, "namespacePrefix"):
        return []
    return [([base],) for base in sorted(connector.list_namespaces())]


def _tables(connector: Connector, options: Options) -> Iterable[Row]:
    namespace = _names(options, "namespace")
    if namespace is not None and len(namespace) > 1:
        raise OptionError("option namespace must name one base: bases have no namespaces below them")
    if options.get("base_id"):
        # Tables lie at the root where the connection fixes their base, and in it by its name.
        base = namespace[0] if namespace else None
        return [(namespace or [], table) for table in sorted(connector.list_tables(base))]
    if namespace is None:
        raise OptionError(
            'reading _community_tables needs option namespace, such as ["appXXXXXXXXXXXXXX"]; '
            "_community_namespaces lists what the token sees"
        )
    return [(namespace, table) for base in namespace for table in sorted(connector.list_tables(base))]


def _names(options: Options, option: str) -> list[str] | None:
    """A JSON list of strings, `None` where the option is not given."""
    names: list[str] | None = _json_option(options, option, list)
    if names is not None and not all(isinstance(name, str) for name in names):
        raise OptionError(f"option {option} must be a JSON list of strings")
    return names


def _json_option(options: Options, option: str, kind: type[Any]) -> Any:
    text = options.get(option.lower(), "")
    if not text.strip():
        return None
    if option == "namespace" and not text.lstrip().startswith("["):
        return [text]  # as a read takes it, outer space included
    wanted = "a JSON list of strings" if kind is list else "a JSON object"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionError(f"option {option} must be {wanted}: {error}") from None
    if not isinstance(value, kind):
        raise OptionError(f"option {option} must be {wanted}")
    return value


# Here the base to list, and `[]` is allowed: the root, which has bases but no tables.
_LISTING = frozenset({TABLE, "namespace"})
_NAMESPACE = StructField("namespace", ArrayType(StringType()), nullable=False)
_TABLE_NAME = StructField("tableName", StringType(), nullable=False)
# Where people and programs choose, before anything is missing from their copy.
_INGESTION_TYPE = (
    "What a read of the table gives. A stream of cdc sees neither deleted records nor changes of computed fields "
    "(formulas, rollups, lookups) alone; one of cdc_with_deletes sees both, and needs the scope webhook:manage."
)
_METADATA = StructType(
    [
        _TABLE_NAME,
        StructField("primary_keys", ArrayType(StringType())),
        StructField("cursor_field", StringType()),
        StructField("ingestion_type", StringType(), metadata={"comment": _INGESTION_TYPE}),
    ]
)
_TABLES = {
    table.name: table
    for table in (
        VirtualTable("_community_table_metadata", _METADATA, _table_metadata),
        VirtualTable("_community_namespaces", StructType([_NAMESPACE]), _namespaces, _LISTING),
        VirtualTable("_community_tables", StructType([_NAMESPACE, _TABLE_NAME]), _tables, _LISTING),
        # What older pipelines call the first.
        VirtualTable("_lakeflow_metadata", _METADATA, _table_metadata),
    )
}

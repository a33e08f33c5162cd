"""A pipeline's specification, checked key by key before anything is asked of Airtable or Spark.

Its form is that of Databricks' community connectors. All that is wrong is collected, so that a specification of many
tables is corrected at once. Values may be secrets: only those are quoted that cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..environment import variables, with_environment
from ..errors import OptionError
from ..options import CREDENTIALS, TABLE, Options, in_scope, once, table
from ..shown import scrubbed
from .faults import Faults
from .names import LONGEST_GIVEN

SCD_TYPES = ("SCD_TYPE_1", "SCD_TYPE_2", "APPEND_ONLY")

_SPEC_KEYS = ("connection_name", "connection_options", "objects")
_TABLE_KEYS = (
    "source_table",
    "destination_catalog",
    "destination_schema",
    "destination_table",
    "table_configuration",
)
# Of the pipeline, not of the read: never handed on as options.
_TARGET_KEYS = ("scd_type", "primary_keys", "sequence_by", "cluster_by")
# Unity Catalog passes over in silence what its allow list does not name: another base would be read than was meant.
_OF_THE_CONNECTION = {
    "": "belongs to the connection, and no read can give it: set it there",
    "base_id": "belongs to the connection, and no read can give it: name another base by namespace, with a connection "
    "that has no base_id",
}
# All tables are read as one user, and no entry sends a token elsewhere.
_OF_THE_OPTIONS = (*CREDENTIALS, "base_url")


@scrubbed
@dataclass(frozen=True)
class Entry:
    """One table to ingest, or a pattern that stands for several."""

    where: str
    """Its place in the specification, for messages."""
    source_table: str
    options: Options
    """Those of its read, the connection's included."""
    catalog: str | None = None
    schema: str | None = None
    table: str | None = None
    """The destination's name, where it is given or decided."""
    scd_type: str | None = None
    primary_keys: tuple[str, ...] | None = None
    sequence_by: str | None = None
    cluster_by: tuple[str, ...] | None = None
    plan: str | None = None
    """That of its read, as JSON, where Airtable could be asked for it."""

    @property
    def ingestion_type(self) -> str:
        chosen = self.options.get("ingestion_type", "").strip().lower()
        return chosen or ("append" if self.scd_type == "APPEND_ONLY" else "snapshot")

    @property
    def part(self) -> str:
        """What of the table is read: `records`, or something that is found beside them."""
        return self.options.get("part", "").strip().lower() or "records"

    @property
    def description(self) -> str | None:
        """What the base's makers wrote about the table, where the entry has a plan. It is of the records."""
        plan = json.loads(self.plan or "{}")
        text: str | None = plan.get("description") if self.part == "records" else None
        return text

    @property
    def read_options(self) -> Options:
        """What a read of Spark's or the library's is given."""
        return Options({**self.options, TABLE: self.source_table, "ingestion_type": self.ingestion_type})

    @property
    def base(self) -> tuple[str, str]:
        """What names its base. Empty texts are the connection's own."""
        return self.options.get("base_id", ""), self.options.get("namespace", "")

    @property
    def is_of_several_bases(self) -> bool:
        """Several bases, or all of them, are read as one table."""
        given = self.options.get("namespace", "").strip()
        if not given.startswith("["):
            return given == "*"
        try:
            bases = json.loads(given)
        except ValueError:
            return False  # whoever plans the read says so
        return len(bases) > 1 or bases == ["*"]

    @property
    def destination(self) -> tuple[str, ...]:
        return tuple(part for part in (self.catalog, self.schema, self.table) if part is not None)


@scrubbed
@dataclass(frozen=True)
class PipelineSpec:
    """What a specification says, as far as it can be understood."""

    connection_name: str | None
    connection_options: Options
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def of_connection(cls, options: Options, given: Mapping[str, Any], faults: Faults) -> PipelineSpec:
        """A specification whose connection is known already, such as that of an `Airtable`.

        What it says of a connection itself is checked and left out of account, but for the base: it must be the same.
        """
        _refuse_unknown(given, "", _SPEC_KEYS, faults)
        named = _mapping(given.get("connection_options") or {}, "connection_options", faults)
        base = next((value for name, value in named.items() if name.lower() == "base_id"), None)
        if base is not None and base != options.get("base_id", base):
            faults.add("connection_options.base_id", "is another base than the Airtable that is to be synced")
        parsed = cls(None, options)
        parsed.entries.extend(parsed._entries(given.get("objects"), faults))
        return parsed

    @classmethod
    def parse(cls, given: object, faults: Faults) -> PipelineSpec:
        spec = _mapping(given, "pipeline_spec", faults)
        faults.raise_any()  # without any form there is nothing else to say
        _refuse_unknown(spec, "", _SPEC_KEYS, faults)
        parsed = cls(_text(spec, "connection_name", "", faults), _connection(spec, faults))
        parsed.entries.extend(parsed._entries(spec.get("objects"), faults))
        return parsed

    def _entries(self, objects: object, faults: Faults) -> Iterator[Entry]:
        if objects == "*":
            yield self._entry("objects", {"source_table": "*"}, faults)
            return
        if not isinstance(objects, Sequence) or isinstance(objects, str) or not objects:
            faults.add("objects", 'give a list of {"table": {"source_table": ...}}, or "*" for every table of the base')
            return
        for number, given in enumerate(objects):
            where = f"objects[{number}]"
            entry = _mapping(given, where, faults)
            _refuse_unknown(entry, where, ("table",), faults, inside=_TABLE_KEYS)
            if "table" in entry:
                table = _mapping(entry["table"], f"{where}.table", faults)
                if table:
                    yield self._entry(f"{where}.table", table, faults)
            elif isinstance(given, Mapping):
                faults.add(where, 'has no table: give {"table": {"source_table": ...}}')

    def _entry(self, where: str, table: Mapping[str, object], faults: Faults) -> Entry:
        configured = (*_TARGET_KEYS, *_taken())
        _refuse_unknown(table, where, _TABLE_KEYS, faults, inside=configured, inside_of="table_configuration")
        if table.get("source_table") is None:
            faults.add(
                f"{where}.source_table", "is missing: give a table's name, its tbl... id, or a pattern such as *"
            )
        within = f"{where}.table_configuration"
        given = _mapping(table.get("table_configuration", {}), within, faults)
        configuration = _lowered({name: value for name, value in given.items() if value is not None}, within, faults)
        _refuse_unknown(configuration, within, configured, faults, are_options=True)
        source_table = _text(table, "source_table", where, faults) or ""
        with faults.at(f"{where}.source_table"):
            source_table = self._at_its_address(source_table, configuration)
        catalog = _destination(table, "destination_catalog", where, faults)
        schema = _destination(table, "destination_schema", where, faults)
        if catalog is not None and schema is None:
            faults.add(f"{where}.destination_catalog", "needs destination_schema beside it")
        return Entry(
            where=where,
            source_table=source_table,
            options=self._options(within, configuration, faults),
            catalog=catalog,
            schema=schema,
            table=_destination(table, "destination_table", where, faults),
            scd_type=_scd_type(configuration, within, faults),
            primary_keys=_names(configuration, "primary_keys", within, faults),
            sequence_by=_text(configuration, "sequence_by", within, faults),
            cluster_by=_names(configuration, "cluster_by", within, faults),
        )

    def _at_its_address(self, source_table: str, configuration: dict[str, object]) -> str:
        """The table's id in the place of its web address, which also says which base and view are meant."""
        from .._native import web_place

        place = web_place("source_table", source_table)
        if place is None:
            return source_table
        base, table, view = place
        told: dict[str, str | None] = {"base_id": base, "view": view}
        if self.connection_name is not None:
            # Its base is the connection's, where the table's id is looked up.
            del told["base_id"]
        for name, value in told.items():
            given = configuration.get(name, self.connection_options.get(name) if name == "base_id" else None)
            if value is not None and given not in (None, value):
                raise OptionError(f"is a web address of {value}, but {name} is {given}: leave one of them out")
            if value is not None:
                configuration[name] = value
        if table is None:
            raise OptionError("is the web address of a base: open the table and copy its address")
        return table

    def _options(self, where: str, configuration: Mapping[str, object], faults: Faults) -> Options:
        own = _canonical(
            {name: value for name, value in configuration.items() if name not in _TARGET_KEYS}, where, faults
        )
        if self.connection_name is None:
            for name in filter(own.__contains__, _OF_THE_OPTIONS):
                del own[name]
                faults.add(f"{where}.{name}", "belongs into connection_options, for all tables: give it there")
        # An entry's base takes the place of the connection's, by whichever of the two names.
        base = {"base_id", "namespace"}
        inherited = {
            name: value for name, value in self.connection_options.items() if name not in base or not base & own.keys()
        }
        options = Options({**inherited, **own})
        if self.connection_name is not None:
            options["databricks.connection"] = self.connection_name
            for name in filter(own.__contains__, in_scope("connection")):
                faults.add(f"{where}.{name}", _OF_THE_CONNECTION.get(name, _OF_THE_CONNECTION[""]))
        return options


def _connection(spec: Mapping[str, object], faults: Faults) -> Options:
    given = spec.get("connection_options")
    if spec.get("connection_name") is not None:
        if given is not None:
            faults.add(
                "connection_options", "is of no use with connection_name, whose connection has them: leave one out"
            )
        return Options()
    where = "connection_options"
    lowered = _lowered(_mapping(given or {}, where, faults), where, faults)
    _refuse_unknown(lowered, where, _taken(), faults, are_options=True)
    options = Options.from_values(with_environment(_canonical(lowered, where, faults)))
    if not options.get("token"):
        faults.add(
            "connection_name",
            f"is missing, and so is a token: give it, or connection_options, or {variables()['token']}",
        )
    return options


def _canonical(given: Mapping[str, object], where: str, faults: Faults) -> Options:
    """Known options under their own names, in lower case; what is not known was said."""
    names = _option_names()
    texts: list[tuple[str, str, str]] = []
    for name, value in given.items():
        if name in names and names[name] != "tableName":
            with faults.at(where):
                texts.extend((name, own, text) for own, text in Options.from_values({names[name]: value}).items())
    with faults.at(where):
        once(texts)
    return Options({own: text for _, own, text in texts})


def _lowered(given: Mapping[str, Any], where: str, faults: Faults) -> dict[str, Any]:
    """The keys in lower case. One that is there in two spellings has one value."""
    lowered: dict[str, Any] = {}
    for name, value in given.items():
        if name.lower() in lowered and lowered[name.lower()] != value:
            faults.add(f"{where}.{name}", "stands there in another spelling, with another value: give one of them")
        lowered[name.lower()] = value
    return lowered


def _taken() -> tuple[str, ...]:
    """The options that a specification takes, each by its own name."""
    return tuple(row["name"] for row in table() if row["name"] != "tableName")


def _option_names() -> dict[str, str]:
    """Every name of an option in lower case, aliases included, with the name that the options table gives it."""
    return {name.lower(): row["name"] for row in table() for name in (row["name"], *row["aliases"])}


def _aliases() -> tuple[str, ...]:
    return tuple(alias for alias, name in _option_names().items() if alias != name.lower() and name != "tableName")


def _refuse_unknown(
    given: Mapping[str, object],
    where: str,
    known: Sequence[str],
    faults: Faults,
    inside: Sequence[str] = (),
    inside_of: str = "table",
    are_options: bool = False,
) -> None:
    """A fault for each key that is not known, with the nearest that is; a key may also belong one level further in, and
    an option may have its name from another source.
    """
    from .._native import nearest_names, option_meant

    deeper = {name.lower(): f"{inside_of}.{name}" for name in inside}
    accepted = (*known, *_aliases()) if are_options else known
    candidates = {**deeper, **{name.lower(): name for name in accepted}}
    for name in given:
        if name in accepted:
            continue
        nearest = nearest_names(name, list(candidates))
        meant, is_sure = option_meant(name)
        hint = f"did you mean {candidates[nearest[0]]}?" if nearest else f"there are {', '.join(known)}"
        if is_sure and are_options:
            hint = "source_table names the table" if meant.strip("?").endswith("tableName") else meant
        faults.add(f"{where}.{name}" if where else name, f"is no key here: {hint}")


def _mapping(value: object, where: str, faults: Faults) -> Mapping[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return value
    faults.add(where, f"is of type {type(value).__name__}: it takes a dict with texts as keys")
    return {}


def _text(given: Mapping[str, object], name: str, where: str, faults: Faults) -> str | None:
    value = given.get(name)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    what = "is empty" if isinstance(value, str) else f"is of type {type(value).__name__}"
    faults.add(f"{where}.{name}" if where else name, f"{what}: it takes a text")
    return None


def _destination(given: Mapping[str, object], name: str, where: str, faults: Faults) -> str | None:
    text = _text(given, name, where, faults)
    if text is not None and len(text) > LONGEST_GIVEN:
        faults.add(f"{where}.{name}", f"has {len(text)} characters: it takes at most {LONGEST_GIVEN}, as catalogs do")
    return text


def _names(given: Mapping[str, object], name: str, where: str, faults: Faults) -> tuple[str, ...] | None:
    """A list of column names: as a list, as the JSON of one, or as the one name."""
    value = given.get(name)
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            value = None
    elif isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple) and value and all(isinstance(part, str) and part for part in value):
        return tuple(value)
    if name in given:
        faults.add(f"{where}.{name}", "takes a list of column names")
    return None


def _scd_type(configuration: Mapping[str, object], where: str, faults: Faults) -> str | None:
    given = _text(configuration, "scd_type", where, faults)
    if given is None or given.upper() in SCD_TYPES:
        return given and given.upper()
    faults.add(f"{where}.scd_type", f"is none of {', '.join(SCD_TYPES)}")
    return None

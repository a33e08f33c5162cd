"""What `sync` and `estimate` were given, as entries: which tables are meant, and how each is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import NotFoundError, OptionError
from ..options import TABLE, Options, table
from .faults import Faults
from .spec import Entry, PipelineSpec
from .tables import LibraryTables, planned, resolve

_OF_THE_COPY = ("scd_type", "primary_keys", "sequence_by")


def entries_of(
    spec: object,
    connection: Options,
    given: Mapping[str, object],
    tables: LibraryTables,
    check: Callable[[Entry], object],
    missing: dict[str, NotFoundError] | None = None,
) -> list[Entry]:
    """The tables of a specification, with their plans. Raises all that is wrong with it at once.

    With `missing` a table that is not there is none of the others' concern: it is noted there, by its place.
    """
    options, of_the_copy = _parted(given)
    # A specification has places that messages can name. Names of tables have none.
    names = [spec] if isinstance(spec, str) else list(spec) if isinstance(spec, Sequence) else []
    faults = Faults("the call", names) if names else Faults("the specification")
    parsed = PipelineSpec.of_connection(
        Options({**connection, **Options.from_values(options)}), _specification(spec, of_the_copy), faults
    )
    entries = planned(resolve(parsed, tables, faults), tables, faults)
    for entry in entries:
        with faults.at(entry.where):
            check(entry)
    if missing is not None:
        missing.update(faults.set_aside([entry.where for entry in entries]))
    faults.raise_any()
    return entries


def _parted(given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Options of the read, and what is said of the copies."""
    lowered = {name.lower(): value for name, value in given.items() if value is not None}
    of_the_copy = {name: value for name, value in lowered.items() if name in _OF_THE_COPY}
    options = {name: value for name, value in lowered.items() if name not in _OF_THE_COPY}
    named = {name.lower(): row["name"].lower() for row in table() for name in (row["name"], *row["aliases"])}
    for name in options:
        if named.get(name) == TABLE:
            raise OptionError("tables are named in the specification: leave tableName out")
    return {named.get(name, name): value for name, value in options.items()}, of_the_copy


def _specification(spec: object, of_the_copy: Mapping[str, object]) -> Mapping[str, Any]:
    """The full form of what was given: a specification, names of tables, or `*` for all of them."""
    if isinstance(spec, Mapping):
        return {**spec, "objects": _with(spec.get("objects"), of_the_copy)}
    names = [spec] if isinstance(spec, str) else spec
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise OptionError(
            'spec takes "*" for every table of the base, a list of names of tables, or the specification that ingest '
            "takes"
        )
    return {"objects": _with([{"table": {"source_table": name}} for name in names], of_the_copy)}


def _with(objects: Any, of_the_copy: Mapping[str, object]) -> Any:
    """The entries with what was given for all of them, where they do not say it themselves."""
    if objects == "*":
        objects = [{"table": {"source_table": "*"}}]
    if not of_the_copy or not isinstance(objects, Sequence) or isinstance(objects, str):
        return objects
    return [_entry_with(entry, of_the_copy) for entry in objects]


def _entry_with(entry: Any, of_the_copy: Mapping[str, object]) -> Any:
    table = entry.get("table") if isinstance(entry, Mapping) else None
    if not isinstance(table, Mapping):
        return entry
    configured = table.get("table_configuration", {})
    if not isinstance(configured, Mapping):
        return entry
    said = {str(name).lower() for name in configured}
    more = {name: value for name, value in of_the_copy.items() if name not in said}
    return {**entry, "table": {**table, "table_configuration": {**configured, **more}}}

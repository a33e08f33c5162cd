"""Which tables a specification's entries mean, and whether they are there.

Where the connection's options are at hand, Airtable is asked directly: one request for each base. Where only Spark has
them, Spark is asked: see `pipeline/tables.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from ..errors import NotFoundError, OptionError
from ..options import Options, in_scope
from .faults import Faults
from .names import identifier, identifiers, quoted
from .spec import Entry, PipelineSpec

if TYPE_CHECKING:
    from .._native import Connector

PRIMARY_KEYS = ("id",)
CURSOR = "_changed_at"
DELETED = "_deleted"
"""What `Airtable.metadata` and the columns of change reads say of a table's records."""

_HISTORY = ("__START_AT", "__END_AT")


class Tables(Protocol):
    """Where the names of tables come from."""

    def names(self, options: Options) -> list[str]:
        """The tables of the base that the options name."""

    def name(self, entry: Entry) -> str:
        """The name of an entry's one table, which may be given by its id."""

    def plan(self, entry: Entry) -> str | None:
        """The plan of an entry's read, where it can be made. Raises what is wrong with its table and options."""


class LibraryTables:
    """Asks Airtable, with the connection's options."""

    def __init__(self) -> None:
        self._connectors: dict[tuple[tuple[str, str], ...], Connector] = {}

    def names(self, options: Options) -> list[str]:
        return self.connector(options).list_tables()

    def name(self, entry: Entry) -> str:
        try:
            plan = self.connector(entry.options).plan_cached(entry.source_table)
        except NotFoundError:
            return entry.source_table  # the check will say so
        name: str = json.loads(plan.to_json())["table_name"]
        return name

    def plan(self, entry: Entry) -> str | None:
        plan = self.connector(entry.options).plan_cached(entry.source_table, entry.read_options)
        _check_columns(entry, plan.schema.names)
        return plan.to_json()

    @property
    def requests(self) -> int:
        """How many requests were sent, of all connectors."""
        return sum(connector.requests for connector in self._connectors.values())

    def connector(self, options: Options) -> Connector:
        """One for each base: it remembers what it was told of the base's tables, and the names of linked records."""
        from .._native import Connector

        # What decides where requests go and as whom; the rest is of one read.
        deciding = in_scope("connection", "tables")
        own = Options({name: value for name, value in options.items() if name in deciding})
        key = tuple(sorted(own.items()))
        if key not in self._connectors:
            self._connectors[key] = Connector(own, of_one_run=True)
        return self._connectors[key]


def resolve(spec: PipelineSpec, tables: Tables, faults: Faults) -> list[Entry]:
    """One entry for each table, with its destination. A table goes to the entry that names it, else to the first
    pattern that matches it; its comments go to the entry that is of comments."""
    known: dict[tuple[str, str], list[str]] = {}
    matches: dict[int, list[str]] = {}
    for number, entry in enumerate(spec.entries):
        if not entry.source_table or not any(character in entry.source_table for character in "*?["):
            continue
        matches[number] = []
        with faults.at(_place(entry)):
            if entry.base not in known:
                known[entry.base] = tables.names(entry.options)
            # "What changed?" may be a table.
            if entry.source_table in known[entry.base]:
                del matches[number]
            else:
                matches[number] = _matching(entry, known[entry.base])
    taken: set[tuple[tuple[str, str], str, str]] = set()
    for number, entry in enumerate(spec.entries):
        if number not in matches and entry.source_table and entry.base in known:
            with faults.at(_place(entry)):
                taken.add((entry.base, _as_listed(tables.name(entry), known[entry.base]), entry.part))
    resolved = []
    for number, entry in enumerate(spec.entries):
        if number not in matches:
            if entry.source_table:
                resolved.append(replace(entry, table=entry.table or identifier(entry.source_table)))
            continue
        for name, table in identifiers(matches[number]).items():
            if (entry.base, name, entry.part) not in taken:
                taken.add((entry.base, name, entry.part))
                resolved.append(replace(entry, where=f"{entry.where} ({name})", source_table=name, table=table))
    return resolved


def planned(entries: Iterable[Entry], tables: Tables, faults: Faults) -> list[Entry]:
    """The entries with their plans. Notes tables that are not there, options that cannot be, and destinations that are
    not alone."""
    with_plans: list[Entry] = []
    writers: dict[str, Entry] = {}
    for entry in entries:
        plan = None
        with faults.at(entry.where):
            plan = tables.plan(entry)
        with_plans.append(replace(entry, plan=plan))
        destination = quoted(entry.destination)
        first = writers.setdefault(destination.lower(), entry)
        if first is not entry:
            faults.add(
                entry.where,
                f"writes to {destination}, as {faults.place_of(first.where)} does: give one of them another "
                "destination_table or destination_schema",
            )
    return with_plans


def primary_keys(entry: Entry) -> tuple[str, ...]:
    """What names a row of an entry's read, where the entry does not say it."""
    from .._native import primary_keys

    return tuple(primary_keys(entry.source_table, entry.part, entry.is_of_several_bases))


def excluded_columns(entry: Entry) -> list[str]:
    """Columns of a change read that its target does not get.

    Of a history the cursor is no part: `__START_AT` says the same, and a record that was read again without any
    difference would otherwise get a new version.
    """
    return [DELETED, CURSOR] if entry.scd_type == "SCD_TYPE_2" else [DELETED]


def _as_listed(name: str, known: list[str]) -> str:
    """The name as the base has it, where one of its names differs by nothing but outer space."""
    fitting = [] if name in known else [one for one in known if one.strip() == name.strip()]
    return fitting[0] if len(fitting) == 1 else name


def _place(entry: Entry) -> str:
    return entry.where if entry.where == "objects" else f"{entry.where}.source_table"


def _matching(entry: Entry, known: list[str]) -> list[str]:
    if entry.table is not None:
        raise OptionError(f"{entry.source_table!r} is a pattern, and destination_table names one table: leave it out")
    if not known:
        raise NotFoundError("the base has no tables that the token sees: make one")
    matching = [name for name in known if fnmatchcase(name, entry.source_table)]
    if not known:
        raise NotFoundError("the base has no tables that the token sees: make one, or name another base")
    if not matching:
        from .._native import nearest_names

        near = nearest_names(entry.source_table, known)[:3]
        there = ", ".join(near) or _listed(sorted(known))
        raise NotFoundError(f"no table of the base matches {entry.source_table!r}: there are {there}")
    return matching


def _listed(names: list[str], most: int = 20) -> str:
    """Names for one line of an error."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _check_columns(entry: Entry, columns: list[str]) -> None:
    from .._native import nearest_names

    in_target: Mapping[str, None] = dict.fromkeys(columns)
    if entry.ingestion_type in ("cdc", "cdc_with_deletes") and entry.scd_type != "APPEND_ONLY":
        in_target = dict.fromkeys(name for name in columns if name not in excluded_columns(entry))
    if entry.scd_type == "SCD_TYPE_2":
        in_target = {**in_target, **dict.fromkeys(_HISTORY)}
    for key, wanted, there in (
        ("primary_keys", entry.primary_keys or (), columns),
        ("sequence_by", tuple(filter(None, [entry.sequence_by])), columns),
        ("cluster_by", entry.cluster_by or (), in_target),
    ):
        for name in wanted:
            if name not in there:
                near = nearest_names(name, list(there))
                hint = f": did you mean {near[0]}?" if near else f": there are {_listed(list(there))}"
                raise NotFoundError(f"table_configuration.{key} has {name!r}, which is no column{hint}")

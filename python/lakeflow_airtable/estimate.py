"""`Airtable.estimate`: what keeping copies costs in calls to Airtable, before anything is read.

`costs` says what a run sends; the sizes of tables come from a few requests each, or from who asks.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from .costs import CALLS_A_MONTH, INGESTION_TYPES, MONTH_SECONDS, Cost, cost, pages, total
from .errors import AirtableError, OptionError
from .intervals import in_words, seconds
from .options import Options
from .options import number as number_of
from .shown import aligned, scrubbed
from .specification.given import entries_of
from .specification.spec import Entry
from .specification.tables import LibraryTables
from .specification.upkeep import upkeep

CHANGED_PER_RUN = 0.01
"""The share of a table's records that is taken to change between two runs, where nobody says otherwise."""

_DEFINITIONS = ("fields", "choices", "views")
"""What plans of tables of definitions call their rows."""

_CERTAINTIES = ("exact", "about", "at_least")
"""What the number of a table's records is worth, the best first."""

_BASE_ID = re.compile("app[0-9A-Za-z]{14}")

_log = logging.getLogger("lakeflow_airtable")


@scrubbed
@dataclass(frozen=True, slots=True)
class TableEstimate:
    """What one table costs.

    Attributes:
        name: Airtable's name of the table.
        records: How many records Airtable gives for a read. With `where` its rows are fewer, where Airtable cannot
            decide all of the condition.
        certainty: What that number is worth: `exact` where all were counted, `about` where a share was, `at_least`
            where even the smallest share was larger than a page, and `given` where the caller said it.
        changed: How many records are taken to change between two runs.
        requests: Calls that were made to learn the size, and those of linked tables where their names are read.
        ingestion_type: How the table is kept, by the specification or the options.
        costs: One `Cost` for each ingestion type: the snapshot's alone where no stream has such rows.
    """

    name: str
    records: int
    certainty: str
    changed: int
    requests: int
    ingestion_type: str
    costs: tuple[Cost, ...]

    @property
    def cost(self) -> Cost:
        """The cost of the way in which the table is kept."""
        return self.of(self.ingestion_type)

    def of(self, ingestion_type: str) -> Cost:
        """The cost of one ingestion type, or of the only one that there is."""
        if len(self.costs) == 1:
            return self.costs[0]
        return next(cost for cost in self.costs if cost.ingestion_type == ingestion_type)


_OF_THE_PLAN = "of the plan"
_HEADS = (
    *("table", "records", "type", "first calls", "first seconds", "run calls", "run seconds", "calls a month"),
    _OF_THE_PLAN,
)
_NUMBERS = (1, 3, 4, 5, 6, 7, 8)


@scrubbed
@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """What keeping copies of tables costs, as `Airtable.estimate` gives it: a sequence of `TableEstimate`.

    Attributes:
        tables: Table by table.
        airtable_plan: The plan that the shares are of; None where it was not said.
        cap: The calls a month that the plan grants to the workspace; None where the plan is unknown or has no cap.
        every_seconds: From the begin of one run to that of the next.
        used_this_month: The calls to these bases in this month of UTC by all programs of this machine that use this
            package, as far as they are known: Airtable has counted more if other machines or programs call. None where
            nothing is known.
        assumed: What was taken for granted, as sentences.
    """

    tables: tuple[TableEstimate, ...]
    airtable_plan: str | None
    cap: int | None
    every_seconds: float
    used_this_month: int | None
    assumed: tuple[str, ...]

    def __iter__(self) -> Iterator[TableEstimate]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __getitem__(self, name: str) -> TableEstimate:
        """The estimate of a table, by its name."""
        for one in self.tables:
            if one.name == name:
                return one
        raise KeyError(name)

    @property
    def requests(self) -> int:
        """Calls that were made to learn the sizes of the tables. Their definitions cost one more for each base."""
        return sum(one.requests for one in self.tables)

    @property
    def total(self) -> Cost:
        """All tables, each kept as it is said to be."""
        return total([one.cost for one in self.tables], self.cap)

    def total_of(self, ingestion_type: str) -> Cost:
        """All tables, were each kept by this ingestion type, where it can be."""
        summed = total([one.of(ingestion_type) for one in self.tables], self.cap)
        return replace(summed, ingestion_type=ingestion_type)

    @property
    def exceeds_plan(self) -> bool:
        """Whether the runs of a month, or the first load alone, take more calls than the plan grants."""
        return self.cap is not None and max(self.total.calls_a_month, self.total.first_requests) > self.cap

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "airtable_plan": self.airtable_plan,
            "cap": self.cap,
            "every_seconds": self.every_seconds,
            "used_this_month": self.used_this_month,
            "exceeds_plan": self.exceeds_plan,
            "requests": self.requests,
            "tables": [asdict(one) for one in self.tables],
            "total": asdict(self.total),
            "totals": [asdict(self.total_of(kind)) for kind in self._kinds],
            "assumed": list(self.assumed),
        }

    def __repr__(self) -> str:
        return "\n".join([self._caption, aligned(self._lines(), _NUMBERS), *(f"- {line}" for line in self.assumed)])

    def _repr_html_(self) -> str:
        from ._native import html_table

        heads, *rows = map(list, self._lines())
        return html_table(f"{self._caption} {' '.join(self.assumed)}", heads, rows)

    @property
    def _caption(self) -> str:
        number = len(self.tables)
        which = f"{number} table{'' if number == 1 else 's'}, a run every {in_words(self.every_seconds)}"
        if self.airtable_plan is None:
            return f"{which}; airtable_plan is not given, so no share of a plan is told."
        grants = "has no monthly cap" if self.cap is None else f"grants {self.cap:,} calls a month"
        if self.cap is not None and self.used_this_month is not None:
            grants += f", of which this machine has used about {self.used_this_month:,}"
        return f"{which}; plan {self.airtable_plan} {grants}."

    @property
    def _kinds(self) -> tuple[str, ...]:
        """The ingestion types that at least one table has, beside its own."""
        there = {cost.ingestion_type for one in self.tables for cost in one.costs}
        return tuple(kind for kind in INGESTION_TYPES if kind in there)

    def _lines(self) -> list[tuple[str, ...]]:
        """Heads and rows. Shares are told only where the plan has a cap."""
        lines = [_HEADS, *self._rows()]
        return lines if self.cap is not None else [line[: _HEADS.index(_OF_THE_PLAN)] for line in lines]

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """Of one table every ingestion type. Of several the one by which each is kept, and every one in the sums."""
        if len(self.tables) == 1:
            [one] = self.tables
            yield from _by_type(one.name, _size(one), one.costs, one.ingestion_type)
            return
        for one in self.tables:
            yield from _by_type(one.name, _size(one), (one.cost,), one.ingestion_type)
        kept = self.total
        sums = [self.total_of(kind) for kind in self._kinds]
        if kept.ingestion_type not in INGESTION_TYPES:
            sums.append(kept)
        yield from _by_type("all", "", sums, kept.ingestion_type)


def _by_type(name: str, size: str, costs: Collection[Cost], kept: str) -> Iterator[tuple[str, ...]]:
    """A row for each type, with a star at the one that is kept. The name stands in the first."""
    for number, each in enumerate(costs):
        first = (name, size) if number == 0 else ("", "")
        yield (*first, each.ingestion_type + (" *" if each.ingestion_type == kept else ""), *_cells(each))


def _size(one: TableEstimate) -> str:
    before = {"about": "about ", "at_least": "at least "}.get(one.certainty, "")
    return f"{before}{one.records:,}"


def _cells(cost: Cost) -> tuple[str, ...]:
    share = "" if cost.share is None else f"{cost.share:.1%}"
    first, run = (f"{60 * minutes:,.1f}" for minutes in (cost.first_minutes, cost.run_minutes))
    return (f"{cost.first_requests:,}", first, f"{cost.run_requests:,}", run, f"{cost.calls_a_month:,}", share)


def estimate(
    connection: Options,
    spec: object,
    *,
    every: str | float,
    changed_per_run: float = CHANGED_PER_RUN,
    records: int | Mapping[str, int] | None = None,
    given: Mapping[str, object],
) -> Estimate:
    """See `Airtable.estimate`."""
    pause = seconds(every)
    if isinstance(changed_per_run, bool) or not 0 <= changed_per_run < float("inf"):
        raise OptionError(f"changed_per_run is {changed_per_run!r}: give a share such as 0.01, or a number of records")
    tables = LibraryTables()
    entries = entries_of(spec, connection, given, tables, upkeep)
    plan = _plan({**connection, **Options.from_values(given)})
    known = _known(records, entries, tables)
    cap = CALLS_A_MONTH[plan] if plan else None
    linked = _Linked(tables)
    found = tuple(
        _estimated(entry, tables, linked, known.get(entry.where), changed_per_run, pause, cap) for entry in entries
    )
    used = _used(entries, tables)
    return Estimate(found, plan, cap, pause, used, tuple(_assumed(found, entries, changed_per_run)))


def warn_of_cap(
    entries: Collection[Entry],
    tables: LibraryTables,
    *,
    every: float | None = None,
    is_loaded: Callable[[Entry], bool] = lambda _: False,
) -> None:
    """Warns where what is about to be done takes more calls than the plan that `airtable_plan` names.

    That is this run, and all runs of a month where they come `every` so many seconds. Asks for the sizes of tables, a
    few requests each, and only where the plan has a cap. A failure to do so is none of the run's.
    """
    by_plan: dict[str, list[Entry]] = {}
    for entry in entries:
        plan = _plan(entry.options)
        if plan is not None and CALLS_A_MONTH[plan] is not None:
            by_plan.setdefault(plan, []).append(entry)
    for plan, kept in by_plan.items():
        cap = CALLS_A_MONTH[plan]
        assert cap is not None
        try:
            now, month = _planned_calls(kept, tables, every, is_loaded)
        except AirtableError as error:
            _log.debug("airtable_plan is %s, and how many calls this run takes is not known: %s", plan, error)
            continue
        if month > cap:
            _log.warning(
                "airtable_plan is %s, which grants %s calls a month: a run every %s takes about %s a month; "
                "run less often, or set another ingestion_type, as Airtable.estimate compares them",
                plan, f"{cap:,}", in_words(every or 0), f"{month:,}",
            )  # fmt: skip
        elif now > cap:
            _log.warning(
                "airtable_plan is %s, which grants %s calls a month: this run alone takes about %s; read fewer tables, "
                "or fewer records of them by view, where or filter_formula",
                plan, f"{cap:,}", f"{now:,}",
            )  # fmt: skip


def _planned_calls(
    entries: Collection[Entry], tables: LibraryTables, every: float | None, is_loaded: Callable[[Entry], bool]
) -> tuple[int, int]:
    """Calls of this run, and of a month of runs."""
    now = month = 0
    linked = _Linked(tables)
    for entry in entries:
        found = _estimated(entry, tables, linked, None, CHANGED_PER_RUN, every or MONTH_SECONDS, None)
        now += found.cost.run_requests if is_loaded(entry) else found.cost.first_requests
        month += found.cost.calls_a_month if every else 0
    return now, month


class _Linked:
    """The linked tables of a run whose names are read, each for the first table that needs them."""

    def __init__(self, tables: LibraryTables) -> None:
        self._tables = tables
        self._met: set[tuple[str, str]] = set()

    def sizes(self, entry: Entry) -> tuple[list[int], int]:
        """Their sizes as far as no entry before had them, and the calls that were made to learn these."""
        connector = self._tables.connector(entry.options)
        plan = json.loads(entry.plan) if entry.plan else {}
        sizes: list[int] = []
        requests = 0
        for base in filter(None, [plan, *plan.get("others", [])]):
            for table in base.get("linked", []):
                place = base["base_id"], table["id"]
                if place in self._met:
                    continue
                self._met.add(place)
                of_base = Options({"namespace": json.dumps([base["base_id"]]), "fields": "[]"})
                told = connector.estimate_records(connector.plan_cached(table["id"], of_base))
                sizes.append(sum(records for records, _, _ in told))
                requests += sum(asked for _, _, asked in told)
        return sizes, requests


def _estimated(
    entry: Entry,
    tables: LibraryTables,
    linked: _Linked,
    known: int | None,
    changed_per_run: float,
    pause: float,
    cap: int | None,
) -> TableEstimate:
    connector = tables.connector(entry.options)
    size = int(number_of(entry.options, "page_size"))
    plan = json.loads(entry.plan) if entry.plan else {}
    bases = 1 + len(plan.get("others", ()))
    certainty: str
    if known is None:
        scan = connector.plan_cached(entry.source_table, Options({**entry.read_options, "ingestion_type": "snapshot"}))
        told = connector.estimate_records(scan)
        records, requests = sum(each for each, _, _ in told), sum(asked for _, _, asked in told)
        certainty = max((certainty for _, certainty, _ in told), key=_CERTAINTIES.index)
        listed = sum(pages(each, size) for each, _, _ in told)
    else:
        records, certainty, requests, listed = known, "given", 0, pages(known, size, bases)
    planned = bases + _lists_bases(entry)
    if plan.get("part") in _DEFINITIONS:
        planned, listed = _lists_bases(entry), bases  # all of them come in one answer, and nothing is asked before
    checked = sum(_names_fields(base) for base in (plan, *plan.get("others", ())))
    named, asked = linked.sizes(entry)
    # Below one it is a share, and one record changes at least where any do.
    changed = ceil(changed_per_run * records) if changed_per_run < 1 else ceil(changed_per_run)
    per_second = number_of(entry.options, "requests_per_second")
    runs = ceil(MONTH_SECONDS / pause)
    # A log of changes is no other way to have the same copy: it is told of where one is kept.
    kinds = dict.fromkeys((*INGESTION_TYPES, entry.ingestion_type))
    if plan.get("part") or entry.is_of_several_bases:
        kinds = {"snapshot": None}  # no stream has rows that are no records, nor those of several bases
    costs = tuple(
        cost(
            kind, records, changed, page_size=size, per_second=per_second, runs=runs, cap=cap, named=named,
            planned=planned, listed=listed, checked=checked,
        )
        for kind in kinds
    )  # fmt: skip
    asked += requests
    return TableEstimate(tables.name(entry), records, certainty, changed, asked, entry.ingestion_type, costs)


def _names_fields(plan: Mapping[str, Any]) -> bool:
    """Whether a read sends names of fields for its condition, and looks in the end whether they have held."""
    return "{" in ((plan.get("where") or {}).get("formula") or "")


def _lists_bases(entry: Entry) -> bool:
    """Whether the bases that the token sees are listed: a namespace names some otherwise than by their ids."""
    base_id, namespace = entry.base
    if base_id or not namespace.strip():
        return False
    try:
        names = json.loads(namespace)
    except ValueError:
        names = namespace
    names = names if isinstance(names, list) else [names]
    return not all(_BASE_ID.fullmatch(str(name).strip()) for name in names)


def _used(entries: list[Entry], tables: LibraryTables) -> int | None:
    """The calls of this month to the bases of all entries."""
    bases = {
        base["base_id"]: tables.connector(entry.options)
        for entry in entries
        if entry.plan
        for plan in [json.loads(entry.plan)]
        for base in (plan, *plan.get("others", ()))
    }
    used = [connector.calls_this_month(base) for base, connector in bases.items()]
    known = [calls for calls in used if calls is not None]
    return sum(known) if known else None


def _plan(options: Mapping[str, str]) -> str | None:
    """The plan that was named, which was checked before."""
    return options.get("airtable_plan", "").strip().lower() or None


def _known(records: int | Mapping[str, int] | None, entries: list[Entry], tables: LibraryTables) -> dict[str, int]:
    """The sizes that the caller knows, by the places of their entries."""
    if records is None:
        return {}
    if not isinstance(records, Mapping):
        if len(entries) != 1:
            raise OptionError(f"records is one number, and there are {len(entries)} tables: give a dict by table name")
        records = {entries[0].source_table: records}
    known: dict[str, int] = {}
    for name, number in records.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise OptionError(f"records of {name!r} is {number!r}: give a whole number from 0 up")
        meant = [entry for entry in entries if name in (entry.source_table, tables.name(entry))]
        if not meant:
            from ._native import nearest_names

            there = list(dict.fromkeys(tables.name(entry) for entry in entries))
            near = nearest_names(name, there)
            hint = f"did you mean {near[0]!r}?" if near else f"these are {', '.join(map(repr, there[:20]))}"
            raise OptionError(f"records names {name!r}, which is none of the tables that are estimated: {hint}")
        known |= {entry.where: number for entry in meant}
    return known


def _assumed(found: Collection[TableEstimate], entries: Collection[Entry], changed_per_run: float) -> Iterator[str]:
    """What the numbers rest on."""
    if changed_per_run < 1:
        yield f"{changed_per_run:.2%} of the records change between two runs, each by an edit of its own."
    else:
        yield f"{ceil(changed_per_run):,} records change between two runs, each by an edit of its own."
    rates = sorted({number_of(entry.options, "requests_per_second") for entry in entries})
    paces = " or ".join(f"{rate:g}" for rate in rates)
    yield f"The tables are read one after the other at {paces} calls a second, and nobody else uses the base."
    if any('"others":[' in (entry.plan or "") for entry in entries):
        yield "Several bases are read side by side, so their run takes less time than is told."
    if any(entry.part == "comments" for entry in entries):
        yield "Comments cost one call more for each record that has some: only a read finds out which these are."
    yield "No call is repeated, a month has 31 days, and the first load comes on top of its runs."
    if len(found) > 1:
        yield "Tables of one base share its definitions and what its change feed tells, so a run takes a little less."
    if any('"linked":[' in (entry.plan or "") for entry in entries):
        yield (
            "The names of linked records are read once in a run, and stand with the first table that needs them. Only "
            "snapshots have them."
        )
    if any(entry.options.get("namespace", "").strip(' []"\n\t') == "*" for entry in entries):
        yield 'With ["*"] a run also asks the bases without such a table for their definitions.'
    if any(one.certainty == "about" for one in found):
        yield "Sizes with 'about' come from a share of the record ids, and are mostly within a fifth."
    # Of comments the line above says what more they cost.
    if any(one.certainty == "at_least" and entry.part != "comments" for one, entry in zip(found, entries, strict=True)):
        yield "Sizes with 'at least' are larger than a sample tells: give them as records."

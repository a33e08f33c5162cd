"""What a stream of changes asks for a few changes of a large table, beside a full read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .process import Measured, measure
from .readers import our_base
from .report import Section, Table
from .server import Server, serving
from .settings import Settings

NAME, FIELD = "Bench", "Field 01"
MODES = ("cdc", "cdc_with_deletes")
SETTLED = 120
"""Seconds after which the last changes are old enough to be read, and out of the next window that looks back."""

PACE = 4.5
"""Requests a second that this package allows itself."""

NOTE = (
    "Ten edits are one request, as in the Web API. The seconds are those at full speed: the mock spends most of them "
    f"looking for the records. Against Airtable, {PACE:g} requests a second decide."
)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    title: str
    measured: Measured
    counts: dict[str, int]

    @property
    def requests(self) -> int:
        return sum(self.counts.values())

    def row(self, full: Case) -> tuple[str, ...]:
        definitions = self.counts.get("get_schema", 0)
        return (
            self.title,
            f"{self.measured.rows:,}",
            f"{self.requests:,}",
            f"{definitions}",
            f"{self.measured.seconds:.2f}",
            f"{self.requests / PACE:,.1f}",
            f"{full.requests / self.requests:,.1f} x",
        )


def run(settings: Settings) -> Section:
    """One row for each mode and number of changes, and one for the read of everything."""
    with serving({NAME: {"records": settings.records, "fields": 20, "scalars": True}}) as server:
        ids = [record["id"] for record in server.call("records", NAME)[: max(settings.changes)]]
        server.call("clear_requests")
        full = _counted("everything, as a snapshot", server, "our_batches", settings.records)
        cases = [case for mode in MODES for case in _changes(server, mode, ids, settings.changes)]
    heading = (
        f"a table of {settings.records:,} records",
        "rows",
        "requests",
        "of them definitions",
        "seconds",
        f"seconds at {PACE:g}/s",
        "fewer requests",
    )
    return Section(
        "Changes of a large table",
        [Table(heading, [case.row(full) for case in (full, *cases)])],
        [],
        NOTE,
        "increments",
    )


def _changes(server: Server, mode: str, ids: list[str], sizes: tuple[int, ...]) -> list[Case]:
    base = our_base(server.place, ingestion_type=mode)
    start = base.latest_offset(NAME)
    # The feed's beginning is no change, and must not be waited for.
    server.call("advance_clock", SETTLED)
    start = base.latest_offset(NAME, start=start)
    cases = []
    for size in sizes:
        if size > len(ids):
            raise SystemExit(f"{size} changes of {len(ids)} records")
        server.call("edit", NAME, FIELD, ids[:size], f"{mode} {size}")
        server.call("advance_clock", SETTLED)
        server.call("clear_requests")
        more = {"mode": mode, "start": start}
        cases.append(_counted(f"{mode}, changes: {size:,}", server, "our_changes", size, **more))
        start = base.latest_offset(NAME, start=start)
        # What the window looks back on is over, so the next changes come alone.
        server.call("advance_clock", SETTLED)
    return cases


def _counted(title: str, server: Server, reader: str, rows: int, **more: Any) -> Case:
    measured = measure(f"readers.{reader}", rows, place=server.place, table=NAME, **more)
    counts = server.call("request_counts")
    server.call("clear_requests")
    return Case(title, measured, counts)

"""A copy that is kept up to date: `sync` beside dlt, in the same kind of database.

dlt reads through pyairtable, as its verified Airtable source does, and knows no changes: each of its runs loads the
whole table again.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .process import Measured, Timed, measure
from .readers import Place, our_base, their_table
from .report import Bar, Section, Table
from .server import Server, serving
from .settings import Settings

NAME, FIELD = "Bench", "Field 01"
MODE = "cdc_with_deletes"
SETTLED = 120
"""Seconds after which the last changes are old enough to be read."""

PACE = 4.5
"""Requests a second that this package allows itself."""

TITLES = {"ours": "lakeflow_airtable, sync", "theirs": "dlt, reading by pyairtable"}
RUNS = {"first": "first load", "second": "{changes:,} changed records"}
NOTE = (
    "Both write into DuckDB. The requests are all that the mock was asked. Nothing paces the runs. Against Airtable, "
    f"{PACE:g} requests a second decide, and the seconds at that pace come on top of the processor's."
)


@dataclass(frozen=True)
class Run:
    """What a run cost, at the client and at Airtable."""

    measured: Measured
    requests: int

    @classmethod
    def median(cls, several: list[Run]) -> Run:
        """The median of each figure."""
        requests = int(statistics.median(one.requests for one in several))
        return cls(Measured.median([one.measured for one in several]), requests)

    def row(self, title: str) -> tuple[str, ...]:
        figures = self.measured
        shown = f"{figures.seconds:,.1f}", f"{figures.cpu_seconds:,.1f}", f"{figures.peak_mib:,.0f}"
        return title, f"{figures.rows:,}", *shown, f"{self.requests:,}", f"{self.requests / PACE:,.0f}"


def run(settings: Settings) -> Section:
    """Each of the two in turns: a first load, some edits, a second run into the same file."""
    changes = min(settings.sync_changes, settings.records)
    found: dict[tuple[str, str], list[Run]] = {}
    with serving({NAME: {"records": settings.records, "fields": 20, "scalars": True}}) as server:
        ids = [record["id"] for record in server.call("records", NAME)[:changes]]
        for number in range(settings.rounds):
            for who in TITLES:
                for when, one in _both_runs(server, who, settings.records, ids, f"{who} {number}"):
                    found.setdefault((when, who), []).append(one)
    middle = {key: Run.median(several) for key, several in found.items()}
    rows = [
        middle[when, who].row(f"{RUNS[when].format(changes=changes)}: {TITLES[who]}") for when in RUNS for who in TITLES
    ]
    title = f"a table of {settings.records:,} records, 20 scalar fields, median of {settings.rounds}"
    heading = (title, "rows", "seconds", "CPU s", "peak MiB", "requests", f"seconds at {PACE:g}/s")
    first, second = (
        middle[when, "ours"].measured.cpu_seconds / middle[when, "theirs"].measured.cpu_seconds for when in RUNS
    )
    fewer = middle["second", "theirs"].requests / middle["second", "ours"].requests
    bars = [
        Bar("CPU of a first load beside dlt's", first, 0.5, "%", is_most=True),
        Bar("CPU of the changes beside dlt's reload", second, 0.05, "%", is_most=True),
        Bar("fewer requests for the changes", fewer, 20),
    ]
    return Section("A copy that is kept", [Table(heading, rows)], bars, NOTE, "copies")


def _both_runs(server: Server, who: str, records: int, ids: list[str], value: str) -> Iterator[tuple[str, Run]]:
    with tempfile.TemporaryDirectory() as directory:
        place: dict[str, Any] = {"place": server.place, "directory": directory}
        yield "first", _counted(server, f"copies.{who}", records, place)
        server.call("edit", NAME, FIELD, ids, value)
        server.call("advance_clock", SETTLED)
        yield "second", _counted(server, f"copies.{who}", len(ids) if who == "ours" else records, place)


def _counted(server: Server, reader: str, rows: int, place: dict[str, Any]) -> Run:
    server.call("clear_requests")
    measured = measure(reader, rows, **place)
    counts: dict[str, int] = server.call("request_counts")
    return Run(measured, sum(counts.values()))


def ours(place: Place, directory: str) -> Timed:
    """One run of `sync`; the rows that it read."""
    import duckdb  # noqa: F401

    base = our_base(place, ingestion_type=MODE)

    def write() -> int:
        report = base.sync([NAME], to=f"{directory}/ours.duckdb", format="duckdb")
        if report.failed:
            raise SystemExit(str(report))
        return sum(one.rows for one in report.tables)

    return write


def theirs(place: Place, directory: str) -> Timed:
    """One run of a dlt pipeline; the rows that it loaded."""
    # Nothing but loopback is asked.
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt

    table = their_table(place, NAME)

    def write() -> int:
        into = dlt.destinations.duckdb(f"{directory}/theirs.duckdb")
        pipeline = dlt.pipeline("bench", pipelines_dir=f"{directory}/state", destination=into, dataset_name="airtable")
        pipeline.run(dlt.resource(table.iterate(), name="bench", write_disposition="replace")).raise_on_failed_jobs()
        trace: Any = pipeline.last_trace
        return int(trace.last_normalize_info.row_counts["bench"])

    return write

"""Reads under Airtable's limit: the share of what it grants, by the time that an answer takes.

Readers only wait here, each for a mock of its own, so all of them read at the same time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import Any

from .limit import LIMIT, POSSIBLE, Log
from .process import Measured, checked, finished, started
from .report import Bar, Section, Table, percent
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
ROWS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ours": ("lakeflow_airtable, as it is", "readers.our_batches", {"options": {"requests_per_second": 4.5}}),
    "quickest": (
        "lakeflow_airtable, requests_per_second=5",
        "readers.our_batches",
        {"options": {"requests_per_second": 5}},
    ),
    "small": (
        "lakeflow_airtable, as it is, a smaller table",
        "readers.our_batches",
        {"options": {"requests_per_second": 4.5}},
    ),
    "pyairtable": ("pyairtable, page by page", "readers.their_pages", {}),
    "loop": ("a loop, 0.2 s from page to page", "readers.one_by_one", {}),
}

AGAIN = {"ours": 0.88, "small": 0.8}
"""What is read once more where answers are slowest, when the machine knows its size, and the least share then."""

PEERS = ("pyairtable", "loop", "small")
"""Those of the smaller table. Readers page after page have the same pace whatever their number is."""

NOTE = (
    f"The mock grants {LIMIT} requests a second, and refuses everything for 30 seconds when there are more. Time "
    "counts from the first request, which asks for the table's definition. The requests once it runs are all those "
    "for pages, from the first to the last. A read by several cursors asks for some pages twice."
)


def run(settings: Settings) -> Section:
    """One row for each reader and response time."""
    cases = [(seconds, name) for seconds in settings.response_seconds for name in ROWS]
    records = {name: settings.paced_peer_records if name in PEERS else settings.paced_records for name in ROWS}
    with ExitStack() as stack:
        servers = [
            # Another seed is another base: otherwise they would share their budget.
            stack.enter_context(_limited(records[name], seconds, seed))
            for seed, (seconds, name) in enumerate(cases, start=1)
        ]
        reads = [
            started(ROWS[name][1], place=server.place, table=NAME, **ROWS[name][2])
            for server, (_, name) in zip(servers, cases, strict=True)
        ]
        found = [
            (checked(name, Measured(**finished(read)), records[name]), Log(server.requests()))
            for (_, name), read, server in zip(cases, reads, servers, strict=True)
        ]
        slowest = max(settings.response_seconds)
        known = [
            (server, name)
            for server, (seconds, name) in zip(servers, cases, strict=True)
            if seconds == slowest and name in AGAIN
        ]
        reads = [started(ROWS[name][1], place=server.place, table=NAME, **ROWS[name][2]) for server, name in known]
        again = [
            (name, checked(name, Measured(**finished(read)), records[name]), Log(server.requests()))
            for (server, name), read in zip(known, reads, strict=True)
        ]
    rows, bars = [], []
    for (seconds, name), (measured, log) in zip(cases, found, strict=True):
        share = records[name] / measured.seconds / POSSIBLE
        rows.append(_row(f"{ROWS[name][0]}; answers take {seconds:g} s", records[name], measured, log))
        if name == "ours":
            bars.append(Bar(f"share of the possible, answers take {seconds:g} s", share, 0.85, "%"))
            bars.append(Bar(f"429s, answers take {seconds:g} s", log.refused, 0, "", is_most=True))
    for name, measured, log in again:
        what = f"{ROWS[name][0]}, read before; answers take {slowest:g} s"
        share = records[name] / measured.seconds / POSSIBLE
        rows.append(_row(what, records[name], measured, log))
        bars.append(Bar(f"share of the possible, {records[name]:,} records read before", share, AGAIN[name], "%"))
    heading = ("", "records", "records/s", f"of the {POSSIBLE} possible", "requests, once it runs", "429s")
    return Section("Reads under Airtable's limit", [Table(heading, rows)], bars, NOTE, "limit")


def _row(what: str, records: int, measured: Measured, log: Log) -> tuple[str, ...]:
    speed, steady = records / measured.seconds, log.pages_per_second() / LIMIT
    return (what, f"{records:,}", f"{speed:,.0f}", percent(speed / POSSIBLE), percent(steady), f"{log.refused}")


def _limited(records: int, seconds: float, seed: int) -> AbstractContextManager[Server]:
    """A mock with Airtable's limit, whose answers take so long."""
    table = {"records": records, "fields": 5, "scalars": True}
    return serving({NAME: table}, seed=seed, requests_per_second=LIMIT, delay_ms=round(seconds * 1000))

"""What idle streams of one base ask in an hour, together and each by itself."""

from __future__ import annotations

import time
from typing import Any

from .process import finished, started
from .readers import our_base
from .report import Bar, Section, Table
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
FEED, WINDOWS = "cdc_with_deletes", "cdc"
POLL_SECONDS = 0.4
"""In place of the minute that is the default: a minute of the run is as many polls as two and a half hours."""

SETTLED = 120
MORE_THAN_ONE = 1.1

NOTE = (
    f"Each stream is a process. They ask every {POLL_SECONDS:g} s, and the numbers are for an hour in which they ask "
    "every minute, as is the default. Without sharing, each stream of a change feed lists the webhooks itself. Windows "
    "of `cdc` are each asked for by itself, because Airtable tells what is new in one table at a time."
)


def run(settings: Settings) -> Section:
    """A row for each number of streams."""
    with serving({NAME: {"records": 10, "fields": 2, "scalars": True}}) as server:
        starts = {mode: _start(server, mode) for mode in (FEED, WINDOWS)}
        found = {
            count: [
                _an_hour(server, settings.poll_polls, count, FEED, starts[FEED], shares=True),
                _an_hour(server, settings.poll_polls, count, FEED, starts[FEED], shares=False),
                _an_hour(server, settings.poll_polls, count, WINDOWS, starts[WINDOWS], shares=True),
            ]
            for count in settings.poll_streams
        }
    heading = ("requests an hour of idle streams", "of a change feed", "without sharing", "of cdc")
    rows = [(f"{count} stream{'s' if count > 1 else ''}", *(f"{one:,.0f}" for one in found[count])) for count in found]
    fewest, most = min(found), max(found)
    share = found[most][0] / found[fewest][0]
    bars = [Bar(f"{most} streams of a change feed beside {fewest}", share, MORE_THAN_ONE, is_most=True)]
    return Section("Idle streams of a base", [Table(heading, rows)], bars, NOTE, "polls")


def _start(server: Server, mode: str) -> dict[str, Any]:
    """An offset at which nothing is new."""
    base = our_base(server.place, ingestion_type=mode)
    start = base.latest_offset(NAME)
    for _ in range(2):
        server.call("advance_clock", SETTLED)
        start = base.latest_offset(NAME, start=start)
    found: dict[str, Any] = start
    return found


def _an_hour(server: Server, polls: int, count: int, mode: str, start: dict[str, Any], *, shares: bool) -> float:
    """Requests of so many streams, as many as they would be in an hour at a poll a minute."""
    seconds = polls * POLL_SECONDS
    # All of them are there by then.
    begin = time.time() + 2 + 0.4 * count
    more = {"start": start, "begin": begin, "seconds": seconds, "poll_seconds": POLL_SECONDS, "shares": shares}
    streams = [started("readers.our_polls", place=server.place, table=NAME, mode=mode, **more) for _ in range(count)]
    time.sleep(max(0.0, begin - 0.3 - time.time()))
    server.call("clear_requests")
    for stream in streams:
        finished(stream)
    requests: int = sum(server.call("request_counts").values())
    return requests / polls * 60

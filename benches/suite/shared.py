"""Six processes that read six tables of one base at once: whether they keep its limit together, and share it fairly."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from .limit import LIMIT, POSSIBLE, Log
from .process import Measured, checked, ended, finished, started
from .report import Bar, Section, Table, percent
from .server import Server, serving
from .settings import Settings

TABLES = [f"Table {number}" for number in range(1, 7)]
RESPONSE_SECONDS = 0.2
NOTE = (
    f"Answers take {RESPONSE_SECONDS:g} s. The share of the limit and the slowest are of the time in which all six "
    "have begun and none has ended. A client that gives up because of the 429s has read nothing."
)


@dataclass(frozen=True)
class Six:
    """What six readers came to."""

    done: list[Measured]
    """Those that read their table."""

    log: Log

    @property
    def speed(self) -> float:
        """Records a second, of all together."""
        return sum(one.rows for one in self.done) / max((one.seconds for one in self.done), default=1)

    def shares(self) -> tuple[float, float]:
        """Of the limit, and the slowest's of its fair share, while all read."""
        seconds, counts = self.log.while_all_read()
        pages = sum(counts.values())
        if not seconds or not pages or len(counts) < len(TABLES):
            return 0.0, 0.0
        return pages / seconds / LIMIT, min(counts.values()) * len(TABLES) / pages

    def row(self, title: str) -> tuple[str, ...]:
        """As a row of the table."""
        is_whole = len(self.done) == len(TABLES)
        shares = [percent(share) if is_whole else "" for share in self.shares()]
        return (title, f"{self.speed:,.0f}", *shares, f"{self.log.refused}", f"{len(self.done)} of {len(TABLES)}")


def run(settings: Settings) -> Section:
    """Ours, and pyairtable's, which do not know of each other."""
    ours, theirs = _ours(settings.shared_records), _theirs(settings.shared_records)
    share, fair = ours.shares()
    heading = (
        f"six tables of {settings.shared_records:,} records",
        f"records/s, of {POSSIBLE}",
        "of the limit",
        "slowest, of its fair share",
        "429s",
        "read to the end",
    )
    rows = [ours.row("lakeflow_airtable, six processes"), theirs.row("pyairtable, six processes")]
    bars = [
        Bar("share of the limit while all read", share, 0.85, "%"),
        Bar("the slowest beside its fair share", fair, 0.6, "%"),
        Bar("429s of six processes", ours.log.refused, 0, "", is_most=True),
    ]
    return Section("Six readers of one base", [Table(heading, rows)], bars, NOTE, "shared")


def _ours(records: int) -> Six:
    with _limited(records, seed=1) as server:
        options = {"requests_per_second": 4.5}
        reads = [started("readers.our_batches", place=server.place, table=name, options=options) for name in TABLES]
        done = [checked("lakeflow_airtable", Measured(**finished(read)), records) for read in reads]
        return Six(done, Log(server.requests()))


def _theirs(records: int) -> Six:
    with _limited(records, seed=2) as server:
        reads = [started("readers.their_pages", place=server.place, table=name) for name in TABLES]
        found = [ended(read) for read in reads]
        done = [checked("pyairtable", Measured(**one), records) for one in found if isinstance(one, dict)]
        return Six(done, Log(server.requests()))


def _limited(records: int, seed: int) -> AbstractContextManager[Server]:
    """A mock with Airtable's limit. Another seed is another base, with a budget of its own."""
    tables = {name: {"records": records, "fields": 5, "scalars": True} for name in TABLES}
    return serving(tables, seed=seed, requests_per_second=LIMIT, delay_ms=round(RESPONSE_SECONDS * 1000))

"""How far a read is: a live line on a terminal, a line every half minute elsewhere, and at the end a summary.

A thread of its own looks at the read's statistics, so that a read that waits is shown as one that waits.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._native import Batches, ReadStats
    from .console import Console

LIVE_SECONDS = 0.2
LINE_SECONDS = 30.0


class Progress:
    """While it is entered, the read of one table is told to the console."""

    def __init__(self, console: Console, table: str, batches: Batches, *, is_live: bool = True) -> None:
        self._console = console
        self._is_live = is_live and console.is_terminal
        self._table = table
        self._batches = batches
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lakeflow-airtable progress", daemon=True)

    def __enter__(self) -> Progress:
        if not self._console.is_quiet:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._console.show("")
        if kind is None:
            self._console.note(summary(self._table, self._batches.stats))

    def _watch(self) -> None:
        show: Callable[[str], None] = self._console.show if self._is_live else self._console.note
        pause = LIVE_SECONDS if self._is_live else LINE_SECONDS
        while not self._is_over.wait(pause):
            show(line(self._table, self._batches.stats))


def line(table: str, stats: ReadStats) -> str:
    """How far a read is now."""
    parts = [f"{stats.rows:,} rows", *_share(stats), f"{_rate(stats):,.0f} rows/s", *_costs(stats)]
    return f"{one_line(table)}: {', '.join(parts)}, {duration(stats.seconds)}"


def summary(table: str, stats: ReadStats) -> str:
    """What a read has given in the end, and what that has cost."""
    parts = [f"{stats.rows:,} rows in {duration(stats.seconds)}", f"{_rate(stats):,.0f} rows/s", *_costs(stats)]
    if stats.rescued_values:
        parts.append(f"{stats.rescued_values:,} values that do not fit are in the rescued data column")
    return f"{one_line(table)}: {', '.join(parts)}"


def total(tables: int, failed: int, rows: int, began: float) -> str:
    """The same for several tables."""
    of = f"{tables - failed} of {tables} tables" if failed else f"{tables} tables"
    return f"{of}: {rows:,} rows in {duration(time.monotonic() - began)}"


def duration(seconds: float) -> str:
    """A time as people write it: `2.9 s`, `3 min 04 s`, `2 h 05 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def one_line(text: str) -> str:
    """A name of somebody's without what would move a terminal's cursor or colour it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _share(stats: ReadStats) -> list[str]:
    if not stats.expected_rows:
        return []
    # A guess may be too low.
    return [f"about {min(100 * stats.rows / stats.expected_rows, 99):.0f}%"]


def _rate(stats: ReadStats) -> float:
    return stats.rows / stats.seconds if stats.seconds > 0 else 0.0


def _costs(stats: ReadStats) -> list[str]:
    parts = [_counted(stats.requests, "request")]
    if stats.waited_seconds >= 0.05:
        parts.append(f"waited {duration(stats.waited_seconds)} for their turn")
    if stats.retries:
        parts.append(_counted(stats.retries, "retry", "retries"))
    if stats.penalties:
        parts.append(f"{_counted(stats.penalties, 'answer')} of 429")
    return parts


def _counted(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"

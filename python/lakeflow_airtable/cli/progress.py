"""How far a read is: a live line on a terminal, a line every half minute elsewhere, and at the end a summary.

A thread of its own looks at the read's statistics, so that a read that waits is shown as one that waits.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .live import live
from .progress_text import line, summary

if TYPE_CHECKING:
    from .._native import Batches
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
        if kind is None:
            self._console.note(summary(self._table, self._batches.stats))

    def _watch(self) -> None:
        if not self._is_live:
            while not self._is_over.wait(LINE_SECONDS):
                self._console.note(line(self._table, self._batches.stats))
            return
        shown = live(self._console, self._table)
        try:
            while not self._is_over.wait(LIVE_SECONDS):
                shown.update(self._batches.stats)
        finally:
            shown.stop()

"""The live line of a terminal: drawn by rich where it is installed, as part of the extra `cli`; else plain text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from .progress_text import clipped, fitting, line, one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from .._native import ReadStats
    from .console import Console


class Live(Protocol):
    """A line that is drawn again and again."""

    def update(self, stats: ReadStats) -> None:
        """Draws it as it is now."""

    def stop(self) -> None:
        """Removes it."""


def live(console: Console, table: str) -> Live:
    """The best that is there."""
    try:
        import rich.progress  # noqa: F401  # it takes a tenth of a second, so it is left to who sees a terminal
    except ImportError:
        return Plain(console, table)
    return Rich(console, table)


class Plain:
    """A line that a carriage return takes back."""

    def __init__(self, console: Console, table: str) -> None:
        self._console = console
        self._table = table

    def update(self, stats: ReadStats) -> None:
        self._console.show(line(self._table, stats))

    def stop(self) -> None:
        self._console.show("")


class Rich:
    """The same with a bar. It moves to and fro where nobody knows how many rows there will be."""

    def __init__(self, console: Console, table: str) -> None:
        from rich.cells import cell_len
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = console
        # rich itself keeps to NO_COLOR.
        terminal = Terminal(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
        # Of a narrow terminal the bar gets a sixth and the name a third at most: what is left is for the text.
        bar = min(20, terminal.width // 6)
        name = clipped(one_line(table), terminal.width // 3)
        self._width = terminal.width - bar - cell_len(name) - 3
        text = TextColumn("{task.fields[said]}", markup=False)
        self._progress: Progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar),
            text,
            console=terminal,
            transient=True,
            refresh_per_second=5,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._progress.add_task(name, total=None, said="")
        console.above = lambda said: terminal.print(said, markup=False, highlight=False)
        self._progress.start()

    def update(self, stats: ReadStats) -> None:
        expected = stats.expected_rows
        # A guess may be too low.
        total = max(expected, stats.rows + 1) if expected else None
        self._progress.update(self._task, total=total, completed=stats.rows, said=fitting(stats, self._width))

    def stop(self) -> None:
        self._console.above = None
        self._progress.stop()

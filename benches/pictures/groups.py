"""Bars of the other groups of docs/speed.md: one picture a group, one figure a row."""

from __future__ import annotations

from dataclasses import dataclass

from .drawing import Drawing, in_both_themes
from .page import measured, number, table

LEFT, RIGHT = 400, 770
ROW = 28


@dataclass(frozen=True)
class Group:
    """What a picture shows of a group's table."""

    title: str
    heading: str
    """How the table's first heading begins."""
    columns: tuple[str, ...]
    """Of each row these are bars."""
    is_more_better: bool = False
    only: str = ""
    """Rows whose first cell holds this."""


GROUPS = {
    "start": Group("Milliseconds until something is there", "median of", ("",), only=", ms"),
    "increments": Group("Requests for what changed in a large table", "a table of", ("requests",), only=""),
    "shared": Group("Records a second of six processes and one base", "six tables of", ("records/s, of 500",), True),
    "polls": Group(
        "Requests an hour of idle streams of one base",
        "requests an hour",
        ("of a change feed", "without sharing"),
    ),
    "resume": Group("Requests of a first load, whole and killed at half", "a first load of", ("requests",)),
    "files": Group("Processor seconds from a table to files", "100,000 records of 25 mixed", ("CPU s",)),
    "copies": Group("Processor seconds of a copy that is kept", "a table of", ("CPU s",)),
    "bases": Group("Seconds of a read of ten bases by a cluster of two workers", "10 bases of", ("seconds",)),
    "attachments": Group("Seconds until 2,000 files of attachments are stored", "2,000 files", ("seconds",)),
    "machines": Group(
        "Requests of several machines, in per cent of one machine's",
        "one base, read at once",
        ("of one machine's",),
        True,
    ),
}


def draw() -> dict[str, str]:
    """The files of all pictures."""
    files: dict[str, str] = {}
    for name, group in GROUPS.items():
        files |= _drawn(name, group)
    return files


def _drawn(name: str, group: Group) -> dict[str, str]:
    bars = list(_bars(group))
    told = "; ".join(f"{what}: {shown}" for what, _, shown in bars)
    better = "More is better." if group.is_more_better else "Less is better."
    height = 120 + ROW * len(bars)

    def draw_bars(drawing: Drawing) -> None:
        drawing.text(24, 34, group.title, size=17, bold=True)
        drawing.text(24, 56, better, size=13, color="quiet")
        full = max(value for _, value, _ in bars) or 1
        y = 70
        for what, value, shown in bars:
            theirs = any(word in what for word in ("pyairtable", "dlt", "pyarrow,", "a loop", "without sharing"))
            width = (RIGHT - LEFT) * value / full
            drawing.text(LEFT - 12, y + 18, what, size=13, anchor="end")
            drawing.box(LEFT, y + 3, width, 20, fill="theirs" if theirs else "ours", round=3)
            drawing.text(LEFT + width + 8, y + 18, shown, bold=not theirs)
            y += ROW
        drawing.line(LEFT, 66, LEFT, y + 4, color="edge")
        drawing.text(24, drawing.height - 16, measured(group.heading), size=12, color="quiet")

    return in_both_themes(name, group.title, f"{better} {told}.", (880, height), draw_bars)


def _bars(group: Group) -> list[tuple[str, float, str]]:
    """What each bar is of, how long it is, and its figure."""
    names, rows = table(group.heading, group.columns[0])
    found = []
    for what, cells in rows.items():
        for column in group.columns:
            shown = cells[names.index(column)]
            if shown and group.only in what:
                label = what.removesuffix(", ms") if len(group.columns) == 1 else f"{what}, {column}"
                found.append((_short(label), number(shown), shown))
    return found


def _short(label: str) -> str:
    """As much as there is room for."""
    return label if len(label) <= 52 else f"{label[:50].rstrip()}..."

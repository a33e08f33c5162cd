"""What is said of a read while it goes on, and at its end: pure, so that tests are tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._native import ReadStats


def line(table: str, stats: ReadStats) -> str:
    """How far a read is now."""
    parts = [_counted(stats.rows, "row"), *share(stats), f"{rate(stats):,.0f} rows/s", *costs(stats)]
    return f"{one_line(table)}: {', '.join(parts)}, {duration(stats.seconds)}"


def fitting(stats: ReadStats, width: int) -> str:
    """The same beside a bar, in so many columns: what matters least is left out first, and the time stays."""
    parts = [_counted(stats.rows, "row"), f"{rate(stats):,.0f} rows/s", *costs(stats)]
    while len(said := ", ".join([*parts, duration(stats.seconds)])) > width and parts:
        parts.pop()
    return said


def clipped(text: str, width: int) -> str:
    """A name in no more than so many characters."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def summary(table: str, stats: ReadStats) -> str:
    """What a read has given in the end, and what that has cost."""
    parts = [f"{_counted(stats.rows, 'row')} in {duration(stats.seconds)}", f"{rate(stats):,.0f} rows/s", *costs(stats)]
    if stats.rescued_values:
        parts.append(f"{stats.rescued_values:,} values that do not fit are in the rescued data column")
    if stats.calls_this_month is not None:
        parts.append(f"{_counted(stats.calls_this_month, 'call')} to the base this month")
    return f"{one_line(table)}: {', '.join(parts)}"


def total(tables: int, failed: int, rows: int, seconds: float) -> str:
    """The same for several tables."""
    of = f"{tables - failed} of {_counted(tables, 'table')}" if failed else _counted(tables, "table")
    return f"{of}: {_counted(rows, 'row')} in {duration(seconds)}"


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


def share(stats: ReadStats) -> list[str]:
    if not stats.expected_rows:
        return []
    # A guess may be too low.
    return [f"about {min(100 * stats.rows / stats.expected_rows, 99):.0f}%"]


def rate(stats: ReadStats) -> float:
    return stats.rows / stats.seconds if stats.seconds > 0 else 0.0


def costs(stats: ReadStats) -> list[str]:
    parts = [_counted(stats.requests, "request")]
    if stats.waited_seconds >= 0.05:
        parts.append(f"waited {duration(stats.waited_seconds)} for the request budget")
    if stats.retries:
        parts.append(_counted(stats.retries, "retry", "retries"))
    if stats.penalties:
        parts.append(f"{_counted(stats.penalties, 'answer')} of 429")
    return parts


def _counted(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"

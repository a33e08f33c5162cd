"""The tables of docs/speed.md: the figures that `make bench` has measured."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "speed.md"

Rows = dict[str, list[str]]


def table(heading: str, column: str = "") -> tuple[list[str], Rows]:
    """The table whose first heading begins so, and that has this column.

    Gives its other headings, and the cells of each row by what it is about.
    """
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(f"| {heading}") and column in (names := _cells(line)) + [""]:
            next(lines)
            rows: Rows = {}
            for row in lines:
                if not row.startswith("|"):
                    break
                first, *others = _cells(row)
                rows[first] = others
            return names[1:], rows
    raise SystemExit(f"{PAGE.name} has no table {heading!r}: run `make bench`")


def number(cell: str) -> float:
    """The figure of a cell."""
    return float(cell.replace(",", "").removesuffix("%"))


def measured(heading: str) -> str:
    """The day of a table's figures and the machine, in a line for below a picture."""
    page = PAGE.read_text(encoding="utf-8")
    section = " ".join(page.partition(f"\n| {heading}")[0].rpartition("\n## ")[2].split())
    text = " ".join(page.split())
    day = (section.partition("Run again on ")[2] or text.partition("Run on ")[2]).partition(" ")[0]
    machine = text.partition("by `make bench`. The machine: ")[2].partition(", Debian")[0]
    return f"make bench, {day}, {machine}. All figures: docs/speed.md"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]

"""Text in columns, for people: each as wide as its widest cell."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from .progress_text import one_line


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of equally many cells, one a line. What is empty at a line's end is left out."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    lines = (
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)) for row in shown
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    """Places on a terminal: Chinese letters take two, accents none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )

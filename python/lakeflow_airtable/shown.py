"""What is shown of a value: no secret, wherever in it somebody has put one by mistake."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")


def scrubbed(shown: type[T]) -> type[T]:
    """A class whose `repr` is the one that it has, without secrets."""
    own = shown.__repr__

    def __repr__(self: T) -> str:
        from ._native import scrub

        return scrub(own(self))

    shown.__repr__ = __repr__  # type: ignore[assignment]
    return shown


def widths_of(lines: Sequence[Sequence[str]], least: Sequence[int] = ()) -> list[int]:
    """How wide columns of text are for these rows, and at least so wide."""
    needed = [max(len(" ".join(cell.split())) for cell in column) for column in zip(*lines, strict=True)]
    return [max(pair) for pair in zip_longest(needed, least[: len(needed)], fillvalue=0)]


def aligned(lines: Sequence[Sequence[str]], numbers: Collection[int] = (), least: Sequence[int] = ()) -> str:
    """Rows of texts as columns of text, at least so wide; those that hold numbers end at the same place."""
    plain = [[" ".join(cell.split()) for cell in line] for line in lines]
    widths = widths_of(lines, least)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in plain
    )

"""A copy's rows set against a table's. Of the copy a key, a time and a number a row are held, whatever a row holds."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from .report import NAMED, Rows

NEVER = -(2**63)
"""The time of a row that tells none."""


class Found:
    """Rows of one kind, counted, of which the first are named."""

    def __init__(self) -> None:
        self.count = 0
        self._ids: list[str] = []

    def add(self, key: str | None) -> None:
        self.count += 1
        if len(self._ids) < NAMED:
            self._ids.append("NULL" if key is None else key)

    def rows(self) -> Rows:
        return Rows(self.count, tuple(self._ids))


class Comparison:
    """First all rows of the copy, then all of the table, then what is left over."""

    def __init__(self) -> None:
        self.missing, self.surplus, self.double = Found(), Found(), Found()
        self.stale, self.different = Found(), Found()
        self.base_rows = 0
        self.target_rows = 0
        self._places: dict[str, int] = {}
        self._times = array("q")
        self._numbers = array("q")

    def copied(self, keys: Iterable[str | None], times: Iterable[int | None], numbers: Iterable[int]) -> None:
        """Rows of the copy."""
        for key, time, number in zip(keys, times, numbers, strict=True):
            self.target_rows += 1
            if key is None or key in self._places:
                (self.surplus if key is None else self.double).add(key)
                continue
            self._places[key] = len(self._times)
            self._times.append(NEVER if time is None else time)
            self._numbers.append(number)

    def read(self, keys: Iterable[str], times: Iterable[int | None], numbers: Iterable[int]) -> None:
        """Rows of the table."""
        for key, time, number in zip(keys, times, numbers, strict=True):
            self.base_rows += 1
            place = self._places.pop(key, None)
            if place is None:
                self.missing.add(key)
            elif time is not None and self._times[place] < time:
                self.stale.add(key)
            elif self._numbers[place] != number:
                self.different.add(key)

    def end(self) -> None:
        """The table has no more rows: what it did not have is surplus."""
        for key in self._places:
            self.surplus.add(key)
        self._places.clear()

"""What a verification has found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..shown import aligned, scrubbed

NAMED = 100
"""So many rows of a kind are named."""

NOT_EQUAL = 7
"""The exit code of the command line: data that is not as it should be."""


@scrubbed
@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind.

    Attributes:
        count: How many there are, exactly.
        ids: The keys of the first hundred.
    """

    count: int = 0
    ids: tuple[str, ...] = ()


@scrubbed
@dataclass(frozen=True, slots=True, repr=False)
class Verification:
    """What a copy lacks, has too much, or has otherwise than its table.

    Attributes:
        table: Airtable's name of the table.
        target: Where the copy is.
        compared: What was compared: `ids`, `ids and times` or `cells`.
        base_rows: Rows of the table.
        target_rows: Rows of the copy; of a history the current ones, and none that are marked as deleted.
        missing: Rows of the table that the copy lacks.
        surplus: Rows of the copy that the table lacks, and rows without a key.
        double: Rows whose key the copy has already: of a record that is there three times, two.
        stale: Rows whose record was changed after the copy got it.
        different: Other rows that are not equal.
        missing_columns: Columns of the table that the copy lacks; only where cells are compared.
        surplus_columns: Columns of the copy that the table lacks, such as those of removed fields. They make no
            difference.
        requests: Calls to Airtable.
    """

    table: str
    target: str
    compared: str
    base_rows: int
    target_rows: int
    missing: Rows
    surplus: Rows
    double: Rows
    stale: Rows
    different: Rows
    missing_columns: tuple[str, ...] = ()
    surplus_columns: tuple[str, ...] = ()
    requests: int | None = None

    @property
    def is_equal(self) -> bool:
        """Whether nothing was found that is missing, surplus, double, stale or different."""
        return not self.missing_columns and not any(rows.count for _, rows in self._kinds())

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0 where the copy is equal, else 7."""
        return 0 if self.is_equal else NOT_EQUAL

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {**asdict(self), "is_equal": self.is_equal}

    def __repr__(self) -> str:
        lines = [("rows", "number", "ids")]
        lines += [(kind, f"{rows.count:,}", _named(rows)) for kind, rows in self._kinds() if rows.count]
        table = [aligned(lines, (1,))] if len(lines) > 1 else []
        return "\n".join([self._caption, *table, *self._notes()])

    def _repr_html_(self) -> str:
        from .._native import html_table

        rows = [[kind, f"{rows.count:,}", _named(rows)] for kind, rows in self._kinds()]
        return html_table(" ".join([self._caption, *self._notes()]), ["rows", "number", "ids"], rows)

    @property
    def _caption(self) -> str:
        found = "equal" if self.is_equal else "NOT equal"
        there = "row" if self.target_rows == 1 else "rows"
        return (
            f"{self.target}: {found} to {self.table} by {self.compared}; {self.target_rows:,} {there} in the copy, "
            f"{self.base_rows:,} in the table."
        )

    def _notes(self) -> Iterator[str]:
        if self.surplus.count:
            yield (
                "A surplus row is one whose record is not in the table: deleted, maybe, which only snapshots and "
                "cdc_with_deletes see."
            )
        if self.double.count:
            yield "A double row is one more of a record that the copy has already, as where rows were appended twice."
        if self.missing_columns:
            yield f"Columns that the copy lacks: {', '.join(self.missing_columns)}."
        if self.surplus_columns:
            yield f"Columns that only the copy has: {', '.join(self.surplus_columns)}."

    def _kinds(self) -> Iterator[tuple[str, Rows]]:
        for kind in ("missing", "surplus", "double", "stale", "different"):
            yield kind, getattr(self, kind)


def _named(rows: Rows, most: int = 3) -> str:
    """The first ids, for one line of a table."""
    more = f" and {rows.count - most:,} more" if rows.count > most else ""
    return ", ".join(rows.ids[:most]) + more

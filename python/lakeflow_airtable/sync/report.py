"""What a run of `sync` has done, table by table."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ..drift import ColumnChange
from ..shown import aligned, scrubbed, widths_of


@scrubbed
@dataclass
class TableReport:
    """What became of one table."""

    name: str
    """Airtable's name of the table."""
    target: str
    """Where the copy is."""
    mode: str
    """The ingestion type, with the scd type where changes are merged: `cdc SCD 2`."""
    rows: int = 0
    """Rows that were read."""
    changed: int = 0
    """Rows that were put into the copy, or are there with other cells now. Those that a merge has read again and found
    equal do not count. Of a snapshot it is all rows: the copy is replaced."""
    deleted: int = 0
    """Rows of the copy that a merge has deleted; of a history, versions that ended because the record is gone."""
    requests: int | None = None
    """Requests to Airtable for this table: for its rows, its plan, and how far its changes go. The definitions of the
    base are asked for once for all tables, before the first."""
    seconds: float = 0.0
    drift: tuple[ColumnChange, ...] = ()
    """What has changed in Airtable's fields since the copy was last written."""
    error: Exception | None = None
    """Why the table was not synced to its end. What was committed before stays, and the next run goes on there."""

    @property
    def cells(self) -> tuple[str, ...]:
        """One line of the report."""
        requests = "" if self.requests is None else str(self.requests)
        drift = "; ".join(map(str, self.drift))
        error = "" if self.error is None else str(self.error)
        numbers = (str(self.rows), str(self.changed), str(self.deleted), requests, f"{self.seconds:.1f}")
        return (self.name, self.target, self.mode, *numbers, drift, error)


_HEADS = ("table", "target", "mode", "rows", "changed", "deleted", "requests", "seconds", "drift", "error")
_RIGHT = range(3, 8)
_LONGEST = 100


@scrubbed
@dataclass
class SyncReport:
    """What became of all tables of a run, in the order in which they were synced."""

    tables: list[TableReport] = field(default_factory=list)
    requests: int | None = None
    """Requests to Airtable of the whole run: those of the tables, and those for the definitions before."""
    began: datetime | None = None
    """When the run began, in the time zone of this machine."""

    @property
    def failed(self) -> list[TableReport]:
        """The tables that were not synced to their end."""
        return [table for table in self.tables if table.error is not None]

    def __iter__(self) -> Iterator[TableReport]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __getitem__(self, name: str) -> TableReport:
        """The report of a table, by its name."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def __repr__(self) -> str:
        lines, numbers = self._cut_lines()
        return "\n".join([aligned(lines, numbers), *self._total])

    def after(self, before: SyncReport) -> str:
        """The same for who has just seen the report before: without heads, where they are the same."""
        seen, _ = before._cut_lines()
        lines, numbers = self._cut_lines()
        if lines[0] != seen[0]:
            return repr(self)
        rows = aligned(lines, numbers, widths_of(seen)).splitlines()[1:]
        return "\n".join([*rows, *self._total])

    def _repr_html_(self) -> str:
        lines, numbers = self._lines()
        rows = []
        for number, line in enumerate(lines):
            kind = "td" if number else "th"
            cells = "".join(
                f'<{kind} style="text-align: {"right" if at in numbers else "left"}">{html.escape(cell)}</{kind}>'
                for at, cell in enumerate(line)
            )
            rows.append(f"<tr>{cells}</tr>")
        total = "".join(f"<p>{line}</p>" for line in self._total)
        return f"<table>{''.join(rows)}</table>{total}"

    @property
    def _total(self) -> list[str]:
        """The last line: what the whole run has cost."""
        if self.requests is None:
            return []
        return [f"{self.requests:,} request{'' if self.requests == 1 else 's'} in all, with those for the definitions"]

    def _cut_lines(self) -> tuple[list[tuple[str, ...]], set[int]]:
        """The same for a terminal, where a line has an end."""
        lines, numbers = self._lines()
        return [tuple(map(_cut, line)) for line in lines], numbers

    def _lines(self) -> tuple[list[tuple[str, ...]], set[int]]:
        """Heads and cells without line breaks, and which columns are numbers; without columns that say nothing."""
        lines = [_HEADS, *(table.cells for table in self.tables)]
        shown = [
            at
            for at, head in enumerate(_HEADS)
            if head not in ("requests", "drift", "error") or any(line[at] for line in lines[1:])
        ]
        cut = [tuple(" ".join(line[at].split()) for at in shown) for line in lines]
        return cut, {place for place, at in enumerate(shown) if at in _RIGHT}


def _cut(cell: str) -> str:
    """A cell that a line has room for. What an error says in full is in the log, and in `TableReport.error`."""
    return cell if len(cell) <= _LONGEST else f"{cell[: _LONGEST - 3].rstrip()}..."

"""What a consumer of a stream ends up with: the kept micro-batches applied in order, beside what the base holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lakeflow_airtable import Airtable

Row = dict[str, Any]


class Place(NamedTuple):
    """Where a row stands in a stream of changes."""

    changed_at: Any
    batch: int
    position: int


def kept(batches: Path) -> list[tuple[Place, Row]]:
    """All rows that a stream has brought, those of a plain stream under `None` as their time of change."""
    rows = []
    for file in batches.glob("batch=*/*.parquet"):
        batch = int(file.parent.name.removeprefix("batch="))
        for row in pq.ParquetFile(file).read().to_pylist():
            rows.append((Place(row.get("_changed_at"), batch, row.pop("_position")), row))
    return rows


class Target:
    """Upserts and deletes by `id`, in the order of the changes.

    Args:
        kept: What a stream has brought.
        first_counts: Of changes of the same time the first counts, as for a consumer that takes what is newer than what
            it has, and not the last.
    """

    def __init__(self, kept: Iterable[tuple[Place, Row]], *, first_counts: bool = False) -> None:
        self.rows: dict[str, Row] = {}
        self.deletes = 0
        self._history: dict[str, list[tuple[Place, Row]]] = defaultdict(list)
        ordered = sorted(kept, key=lambda entry: entry[0], reverse=first_counts)
        if first_counts:
            ordered.sort(key=lambda entry: entry[0].changed_at)
        for place, row in ordered:
            self._history[row["id"]].append((place, row))
            assert place.changed_at is not None
            deleted = row["_deleted"]
            if deleted:
                self.deletes += 1
                filled = {name for name, value in row.items() if value is not None}
                assert filled == {"id", "_changed_at", "_deleted"}, f"a deleted record with cells: {row}"
                self.rows.pop(row["id"], None)
            else:
                self.rows[row["id"]] = {
                    name: value for name, value in row.items() if name not in ("_changed_at", "_deleted")
                }

    def assert_equal(self, base: dict[str, Row], leave_out: Collection[str] = ()) -> None:
        """The same ids, and in every column but those left out the same values."""
        wrong = {}
        for record in {**self.rows, **base}:
            ours, theirs = self.rows.get(record), base.get(record)
            if ours is None or theirs is None:
                wrong[record] = ["id"]
                continue
            assert ours.keys() == theirs.keys()
            # As text, where a NaN is equal to a NaN.
            columns = [name for name in ours if name not in leave_out and repr(ours[name]) != repr(theirs[name])]
            if columns:
                wrong[record] = columns
        told = [self._told(record, columns, base) for record, columns in list(wrong.items())[:5]]
        assert not wrong, f"{len(wrong)} of {len(base)} records differ:\n" + "\n".join(told)

    def _told(self, record: str, columns: list[str], base: dict[str, Row]) -> str:
        """What came for a record, and what the base holds, as far as they differ."""

        def cells(row: Row | None) -> str:
            if row is None:
                return "no record"
            return "deleted" if row.get("_deleted") else str({name: row[name] for name in columns})

        came = [f"  at {at}, batch {batch}, row {n}: {cells(row)}" for (at, batch, n), row in self._history[record]]
        return "\n".join([record, *came, f"  in the base: {cells(base.get(record))}"])


def snapshot(options: dict[str, str], table: str) -> dict[str, Row]:
    """The records of a table by their ids, in one read."""
    rows = pa.table(Airtable(**options).read(table)).to_pylist()
    return {row["id"]: row for row in rows}


def assert_same(
    kept: Sequence[tuple[Place, Row]], base: dict[str, Row], *, deletes: bool, leave_out: Collection[str] = ()
) -> None:
    """What a stream has brought makes a copy of the base, whoever counts when two changes are of the same time."""
    for first_counts in (False, True):
        target = Target(kept, first_counts=first_counts)
        target.assert_equal(base, leave_out)
        assert (target.deletes > 0) == deletes


def assert_each_once(kept: Iterable[tuple[Place, Row]], records: Collection[str]) -> None:
    """These records and no others, none of them twice."""
    times = dict.fromkeys(records, 0) | Counter(row["id"] for _, row in kept)
    wrong = {record: number for record, number in times.items() if number != 1}
    assert not wrong, f"of {len(records)} records these came so often: {wrong}"

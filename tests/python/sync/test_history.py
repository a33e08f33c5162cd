"""SCD 2 on its own: changes and versions in, versions that end and begin out."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest

from lakeflow_airtable.sync.history import steps
from lakeflow_airtable.sync.target import Merging

HISTORY = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("size", pa.float64()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("__START_AT", pa.int64()),
        pa.field("__END_AT", pa.int64()),
    ]
)
CHANGES = pa.schema(
    [*(HISTORY.field(number) for number in range(3)), ("_changed_at", pa.int64()), ("_deleted", pa.bool_())]
)
MERGING = Merging(("id",), "_changed_at", "_deleted")

A = {"id": "a", "size": 1.0, "tags": ["x"]}
B = {"id": "a", "size": 2.0, "tags": ["x"]}
GONE = {"id": "a", "size": None, "tags": None}


def version(cells: dict[str, Any], start: int | None, end: int | None) -> dict[str, Any]:
    return {**cells, "__START_AT": start, "__END_AT": end}


def change(cells: dict[str, Any], at: int | None, deleted: bool = False) -> dict[str, Any]:
    return {**cells, "_changed_at": at, "_deleted": deleted}


CASES: dict[str, tuple[list[Any], list[Any], list[Any], list[Any]]] = {
    "a record that is new": ([], [change(A, 5)], [], [version(A, 5, None)]),
    "an edit": ([version(A, 5, None)], [change(B, 7)], [("a", 5, 7)], [version(B, 7, None)]),
    "read again without a difference": ([version(A, 5, None)], [change(A, 7)], [], []),
    "a list that differs": (
        [version(A, 5, None)],
        [change({**A, "tags": ["x", None]}, 7)],
        [("a", 5, 7)],
        [version({**A, "tags": ["x", None]}, 7, None)],
    ),
    "a cell that is emptied": (
        [version(A, 5, None)],
        [change({**A, "size": None}, 7)],
        [("a", 5, 7)],
        [version({**A, "size": None}, 7, None)],
    ),
    "the same time": ([version(A, 5, None)], [change(B, 5)], [], []),
    "an older time": ([version(A, 5, None)], [change(B, 4)], [], []),
    "a delete": ([version(A, 5, None)], [change(GONE, 7, True)], [("a", 5, 7)], []),
    "an older delete": ([version(A, 5, None)], [change(GONE, 4, True)], [], []),
    "a delete of the same time": ([version(A, 5, None)], [change(GONE, 5, True)], [], []),
    "a delete of what is not there": ([], [change(GONE, 7, True)], [], []),
    "a delete of what is gone": ([version(A, 5, 6)], [change(GONE, 7, True)], [], []),
    "back after a delete": ([version(A, 5, 6)], [change(A, 8)], [], [version(A, 8, None)]),
    "back at the end itself": ([version(A, 5, 6)], [change(A, 6)], [], [version(A, 6, None)]),
    "before the end of the last": ([version(A, 5, 6)], [change(B, 5)], [], []),
    "the last of several counts": (
        [version(A, 5, None), version(B, 1, 3), version(A, 3, 5)],
        [change(B, 7)],
        [("a", 5, 7)],
        [version(B, 7, None)],
    ),
    "two edits at once, in any order": (
        [version(A, 1, None)],
        [change(A, 9), change(B, 5)],
        [("a", 1, 5)],
        [version(B, 5, 9), version(A, 9, None)],
    ),
    "made and deleted at once": ([], [change(A, 5), change(GONE, 9, True)], [], [version(A, 5, 9)]),
    "no time at all": ([version(A, 5, None)], [change(B, None)], [], []),
    "a time after none": ([version(A, None, None)], [change(B, 3)], [("a", None, 3)], [version(B, 3, None)]),
}


@pytest.mark.parametrize("case", CASES)
def test_versions(case: str) -> None:
    versions, changes, ended, begun = CASES[case]
    done = steps(pa.Table.from_pylist(changes, CHANGES), pa.Table.from_pylist(versions, HISTORY), HISTORY, MERGING)
    assert [tuple(row.values()) for row in done.ended.to_pylist()] == ended
    assert done.begun.to_pylist() == begun
    assert done.changed == len(begun)
    assert done.deleted == sum(row["_deleted"] for row in changes) * (len(ended) + len(begun) > 0)


def test_a_nan_is_equal_to_a_nan() -> None:
    there = version({**A, "size": math.nan}, 5, None)
    read = change({**A, "size": math.nan}, 7)
    done = steps(pa.Table.from_pylist([read], CHANGES), pa.Table.from_pylist([there], HISTORY), HISTORY, MERGING)
    assert done.begun.num_rows == 0


def test_a_column_that_airtable_has_no_longer_makes_no_version() -> None:
    read = pa.Table.from_pylist([change(A, 7)], CHANGES).drop_columns(["tags"])
    done = steps(read, pa.Table.from_pylist([version(A, 5, None)], HISTORY), HISTORY, MERGING)
    assert done.begun.num_rows == 0
    read = pa.Table.from_pylist([change(B, 7)], CHANGES).drop_columns(["tags"])
    done = steps(read, pa.Table.from_pylist([version(A, 5, None)], HISTORY), HISTORY, MERGING)
    assert done.begun.to_pylist() == [version({**B, "tags": None}, 7, None)]


def test_keys_of_several_columns() -> None:
    merging = Merging(("id", "size"), "_changed_at", None)
    changes = pa.Table.from_pylist([change(A, 7), change(B, 7)], CHANGES).drop_columns(["_deleted"])
    done = steps(changes, pa.Table.from_pylist([version({**A, "tags": []}, 5, None)], HISTORY), HISTORY, merging)
    assert done.ended.to_pylist() == [{"id": "a", "size": 1.0, "__START_AT": 5, "__END_AT": 7}]
    assert done.begun.to_pylist() == [version(A, 7, None), version(B, 7, None)]

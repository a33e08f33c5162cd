"""The numbers by which `verify` compares cells: equal for equal values, whatever types hold them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from lakeflow_airtable.verify.cells import numbers, values

EQUAL: dict[str, tuple[Any, Any]] = {
    "whole numbers and doubles": (pa.array([1, 2**53]), pa.array([1.0, 2.0**53])),
    "large whole numbers": (pa.array([2**53 + 2]), pa.array([2.0**53 + 2])),
    "short numbers": (pa.array([7], pa.int16()), pa.array([7], pa.int64())),
    "NaN": (pa.array([float("nan"), None]), pa.array([float("nan"), None])),
    "texts": (pa.array(["a", None]), pa.array(["a", None], pa.large_string())),
    "moments in lists": (
        pa.array([[datetime(2024, 1, 1, 0, 0, 0, 123_457)]], pa.list_(pa.timestamp("us"))),
        pa.array([[datetime(2024, 1, 1, 0, 0, 0, 123_457)]], pa.list_(pa.timestamp("us", "UTC"))),
    ),
    "structs with fields in another order": (pa.array([{"a": 1, "b": None}]), pa.array([{"b": None, "a": 1.0}])),
}
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "NULL and an empty text": (pa.array([None], pa.string()), pa.array([""])),
    "NULL and an empty list": (pa.array([None], pa.list_(pa.string())), pa.array([[]], pa.list_(pa.string()))),
    "NULL and NaN": (pa.array([None], pa.float64()), pa.array([float("nan")])),
    "a number and its text": (pa.array([1]), pa.array(["1"])),
    "true and one": (pa.array([True]), pa.array([1])),
    "lists in another order": (pa.array([["a", "b"]]), pa.array([["b", "a"]])),
    "large whole numbers that are neighbours": (pa.array([2**53 + 2]), pa.array([2**53 + 3])),
    "a microsecond": (
        pa.array([datetime(2024, 1, 1)], pa.timestamp("us")),
        pa.array([datetime(2024, 1, 1, 0, 0, 0, 1)], pa.timestamp("us")),
    ),
}


@pytest.mark.parametrize("case", [*EQUAL, *DIFFERENT])
def test_numbers_of_cells(case: str) -> None:
    one, other = (list(numbers([values(column)], len(column))) for column in {**EQUAL, **DIFFERENT}[case])
    assert (one == other) == (case in EQUAL)

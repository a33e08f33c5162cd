"""SCD 2: which versions of records end and which begin, as AUTO CDC decides it.

A version counts from `__START_AT` on and up to, but not at, `__END_AT`; the current one has no end. A change begins a
version only where a column differs. One that is not later than the current version does nothing, nor does one that lies
before the end of the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..shown import scrubbed
from .shape import in_order
from .target import END, START, Merging

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


@scrubbed
@dataclass
class Steps:
    """What to do to a history."""

    ended: pa.Table
    """Keys, `__START_AT` and the new `__END_AT` of versions that were current."""
    begun: pa.Table
    """Whole rows."""
    changed: int
    deleted: int


@scrubbed
@dataclass
class _Last:
    """The last version of a record."""

    start: Any
    end: Any
    cells: Row
    number: int | None = None
    """Which of the new ones it is; None where it was there before."""


@scrubbed
@dataclass
class _Plan:
    last: dict[tuple[Any, ...], _Last] = field(default_factory=dict)
    ended: list[Row] = field(default_factory=list)
    begun: list[Row] = field(default_factory=list)
    deleted: int = 0


def steps(changes: pa.Table, versions: pa.Table, schema: pa.Schema, merging: Merging) -> Steps:
    """What changes do to the versions that a history has of their keys. `schema` is the history's."""
    import pyarrow as pa

    plan = _Plan()
    for row in versions.to_pylist():
        _remember(plan, tuple(row[key] for key in merging.keys), row)
    compared = [name for name in changes.column_names if name in schema.names and name not in merging.keys]
    for row in in_order(changes, merging.sequence_by).to_pylist():
        _apply(plan, row, compared, merging)
    ended = pa.schema([schema.field(name) for name in (*merging.keys, START, END)])
    return Steps(
        pa.Table.from_pylist(plan.ended, ended),
        pa.Table.from_pylist(plan.begun, schema),
        len(plan.begun),
        plan.deleted,
    )


def _remember(plan: _Plan, key: tuple[Any, ...], row: Row) -> None:
    """Of the versions of a key the last counts: the current one, or else the one that ended last."""
    last = plan.last.get(key)
    if last is None or (last.end is not None and (row[END] is None or row[END] > last.end)):
        plan.last[key] = _Last(row[START], row[END], row)


def _apply(plan: _Plan, row: Row, compared: list[str], merging: Merging) -> None:
    key = tuple(row[name] for name in merging.keys)
    at = row[merging.sequence_by]
    last = plan.last.get(key)
    is_gone = merging.deletes is not None and bool(row[merging.deletes])
    if last is not None and last.end is None:
        if at is None or (last.start is not None and last.start >= at):
            return
        if not is_gone and same_cells(row, last.cells, compared):
            return
        _end(plan, key, last, at, merging)
        plan.deleted += is_gone
    elif last is not None and (at is None or last.end > at):
        return
    if not is_gone:
        cells = {name: row[name] for name in (*merging.keys, *compared)}
        plan.last[key] = _Last(at, None, cells, len(plan.begun))
        plan.begun.append({**cells, START: at, END: None})


def _end(plan: _Plan, key: tuple[Any, ...], last: _Last, at: Any, merging: Merging) -> None:
    last.end = at
    if last.number is None:
        plan.ended.append({**dict(zip(merging.keys, key, strict=True)), START: last.start, END: at})
    else:
        plan.begun[last.number][END] = at


def same_cells(row: Row, other: Row, compared: Iterable[str]) -> bool:
    """Whether two rows are equal in these columns. A column that the other does not have yet is NULL there."""
    return all(_same(row[name], other.get(name)) for name in compared)


def _same(one: Any, other: Any) -> bool:
    """Equal cells, where a NaN is equal to a NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)

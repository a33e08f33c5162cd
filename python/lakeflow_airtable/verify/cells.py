"""Rows as numbers by which they are compared: equal cells give equal numbers, whatever format they came from.

A moment is its microsecond in UTC, and a whole number is the double of the same value: formats differ in these. The
addresses of attachments are left out, because Airtable gives other ones at every read, and so are the paths of files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_ADDRESSES = ("url", "thumbnails", "path")
_EXACT = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def numbers(columns: Iterable[list[Any]], rows: int) -> Iterator[int]:
    """A signed number of 64 bits for each row."""
    cells = list(columns)
    if not cells:
        yield from (0 for _ in range(rows))
        return
    for row in zip(*cells, strict=True):
        digest = blake2b(repr([_plain(cell) for cell in row]).encode("utf-8", "surrogatepass"), digest_size=8)
        yield int.from_bytes(digest.digest(), "big", signed=True)


def values(column: pa.Array, *, is_json: bool = False) -> list[Any]:
    """A column's cells, moments as microseconds. `is_json` says that texts hold nested values."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return micros(column)
    cells: list[Any] = column.to_pylist()
    return [_parsed(cell) for cell in cells] if is_json else cells


def micros(column: pa.Array) -> list[int | None]:
    """Moments as microseconds; of a column without a time zone they are taken for UTC."""
    import pyarrow as pa

    at: list[int | None] = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64()).to_pylist()
    return at


def _parsed(cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _plain(cell: Any) -> Any:
    """A value whose `repr` is that of every equal one."""
    if cell is None or isinstance(cell, bool | str):
        return cell
    if isinstance(cell, int):
        return float(cell) if -_EXACT <= cell <= _EXACT else cell
    if isinstance(cell, float):
        # A whole one beyond the doubles' exact range may come as an integer.
        return int(cell) if math.isfinite(cell) and abs(cell) > _EXACT else cell
    if isinstance(cell, Decimal):
        return _plain(float(cell))
    if isinstance(cell, datetime):
        moment = cell if cell.tzinfo is not None else cell.replace(tzinfo=timezone.utc)
        return _plain((moment - _EPOCH) // timedelta(microseconds=1))
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, dict):
        is_attachment = "filename" in cell
        kept = sorted(name for name in cell if not (is_attachment and name in _ADDRESSES))
        return [(name, _plain(cell[name])) for name in kept if cell[name] is not None]
    if isinstance(cell, tuple) and hasattr(cell, "asDict"):  # a row of Spark's
        return _plain(cell.asDict())
    if isinstance(cell, list | tuple):
        return [_plain(item) for item in cell]
    return repr(cell)

"""Reads as polars' lazy frames and as asynchronous iterators: `Airtable.scan_polars` and `Airtable.read_async`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from .errors import OptionError
from .predicates import conditions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import polars as pl
    import pyarrow

    from ._native import Batches, Scan


def lazy_frame(plan: Scan, read: Callable[[Scan], Batches]) -> pl.LazyFrame:
    """A plan as a lazy frame: each `collect` reads it, or as much of it as the query wants."""
    try:
        import polars as pl
        from polars.io.plugins import register_io_source
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "polars":
            raise
        raise ImportError("scan_polars() needs polars 1.20 or later: pip install -U polars") from None

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        narrowed = plan
        # A head of so many rows is one of all rows, whether they fulfil the condition or not.
        if predicate is not None and n_rows is None:
            narrowed = _restricted(plan, predicate)
        if with_columns is not None:
            narrowed = _narrowed(narrowed, with_columns)
        if n_rows is not None:
            narrowed = narrowed.head(n_rows)
        # First one without rows: some versions of polars panic where a source gives none at all.
        yield _selected(pl.DataFrame(narrowed.empty()), with_columns)
        if n_rows == 0:
            return
        left = n_rows
        with read(narrowed) as stream:
            # Some have no rows: while a query runs polars alone sees Ctrl-C, and it looks between two batches.
            while (batch := stream.next_native()) is not None:
                frame = pl.DataFrame(batch)
                if left is not None:
                    # A part of a table has no bound of its own.
                    frame = frame.head(left)
                    left -= len(frame)
                if predicate is not None:
                    frame = frame.filter(predicate)
                yield _selected(frame, with_columns)
                if left == 0:
                    return

    return register_io_source(batches, schema=pl.DataFrame(plan.empty()).schema)


def _restricted(plan: Scan, predicate: pl.Expr) -> Scan:
    """The plan with as much of a predicate as there are conditions for: polars decides every row that comes."""
    if json.loads(plan.to_json())["max_records"] is not None:
        return plan
    for condition in conditions(predicate):
        # polars compares what SQL does not, such as numbers with truths.
        with contextlib.suppress(OptionError):
            plan = plan.restricted(condition)
    return plan


def _narrowed(plan: Scan, columns: list[str]) -> Scan:
    """The plan with these columns alone; the record's id where there are none, because rows are still counted."""
    # What did not fit is told of the fields that are read: of fewer of them the column would say less.
    if any(
        column["source"] == "rescued" and column["name"] in columns for column in json.loads(plan.to_json())["columns"]
    ):
        return plan
    fields = {field["name"]: field for field in json.loads(plan.spark_schema())["fields"]}
    wanted = [fields[name] for name in columns or ["id"]]
    return plan.select(json.dumps({"type": "struct", "fields": wanted}))


def _selected(frame: pl.DataFrame, columns: list[str] | None) -> pl.DataFrame:
    return frame if columns is None else frame.select(columns)


async def asynchronous(begin: Callable[[], Batches]) -> AsyncIterator[pyarrow.RecordBatch]:
    """The batches of a read that threads of the event loop begin and wait for. It is closed when nobody waits."""
    batches = await asyncio.to_thread(begin)
    try:
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            yield batch
    finally:
        batches.close()

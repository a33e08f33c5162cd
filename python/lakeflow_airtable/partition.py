"""What a task of Spark's reads: one scan. Shared by batch and stream readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import InputPartition

from .options import Options

if TYPE_CHECKING:
    import pyarrow as pa


class ScanPartition(InputPartition):
    """One scan to be read by one task: Airtable's pages form a chain, each names the next."""

    def __init__(self, scan: str) -> None:
        super().__init__(scan)

    def read(self, options: Options, arrow_batches: bool) -> Iterator[Any]:
        """The scan's rows, as Arrow batches or, for a Spark that takes none, as tuples."""
        batches = read_scan(options, self.value)
        return batches if arrow_batches else rows(batches)


def read_scan(options: Options, scan: str) -> Iterator[pa.RecordBatch]:
    """The batches of a planned scan. Spark may drop the iterator half-way, as for `take(1)`: no request follows."""
    from ._native import Connector, Scan

    with Connector(options).read(Scan.from_json(scan)) as batches:
        yield from batches


def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """The same rows as tuples, for a Spark that takes no Arrow batches."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

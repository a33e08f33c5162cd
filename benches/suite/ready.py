"""A Spark data source of batches that are ready: the least that a source in Python can take.

A module of its own, because Spark's workers import it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType


class ReadyBatches(DataSource):
    """Arrow batches of a file that is mapped into memory, in one partition as those of this package."""

    @classmethod
    def name(cls) -> str:
        return "ready"

    def schema(self) -> StructType:
        import pyarrow as pa
        from pyspark.sql.pandas.types import from_arrow_schema

        with pa.memory_map(self.options["file"]) as file:
            return from_arrow_schema(pa.ipc.open_file(file).schema)

    def reader(self, schema: StructType) -> DataSourceReader:
        return ReadyReader(self.options["file"])


class ReadyReader(DataSourceReader):
    """Hands the batches out."""

    def __init__(self, file: str) -> None:
        self._file = file

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(self._file)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        import pyarrow as pa

        with pa.memory_map(partition.value) as file:
            batches = pa.ipc.open_file(file)
            for number in range(batches.num_record_batches):
                yield batches.get_batch(number)

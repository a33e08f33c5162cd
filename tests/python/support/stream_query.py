"""A stream as a user has it, on a table of 30 records: its runs, its rows, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

MODES = ["append", "cdc", "cdc_with_deletes"]


class Stream:
    """One stream, as a user has it: options, a checkpoint, and a sink that keeps the rows of every batch.

    Each run is a new query, as after a restart of everything. Whatever a run leaves is searched for the token.
    """

    def __init__(self, spark: SparkSession, mock: MockAirtable, checkpoint: Path, **options: str) -> None:
        self.spark, self.mock, self.checkpoint = spark, mock, checkpoint
        self.format = "lakeflow_connect"
        self.schema: str | None = None
        self.options = {**mock.options(), "tableName": "Items", **options}
        self.batches: list[list[Row]] = []
        self.progress: list[dict[str, Any]] = []

    def frame(self) -> DataFrame:
        read = self.spark.readStream.format(self.format).options(**self.options)
        return (read if self.schema is None else read.schema(self.schema)).load()

    def start(self, **trigger: Any) -> StreamingQuery:
        def keep(batch: DataFrame, number: int) -> None:
            self.batches.append(batch.collect())

        write = self.frame().writeStream.foreachBatch(keep).option("checkpointLocation", str(self.checkpoint))
        return write.trigger(**trigger).start()

    def run(self) -> list[Row]:
        """The rows of a run that reads what there is and ends, or what Spark raised."""
        self.batches.clear()
        query = self.start(availableNow=True)
        try:
            assert query.awaitTermination(120), "the run does not end"
        finally:
            self.progress = [json.loads(progress.json) for progress in query.recentProgress]
            query.stop()
            self.assert_without_token(json.dumps(self.progress), repr(query.exception()))
        return [row for batch in self.batches for row in batch]

    def ids_after_the_first_batch(self) -> set[str]:
        return {row.id for batch in self.batches[1:] for row in batch}

    def settled(self) -> list[Row]:
        """A run some time later: everything until now is old enough to be read."""
        self.mock.advance_clock(120)
        return self.run()

    def failure(self, run: Callable[[], object] | None = None) -> str:
        """What a user sees of a run that fails."""
        with pytest.raises(Exception) as caught:  # noqa: PT011  # Spark's classes differ with the place of the failure
            (run or self.settled)()
        text = str(caught.value)
        self.assert_without_token(text)
        return text

    def assert_without_token(self, *texts: str) -> None:
        files = [path for path in self.checkpoint.rglob("*") if path.is_file()]
        token = self.options["token"]
        assert all(token.encode() not in path.read_bytes() for path in files)
        assert all(token not in text for text in texts)

    def forget_last_commit(self) -> None:
        """As if the driver had crashed before the last batch was committed."""
        last = max((self.checkpoint / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
        last.unlink()
        last.with_name(f".{last.name}.crc").unlink(missing_ok=True)


@contextlib.contextmanager
def running(stream: Stream) -> Iterator[StreamingQuery]:
    query = stream.start(processingTime="200 milliseconds")
    try:
        yield query
    finally:
        query.stop()
        stream.assert_without_token(*(progress.json for progress in query.recentProgress), repr(query.exception()))


def ids(mock: MockAirtable, table: str = "Items") -> list[str]:
    return [record["id"] for record in mock.records(table)]


def edit(mock: MockAirtable, record: str, name: str = "edited") -> None:
    mock.update_records("Items", {record: {"Name": name}})


def said(rows: list[Row]) -> list[tuple[str, bool]]:
    return sorted((row.id, "_deleted" in row and row._deleted) for row in rows)


def wait_until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)

"""A driver of streams, made to be killed: each micro-batch is kept in a directory of its own.

As a program it runs one job, a line of JSON on its standard input, until it is ended from outside. The same functions
run a stream in a session that is there already.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery


@dataclass(frozen=True)
class Stream:
    """What is streamed, and where it is kept: `checkpoint` and `batches` are below `directory`."""

    options: dict[str, str]
    directory: str
    available_now: bool = False
    """Queries that end by themselves, one after the other, instead of one that does not end."""

    @property
    def checkpoint(self) -> Path:
        return Path(self.directory) / "checkpoint"

    @property
    def batches(self) -> Path:
        return Path(self.directory) / "batches"

    def start(self, spark: SparkSession) -> StreamingQuery:
        """Starts the stream, or goes on with it."""
        frame = spark.readStream.format("lakeflow_connect").options(**self.options).load()
        writer = frame.writeStream.option("checkpointLocation", str(self.checkpoint)).foreachBatch(_keep(self.batches))
        trigger: dict[str, Any] = (
            {"availableNow": True} if self.available_now else {"processingTime": "100 milliseconds"}
        )
        return writer.trigger(**trigger).start()


def _keep(batches: Path) -> Callable[[DataFrame, int], None]:
    path = str(batches)

    def keep(batch: DataFrame, number: int) -> None:
        from pyspark.sql.functions import monotonically_increasing_id

        # The same batch again, after a kill, replaces what it left behind.
        placed = batch.withColumn("_position", monotonically_increasing_id())
        placed.write.mode("overwrite").parquet(f"{path}/batch={number}")

    return keep


@dataclass(frozen=True)
class Job:
    """Streams that one session runs side by side."""

    streams: list[Stream]
    settings: dict[str, str]
    started: str
    """A file that is made when the session is there."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        given = json.loads(text)
        return cls(**{**given, "streams": [Stream(**stream) for stream in given["streams"]]})


def main() -> None:
    job = Job.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from pyspark.sql import SparkSession

    from lakeflow_airtable import register

    builder = SparkSession.builder.appName("chaos")
    for name, value in job.settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register(spark)
    Path(job.started).touch()
    queries = [stream.start(spark) for stream in job.streams]
    while True:
        for number, query in enumerate(queries):
            if not query.isActive:
                query.awaitTermination()  # raises what it failed with
                queries[number] = job.streams[number].start(spark)
        time.sleep(0.05)


def _end_with_parent() -> None:
    # Whoever started this holds the other end, and does not write any more.
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()

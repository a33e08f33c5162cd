"""A stream's driver, made to be killed: it keeps each micro-batch in a directory of its own, and starts where it was.

As a program it runs one job, a line of JSON on its standard input, until it is ended from outside. The same functions
run a stream in a session that is there already.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery


@dataclass(frozen=True)
class Job:
    """What is streamed, and where to: `checkpoint` and `batches` are below `directory`."""

    options: dict[str, str]
    directory: str
    master: str = "local[2,4]"
    """Two threads, and as on a cluster four attempts at each task."""
    settings: tuple[tuple[str, str], ...] = ()
    available_now: bool = False
    """Queries that end by themselves, one after the other, instead of one that does not end."""
    started: str = "started"
    """The name of a file, below `directory`, that is made when the session is there."""

    @property
    def checkpoint(self) -> Path:
        return Path(self.directory) / "checkpoint"

    @property
    def batches(self) -> Path:
        return Path(self.directory) / "batches"

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def start(spark: SparkSession, job: Job, *, available_now: bool) -> StreamingQuery:
    """Starts the stream of a job, or goes on with it."""
    frame = spark.readStream.format("lakeflow_connect").options(**job.options).load()
    writer = frame.writeStream.option("checkpointLocation", str(job.checkpoint)).foreachBatch(_keep(job.batches))
    trigger: dict[str, Any] = {"availableNow": True} if available_now else {"processingTime": "100 milliseconds"}
    return writer.trigger(**trigger).start()


def _keep(batches: Path) -> Any:
    path = str(batches)

    def keep(batch: DataFrame, number: int) -> None:
        from pyspark.sql.functions import monotonically_increasing_id

        # The same batch again, after a kill, replaces what it left behind.
        placed = batch.withColumn("_position", monotonically_increasing_id())
        placed.write.mode("overwrite").parquet(f"{path}/batch={number}")

    return keep


def _end_with_parent() -> None:
    # Whoever started this holds the other end, and does not write any more.
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    job = Job(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from pyspark.sql import SparkSession

    from lakeflow_airtable import register

    builder = SparkSession.builder.master(job.master).appName("chaos")
    for name, value in job.settings:
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register(spark)
    (Path(job.directory) / job.started).touch()
    while True:
        start(spark, job, available_now=job.available_now).awaitTermination()
        time.sleep(0.1)


if __name__ == "__main__":
    main()

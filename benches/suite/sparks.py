"""Spark as a reader: through this package to a sink that drops everything, and what Spark takes by itself.

The floor is a data source whose rows are Arrow batches already: the same batches, written once to a file that its
reader maps into memory. Session, registration and reads for warming up are not timed.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .process import Timed
from .readers import Place, our_base
from .server import UNPACED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def session() -> SparkSession:
    """A local Spark of two threads, quiet and on loopback, whose Python workers are this interpreter."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings: dict[str, bool | float | int | str | None] = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "OFF",
        "spark.sql.warehouse.dir": os.path.join(tempfile.gettempdir(), "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    spark = SparkSession.builder.master("local[2]").appName("bench").config(map=settings).getOrCreate()
    atexit.register(_end, spark)
    return spark


def _end(spark: SparkSession) -> None:
    """Stops it and waits for its JVM, which would otherwise disturb the next measurement for a while."""
    gateway: Any = spark.sparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def ours(place: Place, table: str) -> Timed:
    """Through this package."""
    spark = session()
    frame = our_frame(spark, place, table)
    return _drained(frame)


def our_frame(spark: SparkSession, place: Place, table: str) -> DataFrame:
    """A frame of a table of the mock, which is planned by this."""
    from lakeflow_airtable import register

    register(spark)
    options = {
        "token": place["token"],
        "base_id": place["base_id"],
        "base_url": place["url"],
        "requests_per_second": str(UNPACED),
        "tableName": table,
    }
    return spark.read.format("lakeflow_connect").options(**options).load()


def ready(file: str) -> Timed:
    """From memory."""
    spark = session()
    return _drained(ready_frame(spark, file))


def ready_frame(spark: SparkSession, file: str) -> DataFrame:
    """A frame of a file of batches."""
    from .ready import ReadyBatches

    spark.dataSource.register(ReadyBatches)
    return spark.read.format("ready").option("file", file).load()


def by_turns(files: dict[str, str], rows: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of reads of several files, which take turns in one session."""
    spark = session()
    reads = {name: _drained(ready_frame(spark, file)) for name, file in files.items()}
    seconds: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(rounds):
        for name, read in reads.items():
            began = time.perf_counter()
            if read() != rows:
                raise SystemExit(f"{name} has other rows")
            seconds[name].append(time.perf_counter() - began)
    return seconds


def counted(place: Place, table: str) -> Timed:
    """`load().count()`, planned and all."""
    spark = session()
    return lambda: int(our_frame(spark, place, table).count())


def _drained(frame: DataFrame) -> Timed:
    """A read of all columns into nothing, warm. Nothing counts no rows: the read that warms it up does."""
    from pyspark.sql import Observation
    from pyspark.sql.functions import count, lit

    def drain(read: DataFrame) -> None:
        read.write.format("noop").mode("overwrite").save()

    seen = Observation()
    drain(frame.observe(seen, count(lit(1)).alias("rows")))
    rows = int(seen.get["rows"])
    # Once more as it is timed: observing is a plan of its own, and costs a seventh.
    drain(frame)

    def read() -> int:
        drain(frame)
        return rows

    return read


def memory() -> str | None:
    """A directory in memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def write_batches(place: Place, table: str, file: str) -> int:
    """Writes the batches of a read as they are; gives their number of rows."""
    import pyarrow as pa

    return _write(file, our_base(place).read(table), pa)


def resize(file: str, other: str, rows: int) -> None:
    """The same rows in batches of another size."""
    import pyarrow as pa

    with pa.memory_map(file) as source:
        _write(other, iter(pa.ipc.open_file(source).read_all().combine_chunks().to_batches(max_chunksize=rows)), pa)


def _write(file: str, batches: Iterator[Any], pa: Any) -> int:
    rows, writer = 0, None
    for batch in batches:
        writer = writer or pa.ipc.new_file(file, batch.schema)
        writer.write_batch(batch)
        rows += batch.num_rows
    if writer is not None:
        writer.close()
    return rows

"""Ten bases of one template, read by a cluster of two workers: as one table, and one base after the other."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .decoder import PROJECT
from .limit import LIMIT, POSSIBLE, Log
from .process import Measured, Timed, measure
from .readers import Place
from .report import Bar, Section, Table
from .server import serving
from .settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BASES = 10
CORES = 5
"""Of each worker: a task for each base."""

RESPONSE_SECONDS = 0.2
TABLE = "Orders"
NOTE = (
    f"A standalone cluster of two workers with {CORES} tasks each, on this machine. Answers take {RESPONSE_SECONDS:g} "
    f"s. A base gives {LIMIT} requests a second. Plans, the cluster's start and a first read are not timed."
)


def run(settings: Settings) -> Section:
    """The cluster once, and a program for each way."""
    sys.path.insert(0, str(PROJECT / "examples" / "demo"))
    standalone_cluster = importlib.import_module("cluster").StandaloneCluster

    records = settings.base_records
    tables = {TABLE: {"records": records, "fields": 5, "scalars": True}}
    found: dict[str, tuple[Measured, int]] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        serving({}, requests_per_second=LIMIT, delay_ms=round(RESPONSE_SECONDS * 1000)) as server,
        standalone_cluster(Path(directory), workers=2, cores=CORES) as cluster,
    ):
        bases = [server.call("create_base", f"Shop {number}") for number in range(BASES)]
        for number, base in enumerate(bases):
            server.call("generate_table", TABLE, base=base, seed=number, **tables[TABLE])
        for title, reader in (("one after the other", "bases.in_turn"), ("as one table", "bases.together")):
            server.requests()
            read = measure(reader, BASES * records, place=server.place, master=cluster.url, bases=bases)
            found[title] = read, Log(server.requests()).refused
    heading = (
        f"{BASES} bases of {records:,} records",
        "rows",
        "seconds",
        f"records/s, of {BASES * POSSIBLE:,}",
        "429s",
    )
    rows = [
        (title, f"{read.rows:,}", f"{read.seconds:.1f}", f"{read.rows / read.seconds:,.0f}", f"{refused}")
        for title, (read, refused) in found.items()
    ]
    in_turn, at_once = (read.seconds for read, _ in found.values())
    refusals = sum(refused for _, refused in found.values())
    bars = [
        Bar("ten bases as one table, beside one after the other", in_turn / at_once, 8),
        Bar("429s of both", refusals, 0, "", is_most=True),
    ]
    return Section("Ten bases as one table", [Table(heading, rows)], bars, NOTE, "bases")


# --- in the process that is measured -------------------------------------------------------------------------------


def together(place: Place, master: str, bases: list[str]) -> Timed:
    """One read of all."""
    spark = _session(master)
    frame = _frame(spark, place, bases)
    _rows(frame)
    return lambda: _rows(frame)


def in_turn(place: Place, master: str, bases: list[str]) -> Timed:
    """A read of each."""
    spark = _session(master)
    _rows(_frame(spark, place, bases))
    frames = [_frame(spark, place, [base]) for base in bases]
    return lambda: sum(map(_rows, frames))


def _session(master: str) -> SparkSession:
    """Python workers are up before anything is timed."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings: dict[str, Any] = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "512m",
        "spark.log.level": "OFF",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    spark = SparkSession.builder.master(master).appName("bases").config(map=settings).getOrCreate()
    tasks = spark.sparkContext.parallelize(range(2 * CORES), 2 * CORES)
    tasks.foreach(lambda _: time.sleep(1))
    return spark


def _frame(spark: SparkSession, place: Place, bases: list[str]) -> DataFrame:
    from lakeflow_airtable import register

    register(spark)
    options = {"token": place["token"], "base_url": place["url"], "namespace": json.dumps(bases), "tableName": TABLE}
    return spark.read.format("lakeflow_connect").options(**options).load()


def _rows(frame: DataFrame) -> int:
    """A read of all columns, which are counted."""
    from pyspark.sql.functions import col, count

    return int(frame.agg(*(count(col(name)) for name in frame.columns)).collect()[0][0])

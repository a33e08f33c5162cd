"""A stream whose driver is killed again and again in the first load of its table, with Spark's real checkpoints."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cluster import session_settings

from lakeflow_airtable.mock import MockAirtable
from stream_driver import Job, Stream
from stream_processes import kill_session
from stream_target import assert_each_once, assert_same, kept, snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="ends Spark's processes by /proc"),
]

DRIVER = Path(__file__).parents[1] / "support" / "stream_driver.py"
SETTINGS = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS", "spark.master": "local[2]"}
RECORDS, MOST = 4_000, 400
PATIENCE_SECONDS = 240


def numbers(directory: Path) -> list[int]:
    """Batches that a checkpoint's directory tells of."""
    return sorted(int(file.name) for file in directory.glob("[0-9]*")) if directory.exists() else []


def killed_at(stream: Stream, directory: Path, driver: int, moment: str, batches: int) -> None:
    """Runs a driver until it has done so many batches more and reached a moment of the next one, and kills it."""
    done_before = len(numbers(stream.checkpoint / "commits"))
    job = Job([stream], {**session_settings(directory), **SETTINGS}, str(directory / f"started-{driver}"))
    with (directory / f"log-{driver}").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        assert process.stdin is not None
        process.stdin.write(job.to_json().encode() + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            planned, done = (numbers(stream.checkpoint / what) for what in ("offsets", "commits"))
            is_written = planned and (stream.batches / f"batch={planned[-1]}" / "_SUCCESS").exists()
            is_due = len(planned) > len(done) and (moment == "planned" or is_written)
            if len(done) >= done_before + batches and is_due:
                return
            stands = process.poll() is not None or time.monotonic() > deadline
            assert not stands, (directory / f"log-{driver}").read_text()[-3_000:]
            time.sleep(0.002)
    finally:
        kill_session(process.pid)
        process.communicate()


def ids_of(stream: Stream) -> set[str]:
    return {row["id"] for _, row in kept(stream.batches)}


@pytest.mark.parametrize("mode", ["cdc_with_deletes", "append"])
def test_what_arrives_is_the_base_and_a_kill_costs_a_part(spark: SparkSession, tmp_path: Path, mode: str) -> None:
    # Answers take long enough to be killed in.
    with MockAirtable(sample=False, faults={"delay_ms": 30}) as mock:
        base = mock.create_base("Large")
        table = mock.generate_table("Rows", RECORDS, 5, scalars=True, base=base)
        mock.advance_clock(120)
        options = mock.options(base_id=base, tableName=table, ingestion_type=mode, max_records_per_batch=str(MOST))
        stream = Stream(options, str(tmp_path))
        mock.clear_requests()
        moments = (("planned", 0), ("written", 1), ("planned", 2))
        for driver, (moment, batches) in enumerate(moments):
            killed_at(stream, tmp_path, driver, moment, batches)
        assert len(numbers(stream.checkpoint / "commits")) >= 3
        assert len(ids_of(stream)) < RECORDS, "it was killed in the load"
        spark.conf.set(*next(iter(SETTINGS.items())))
        query = replace(stream, available_now=True).start(spark)
        assert query.awaitTermination(PATIENCE_SECONDS)
        pages = mock.request_counts()["list_records"]

        batches = kept(stream.batches)
        sizes = Counter(place.batch for place, _ in batches)
        assert max(sizes.values()) <= MOST * 1.3
        ids = [record["id"] for record in mock.records(table, base=base)]
        if mode == "append":
            assert_each_once(batches, ids)
        else:
            assert_same(batches, snapshot(mock.options(base_id=base), table), deletes=False)
        # Each page once, one more for each part, and for each driver a part again and what tells how far to read.
        assert pages <= RECORDS // 100 + 2 * len(sizes) + 12 * len(moments), pages

"""A log of changes by a real Spark: append output, over restarts and after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lakeflow_airtable.mock import MockAirtable
from stream_query import Stream, edit, ids

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_a_log_over_restarts_and_after_a_crash(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="change_log")
    assert stream.run() == [], "a log has no first batch"
    before = ids(items)
    edit(items, before[0], "first")
    items.delete_records("Items", [before[1]])
    [made] = items.create_records("Items", [{"Name": "made"}])
    first = stream.run()
    told = [(row.id, row.change, row.field, row.old_value, row.new_value) for row in first]
    assert told == [
        (before[0], "updated", "Name", '"item 0"', '"first"'),
        (before[1], "deleted", None, None, None),
        (made, "created", "Name", None, '"made"'),
    ]
    assert [row.changed_by.name for row in first] == ["Ada Example"] * 3
    assert [row.transaction - first[0].transaction for row in first] == [0, 1, 2]
    assert stream.run() == []

    # A crash before the last batch was committed: the same rows again, whatever has changed since.
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="change_log")
    edit(items, before[0], "second")
    given = stream.run()
    stream.forget_last_commit()
    edit(items, before[0], "third")
    again = stream.run()
    assert again[: len(given)] == given
    assert [row.new_value for row in again] == ['"second"', '"third"']


def test_a_bounded_log_and_a_schema_of_the_users(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(
        spark, items, tmp_path / "checkpoint", ingestion_type="change_log", max_records_per_batch="4", fields="Name"
    )
    stream.schema = "transaction BIGINT, new_value STRING, changed_by STRUCT<id: STRING, email: STRING, name: STRING>"
    assert stream.run() == []
    for number, record in enumerate(ids(items)[:10]):
        edit(items, record, str(number))
    rows = stream.run()
    assert [row.new_value for row in rows] == [f'"{number}"' for number in range(10)]
    assert [len(batch) for batch in stream.batches if batch] == [4, 4, 2]


def test_a_lost_log_ends_its_stream(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="change_log")
    stream.run()
    items.advance_clock(8 * 86_400)
    edit(items, ids(items)[0])
    failure = stream.failure(stream.run)
    assert "changes are lost" in failure
    assert "start with a new checkpoint, and the log goes on from then" in failure


def test_a_log_is_no_batch(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="change_log")
    read = spark.read.format("lakeflow_connect").options(**stream.options)
    assert "change_log, which is a stream" in stream.failure(lambda: read.load().collect())

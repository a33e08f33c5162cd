"""The option `where` beside Spark's own `where`: the same rows, in batches, and in streams."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import odd_table
from lakeflow_airtable.mock import MockAirtable
from stream_query import Stream, edit, ids, said

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SEED = 20_240_531
CONDITIONS = 60


@pytest.fixture
def in_utc(spark: SparkSession) -> Iterator[SparkSession]:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    yield spark
    spark.conf.set("spark.sql.session.timeZone", before)


def load(spark: SparkSession, mock: MockAirtable, **options: str) -> DataFrame:
    read = spark.read.format("lakeflow_connect").options(**mock.options(), tableName=odd_table.TABLE)
    return read.options(**options).load()


def test_rows_are_those_of_sparks_where(in_utc: SparkSession, mock_airtable: MockAirtable) -> None:
    chance = random.Random(SEED)
    odd_table.fill(mock_airtable, chance, 150)
    whole = load(in_utc, mock_airtable).cache()
    all_ids = [row.id for row in whole.select("id").collect()]
    assert len(all_ids) == 150
    found = 0
    for _ in range(CONDITIONS):
        condition = odd_table.condition(chance, all_ids)
        expected = sorted(map(repr, whole.where(condition).collect()))
        given = sorted(map(repr, load(in_utc, mock_airtable, where=condition).collect()))
        assert given == expected, condition
        found += len(expected)
    assert found > CONDITIONS
    whole.unpersist()


def test_a_schema_leaves_out_what_the_condition_needs(in_utc: SparkSession, mock_airtable: MockAirtable) -> None:
    odd_table.fill(mock_airtable, random.Random(SEED), 150)
    condition = "half > 1 AND stage = 'Launch'"
    expected = sorted(row.id for row in load(in_utc, mock_airtable).where(condition).collect())
    assert 0 < len(expected) < 150
    for schema in ("name STRING, id STRING", "id STRING, half STRING, stage STRING"):
        read = in_utc.read.format("lakeflow_connect").options(**mock_airtable.options(), tableName=odd_table.TABLE)
        frame = read.option("where", condition).schema(schema).load()
        assert sorted(row.id for row in frame.collect()) == expected


def test_a_stream_tells_what_no_longer_fulfils_it(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    condition = "size < 10 AND name LIKE 'item%'"
    stream = Stream(spark, items, tmp_path / "c", ingestion_type="cdc_with_deletes", where=condition)
    before = ids(items)
    assert said(stream.run()) == sorted((record, False) for record in before[:20])
    edit(items, before[0], "other")
    edit(items, before[1], "item again")
    items.delete_records("Items", [before[2]])
    rows = said(stream.settled())
    assert rows == sorted([(before[0], True), (before[1], False), (before[2], True)])

"""The option `where` beside Spark's own `where`: the same rows, in batches, and in streams."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import odd_table
from lakeflow_airtable import Airtable, OptionError
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


LITERALS = [
    *[f"TIMESTAMP '2024-05-31 00:00:00.{'123456789'[:digits]}'" for digits in range(1, 10)],
    *["DATE'2024-05-31'", "timestamp'2024-05-31'", "Date '2024-5-3'", "'2024-05'", "TIMESTAMP '2024'"],
    *["' 2024-05-31T1:2 '", "TIMESTAMP '2024-05-31 00:00:00Z'", "'2024-05-31 02:00:00 +02:00'"],
    *["'2024-05-31 02:00:00+02'", "'2024-05-31 02:00:00UTC-1:30'", "'2024-05-31 1'", "'+2024-05-31'"],
    *["'2024-05-31 02:00:00+0200'", "DATE '2024-05-31 23:59:59'"],
]
REFUSED = [
    *["'2024-05-31\u00a0'", "TIMESTAMP '2024-05-31 12:00Z'", "TIMESTAMP '2024-05-31 12:00:00 Z+1'", "'2024-02-30'"],
    *["E'2024-05-31'", "N'2024-05-31'", "DATETIME '2024-05-31'", "R '2024-05-31'"],
]
REFUSED_HERE = [
    *["R'2024-05-31'", "TIMESTAMP 'now'", "TIMESTAMP '12:00:00'", "TIMESTAMP '-2024-05-31'", "'12024-05-31'"],
    *["TIMESTAMP '2024-05-31 00:00:00 CET'", "TIMESTAMP_NTZ '2024-05-31'"],
]


def test_literals_are_what_they_are_in_spark_or_are_refused(in_utc: SparkSession, mock_airtable: MockAirtable) -> None:
    moments = ["2024-05-31T00:00:00Z", "2024-05-30T23:59:59.999999Z", "2024-05-31T00:00:00.123456Z"]
    moments += [f"2024-05-31T00:00:00.{'123456'[:digits]:0<6}Z" for digits in range(1, 6)]
    moments += [f"2024-05-31T0{hour}:00:00Z" for hour in range(4)]
    moments += [f"2024-0{month}-0{day}T00:00:00Z" for month in (1, 5, 6) for day in (1, 3)]
    moments += ["2023-12-31T00:00:00Z", "2024-05-31T03:30:00Z", "2024-05-31T01:02:00Z"]
    mock_airtable.create_table(odd_table.TABLE, odd_table.FIELDS)
    ids = mock_airtable.create_records(odd_table.TABLE, [{"Name": moment, "Due": moment[:10]} for moment in moments])
    for record, moment in zip(ids, moments, strict=True):
        mock_airtable.set_raw_cell(odd_table.TABLE, record, "Seen", moment)
    whole = load(in_utc, mock_airtable).select("id", "seen", "due").cache()
    base = Airtable(**mock_airtable.options())
    for literal in LITERALS:
        for column in ("seen", "due"):
            condition = f"{column} >= {literal}"
            expected = sorted(row.id for row in whole.where(condition).collect())
            given = sorted(base.read(odd_table.TABLE, where=condition).to_arrow()["id"].to_pylist())
            assert given == expected, condition
            assert 0 < len(expected) < len(moments), condition
    for literal in REFUSED + REFUSED_HERE:
        for column in ("seen", "due"):
            with pytest.raises(OptionError, match=r"option where: at character \d+, "):
                base.read(odd_table.TABLE, where=f"{column} >= {literal}")
        is_read = True
        try:
            whole.where(f"seen >= {literal}").collect()
        except Exception:
            is_read = False
        assert is_read == (literal in REFUSED_HERE), literal
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

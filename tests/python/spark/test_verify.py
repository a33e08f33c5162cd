"""`verify` of tables and frames of Spark's: every type, whatever the session's time zone is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, NotFoundError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.verify.cells import numbers, values
from lakeflow_airtable.verify.spark import SparkCopy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession


@pytest.fixture
def elsewhere(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, in a time zone that is far from UTC."""
    before = spark.conf.get("spark.sql.session.timeZone")
    assert before is not None
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    yield spark
    spark.conf.set("spark.sql.session.timeZone", before)


def load(spark: SparkSession, mock: MockAirtable, table: str) -> DataFrame:
    return spark.read.format("lakeflow_connect").options(**mock.options(), tableName=table).load()


@pytest.mark.parametrize("table", ["SKU Candidates", "Packaging Tasks", "Marketing Assets", "Vendors"])
def test_a_frame_is_equal_in_all_types(elsewhere: SparkSession, mock_airtable: MockAirtable, table: str) -> None:
    base = Airtable(**mock_airtable.options())
    found = base.verify(table, load(elsewhere, mock_airtable, table), cells=True)
    assert found.is_equal, found
    assert found.base_rows == found.target_rows > 0
    assert base.verify(table, load(elsewhere, mock_airtable, table)).is_equal


def test_moments_in_lists_are_those_of_utc(elsewhere: SparkSession) -> None:
    at = datetime(2024, 3, 1, 12, 30, tzinfo=timezone.utc)
    frame = elsewhere.sql(
        "SELECT 'a' AS id, timestamp '2024-03-01 18:00:00' AS at, array(timestamp '2024-03-01 18:00:00') AS ats"
    )
    columns = ["id", "at", "ats"]
    arrow = pa.table({"id": ["a"], "at": [at], "ats": [[at]]}).to_batches()
    [ours], [theirs] = list(SparkCopy(frame).batches(columns)), arrow
    for name in columns:
        told = [list(numbers([values(batch.column(name))], 1)) for batch in (ours, theirs)]
        assert told[0] == told[1], name


def test_a_table_by_its_name(elsewhere: SparkSession, mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    load(elsewhere, mock_airtable, "Vendors").createOrReplaceTempView("all_vendors")
    elsewhere.table("all_vendors").where("name IS NOT NULL").limit(50).createOrReplaceTempView("vendors_copy")
    found = base.verify("Vendors", "vendors_copy", spark=elsewhere)
    assert (found.target, found.missing.count, found.surplus.count) == ("vendors_copy", 10, 0)
    elsewhere.sql("SELECT id, concat(name, '!') AS name FROM all_vendors").createOrReplaceTempView("loud_copy")
    loud = base.verify("Vendors", "loud_copy", spark=elsewhere, cells=True, fields=["Name"])
    assert loud.different.count == 59, "one has no name, and stays without"
    assert loud.missing_columns == ("createdTime", "_rescued_data")
    with pytest.raises(NotFoundError, match="no_such_copy"):
        base.verify("Vendors", "no_such_copy", spark=elsewhere)

"""What is no record, by Spark: definitions of a base, and comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_definitions_and_comments_are_tables_of_spark(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    vendor = mock_airtable.records("Vendors")[3]["id"]
    for number in range(3):
        mock_airtable.add_comment("Vendors", vendor, f"comment {number}")
    mock_airtable.clear_requests()
    reader = spark.read.format("lakeflow_connect").options(**mock_airtable.options())
    fields = reader.load("_airtable_fields")
    joined = fields.join(reader.load("_airtable_choices"), "field_id").groupBy("field_id").count()
    assert joined.count() > 0
    assert mock_airtable.request_counts() == {"get_schema": 2}
    base = Airtable(**mock_airtable.options())
    expected = base.read("_airtable_fields").to_arrow().to_pylist()
    assert [row.asDict() for row in fields.collect()] == expected
    assert fields.schema["options"].metadata["comment"].startswith("JSON of the options")

    comments = reader.option("part", "comments").load("Vendors")
    assert sorted(row["text"] for row in comments.collect()) == ["comment 0", "comment 1", "comment 2"]
    assert comments.schema["author"].dataType.simpleString() == "struct<id:string,email:string,name:string>"
    few = reader.option("part", "comments").schema("text STRING, id STRING").load("Vendors")
    assert {row["id"] for row in few.collect()} == {vendor}

    stream = spark.readStream.format("lakeflow_connect").options(**mock_airtable.options())
    for load in (stream.load("_airtable_views"), stream.option("part", "comments").load("Vendors")):
        with pytest.raises(Exception, match="cannot be streamed"):
            load.writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()

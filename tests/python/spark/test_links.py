"""Linked records by Spark: by their names, and as rows of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def parts(mock_airtable: MockAirtable) -> list[str]:
    code = {"name": "Code", "type": "singleLineText"}
    mock_airtable.create_table("Parts", [code], [{"Code": f"part {number}"} for number in range(4)])
    parts = [record["id"] for record in mock_airtable.records("Parts")]
    fields = [
        {"name": "Name", "type": "singleLineText"},
        {"name": "Parts", "type": "multipleRecordLinks", "options": {"linkedTableId": "Parts"}},
    ]
    orders = [{"Name": "two", "Parts": parts[:2]}, {"Name": "none"}, {"Name": "one", "Parts": parts[3:]}]
    mock_airtable.create_table("Orders", fields, orders)
    mock_airtable.clear_requests()
    return parts


def load(spark: SparkSession, mock: MockAirtable, schema: str | None = None, **options: str) -> DataFrame:
    reader = spark.read.format("lakeflow_connect").options(**mock.options(), **options)
    return (reader.schema(schema) if schema else reader).load("Orders")


def rows(frame: DataFrame, *columns: str) -> list[Any]:
    return [tuple(row) for row in frame.select(*columns).collect()]


def test_names_and_both(spark: SparkSession, mock_airtable: MockAirtable, parts: list[str]) -> None:
    names = load(spark, mock_airtable, links="names")
    assert dict(names.dtypes)["parts"] == "array<string>"
    assert dict(rows(names, "name", "parts")) == {"two": ["part 0", "part 1"], "none": None, "one": ["part 3"]}
    both = load(spark, mock_airtable, links="both")
    assert dict(both.dtypes)["parts"] == "array<struct<id:string,name:string>>"
    one = both.where("name = 'two'").selectExpr("parts[1].id", "parts[1].name").collect()
    assert [tuple(row) for row in one] == [(parts[1], "part 1")]
    text = load(spark, mock_airtable, "name STRING, parts STRING", links="names")
    assert dict(rows(text, "name", "parts"))["one"] == '["part 3"]'


def test_links_are_joined_as_rows(spark: SparkSession, mock_airtable: MockAirtable, parts: list[str]) -> None:
    links = load(spark, mock_airtable, part="links")
    assert [name for name, _ in links.dtypes] == [
        "id",
        "field_id",
        "field",
        "position",
        "linked_table_id",
        "linked_id",
    ]
    assert dict(links.dtypes)["position"] == "bigint"
    linked = spark.read.format("lakeflow_connect").options(**mock_airtable.options()).load("Parts")
    joined = links.join(linked, links.linked_id == linked.id).select("position", "code")
    assert sorted(rows(joined, "position", "code")) == [(0, "part 0"), (0, "part 3"), (1, "part 1")]
    narrow = load(spark, mock_airtable, "linked_id STRING, ID STRING", part="links")
    assert sorted(row[0] for row in rows(narrow, "linked_id", "ID")) == sorted([*parts[:2], parts[3]])


@pytest.mark.parametrize("options", [{"links": "names"}, {"part": "links"}])
def test_streams_are_refused(
    spark: SparkSession, mock_airtable: MockAirtable, parts: list[str], options: dict[str, str]
) -> None:
    stream = spark.readStream.format("lakeflow_connect").options(**mock_airtable.options(), **options)
    with pytest.raises(Exception, match="ingestion_type is cdc"):
        stream.option("ingestion_type", "cdc").load("Orders")
    if options == {"links": "names"}:
        metadata = spark.read.format("lakeflow_connect").options(**mock_airtable.options())
        given = '{"Orders": {"part": "links"}}'
        told = metadata.options(tableNameList='["Orders"]', tableConfigs=given).load("_community_table_metadata")
        assert told.collect()[0]["primary_keys"] == ["id", "field_id", "position"]

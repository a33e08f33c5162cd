"""The virtual tables that Lakeflow's pipelines read, column by column."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable import Airtable, AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def load(spark: SparkSession, mock: MockAirtable, table: str, base_id: bool = True, **options: str) -> DataFrame:
    connection = {name: value for name, value in mock.options().items() if base_id or name != "base_id"}
    return spark.read.format("lakeflow_connect").options(**connection, tableName=table, **options).load()


@pytest.mark.parametrize("table", ["_community_table_metadata", "_lakeflow_metadata"])
def test_table_metadata(spark: SparkSession, mock_airtable: MockAirtable, table: str) -> None:
    frame = load(
        spark,
        mock_airtable,
        table,
        tableNameList=json.dumps(["Vendors", "Packaging Tasks"]),
        tableConfigs=json.dumps({"Packaging Tasks": {"ingestion_type": "snapshot", "scd_type": "SCD_TYPE_1"}}),
    )
    assert frame.schema.simpleString() == (
        "struct<tableName:string,primary_keys:array<string>,cursor_field:string,ingestion_type:string>"
    )
    assert [field.nullable for field in frame.schema] == [False, True, True, True]
    assert mock_airtable.requests() == []  # nothing is asked before an executor reads
    rows = frame.collect()
    assert mock_airtable.request_counts() == {"get_schema": 1}
    assert [row.tableName for row in rows] == ["Vendors", "Packaging Tasks"]
    assert [row.ingestion_type for row in rows] == ["snapshot", "snapshot"]
    assert [row.primary_keys for row in rows] == [["id"], ["id"]]
    assert [row.cursor_field for row in rows] == [None, None]
    assert load(spark, mock_airtable, table).collect() == []


def test_names_with_outer_space(mock_airtable: MockAirtable) -> None:
    for name in ("Good", "Good ", "Only "):
        mock_airtable.create_table(name, [{"name": "Name"}])
    base_id = mock_airtable.create_base("Base ", [{"name": "Inside", "fields": [{"name": "Name"}]}])
    mock_airtable.create_base("Base", [{"name": "Other", "fields": [{"name": "Name"}]}])

    def rows(table: str, has_base: bool, **options: str) -> list[tuple[object, ...]]:
        given = {**mock_airtable.options(), **options, "tableName": table}
        if not has_base:
            del given["base_id"]
        source = AirtableDataSource(given)
        return list(source.reader(source.schema()).read(None))  # type: ignore[arg-type]

    names = ["Good ", "Good", "Only "]
    configs = {"Good ": {"ingestion_type": "append"}, "Only ": {"ingestion_type": "cdc"}}
    listed = {"tableNameList": json.dumps(names), "tableConfigs": json.dumps(configs)}
    found = rows("_community_table_metadata", True, **listed)
    assert [(row[0], row[3]) for row in found] == [("Good ", "append"), ("Good", "snapshot"), ("Only ", "cdc")]
    listed = {"tableNameList": '["Only", "Good"]', "tableConfigs": '{"Only ": {"ingestion_type": "cdc"}}'}
    found = rows("_community_table_metadata", True, **listed)
    assert [(row[0], row[3]) for row in found] == [("Only", "cdc"), ("Good", "snapshot")]
    assert rows("_community_tables", False, namespace="Base ") == [(["Base "], "Inside")]
    assert rows("_community_tables", False, namespace='["Base "]') == [(["Base "], "Inside")]
    assert rows("_community_tables", False, namespace=base_id) == [([base_id], "Inside")]


def test_table_metadata_of_change_reads(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    modes = {"Vendors": "cdc", "Packaging Tasks": "cdc_with_deletes", "SKU Candidates": "append"}
    frame = load(
        spark,
        mock_airtable,
        "_community_table_metadata",
        tableNameList=json.dumps(list(modes)),
        tableConfigs=json.dumps({table: {"ingestion_type": mode} for table, mode in modes.items()}),
    )
    assert [tuple(row) for row in frame.collect()] == [
        ("Vendors", ["id"], "_changed_at", "cdc"),
        ("Packaging Tasks", ["id"], "_changed_at", "cdc_with_deletes"),
        ("SKU Candidates", ["id"], "createdTime", "append"),
    ]
    unread = json.dumps({"Vendors": {"ingestion_type": "scd"}})
    with pytest.raises(Exception, match="ingestion_type"):
        load(spark, mock_airtable, "_lakeflow_metadata", tableNameList='["Vendors"]', tableConfigs=unread).collect()


@pytest.mark.parametrize("table", ["_community_table_metadata", "_lakeflow_metadata"])
def test_the_kinds_of_ingestion_say_what_they_miss(
    spark: SparkSession, mock_airtable: MockAirtable, table: str
) -> None:
    frame = load(spark, mock_airtable, table, tableNameList='["Vendors"]')
    comment = frame.schema["ingestion_type"].metadata["comment"]
    assert "cdc sees neither deleted records nor changes of computed fields" in comment
    assert "cdc_with_deletes sees both" in comment
    # Where catalogs and people find it.
    frame.write.mode("overwrite").saveAsTable("saved_metadata")
    described = {row.col_name: row.comment for row in spark.sql("DESCRIBE saved_metadata").collect()}
    assert described["ingestion_type"] == comment
    spark.sql("DROP TABLE saved_metadata")


def test_namespaces(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    assert load(spark, mock_airtable, "_community_namespaces").collect() == []
    frame = load(spark, mock_airtable, "_community_namespaces", base_id=False)
    assert frame.schema.simpleString() == "struct<namespace:array<string>>"
    assert not frame.schema["namespace"].nullable
    bases = [row.namespace for row in frame.collect()]
    assert [mock_airtable.base_id] in bases
    assert bases == sorted(bases)
    below = json.dumps([mock_airtable.base_id])
    deeper = load(spark, mock_airtable, "_community_namespaces", base_id=False, namespacePrefix=below)
    assert deeper.collect() == []


def test_tables(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    names = sorted(Airtable(**mock_airtable.options()).list_tables())
    frame = load(spark, mock_airtable, "_community_tables")
    assert frame.schema.simpleString() == "struct<namespace:array<string>,tableName:string>"
    assert [field.nullable for field in frame.schema] == [False, False]
    assert [tuple(row) for row in frame.collect()] == [([], name) for name in names]
    namespace = [mock_airtable.base_id]
    frame = load(spark, mock_airtable, "_community_tables", base_id=False, namespace=json.dumps(namespace))
    assert [tuple(row) for row in frame.collect()] == [(namespace, name) for name in names]
    root = load(spark, mock_airtable, "_community_tables", base_id=False, namespace="[]")
    assert root.collect() == []


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("_community_table", {}, "did you mean _community_tables?): there are _community_table_metadata, "),
        ("_community_tables", {"namespace": '["appXXXXXXXXXXXXXX"]'}, "but option base_id fixes the base"),
        ("_community_tables", {"base_id": ""}, "reading _community_tables needs option namespace"),
        ("_community_namespaces", {"namespacePrefix": "app"}, "namespacePrefix must be a JSON list of strings"),
        ("_community_table_metadata", {"tableNameList": "Vendors"}, "tableNameList must be a JSON list of strings"),
        ("_community_table_metadata", {"tableNameList": "[1]"}, "tableNameList must be a JSON list of strings"),
        ("_community_table_metadata", {"tableConfigs": "[]"}, "tableConfigs must be a JSON object"),
        ("_community_table_metadata", {"tableNameList": '["Vendor"]'}, "Vendors"),
    ],
)
def test_mistakes(
    spark: SparkSession, mock_airtable: MockAirtable, table: str, options: dict[str, str], message: str
) -> None:
    connection = {**mock_airtable.options(), **options}
    with pytest.raises(Exception) as caught:  # noqa: PT011  # Spark's classes differ with the place of the failure
        spark.read.format("lakeflow_connect").options(**connection, tableName=table).load().collect()
    assert message in str(caught.value)
    assert mock_airtable.token not in str(caught.value)


def test_a_schema_of_the_users_must_be_the_tables_own(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {**mock_airtable.options(), "tableName": "_community_tables"}
    with pytest.raises(Exception, match="read it without a schema"):
        spark.read.format("lakeflow_connect").options(**options).schema("tableName STRING").load().collect()


def test_types_of_another_module_are_taken_for_what_they_are(mock_airtable: MockAirtable) -> None:
    """On serverless the engine brings a pyspark of its own beside the one that sources import."""
    import pyspark.sql.types

    specification = importlib.util.spec_from_file_location("engine_types", pyspark.sql.types.__file__)
    assert specification is not None
    assert specification.loader is not None
    engine = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(engine)
    for table in ("Vendors", "_community_tables", "_community_table_metadata"):
        source = AirtableDataSource({**mock_airtable.options(), "tableName": table})
        theirs = engine.StructType.fromJson(json.loads(source.schema().json()))
        assert source.reader(theirs).partitions() is not None


def test_a_namespace_is_written_as_for_a_read(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    expected = load(spark, mock_airtable, "_community_tables", base_id=False, namespace=f'["{mock_airtable.base_id}"]')
    plain = load(spark, mock_airtable, "_community_tables", base_id=False, namespace=mock_airtable.base_id)
    assert plain.collect() == expected.collect()

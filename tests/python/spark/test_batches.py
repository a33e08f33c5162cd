"""Batch reads by Spark: rows, columns, plans, and how few requests they cost."""

from __future__ import annotations

import concurrent.futures
import datetime
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pyairtable
import pytest

from lakeflow_airtable import Airtable, AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def load(spark: SparkSession, mock: MockAirtable, table: str, **options: str) -> DataFrame:
    return spark.read.format("lakeflow_connect").options(**mock.options(), tableName=table, **options).load()


def asked(mock: MockAirtable) -> Counter[str]:
    """How many requests for metadata and for records the mock has answered."""
    return Counter("metadata" if "/meta/" in request["path"] else "records" for request in mock.requests())


def shown(frame: DataFrame) -> list[str]:
    """The rows as text, in which NaN equals NaN."""
    return [repr(row) for row in frame.collect()]


def columns_asked(mock: MockAirtable) -> list[list[str]]:
    """The fields that each request for records named."""
    requests = [request for request in mock.requests() if "/meta/" not in request["path"]]
    return [parse_qs(request["query"]).get("fields[]", []) for request in requests]


def test_every_sample_table_has_the_rows_that_pyairtable_reads(
    spark: SparkSession, mock_airtable: MockAirtable
) -> None:
    reference = pyairtable.Api(mock_airtable.token, endpoint_url=mock_airtable.url).base(mock_airtable.base_id)
    tables = [table["name"] for table in mock_airtable.schema()["tables"]]
    counts = {table: len(reference.table(table).all()) for table in tables}
    assert len(counts) == 6
    assert {name: load(spark, mock_airtable, name).count() for name in counts} == counts


def test_a_plan_is_made_once_and_serves_every_action(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    frame = load(spark, mock_airtable, "Vendors")
    assert asked(mock_airtable) == {"metadata": 1}
    frame.count()
    frame.collect()
    assert asked(mock_airtable)["metadata"] == 1
    mock_airtable.clear_requests()
    assert load(spark, mock_airtable, "Vendors").count() == 60
    assert mock_airtable.request_counts() == {"get_schema": 1, "list_records": 1}


def test_tuples_and_arrow_batches_are_the_same_rows(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    # A class inside a function travels to the workers by value: they cannot import this file.
    class Tuples(AirtableDataSource):
        arrow_batches = False

        @classmethod
        def name(cls) -> str:
            return "airtable_tuples"

    assert AirtableDataSource.arrow_batches
    spark.dataSource.register(Tuples)
    for table in Airtable(**mock_airtable.options()).list_tables():
        arrow = load(spark, mock_airtable, table)
        tuples = spark.read.format("airtable_tuples").options(**mock_airtable.options(), tableName=table).load()
        assert tuples.schema == arrow.schema
        assert shown(tuples) == shown(arrow)


def test_taking_one_row_of_a_large_table_does_not_read_it(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    mock_airtable.generate_table("Large", 20_000)
    frame = load(spark, mock_airtable, "Large")
    assert len(frame.take(1)) == 1
    pages = asked(mock_airtable)["records"]
    assert 1 <= pages <= 100, "200 pages are the whole table"


def test_a_schema_of_the_users_selects_orders_and_asks_for_no_more(
    spark: SparkSession, mock_airtable: MockAirtable
) -> None:
    everything = load(spark, mock_airtable, "Vendors").select("name", "id").collect()
    mock_airtable.clear_requests()
    read = spark.read.format("lakeflow_connect").options(**mock_airtable.options(), tableName="Vendors")
    frame = read.schema("name STRING, id STRING").load()
    assert frame.columns == ["name", "id"]
    assert mock_airtable.requests() == []  # Spark asks the source for a plan when there is something to read
    assert frame.collect() == everything
    assert frame.collect() == everything
    assert mock_airtable.request_counts() == {"get_schema": 1, "list_records": 2}
    assert [len(fields) for fields in columns_asked(mock_airtable)] == [1, 1]
    with pytest.raises(Exception, match="nmae") as caught:
        read.schema("nmae STRING").load().collect()
    assert "did you mean" in str(caught.value)


def test_a_schema_of_the_users_retypes_and_may_allow_or_forbid_nulls(
    spark: SparkSession, mock_airtable: MockAirtable
) -> None:
    fields = [
        {"name": "Count", "type": "number", "options": {"precision": 0}},
        {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}, {"name": "b"}]}},
    ]
    mock_airtable.create_table("Typed", fields, [{"Count": 7, "Tags": ["a", "b"]}, {"Count": 1.5}])
    read = spark.read.format("lakeflow_connect").options(**mock_airtable.options(), tableName="Typed")
    whole = "id STRING, createdTime TIMESTAMP, count DOUBLE, tags ARRAY<STRING>, _rescued_data STRING"
    assert shown(read.schema(whole).load()) == shown(read.load())
    first, second = read.schema("_rescued_data STRING, tags STRING, count BIGINT, id STRING NOT NULL").load().collect()
    assert (first["count"], first["tags"]) == (7, '["a","b"]')
    assert second["count"] is None
    assert '"value":1.5' in second["_rescued_data"]
    with pytest.raises(Exception, match="gives ARRAY<STRING>, which cannot be read as BIGINT"):
        read.schema("tags BIGINT").load().collect()
    with pytest.raises(Exception, match=r"column \"tags\" is NOT NULL in the schema, but 1 records"):
        read.schema("tags ARRAY<STRING> NOT NULL").load().collect()


def test_a_day_is_a_moment_only_by_the_cast_that_the_error_names(
    spark: SparkSession, mock_airtable: MockAirtable
) -> None:
    fields = [{"name": "Day", "type": "date", "options": {"dateFormat": {"name": "iso"}}}]
    mock_airtable.create_table("Days", fields, [{"Day": "2024-03-10"}])
    read = spark.read.format("lakeflow_connect").options(**mock_airtable.options(), tableName="Days")
    for wanted, other in [("day TIMESTAMP", "day DATE"), ("createdTime DATE", "createdTime TIMESTAMP")]:
        with pytest.raises(Exception, match="which cannot be read as") as caught:
            read.schema(wanted).load().collect()
        cast = re.search(r"write (cast\(.*?\)) in the query", str(caught.value))
        assert cast is not None
        frame = read.schema(other).load()
        before = spark.conf.get("spark.sql.session.timeZone")
        try:
            spark.conf.set("spark.sql.session.timeZone", "America/New_York")
            told = frame.selectExpr(f"cast({cast[1]} AS STRING) AS told").collect()[0]["told"]
        finally:
            spark.conf.set("spark.sql.session.timeZone", str(before))
        if wanted == "day TIMESTAMP":
            assert told == "2024-03-10 00:00:00"


def test_tables_are_read_at_the_same_time(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    tables = Airtable(**mock_airtable.options()).list_tables()
    one_by_one = [load(spark, mock_airtable, table).count() for table in tables]
    with concurrent.futures.ThreadPoolExecutor(len(tables)) as threads:
        assert list(threads.map(lambda table: load(spark, mock_airtable, table).count(), tables)) == one_by_one
    union = load(spark, mock_airtable, tables[0]).select("id")
    for table in tables[1:]:
        union = union.union(load(spark, mock_airtable, table).select("id"))
    assert union.count() == sum(one_by_one)


def test_the_format_airtable_needs_no_registration(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {**mock_airtable.options(), "tableName": "Vendors"}
    expected = shown(load(spark, mock_airtable, "Vendors"))
    assert shown(spark.read.format("airtable").options(**options).load()) == expected
    settings = ", ".join(f"{name} '{value}'" for name, value in options.items())
    spark.sql(f"CREATE TEMPORARY VIEW vendors USING airtable OPTIONS ({settings})")
    assert shown(spark.table("vendors")) == expected
    spark.catalog.dropTempView("vendors")


@pytest.mark.parametrize("columns", ["", "(id STRING, name STRING) "])
def test_sql_tables_lose_their_options_and_the_error_says_what_to_do(
    spark: SparkSession, mock_airtable: MockAirtable, columns: str
) -> None:
    settings = ", ".join(f"{name} '{value}'" for name, value in mock_airtable.options(tableName="Vendors").items())
    count = load(spark, mock_airtable, "Vendors").count()
    spark.sql(f"CREATE TABLE sql_vendors {columns}USING airtable OPTIONS ({settings})")
    try:
        with pytest.raises(Exception, match="option token is missing") as caught:
            spark.sql("SELECT id FROM sql_vendors").collect()
        for words in ("CREATE TEMPORARY VIEW ... USING airtable OPTIONS (...)", "WITH (...)"):
            assert words in str(caught.value)
        assert len(spark.sql(f"SELECT id FROM sql_vendors WITH ({settings})").collect()) == count
    finally:
        spark.sql("DROP TABLE sql_vendors")
    with pytest.raises(Exception, match="CREATE TEMPORARY VIEW"):
        spark.sql(f"CREATE TABLE sql_copy USING airtable OPTIONS ({settings}) AS SELECT 1 AS id")
    spark.sql("DROP TABLE IF EXISTS sql_copy")


def test_sql_views_and_copies(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    settings = ", ".join(f"{name} '{value}'" for name, value in mock_airtable.options(tableName="Vendors").items())
    count = load(spark, mock_airtable, "Vendors").count()
    spark.sql(f"CREATE TEMPORARY VIEW sql_vendors USING airtable OPTIONS ({settings})")
    spark.sql("CREATE TABLE sql_names USING parquet AS SELECT id, name FROM sql_vendors")
    assert spark.table("sql_names").count() == spark.sql("SELECT name, country FROM sql_vendors").count() == count
    spark.sql("DROP TABLE sql_names")
    spark.catalog.dropTempView("sql_vendors")


def test_tables_are_saved_with_their_comments(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    frame = load(spark, mock_airtable, "Vendors")
    frame.write.mode("overwrite").saveAsTable("saved_vendors")
    saved = spark.table("saved_vendors")
    assert saved.count() == frame.count()
    comments = {field.name: field.metadata.get("comment") for field in frame.schema if field.metadata.get("comment")}
    assert comments
    assert {
        row.col_name: row.comment for row in spark.sql("DESCRIBE saved_vendors").collect() if row.comment
    } == comments
    spark.sql("DROP TABLE saved_vendors")


def test_every_kind_of_column_reaches_spark(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    python_types = {"double": float, "bigint": int, "boolean": bool, "date": datetime.date, "string": str}
    seen = set()
    for table in mock_airtable.schema()["tables"]:
        frame = load(spark, mock_airtable, table["name"])
        kinds = [
            field.metadata["airtable_field_type"] for field in frame.schema if "airtable_field_id" in field.metadata
        ]
        assert kinds == [field["type"] for field in table["fields"]]
        seen.update(kinds)
        rows = frame.collect()
        for field in frame.schema:
            values: list[Any] = [row[field.name] for row in rows if row[field.name] is not None]
            expected = python_types.get(field.dataType.simpleString())
            assert expected is None or all(type(value) is expected for value in values), field
    assert len(seen) >= 30


def test_neither_plan_nor_names_show_the_token(
    spark: SparkSession, mock_airtable: MockAirtable, capfd: pytest.CaptureFixture[str]
) -> None:
    frame = load(spark, mock_airtable, "Vendors")
    frame.explain(True)
    frame.explain("formatted")
    source = AirtableDataSource({**mock_airtable.options(), "tableName": "Vendors"})
    schema = source.schema()
    reader = source.reader(schema)
    print(repr(frame), repr(source), repr(source.options), vars(source), vars(reader), repr(reader.partitions()))
    print([vars(partition) for partition in reader.partitions()])
    shown = "".join(capfd.readouterr())
    assert "lakeflow_connect" in shown
    assert mock_airtable.token not in shown

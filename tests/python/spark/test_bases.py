"""Several bases as one table, by Spark: a task for each, and the rows of separate reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.spark.partition import TASKS, partitions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TEXT = {"name": "Name", "type": "singleLineText"}
NUMBER = {"name": "Price", "type": "number", "options": {"precision": 2}}


def shops(mock: MockAirtable, count: int) -> list[str]:
    """Bases of one template; every second one has a further field."""
    made = []
    for number in range(count):
        fields = [TEXT, NUMBER] if number % 2 else [TEXT]
        base = mock.create_base(f"Shop {number}", [{"name": "Orders", "fields": fields}])
        mock.create_records("Orders", [{"Name": f"order {number}.{n}"} for n in range(number + 1)], base=base)
        made.append(base)
    mock.clear_requests()
    return made


def load(spark: SparkSession, mock: MockAirtable, namespace: str, **options: str) -> DataFrame:
    given = {name: value for name, value in mock.options().items() if name != "base_id"}
    reader = spark.read.format("lakeflow_connect").options(**given, namespace=namespace, **options)
    return reader.load("Orders")


def listed(bases: list[str]) -> str:
    return str(bases).replace("'", '"')


@pytest.mark.parametrize(("count", "tasks"), [(1, 1), (3, 3), (10, 10), (25, 10), (60, 10)])
def test_a_token_has_at_most_ten_tasks_at_once_and_each_base_is_in_one(
    mock_airtable: MockAirtable, count: int, tasks: int
) -> None:
    from lakeflow_airtable._native import Connector, Scan

    bases = shops(mock_airtable, count)
    options = Options.from_values({**mock_airtable.options(), "base_id": None, "namespace": bases})
    plan = Connector(options).plan("Orders")
    made = partitions(plan.to_json())
    assert len(made) == tasks <= TASKS
    scans = [Scan.from_json(scan) for part in made for scan in part.value]
    assert sorted(map(repr, scans)) == sorted(map(repr, plan.bases()))
    assert all(scan.schema.names == plan.schema.names for scan in scans)
    assert max(len(part.value) for part in made) - min(len(part.value) for part in made) <= 1
    # How many of a number of records are still wanted is known to one task only.
    assert len(partitions(plan.head(5).to_json())) == 1


@pytest.mark.spark
def test_rows_are_those_of_separate_reads(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    bases = shops(mock_airtable, 4)
    frame = load(spark, mock_airtable, listed(bases))
    assert frame.columns == ["id", "_base_id", "createdTime", "name", "price", "_rescued_data"]
    assert not frame.schema["_base_id"].nullable
    assert frame.rdd.getNumPartitions() == 4
    rows = {(row["_base_id"], row["id"]): row.asDict() for row in frame.collect()}
    assert len(rows) == 10
    assert mock_airtable.request_counts() == {"get_schema": 4, "list_records": 4}, "planned once, read once"
    for base in bases:
        for row in load(spark, mock_airtable, listed([base])).collect():
            assert {"price": None, **row.asDict(), "_base_id": base} == rows.pop((base, row["id"]))
    assert not rows
    assert load(spark, mock_airtable, "*", max_records="3").count() == 3
    assert load(spark, mock_airtable, "*").where("price is null").groupBy("_base_id").count().count() == 4


@pytest.mark.spark
def test_what_cannot_be_read_is_told_at_load_by_name(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    bases = shops(mock_airtable, 3)
    mock_airtable.remove_table("Orders", base=bases[1])
    with pytest.raises(Exception, match=f"1 of 3 bases cannot be read: .*{bases[1]}"):
        load(spark, mock_airtable, listed(bases))
    given = {name: value for name, value in mock_airtable.options().items() if name != "base_id"}
    stream = spark.readStream.format("lakeflow_connect").options(**given, namespace=listed(bases))
    with pytest.raises(Exception, match="read as snapshots only"):
        stream.option("ingestion_type", "cdc").load("Orders")

"""The programs of the kit against the mock, with a stand-in for what Unity Catalog does to a read."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

import lakeflow_airtable
from databricks_bundle import KIT, merged, resolved
from lakeflow_airtable.cli import connection
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"


@pytest.fixture
def databricks(
    spark: SparkSession, mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SparkSession]:
    """A Spark in which a read by the connection `airtable` gets the connection's options, and of its own only those
    that the kit's allow list names."""
    definition = json.loads(connection.ConnectionDefinition("airtable").to_json())
    allowed = {name.lower() for name in definition["options"]["externalOptionsAllowList"].split(",")}
    stored = mock_airtable.options()

    class Injected(lakeflow_airtable.AirtableDataSource):
        def __init__(self, options: Mapping[str, str]) -> None:
            given = {name.lower(): value for name, value in options.items()}
            assert given.pop("databricks.connection") == "airtable"
            super().__init__({**{name: value for name, value in given.items() if name in allowed}, **stored})

    spark.dataSource.register(Injected)
    monkeypatch.setattr(lakeflow_airtable, "register", lambda _spark: None)
    yield spark
    monkeypatch.undo()
    lakeflow_airtable.register(spark)
    spark.conf.unset(INJECTION)


def test_the_job_copies_its_tables(
    databricks: SparkSession, mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]
) -> None:
    (task,) = merged()["resources"]["jobs"]["airtable_serverless"]["tasks"]
    parameters = [resolved(text) for text in task["spark_python_task"]["parameters"]]
    assert "--into=main.airtable" in parameters
    # The local catalog, which has no other schemas.
    arguments = ["--into=spark_catalog.default" if text.startswith("--into") else text for text in parameters]
    job = runpy.run_path(str(KIT / "job.py"))
    copies = {"Vendors": "copy_of_vendors", "SKU Candidates": "copy_of_sku_candidates"}
    try:
        for _ in range(2):  # a job runs again
            job["main"](arguments)
        said = capsys.readouterr().out
        for table, copy in copies.items():
            count = len(mock_airtable.records(table))
            assert databricks.table(copy).count() == count > 0
            assert said.count(f"{table}: {count} rows in spark_catalog.default.{copy}\n") == 2
        assert databricks.conf.get(INJECTION) == "true"
    finally:
        for copy in copies.values():
            databricks.sql(f"DROP TABLE IF EXISTS {copy}")


def test_the_notebook_runs_from_top_to_bottom(databricks: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    path = KIT / "explore.py"
    exec(compile(path.read_text(), path, "exec"), {"spark": databricks, "__name__": "notebook"})
    shown = capsys.readouterr().out
    assert "|[]       |Packaging Tasks   |" in shown
    assert "|-- sku_count: long" in shown
    assert "|cdc_with_deletes|" in shown
    # Options that the allow list lacked would be dropped, and all columns come.
    (header,) = [line for line in shown.splitlines() if line.startswith("|id ") and "country" in line]
    assert [name.strip() for name in header.strip("|").split("|")] == [
        *("id", "createdTime", "name", "country", "score", "_rescued_data"),
    ]

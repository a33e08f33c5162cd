"""The example's declarative pipeline, with a lake's format as that of its tables."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow
import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakes import jars_of
from pipeline_server import PipelineServer, by_id, project_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

NAME = os.environ["LAKE"]
# Iceberg's catalog has no namespace of its own, so that the specification names one, and a session takes it.
SPECIFICATION = {"delta": "", "iceberg": "catalog: lake\ndatabase: bronze\n"}
PLACE = {"delta": "default", "iceberg": "lake.bronze"}


def settings(directory: Path) -> dict[str, str]:
    return {
        "delta": {
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.sql.sources.default": "delta",
            "spark.databricks.delta.snapshotPartitions": "2",
        },
        "iceberg": {
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "hadoop",
            "spark.sql.catalog.lake.warehouse": str(directory / "lake"),
            "spark.sql.catalog.lake.cache-enabled": "false",
            "spark.sql.defaultCatalog": "lake",
        },
    }[NAME] | {"spark.jars": jars_of(NAME)}


def test_materialized_views_and_streaming_tables(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    with (project / "spark-pipeline.yml").open("a") as specification:
        specification.write(SPECIFICATION[NAME])
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", settings(tmp_path)) as server:
        base = Airtable(**mock.options())
        mock.advance_clock(3600)
        with server.session() as spark:
            spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {PLACE[NAME]}")
        server.run(project, mock)
        with server.session() as spark:
            spark.sql(f"USE {PLACE[NAME]}")
            tasks = by_id(spark.table("packaging_tasks").toArrow())
            assert tasks == by_id(pyarrow.table(base.read("Packaging Tasks")))
            providers = {
                row["data_type"]
                for table in ("vendors", "packaging_tasks")
                for row in spark.sql(f"DESCRIBE EXTENDED {table}").collect()
                if row["col_name"] == "Provider"
            }
            assert providers == {NAME}

        edited, deleted = (record["id"] for record in mock.records("Vendors")[:2])
        mock.update_records("Vendors", {edited: {"Name": "Renamed"}})
        mock.delete_records("Vendors", [deleted])
        [new] = mock.create_records("Packaging Tasks", [{"Task": "Fold the box"}])
        mock.advance_clock(3600)
        server.run(project, mock)
        with server.session() as spark:
            spark.sql(f"USE {PLACE[NAME]}")
            for name in base.list_tables():
                there = by_id(spark.table(name.lower().replace(" ", "_")).toArrow())
                if name == "Packaging Tasks":
                    assert there.keys() == {*tasks, new}
                else:
                    assert there == by_id(pyarrow.table(base.read(name))), name


@pytest.mark.skipif(NAME != "iceberg", reason="the catalog has a namespace of its own")
def test_a_catalog_without_a_namespace_of_its_own_wants_a_database(tmp_path: Path) -> None:
    """The fault that the guide names: Spark takes the empty name of the session's namespace for a statement."""
    project = project_of(tmp_path)
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", settings(tmp_path)) as server:
        ran = server.attempt(project, mock)
        assert ran.returncode == 1
        assert "[PARSE_EMPTY_STATEMENT]" in ran.stdout + ran.stderr

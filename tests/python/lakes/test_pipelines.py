"""The example's declarative pipeline, with Delta as the format of its tables."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakes import jars_of
from pipeline_server import PipelineServer, by_id, project_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]


def test_materialized_views_and_streaming_tables(tmp_path: Path) -> None:
    settings = {
        "spark.jars": jars_of("delta"),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.sources.default": "delta",
        "spark.databricks.delta.snapshotPartitions": "2",
    }
    project = project_of(tmp_path)
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", settings) as server:
        base = Airtable(**mock.options())
        mock.advance_clock(3600)
        server.run(project, mock)
        with server.session() as spark:
            tasks = by_id(spark.table("packaging_tasks").toArrow())
            assert tasks == by_id(pyarrow.table(base.read("Packaging Tasks")))
            providers = {
                row["data_type"]
                for table in ("vendors", "packaging_tasks")
                for row in spark.sql(f"DESCRIBE EXTENDED {table}").collect()
                if row["col_name"] == "Provider"
            }
            assert providers == {"delta"}

        edited, deleted = (record["id"] for record in mock.records("Vendors")[:2])
        mock.update_records("Vendors", {edited: {"Name": "Renamed"}})
        mock.delete_records("Vendors", [deleted])
        [new] = mock.create_records("Packaging Tasks", [{"Task": "Fold the box"}])
        mock.advance_clock(3600)
        server.run(project, mock)
        with server.session() as spark:
            for name in base.list_tables():
                there = by_id(spark.table(name.lower().replace(" ", "_")).toArrow())
                if name == "Packaging Tasks":
                    assert there.keys() == {*tasks, new}
                else:
                    assert there == by_id(pyarrow.table(base.read(name))), name

"""Pipelines for real: `spark-pipelines run`, twice, with changes in the base between.

What counts is in the tables: with a Python data source spark-pipelines 4.3.0 ends with exit code 1 after a run that
succeeded, because its client does not know an answer of its server.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from pipeline_server import PipelineServer, by_id, project_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

CHANGES = """
from pyspark.sql import SparkSession

from lakeflow_airtable import ingest


def vendors(table, scd_type):
    return {
        "source_table": "Vendors",
        "destination_catalog": "memory",
        "destination_schema": "bronze",
        "destination_table": table,
        "table_configuration": {
            "ingestion_type": "cdc_with_deletes", "scd_type": scd_type, "fields": ["Name", "Country", "Score"]
        },
    }


history = vendors("vendor_history", "SCD_TYPE_2")
ingest(SparkSession.active(), {"objects": [{"table": vendors("vendors", "SCD_TYPE_1")}, {"table": history}]})
"""

LOGS = """
from pyspark.sql import SparkSession

from lakeflow_airtable import ingest


def kept(table, **configuration):
    return {"table": {"source_table": "Vendors", "destination_table": table, "table_configuration": configuration}}


log = {"ingestion_type": "change_log"}
objects = [
    kept("vendors", fields=["Name", "Country"]),
    kept("vendor_log", **log),
    kept("vendor_names", **log, fields=["Name"], where="change = 'updated'", max_records_per_batch=3),
]
ingest(SparkSession.active(), {"objects": objects})
"""


def log_of(spark: SparkSession, table: str) -> list[tuple[Any, ...]]:
    """The rows of a log in the order of what happened."""
    log = spark.table(table).orderBy("transaction", "id", "field").collect()
    return [(row.id, row.change, row.field, row.old_value, row.new_value, row.source) for row in log]


def assert_nothing_shows_the_token(server: PipelineServer, printed: str, mock: MockAirtable) -> None:
    assert mock.token not in printed
    logs = [path for path in server.directory.rglob("*") if path.is_file()]
    assert (server.directory / "connect.log") in logs
    assert [path for path in logs if mock.token.encode() in path.read_bytes()] == []


def removed_once_planned(mock: MockAirtable, table: str) -> None:
    """Removes a table as soon as a run has been told of it."""
    deadline = time.monotonic() + 60
    while "get_schema" not in mock.request_counts():
        assert time.monotonic() < deadline, "nobody asks"
        time.sleep(0.01)
    mock.remove_table(table)


def test_the_example_keeps_six_tables_equal_to_the_base(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    once = {"spark.sql.pipelines.maxFlowRetryAttempts": "0"}
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", once) as server:
        base = Airtable(**mock.options())
        mock.advance_clock(3600)
        printed = server.run(project, mock)
        assert mock.request_counts()["get_schema"] == 1
        assert "Vendors -> vendors, materialized_view" in printed
        assert "Packaging Tasks -> packaging_tasks, append" in printed
        with server.session() as spark:
            tasks = by_id(spark.table("packaging_tasks").toArrow())
            assert tasks == by_id(pyarrow.table(base.read("Packaging Tasks")))
            assert spark.table("vendors").count() == len(mock.records("Vendors"))
            comments = {row["col_name"]: row["comment"] for row in spark.sql("DESCRIBE vendors").collect()}
            assert comments["name"] == "Legal name"

        first, second, third = (record["id"] for record in mock.records("Vendors")[:3])
        mock.update_records("Vendors", {first: {"Name": "Renamed"}})
        mock.delete_records("Vendors", [second])
        mock.create_records("Vendors", [{"Name": "New"}])
        [new_task] = mock.create_records("Packaging Tasks", [{"Task": "Fold the box"}])
        mock.delete_records("Packaging Tasks", [mock.records("Packaging Tasks")[0]["id"]])
        mock.create_table("Samples", [{"name": "Name"}], [{"Name": "first"}])
        mock.advance_clock(3600)
        mock.clear_requests()
        printed += server.run(project, mock)
        assert mock.request_counts()["get_schema"] == 1

        with server.session() as spark:
            for name in base.list_tables():
                table = name.lower().replace(" ", "_")
                there = by_id(spark.table(table).toArrow())
                if name != "Packaging Tasks":
                    assert there == by_id(pyarrow.table(base.read(name))), name
                    continue
                # Records that are new are added; those there already stay as they were.
                assert there.keys() == {*tasks, new_task}
                assert {key: row for key, row in there.items() if key != new_task} == tasks
            names = {row["id"]: row["name"] for row in spark.table("vendors").collect()}
            assert names[first] == "Renamed"
            assert second not in names
            assert third in names

        # A table that goes while a run is under way ends its own flow, and says so; the others go on.
        mock.delete_records("Vendors", [third])
        mock.clear_requests()
        with ThreadPoolExecutor(1) as threads:
            removal = threads.submit(removed_once_planned, mock, "Samples")
            ran = server.attempt(project, mock)
            removal.result()
        printed += ran.stdout + ran.stderr
        assert ran.returncode == 1
        failed = re.findall(r"Flow '?\S+?\.(\w+)'? has FAILED", ran.stdout + ran.stderr)
        assert failed == ["samples"], printed
        assert 'NotFoundError: table "Samples" (tbl' in printed
        assert "restore it in Airtable, or leave it out of what is read" in printed
        assert mock.request_counts()["get_schema"] == 2  # the second to find out why the read was refused
        with server.session() as spark:
            there = by_id(spark.table("vendors").toArrow())
            assert there == by_id(pyarrow.table(base.read("Vendors")))
            assert third not in there
            # Spark empties a materialized view before its flow begins.
            assert spark.table("samples").count() == 0
        assert_nothing_shows_the_token(server, printed, mock)


def test_auto_cdc_keeps_a_table_and_its_history(tmp_path: Path, mergeable_catalog: dict[str, str]) -> None:
    project = project_of(tmp_path, CHANGES)
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", mergeable_catalog) as server:
        fields = ["Name", "Country", "Score"]
        first, second, third = (record["id"] for record in mock.records("Vendors")[:3])
        printed = server.run(project, mock)
        with server.session() as spark:
            vendors = {row["id"]: row["name"] for row in spark.table("memory.bronze.vendors").collect()}
            assert vendors == {record["id"]: record["fields"].get("Name") for record in mock.records("Vendors")}
            history = spark.table("memory.bronze.vendor_history")
            assert history.count() == len(vendors)
            assert history.where("__END_AT IS NOT NULL").count() == 0

        mock.advance_clock(30)
        mock.update_records("Vendors", {first: {"Name": "Renamed"}})
        # Edited, and no cell of those read is other than before: no version.
        mock.update_records("Vendors", {third: {"Phone": "+1 555 0100"}})
        mock.delete_records("Vendors", [second])
        [new] = mock.create_records("Vendors", [{"Name": "New"}])
        mock.advance_clock(30)
        printed += server.run(project, mock)

        with server.session() as spark:
            table = spark.table("memory.bronze.vendors")
            assert "_deleted" not in table.columns
            there = by_id(table.drop("_changed_at", "__spark_autocdc_metadata").toArrow())
            assert there == by_id(pyarrow.table(Airtable(**mock.options()).read("Vendors", fields=fields)))
            history = spark.table("memory.bronze.vendor_history")
            assert {"_deleted", "_changed_at"}.isdisjoint(history.columns)
            versions: dict[str, list[tuple[str, bool]]] = {}
            for row in history.orderBy("__START_AT").collect():
                versions.setdefault(row["id"], []).append((row["name"], row["__END_AT"] is None))
            assert versions[first] == [(vendors[first], False), ("Renamed", True)]
            assert versions[second] == [(vendors[second], False)]
            assert versions[third] == [(vendors[third], True)]
            assert versions[new] == [("New", True)]
            assert sum(map(len, versions.values())) == len(vendors) + 2
        assert_nothing_shows_the_token(server, printed, mock)


def test_a_log_is_appended_run_by_run(tmp_path: Path) -> None:
    project = project_of(tmp_path, LOGS)
    once = {"spark.sql.pipelines.maxFlowRetryAttempts": "0"}
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", once) as server:
        names = {record["id"]: record["fields"].get("Name") for record in mock.records("Vendors")}
        first, second, *more = [record for record, name in names.items() if name][:12]
        printed = server.run(project, mock)
        with server.session() as spark:
            assert log_of(spark, "vendor_log") == log_of(spark, "vendor_names") == [], "a log begins with its first run"
            assert spark.table("vendors").count() == len(names)

        expected = []
        for turn in ("once", "again"):
            for number, record in enumerate(more):
                mock.set_faults(change_source="automation" if number % 2 else "client")
                mock.update_records("Vendors", {record: {"Name": f"{turn} {number}"}})
                old, names[record] = names[record], f"{turn} {number}"
                source = "automation" if number % 2 else "client"
                expected.append((record, "updated", "Name", f'"{old}"', f'"{names[record]}"', source))
            if turn == "again":
                mock.set_faults(change_source=None)
                mock.delete_records("Vendors", [second])
                del names[second]
            printed += server.run(project, mock)
            with server.session() as spark:
                assert log_of(spark, "vendor_names") == expected
                log = log_of(spark, "vendor_log")
                assert [row for row in log if row[2] == "Name"] == expected
                deleted = [row for row in log if row[1] == "deleted"]
                assert deleted == [(second, "deleted", None, None, None, "client")][: turn == "again"]
                assert {row["id"]: row["name"] for row in spark.table("vendors").collect()} == names

        # A gap ends the log's own flow; the table beside it goes on.
        mock.advance_clock(8 * 86_400)
        mock.update_records("Vendors", {first: {"Name": "after the gap"}})
        ran = server.attempt(project, mock)
        printed += ran.stdout + ran.stderr
        assert ran.returncode == 1
        assert "changes are lost" in printed
        with server.session() as spark:
            assert log_of(spark, "vendor_names") == expected
            assert {row["id"]: row["name"] for row in spark.table("vendors").collect()}[first] == "after the gap"
        assert_nothing_shows_the_token(server, printed, mock)

"""The framework's data source under a real Spark: what is pickled, planned, read and converted there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from cluster import session_settings

from framework.installation import install_framework, install_project
from project import run_driver

pytestmark = [pytest.mark.spark, pytest.mark.timeout(400)]

TOKEN = "patCommunityTest.0000"

DRIVER = """
import json, os

from databricks.labs.community_connector.sources.airtable import AirtableLakeflowConnect
from databricks.labs.community_connector.sparkpds import LakeflowSource, find_data_source, register
from pyspark.sql import SparkSession

from lakeflow_airtable.mock import MockAirtable

builder = SparkSession.builder.master("local[2]")
for name, value in json.loads(os.environ["SETTINGS"]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
mock = MockAirtable(token=os.environ["TOKEN"])
mock.generate_table("Generated", 60, 40)
mock.advance_clock(120)
result = {}


class Converted(LakeflowSource):
    # The framework's own reading of the connector, cell by cell.
    _lakeflow_connect_cls = AirtableLakeflowConnect


def source(reader, table, **options):
    return reader.format("lakeflow_connect").options(**{**mock.options(), "tableName": table, **options})


def rows(frame):
    return sorted(map(repr, frame.collect()))


def run(stream, **options):
    # One run of a pipeline's flow: all there is since the stream's last run, batch by batch.
    frame = source(spark.readStream, "Vendors", **options).load()
    batches = []
    query = frame.writeStream.foreachBatch(
        lambda batch, _: batches.append([[row.id, row.name] for row in batch.select("id", "name").collect()])
    )
    query = query.option("checkpointLocation", os.path.abspath(stream)).trigger(availableNow=True).start()
    assert query.awaitTermination(100), "the run does not end"
    return batches


# Snapshots: what is found, and the framework's reading of the connector, give the same. These tables have every kind of
# field.
tables = ["SKU Candidates", "Vendors", "Generated"]
read = {}
spark.dataSource.register(find_data_source("airtable"))
read["ours"] = {table: rows(source(spark.read, table).load()) for table in tables}
schemas = {table: source(spark.read, table).load().schema for table in tables}
spark.dataSource.register(Converted)
read["theirs"] = {table: rows(source(spark.read, table).load()) for table in tables}
result["there"] = [table["name"] for table in mock.schema()["tables"]]
result["counts"] = {table: len(found) for table, found in read["theirs"].items()}
result["differing"] = [table for table in tables if read["ours"][table] != read["theirs"][table]]
result["retyped"] = [table for table in tables if source(spark.read, table).load().schema != schemas[table]]
try:
    source(spark.read, "Vendor").load().collect()
except Exception as error:
    result["error"] = str(error)

# The plan travels with the connector: what Spark was told at load() is what it gets.
frame = source(spark.read, "Generated").load()
before = rows(frame)
mock.rename_field("Generated", mock.schema()["tables"][-1]["fields"][0]["name"], "Renamed")
result["moved"] = len(set(before) ^ set(rows(frame)))

# Virtual tables.
configs = json.dumps({"Vendors": {"Ingestion_Type": "cdc", "max_records_per_batch": "7"}})
metadata = source(
    spark.read, "_community_table_metadata", tableNameList=json.dumps(["Vendors", "Generated"]), tableConfigs=configs
)
result["metadata"] = [list(row) for row in metadata.load().collect()]
result["tables"] = [list(row) for row in source(spark.read, "_community_tables", namespace="[]").load().collect()]
result["namespaces"] = [
    list(row) for row in source(spark.read, "_community_namespaces", base_id="").load().collect()
]

try:
    source(spark.readStream, "Vendors").load().writeStream.format("noop").start().awaitTermination(60)
except Exception as error:
    result["snapshot"] = str(error)

# Streams, each in two runs, with changes between them: by the framework's reading, and as registered.
vendors = [record["id"] for record in mock.records("Vendors")]
modes = {"cdc": {}, "cdc_with_deletes": {}, "deletes": {"isDeleteFlow": "true"}, "registered": {}}
for mode, more in modes.items():
    more["ingestion_type"] = "cdc" if mode == "cdc" else "cdc_with_deletes"
    more["max_records_per_batch"] = "25"


def runs():
    spark.dataSource.register(Converted)
    ran = {mode: run(mode, **more) for mode, more in modes.items() if mode != "registered"}
    register(spark, "airtable")
    return {**ran, "registered": run("registered", **modes["registered"])}


result["first"] = runs()
changed, gone, *_ = vendors
(added,) = mock.create_records("Vendors", [{"Name": "Added"}])
mock.update_records("Vendors", {changed: {"Name": "Changed"}})
mock.delete_records("Vendors", [gone])
mock.advance_clock(120)
result["second"] = {mode: sorted(sum(batches, [])) for mode, batches in runs().items()}
result["written"] = {"vendors": vendors, "changed": changed, "gone": gone, "added": added}
result["base"] = mock.base_id
result["bases"] = sorted(mock.bases)
spark.stop()
print(json.dumps(result))
"""


def test_a_real_spark_reads_through_the_framework(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install_framework(site)
    install_project(site)
    ran = run_driver(
        Path(sys.executable),
        DRIVER,
        tmp_path / "driver",
        PYTHONPATH=str(site),
        PYSPARK_PYTHON=sys.executable,
        SETTINGS=json.dumps(session_settings(tmp_path)),
        TOKEN=TOKEN,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])

    assert len(result["counts"]) == 3
    assert min(result["counts"].values()) >= 60
    assert result["differing"] == []
    assert result["retyped"] == []
    assert "NotFoundError" in result["error"]
    assert "Vendors" in result["error"]
    assert result["moved"] == 0
    assert result["metadata"] == [
        ["Vendors", ["id"], "_changed_at", "cdc"],
        ["Generated", ["id"], None, "snapshot"],
    ]
    assert result["tables"] == [[[], table] for table in sorted(result["there"])]
    assert result["namespaces"] == [[[base]] for base in result["bases"]]

    vendors, changed, gone, added = (result["written"][name] for name in ("vendors", "changed", "gone", "added"))
    assert "OptionError: option ingestion_type is snapshot" in result["snapshot"]
    for mode in ("cdc", "cdc_with_deletes", "registered"):
        batches = result["first"][mode]
        # The first load comes in parts, about as large as the bound.
        sizes = [len(batch) for batch in batches if batch]
        assert len(sizes) >= 3
        assert max(sizes) <= 25
        assert sorted(record for batch in batches for record, _ in batch) == sorted(vendors)
    assert [batch for batch in result["first"]["deletes"] if batch] == []
    written = sorted([[added, "Added"], [changed, "Changed"]])
    assert result["second"] == {
        "cdc": written,
        "cdc_with_deletes": written,
        "registered": written,
        "deletes": [[gone, None]],
    }
    # Neither the output nor a checkpoint shows the token.
    assert TOKEN not in ran.stdout + ran.stderr
    checkpoints = [path for path in (tmp_path / "driver").rglob("*") if path.is_file()]
    assert len(checkpoints) > len(result["first"])
    assert [path for path in checkpoints if TOKEN.encode() in path.read_bytes()] == []

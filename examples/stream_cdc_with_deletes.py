"""A Delta table kept equal to a table of Airtable's by its change feed: new, edited, recomputed and deleted records.

Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and where not a mock's sample base, which is edited
between two runs. Start it again with your base, more often than once a week, and it reads what has changed since. The
token needs the scope webhook:manage, and the first run makes a webhook in the base if none of its webhooks serves.

Here the package `deltalake` writes the Delta table, in the driver's memory. On Databricks one statement does it:

    MERGE INTO vendors AS target USING changes AS source ON target.id = source.id
    WHEN MATCHED AND source._deleted AND source._changed_at >= target._changed_at THEN DELETE
    WHEN MATCHED AND source._changed_at >= target._changed_at THEN UPDATE SET *
    WHEN NOT MATCHED AND NOT source._deleted THEN INSERT *
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pyarrow
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from lakeflow_airtable import Airtable, AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

table = os.environ.get("AIRTABLE_TABLE", "Vendors")
target, checkpoint = Path("airtable_cdc_with_deletes").resolve(), Path("airtable_cdc_with_deletes_checkpoint").resolve()


def upsert(batch: DataFrame, number: int) -> None:
    """Writes and deletes by id. A batch may come again, and a record in several: the latest version stays."""
    newer = "source._changed_at >= target._changed_at"
    changes = batch.toArrow()
    merge = DeltaTable.create(target, changes.schema, mode="ignore").merge(
        changes, "target.id = source.id", source_alias="source", target_alias="target"
    )
    merge = merge.when_matched_delete(f"source._deleted and {newer}").when_matched_update_all(newer)
    merge.when_not_matched_insert_all("not source._deleted").execute()


spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.dataSource.register(AirtableDataSource)

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        options = mock.options()
    else:
        options = {"token": os.environ["AIRTABLE_TOKEN"], "base_id": os.environ["AIRTABLE_BASE_ID"]}

    def run() -> None:
        """Reads what is there now, batch by batch, and ends. A schedule does this every few minutes."""
        read = spark.readStream.format("lakeflow_connect").options(**options, tableName=table)
        read = read.option("ingestion_type", "cdc_with_deletes")
        write = read.load().writeStream.foreachBatch(upsert).option("checkpointLocation", str(checkpoint))
        write.trigger(availableNow=True).start().awaitTermination()
        print(DeltaTable(target).to_pyarrow_table().num_rows, "rows")

    run()
    if mock:
        edited, deleted = (record["id"] for record in mock.records(table)[:2])
        mock.update_records(table, {edited: {"Name": "Edited"}})
        mock.create_records(table, [{"Name": "New"}])
        mock.delete_records(table, [deleted])
        mock.advance_clock(60)  # changes are read when they have settled, after ten seconds
        run()

        copy = {row["id"]: row["name"] for row in DeltaTable(target).to_pyarrow_table().to_pylist()}
        base = Airtable(**options)
        vendors = {row["id"]: row["name"] for row in pyarrow.table(base.read(table)).to_pylist()}
        print(f"{edited} is now {copy[edited]}; {deleted} is gone: {deleted not in copy}")
        print(f"the same as in Airtable: {copy == vendors}")

spark.stop()

"""A Delta table of all records that a table of Airtable's ever had, as they were when they were new.

For tables whose records are written once and never edited, such as the answers to a form. Reads your base where
AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and where not a mock's sample base, which gets records between two runs.
Start it again with your base, and it reads the records that are new: the checkpoint says where it was.

Here the package `deltalake` writes the Delta table, in the driver's memory. On Databricks one statement does it:

    MERGE INTO vendors AS target USING changes AS source ON target.id = source.id
    WHEN NOT MATCHED THEN INSERT *
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
target, checkpoint = Path("airtable_append").resolve(), Path("airtable_append_checkpoint").resolve()


def insert(batch: DataFrame, number: int) -> None:
    """The stream gives each record once, but a batch that was not committed comes again after a crash."""
    changes = batch.toArrow()
    merge = DeltaTable.create(target, changes.schema, mode="ignore").merge(
        changes, "target.id = source.id", source_alias="source", target_alias="target"
    )
    merge.when_not_matched_insert_all().execute()


spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.dataSource.register(AirtableDataSource)

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        options = mock.options()
    else:
        options = {"token": os.environ["AIRTABLE_TOKEN"], "base_id": os.environ["AIRTABLE_BASE_ID"]}

    def run() -> None:
        """Reads what is there now, batch by batch, and ends. A schedule does this every few minutes."""
        read = spark.readStream.format("lakeflow_connect").options(**options, tableName=table, ingestion_type="append")
        write = read.load().writeStream.foreachBatch(insert).option("checkpointLocation", str(checkpoint))
        write.trigger(availableNow=True).start().awaitTermination()
        print(DeltaTable(target).to_pyarrow_table().num_rows, "rows")

    run()
    if mock:
        new = mock.create_records(table, [{"Name": "New"}, {"Name": "Newer"}])
        mock.advance_clock(120)  # new records are read after lookback_seconds, here a minute
        run()

        copy = {row["id"]: row["name"] for row in DeltaTable(target).to_pyarrow_table().to_pylist()}
        base = Airtable(**options)
        vendors = {row["id"]: row["name"] for row in pyarrow.table(base.read(table)).to_pylist()}
        print(f"{len(new)} were added: {set(new) <= copy.keys()}; the same as in Airtable: {copy == vendors}")

spark.stop()

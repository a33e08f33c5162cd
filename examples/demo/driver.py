"""The driver of the demo: what a notebook would hold. Started by demo.py, which sets the cluster and the mock up."""

from __future__ import annotations

import json
import os
import time

from pyspark.sql import SparkSession

from lakeflow_airtable import Airtable, AirtableDataSource

options = json.loads(os.environ["DEMO_OPTIONS"])
builder = SparkSession.builder.master(os.environ["DEMO_MASTER"]).appName("lakeflow-airtable demo")
for name, value in json.loads(os.environ["DEMO_SETTINGS"]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
spark.dataSource.register(AirtableDataSource)

started = time.monotonic()
counts = {}
for table in Airtable(**options).list_tables():
    source = spark.read.format("lakeflow_connect").options(**options).option("tableName", table).load()
    name = table.lower().replace(" ", "_")
    source.write.mode("overwrite").saveAsTable(name)

    saved = spark.table(name)
    counts[table] = saved.count()
    print(f"\n=== {table}: {counts[table]} rows in table {name}")
    saved.printSchema()
    saved.show(3, truncate=40)

print(f"Read {len(counts)} tables, {sum(counts.values())} rows, in {time.monotonic() - started:.0f} s:")
for table, count in counts.items():
    print(f"  {table:<24} {count:>6}")
spark.stop()

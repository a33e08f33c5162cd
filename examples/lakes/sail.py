"""A Spark session without Java: Sail reads an Airtable base, and writes a Delta table.

Sail is an engine in Rust that Spark's own client speaks to.

    pip install lakeflow-airtable pysail 'pyspark-client==4.1.*'

Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and a mock's sample base where not.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

from lakeflow_airtable import register
from lakeflow_airtable.mock import MockAirtable

server = SparkConnectServer()
server.start(background=True)
host, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
register(spark)

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        options = mock.options()
    else:
        options = {"token": os.environ["AIRTABLE_TOKEN"], "base_id": os.environ["AIRTABLE_BASE_ID"]}
    airtable = spark.read.format("lakeflow_connect").options(**options)
    airtable.option("tableName", "_community_tables").load().show()

    table = airtable.option("tableName", os.environ.get("AIRTABLE_TABLE", "Vendors")).load()
    table.write.format("delta").mode("overwrite").save("airtable_sail")
    stored = spark.read.format("delta").load("airtable_sail")
    stored.createOrReplaceTempView("stored")
    spark.sql("SELECT count(*) AS records, max(createdTime) AS newest FROM stored").show()
    print(f"{stored.count()} rows in the Delta table")

spark.stop()
server.stop()

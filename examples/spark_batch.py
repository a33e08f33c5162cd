"""A table of Airtable's as a Spark DataFrame.

Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and a mock's sample base where not.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

from pyspark.sql import SparkSession

from lakeflow_airtable import AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.dataSource.register(AirtableDataSource)

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        options = mock.options()
    else:
        options = {"token": os.environ["AIRTABLE_TOKEN"], "base_id": os.environ["AIRTABLE_BASE_ID"]}
    airtable = spark.read.format("lakeflow_connect").options(**options)

    vendors = airtable.option("tableName", os.environ.get("AIRTABLE_TABLE", "Vendors")).load()
    vendors.printSchema()
    vendors.show(3)

    # Which tables there are, and how each is best ingested, are tables too.
    airtable.option("tableName", "_community_tables").load().show(truncate=False)

spark.stop()

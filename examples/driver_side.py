"""For those who may install nothing on Spark's workers: the driver reads, Spark gets an Arrow table.

All rows pass through the driver's memory. The columns are the same as those of the data source.
Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and a mock's sample base where not.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

import pyarrow
from pyspark.sql import SparkSession

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        base = Airtable(**mock.options())
    else:
        base = Airtable(token=os.environ["AIRTABLE_TOKEN"], base_id=os.environ["AIRTABLE_BASE_ID"])
    vendors = spark.createDataFrame(pyarrow.table(base.read(os.environ.get("AIRTABLE_TABLE", "Vendors"))))

vendors.printSchema()
print(vendors.count(), "rows")
spark.stop()

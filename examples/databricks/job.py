"""Copies tables of Airtable whole into tables of Unity Catalog: a task of a job, on serverless compute or on a cluster.

job.py --connection=airtable --into=main.airtable Vendors "SKU Candidates"
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from pyspark.sql import SparkSession

from lakeflow_airtable import register

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connection", required=True, help="the Unity Catalog connection that holds the token")
    parser.add_argument("--into", required=True, metavar="CATALOG.SCHEMA", help="where the copies go")
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="a table's name or its tbl... id")
    parsed = parser.parse_args(arguments)

    spark = SparkSession.builder.getOrCreate()
    register(spark)
    # A cluster has it in its configuration already, a serverless job has no other place for it.
    spark.conf.set(INJECTION, "true")
    source = spark.read.format("lakeflow_connect").option("databricks.connection", parsed.connection)
    for table in parsed.tables:
        # Not the name that the pipeline gives: its tables are its own, and cannot be written by others.
        copy = f"{parsed.into}.copy_of_{re.sub(r'[^a-z0-9]+', '_', table.lower()).strip('_')}"
        frame = source.option("tableName", table).load()
        frame.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(copy)
        print(f"{table}: {spark.table(copy).count()} rows in {copy}", flush=True)


if __name__ == "__main__":
    main()

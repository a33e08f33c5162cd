"""Copies tables of Airtable whole into tables of Unity Catalog: a task of a job, on serverless compute or on a cluster.

job.py --connection=airtable --into=main.airtable_copies Vendors "SKU Candidates"

The copies have the names that a pipeline gives. Where the compute refuses the setting by which a connection hands over
its token, give `--secret=SCOPE/KEY` as well: the token then comes from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress

from pyspark.sql import SparkSession

from lakeflow_airtable import register
from lakeflow_airtable.specification.names import identifiers

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connection", required=True, help="the Unity Catalog connection that holds the token")
    parser.add_argument("--secret", default="", metavar="SCOPE/KEY", help="a secret with the token, which then counts")
    parser.add_argument("--base-id", default="", help="the base, for reads with a secret")
    parser.add_argument("--into", required=True, metavar="CATALOG.SCHEMA", help="where the copies go")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="a table's name or its tbl... id; without any, all")
    parsed = parser.parse_args(arguments)

    spark = SparkSession.builder.getOrCreate()
    register(spark)
    # A cluster has it in its configuration. Serverless compute may refuse it, and then has it or wants a secret.
    with suppress(Exception):
        spark.conf.set(INJECTION, "true")
    source = spark.read.format("lakeflow_connect").options(**access(parsed))
    listed = source.option("tableName", "_community_tables").load
    for table, name in identifiers(parsed.tables or [row["tableName"] for row in listed().collect()]).items():
        copy = f"{parsed.into}.{name}"
        frame = source.option("tableName", table).load()
        frame.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(copy)
        print(f"{table}: {spark.table(copy).count()} rows in {copy}", flush=True)


def access(parsed: argparse.Namespace) -> dict[str, str]:
    """The options that lead to the base: the connection's name, or the token itself."""
    if not parsed.secret:
        return {"databricks.connection": parsed.connection}
    from databricks.sdk.runtime import dbutils

    scope, _, key = parsed.secret.partition("/")
    base = {"base_id": parsed.base_id} if parsed.base_id else {}
    return {"token": dbutils.secrets.get(scope, key), **base}


if __name__ == "__main__":
    main()

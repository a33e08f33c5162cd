"""An Airtable base in a lake, by open Spark: in Delta tables or in Iceberg tables.

Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and a mock's sample base where not. Each format wants
its own release of Spark:

    pip install 'lakeflow-airtable[spark]' 'pyspark==4.2.*'
    spark-submit --packages io.delta:delta-spark_4.2_2.13:4.4.0 bronze.py delta

    pip install 'lakeflow-airtable[spark]' 'pyspark==4.1.*'
    spark-submit --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0 bronze.py iceberg

The tables lie in the directory `airtable_lake`: one for each table of the base, read anew at each run, and of one table
also a copy that a stream keeps, and its history with a row for each version (SCD 2).
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from lakeflow_airtable import Airtable, register
from lakeflow_airtable.mock import MockAirtable

DIRECTORY = Path("airtable_lake").resolve()


@dataclass(frozen=True)
class Lake:
    """A table format: how a session has it, and the statement that lists a table's versions and their times."""

    spark: str
    package: str
    settings: dict[str, str]
    versions: str


LAKES = {
    "delta": Lake(
        spark="4.2",
        package="io.delta:delta-spark_4.2_2.13:4.4.0",
        settings={
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.sql.warehouse.dir": str(DIRECTORY),
            # Delta reads its log in fifty tasks, which suits larger tables than a base's.
            "spark.databricks.delta.snapshotPartitions": "2",
        },
        versions="DESCRIBE HISTORY {table}",
    ),
    "iceberg": Lake(
        spark="4.1",
        package="org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",
        settings={
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "hadoop",
            "spark.sql.catalog.lake.warehouse": str(DIRECTORY),
            # foreachBatch has a session of its own. Another that keeps a table in its cache does not see what that one
            # has written, for half a minute.
            "spark.sql.catalog.lake.cache-enabled": "false",
            "spark.sql.defaultCatalog": "lake",
        },
        versions="SELECT snapshot_id AS version, committed_at AS timestamp FROM {table}.snapshots",
    ),
}

MERGE = """
MERGE INTO {table} AS target USING changes AS source ON target.id = source.id
WHEN MATCHED AND source._deleted AND source._changed_at >= target._changed_at THEN DELETE
WHEN MATCHED AND source._changed_at >= target._changed_at THEN UPDATE SET *
WHEN NOT MATCHED AND NOT source._deleted THEN INSERT *
"""

# A record's newest version has no end. A change of a record that is there comes twice into the MERGE: by its id it ends
# the newest version, and without an id it becomes a version of its own. What is older, or comes again, changes nothing.
MERGE_HISTORY = """
MERGE INTO {table} AS target USING (
    WITH later AS (
        SELECT * FROM changes WHERE NOT EXISTS (
            SELECT 1 FROM {table} AS old
            WHERE old.id = changes.id AND (old.__START_AT > changes._changed_at OR old.__END_AT > changes._changed_at)
        )
    )
    SELECT later.id AS ends, later.* FROM later
    UNION ALL
    SELECT CAST(NULL AS STRING) AS ends, later.*
    FROM later JOIN {table} AS old ON old.id = later.id AND old.__END_AT IS NULL
    WHERE NOT later._deleted AND old.__START_AT < later._changed_at
) AS source ON target.id = source.ends AND target.__END_AT IS NULL
WHEN MATCHED AND NOT source._deleted AND source._changed_at = target.__START_AT THEN UPDATE SET {updates}
WHEN MATCHED THEN UPDATE SET __END_AT = source._changed_at
WHEN NOT MATCHED AND NOT source._deleted
    THEN INSERT ({columns}, __START_AT, __END_AT) VALUES ({values}, source._changed_at, NULL)
"""


def started(name: str) -> SparkSession:
    """A session with the format. Where its jars fit another Spark, tables fail late and oddly, so one is made first."""
    lake = LAKES[name]
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    for setting, value in lake.settings.items():
        builder = builder.config(setting, value)
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.ui.showConsoleProgress", "false")
    spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    try:
        spark.sql("CREATE NAMESPACE IF NOT EXISTS bronze")
        spark.range(1).write.format(name).mode("overwrite").saveAsTable("bronze.first")
        spark.sql("DROP TABLE bronze.first")
    except Exception as error:
        said = str(error).strip().splitlines()[0][:300]
        raise SystemExit(
            f"{name} makes no table in this Spark, which is {spark.version} ({said}): use Spark {lake.spark} "
            f"(pip install 'pyspark=={lake.spark}.*') and start it with --packages {lake.package}"
        ) from None
    register(spark)
    return spark


def keep(batch: DataFrame, name: str, table: str) -> None:
    """Merges a batch of changes into a copy and into its history. The same batch may come again."""
    spark = batch.sparkSession
    batch = batch.cache()  # two statements look at it several times, and each look would read Airtable
    batch.createOrReplaceTempView("changes")
    copied = [column for column in batch.columns if column != "_deleted"]  # a name that Iceberg keeps for itself
    columns = [column for column in copied if column != "_changed_at"]
    history = ", ".join([*columns, "_changed_at AS __START_AT", "CAST(NULL AS TIMESTAMP) AS __END_AT"])
    for target, selected in ((table, ", ".join(copied)), (f"{table}_history", history)):
        if not spark.catalog.tableExists(target):
            spark.sql(f"SELECT {selected} FROM changes LIMIT 0").write.format(name).saveAsTable(target)
    spark.sql(MERGE.format(table=table))
    spark.sql(
        MERGE_HISTORY.format(
            table=f"{table}_history",
            updates=", ".join(f"{column} = source.{column}" for column in columns),
            columns=", ".join(columns),
            values=", ".join(f"source.{column}" for column in columns),
        )
    )
    batch.unpersist()


def bronze(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    """Every table of the base as it is now, each in one commit."""
    for table in Airtable(**options).list_tables():
        target = "bronze." + table.lower().replace(" ", "_")
        read = spark.read.format("lakeflow_connect").options(**options, tableName=table)
        read.load().write.format(name).mode("overwrite").saveAsTable(target)
        print(f"{target}: {spark.table(target).count()} rows")


def follow(spark: SparkSession, name: str, options: dict[str, str], table: str, target: str) -> None:
    """Reads the changes that are there now, batch by batch, and ends."""
    read = spark.readStream.format("lakeflow_connect").options(**options, tableName=table)
    write = read.option("ingestion_type", "cdc_with_deletes").load().writeStream
    write = write.foreachBatch(lambda batch, number: keep(batch, name, target))
    write = write.option("checkpointLocation", str(DIRECTORY / "checkpoints" / target))
    write.trigger(availableNow=True).start().awaitTermination()


def main(name: str) -> None:
    spark = started(name)
    spark.sql("CREATE NAMESPACE IF NOT EXISTS silver")
    table = os.environ.get("AIRTABLE_TABLE", "Vendors")
    with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
        if mock:
            options = mock.options()
        else:
            options = {"token": os.environ["AIRTABLE_TOKEN"], "base_id": os.environ["AIRTABLE_BASE_ID"]}
        bronze(spark, name, options)
        follow(spark, name, options, table, "silver.records")
        print(f"silver.records: {spark.table('silver.records').count()} rows")
        if mock:
            edit(mock, table)
            bronze(spark, name, options)
            follow(spark, name, options, table, "silver.records")
            tell(spark, name, options, table)
    spark.stop()


def edit(mock: MockAirtable, table: str) -> None:
    mock.advance_clock(30)
    edited, deleted = (record["id"] for record in mock.records(table)[:2])
    mock.update_records(table, {edited: {"Name": "Edited"}})
    mock.delete_records(table, [deleted])
    mock.create_records(table, [{"Name": "New"}, {"Name": "Newer"}])
    mock.advance_clock(60)  # changes are read when they have settled, after ten seconds


def tell(spark: SparkSession, name: str, options: dict[str, str], table: str) -> None:
    now = {row["id"]: row["name"] for batch in Airtable(**options).read(table) for row in batch.to_pylist()}
    copy = {row["id"]: row["name"] for row in spark.table("silver.records").collect()}
    print(f"the same as in Airtable: {copy == now}")

    history = spark.table("silver.records_history")
    print(f"versions: {history.count()}, of them ended: {history.where('__END_AT IS NOT NULL').count()}")

    target = "bronze." + table.lower().replace(" ", "_")
    oldest = spark.sql(LAKES[name].versions.format(table=target)).orderBy("timestamp").collect()[0]["version"]
    before = spark.sql(f"SELECT count(*) FROM {target} VERSION AS OF {oldest}").collect()[0][0]
    print(f"{target} had {before} rows in version {oldest}, and has {spark.table(target).count()}")


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "delta")

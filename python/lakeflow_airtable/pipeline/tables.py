"""The tables of a specification whose connection is one of Unity Catalog.

Such a connection gives its options to reads of Spark only. So Spark lists the tables, and only where a pattern needs
it; an entry's table is then looked for when Spark plans its read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options import Options
from ..specification.spec import Entry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkTables:
    """Asks Spark, whose reads have a Unity Catalog connection's options."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def names(self, options: Options) -> list[str]:
        naming = {"databricks.connection", "base_id", "namespace"}
        asked = {name: value for name, value in options.items() if name in naming}
        reader = self._spark.read.format("lakeflow_connect").options(**asked).option("tableName", "_community_tables")
        return [row["tableName"] for row in reader.load().collect()]

    def name(self, entry: Entry) -> str:
        return entry.source_table

    def plan(self, entry: Entry) -> str | None:
        from .._native import Connector

        # The connection's own options are not seen here: these take their place while the entry's are looked at.
        Connector(
            {"token": "of-the-connection", "base_url": "http://127.0.0.1", **entry.read_options}, among_others=True
        )
        return None

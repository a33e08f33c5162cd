"""Where the framework's `register(spark, "airtable")` looks.

For other sources this module is generated: all their code in one function, because their files cannot be imported by
Spark's workers. An installed wheel can, so there is nothing to merge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register_lakeflow_source(spark: SparkSession) -> None:
    """Registers the class that `find_data_source("airtable")` gives, as `lakeflow_connect`."""
    from databricks.labs.community_connector.sources.airtable import AirtableDataSource

    spark.dataSource.register(AirtableDataSource)

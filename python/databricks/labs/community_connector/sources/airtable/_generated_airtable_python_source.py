"""Where the framework's `register(spark, "airtable")` looks.

For other sources this module is generated: all their code in one function, because their files cannot be imported by
Spark's workers. An installed wheel can, so there is nothing to merge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register_lakeflow_source(spark: SparkSession) -> None:
    """Registers `lakeflow_airtable.AirtableDataSource` as `lakeflow_connect`.

    Not the framework's data source beside this module: both serve the same tables, options and virtual tables, but
    this one hands over Arrow batches where the framework converts cell by cell.
    """
    from lakeflow_airtable import register

    register(spark)

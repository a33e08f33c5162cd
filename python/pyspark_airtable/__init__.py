"""Spark finds the format `airtable` here: it imports every top-level package called `pyspark_*` and looks for
`DefaultSource`. One such package failing to import hides the formats of all others, so this one never fails.

Where the source itself cannot be imported, as from a wheel of another architecture, the format is there all the same,
and whoever reads it gets the error with its cure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from pyspark.sql.datasource import DataSource
except ImportError:  # a pyspark without Python data sources, or none
    pass
else:
    if TYPE_CHECKING:
        from lakeflow_airtable.spark import AirtableDataSource as Source
    else:
        try:
            from lakeflow_airtable.spark import AirtableDataSource as Source
        except ImportError as error:
            failure = error

            class Source(DataSource):
                """In the place of the source that cannot be imported."""

                def __init__(self, options: Any) -> None:
                    raise ImportError(failure.msg, name=failure.name, path=failure.path)

    class DefaultSource(Source):
        """`spark.read.format("airtable")`, without any registration."""

        @classmethod
        def name(cls) -> str:
            return "airtable"

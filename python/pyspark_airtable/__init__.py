"""Spark finds the format `airtable` here: it imports every top-level package called `pyspark_*` and looks for
`DefaultSource`. One such package failing to import hides the formats of all others, so this one never fails.
"""

from __future__ import annotations

try:
    from lakeflow_airtable.spark import AirtableDataSource
except ImportError:  # a pyspark without Python data sources
    pass
else:

    class DefaultSource(AirtableDataSource):
        """`spark.read.format("airtable")`, without any registration."""

        @classmethod
        def name(cls) -> str:
            return "airtable"

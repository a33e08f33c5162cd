"""Every table of an Airtable base. Each run reads them anew, but one, to which it adds the records that are new.

Reads the base of AIRTABLE_TOKEN and AIRTABLE_BASE_ID. At another address, such as a mock's: AIRTABLE_BASE_URL.
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from lakeflow_airtable import ingest

tables = ingest(
    SparkSession.active(),
    {
        "objects": [
            {"table": {"source_table": "*"}},
            # Named by itself, a table is none of the pattern's.
            {"table": {"source_table": "Packaging Tasks", "table_configuration": {"ingestion_type": "append"}}},
        ]
    },
)
for table in tables:
    print(f"{table.source_table} -> {table.destination}, {table.flow}")

"""The Spark data source.

`source` is what Spark registers and plans with, `stream` turns changes into micro-batches, `partition` is what a task
of either reads, `worker_log` is where its log lines go, `schemas` turns schemas
into Spark's, `virtual_tables` are the tables that list Airtable's, and
`messages` shortens what Spark shows before an error's message.

Classes are pickled by the names of their modules, so the driver and the workers need the same release of this package.
"""

from __future__ import annotations

from .partition import ScanPartition
from .schemas import spark_schema
from .source import AirtableDataSource, AirtableReader, VirtualTableReader
from .stream import AirtableStreamReader

__all__ = [
    "AirtableDataSource",
    "AirtableReader",
    "AirtableStreamReader",
    "ScanPartition",
    "VirtualTableReader",
    "spark_schema",
]

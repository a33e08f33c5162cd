"""Declarative pipelines: `ingest` defines the tables of a specification.

What a specification means is told in the package `specification`; `tables` finds what it names where only Spark can.
`graph` decides what becomes of each: which table, which flow, which view. `source` is what their flows read with, and
`drift` tells what has changed in Airtable since a table was written. `ingest` does all of it in that order.

Importing this package imports no pyspark: a specification can be checked where there is none.
"""

from __future__ import annotations

from .graph import IngestedTable
from .ingest import ingest

__all__ = ["IngestedTable", "ingest"]

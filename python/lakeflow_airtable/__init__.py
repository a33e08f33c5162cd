"""Airtable as an Arrow-native source for Apache Spark and Databricks Lakeflow.

With Spark: `spark.dataSource.register(AirtableDataSource)`, then `spark.read.format("lakeflow_connect")`.
Without: `Airtable(token=..., base_id=...)`.

`spark`, `pipeline` and `cli` are packages of their own: the data source, declarative pipelines, and the command line.
The files here are what all of them use, and the library.

Importing this package starts nothing and imports neither pyspark nor pyarrow nor the compiled module: Spark's Python
workers are forked, and a library user may have no Spark at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import starting

# Before the imports that take their time.
starting.end_quietly()

from . import architecture  # noqa: E402
from .airtable import Airtable  # noqa: E402
from .errors import (  # noqa: E402
    AirtableError,
    AuthError,
    DataError,
    NotFoundError,
    OptionError,
    RateLimitError,
    RejectedError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pyspark.sql import SparkSession

    from ._native import Batches as Batches
    from ._native import Column as Column
    from ._native import ReadStats as ReadStats
    from ._native import Schema as Schema
    from .definitions import Base as Base
    from .definitions import Field as Field
    from .definitions import Table as Table
    from .definitions import View as View
    from .drift import Change as Change
    from .drift import ColumnChange as ColumnChange
    from .drift import schema_changes as schema_changes
    from .estimate import Estimate as Estimate
    from .pipeline import IngestedTable as IngestedTable
    from .spark import AirtableDataSource as AirtableDataSource
    from .verify import Verification as Verification

    __version__: str

# Before anything loads the compiled module: every import of it comes through here.
architecture.check_here()

# Without AirtableDataSource, which needs pyspark: `import *` is for everybody.
__all__ = [
    "Airtable",
    "AirtableError",
    "AuthError",
    "Base",
    "Batches",
    "Change",
    "Column",
    "ColumnChange",
    "DataError",
    "Estimate",
    "Field",
    "IngestedTable",
    "NotFoundError",
    "OptionError",
    "RateLimitError",
    "ReadStats",
    "RejectedError",
    "Schema",
    "Table",
    "TransportError",
    "Verification",
    "View",
    "ingest",
    "register",
    "schema_changes",
]


# Found when they are asked for, so that a worker or a command loads what it uses: dataclasses alone take as long as all
# the rest of this package.
_FOUND_IN = {
    "__version__": "_native",
    "Base": "definitions",
    "Batches": "_native",
    "Change": "drift",
    "Column": "_native",
    "ColumnChange": "drift",
    "Estimate": "estimate",
    "Field": "definitions",
    "IngestedTable": "pipeline",
    "ReadStats": "_native",
    "Schema": "_native",
    "Table": "definitions",
    "Verification": "verify",
    "View": "definitions",
    "schema_changes": "drift",
}


def register(spark: SparkSession) -> None:
    """Makes the format `lakeflow_connect` known to a Spark session."""
    from .spark import AirtableDataSource

    spark.dataSource.register(AirtableDataSource)


def ingest(spark: SparkSession, pipeline_spec: Mapping[str, Any]) -> list[IngestedTable]:
    """Defines the tables of a specification in a declarative pipeline: see `lakeflow_airtable.pipeline`."""
    from .pipeline import ingest

    return ingest(spark, pipeline_spec)


def __getattr__(name: str) -> object:
    if name in _FOUND_IN:
        from importlib import import_module

        return getattr(import_module(f".{_FOUND_IN[name]}", __name__), name)
    if name == "AirtableDataSource":
        try:
            from .spark import AirtableDataSource
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "pyspark":
                raise
            raise ModuleNotFoundError(
                "AirtableDataSource needs the Python data sources of Spark 4.0 or Databricks Runtime 15.4, or later; "
                "where no Spark brings them: pip install 'lakeflow-airtable[spark]'",
                name="pyspark",
            ) from None
        return AirtableDataSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Schemas on their way between a plan and an engine: as Spark's type, and as pyarrow's.

Spark hands a `StructType` to a data source. Sail, another engine behind Spark's client, hands a `pyarrow.Schema`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from pyspark.sql.types import StructType

if TYPE_CHECKING:
    import pyarrow as pa

    from .._native import Scan

GivenSchema: TypeAlias = "StructType | pa.Schema"
"""What an engine hands over as the schema of a read."""


def spark_schema(scan: Scan) -> StructType:
    """The schema of a plan, as Spark's type."""
    return StructType.fromJson(json.loads(scan.spark_schema()))


def struct_type(schema: GivenSchema) -> StructType:
    """A schema as Spark's type, however the engine gives it."""
    # By what it can do: on Databricks serverless the engine's StructType is of another module than ours.
    if hasattr(schema, "jsonValue"):
        return schema
    from pyspark.sql.pandas.types import from_arrow_schema

    # A time without a zone is another type than one with: it must stay one.
    return from_arrow_schema(schema, prefer_timestamp_ntz=True)


def record_batch(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one batch, for an engine that gives its schemas as pyarrow's."""
    import pyarrow

    listed = [dict(zip(schema.names, row, strict=True)) for row in rows]
    return pyarrow.RecordBatch.from_pylist(listed, schema=schema)

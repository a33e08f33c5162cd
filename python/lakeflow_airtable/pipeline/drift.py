"""What has become of a pipeline's tables since they were last written: told before the run that would meet it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..drift import Change, ColumnChange, schema_changes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_log = logging.getLogger("lakeflow_airtable")

_ADVICE = {
    Change.ADDED: "the table takes it where its schema may evolve",
    Change.REMOVED: "the table keeps it, and new rows have NULL there",
    Change.RENAMED: "the table keeps the old column and gets a new one; column_names=id has no such change",
    Change.RETYPED: "the table refuses the new type: refresh it fully, or leave the field out by the option fields",
}


def changes_since(spark: SparkSession, destination: str, now: Callable[[], StructType]) -> tuple[ColumnChange, ...]:
    """What changed in Airtable's fields since a table was written, logged as well; none where there is no table yet."""
    before = _schema(spark, destination)
    if before is None or not any("airtable_field_id" in (column.metadata or {}) for column in before):
        return ()
    # A target has columns of its own, such as those of a history.
    changes = tuple(change for change in schema_changes(before, now()) if change.field_id is not None)
    for change in changes:
        level = logging.WARNING if change.breaks else logging.INFO
        _log.log(level, "%s: since it was written, %s: %s", destination, change, _ADVICE[change.change])
    return changes


def is_written(spark: SparkSession, destination: str) -> bool:
    """Whether a run has written the table before, as far as that can be seen while a pipeline is defined."""
    return _schema(spark, destination) is not None


def _schema(spark: SparkSession, destination: str) -> StructType | None:
    try:
        return spark.table(destination).schema
    except Exception as error:  # no such table, or one that may not be looked at while a pipeline is defined
        _log.debug("%s: not compared with what was written before: %s", destination, type(error).__name__)
        return None

"""What changed in an Airtable table between two reads of it, by field id.

Every column has the id, name and type of its field as metadata, in Spark's schemas as in Arrow's. Delta, Parquet and
Arrow files keep the metadata. So a table that was written earlier says what its columns were, whatever has been renamed
since. A run that would break the table can be seen before it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from .shown import scrubbed

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType


class Change(Enum):
    """What can become of a column, and what a target makes of it."""

    ADDED = "added"
    """A new column. Targets take it where schema evolution is on (`mergeSchema`), and refuse the write where not."""

    REMOVED = "removed"
    """The field is gone. The target keeps the column; new rows have NULL there."""

    RENAMED = "renamed"
    """The column has another name: to the target it is one removed and one added. Not with `column_names=id`."""

    RETYPED = "retyped"
    """The column has another type. Targets refuse the write until the column is changed there, or replaced."""


@scrubbed
@dataclass(frozen=True)
class ColumnChange:
    """One column's change. Names and types are None where there was no such column, or is none."""

    change: Change
    field_id: str | None
    """`fld...`; None for columns that are not fields, such as `_deleted`."""

    name_before: str | None = None
    name: str | None = None
    type_before: str | None = None
    type: str | None = None

    @property
    def breaks(self) -> bool:
        """Whether a target refuses the next write even with schema evolution, or would split a column in two."""
        return self.change in (Change.RENAMED, Change.RETYPED)

    def __str__(self) -> str:
        field = f" ({self.field_id})" if self.field_id else ""
        if self.change is Change.ADDED:
            return f"column {self.name}{field} was added, with type {self.type}"
        if self.change is Change.REMOVED:
            return f"column {self.name_before}{field} was removed"
        if self.change is Change.RENAMED:
            return f"column {self.name_before}{field} was renamed to {self.name}"
        return f"column {self.name}{field}, of type {self.type_before}, is now of type {self.type}"


@scrubbed
@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    field_id: str | None

    @property
    def key(self) -> str:
        return self.field_id or self.name.lower()


def schema_changes(before: StructType | pa.Schema, after: StructType | pa.Schema) -> list[ColumnChange]:
    """The changes from one schema to another, in the order of the columns. Both are Spark's, or both are Arrow's.

    `before` is the schema of a table that was written earlier, such as `spark.table("vendors").schema`. `after` is that
    of the next read. Columns are matched by their field's id, and by name where they have none. Some columns of
    `before` were never Airtable's: their metadata has no field id, and no column of ours has their name. These count as
    removed.
    """
    was = {column.key: column for column in _columns(before)}
    now = {column.key: column for column in _columns(after)}
    changes = []
    for key, column in was.items():
        new = now.get(key)
        if new is None:
            changes.append(ColumnChange(Change.REMOVED, column.field_id, column.name, None, column.type, None))
            continue
        both = (column.field_id, column.name, new.name, column.type, new.type)
        if new.name != column.name:
            changes.append(ColumnChange(Change.RENAMED, *both))
        if new.type != column.type:
            changes.append(ColumnChange(Change.RETYPED, *both))
    added = (column for key, column in now.items() if key not in was)
    changes.extend(
        ColumnChange(Change.ADDED, column.field_id, None, column.name, None, column.type) for column in added
    )
    return changes


def _columns(schema: Any) -> Iterable[_Column]:
    for field in schema:
        # Spark's metadata is a dict of texts, Arrow's one of bytes, or none.
        metadata: Mapping[Any, Any] = field.metadata or {}
        field_id = metadata.get("airtable_field_id", metadata.get(b"airtable_field_id"))
        kind = field.dataType.simpleString() if hasattr(field, "dataType") else str(field.type)
        yield _Column(field.name, kind, field_id.decode() if isinstance(field_id, bytes) else field_id)

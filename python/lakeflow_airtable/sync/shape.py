"""The columns of a copy: which it gets, what becomes of those that it has, and rows in that form."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..drift import Change, ColumnChange, schema_changes
from ..errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_FIELD_ID = b"airtable_field_id"

REFRESH = "load the table anew by refresh, or leave the field out by the option fields"


def plain(schema: pa.Schema) -> pa.Schema:
    """The same columns in the one form that formats have in common: a list's items, say, have a name of their own in
    each."""
    import pyarrow as pa

    return pa.schema([field.with_type(_plain_type(field.type)) for field in schema])


def _plain_type(type: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_list(type) or pa.types.is_large_list(type):
        return pa.list_(pa.field("item", _plain_type(type.value_type)))
    if pa.types.is_struct(type):
        return pa.struct([pa.field(inner.name, _plain_type(inner.type)) for inner in type])
    if pa.types.is_large_string(type) or type == getattr(pa, "string_view", pa.string)():
        return pa.string()
    if pa.types.is_timestamp(type) and type.tz is not None:
        return pa.timestamp("us", tz="UTC")
    return type


def drift(before: pa.Schema | None, now: pa.Schema) -> tuple[ColumnChange, ...]:
    """What has changed in Airtable's fields since a copy was written."""
    if before is None or not any(_field_id(field) for field in before):
        return ()
    found = schema_changes(plain(before), plain(now))
    # A copy has columns of its own, such as those of a history.
    return tuple(change for change in found if change.field_id is not None)


def check(before: pa.Schema, now: pa.Schema) -> None:
    """Raises what rows that are there and rows that come cannot have in one column."""
    there = {field.name.lower(): field for field in plain(before)}
    renamed = {change.field_id: change for change in drift(before, now) if change.change is Change.RENAMED}
    for field in plain(now):
        old = there.get(field.name.lower())
        change = renamed.get(_field_id(field))
        if change is not None:
            raise DataError(
                f"column {change.name_before} is now called {change.name} in Airtable, and rows that were copied have "
                "their values under the old name: load the table anew by refresh; with column_names=id no rename "
                "matters"
            )
        if old is None:
            continue
        if old.type != field.type:
            raise DataError(
                f"column {field.name} is of type {old.type} in the copy and of type {field.type} in Airtable now: "
                f"{REFRESH}"
            )
        if None not in (_field_id(old), _field_id(field)) and _field_id(old) != _field_id(field):
            raise DataError(
                f"column {field.name} was that of field {_field_id(old)} and is now that of {_field_id(field)}: "
                f"{REFRESH}"
            )
        if old.name != field.name:
            raise DataError(f"column {field.name} and the copy's column {old.name} differ in capitals alone: {REFRESH}")


def evolved(before: pa.Schema | None, now: pa.Schema, keys: Iterable[str], *, retype: bool = False) -> pa.Schema:
    """All columns that a copy has afterwards: its own first, then what is new.

    Of those that Airtable has no longer, only Airtable's are named: a column that somebody else has added to the copy
    is theirs, and rows without it are NULL there. With `retype` columns take the type that they have now, and what is
    told of their fields. Names that differ in capitals alone are one name: no format but Iceberg has them side by side.
    """
    import pyarrow as pa

    ours = {field.name.lower(): _nullable(field, keys) for field in now}
    kept = []
    for field in before or ():
        new = ours.get(field.name.lower())
        if new is not None:
            kept.append(_retyped(field, new) if retype else field)
        elif _field_id(field) is not None:
            kept.append(field.with_nullable(True))
    names = {field.name.lower() for field in kept}
    return pa.schema([*kept, *(field for name, field in ours.items() if name not in names)])


def _retyped(field: pa.Field, new: pa.Field) -> pa.Field:
    """The column as it is now; in the copy's own form of the type, where that is the same."""
    import pyarrow as pa

    is_same = plain(pa.schema([new])) == plain(pa.schema([field]))
    return field.with_metadata(new.metadata) if is_same else new


def _nullable(field: pa.Field, keys: Iterable[str]) -> pa.Field:
    """Rows of others need no more than a key."""
    return field if field.name in keys else field.with_nullable(True)


def _field_id(field: pa.Field) -> str | None:
    found = (field.metadata or {}).get(_FIELD_ID)
    return None if found is None else found.decode()


def comment_of(field: pa.Field) -> str | None:
    """What Airtable says of the column's field."""
    found = (field.metadata or {}).get(b"comment")
    return None if found is None else found.decode()


def conformed(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches with just these columns: NULL where they have none, and in the column's own form of a type."""
    import pyarrow as pa

    for batch in batches:
        names = set(batch.schema.names)
        columns = [
            _cast(batch.column(field.name), field.type) if field.name in names else pa.nulls(len(batch), field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, type: pa.DataType) -> pa.Array:
    return column if column.type == type else column.cast(type)


def last_of_each(changes: pa.Table, keys: tuple[str, ...], sequence_by: str) -> pa.Table:
    """The latest change of each key, of equal ones the last."""
    import pyarrow as pa

    if keys == ("id",):
        return changes  # once in a batch, by what a stream of changes is
    order = in_order(changes, sequence_by)
    columns = [order.column(key).to_pylist() for key in keys]
    last = {key: number for number, key in enumerate(zip(*columns, strict=True))}
    return order.take(pa.array(sorted(last.values()), pa.int64()))


def in_order(changes: pa.Table, sequence_by: str) -> pa.Table:
    """The changes from the oldest to the latest; those without a time come first."""
    import pyarrow as pa

    places = list(range(changes.num_rows))
    times = changes.column(sequence_by).to_pylist()
    places.sort(key=lambda at: (times[at] is not None, times[at] if times[at] is not None else 0))
    return changes.take(pa.array(places, pa.int64()))


def gathered(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """Batches together, as many as have about so many rows: what a merge holds in memory."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= rows:
            yield pa.Table.from_batches(held, schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema)


def schema_text(schema: pa.Schema) -> str:
    """A schema with its metadata as text, for formats that keep none of columns."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from(text: str, there: Iterable[str]) -> pa.Schema:
    """The schema of a text, with those columns that are there: one that somebody has dropped is made again."""
    import pyarrow as pa

    names = {name.lower() for name in there}
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    return pa.schema([field for field in schema if field.name.lower() in names])

"""pyairtable's dicts -> an Arrow table of the types that this package gives: what its users write themselves.

One pass over the records mends what Arrow would refuse or misread, then `Table.from_pylist` makes the columns and casts
turn texts into times. Lists and objects go in as they are: Arrow takes of an object the properties that its type names,
and what is missing is null. Error cells become null.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

NUMBERS = ("number", "currency", "percent")
TIMES = ("dateTime", "createdTime")


def typed_table(table: Any) -> Any:
    """Reads a pyairtable `Table`, of the kinds of fields that the mock generates."""
    import pyarrow as pa

    kinds = {
        "id": "text",
        "createdTime": "createdTime",
        **{field.name: _kind(field) for field in table.schema().fields},
    }
    computed = [field.name for field in table.schema().fields if field.type in ("formula", "rollup")]
    rows = []
    for record in table.all():
        row = {"id": record["id"], "createdTime": record["createdTime"], **record["fields"]}
        for name in computed:
            if isinstance(value := row.get(name), dict):
                row[name] = math.nan if value.get("specialValue") == "NaN" else None
        rows.append(row)
    arrow = pa.Table.from_pylist(rows, schema=pa.schema([(name, _type(kind)) for name, kind in kinds.items()]))
    for number, (name, kind) in enumerate(kinds.items()):
        # Dates and times come as texts, unchecked boxes not at all.
        if kind in TIMES:
            arrow = arrow.set_column(number, name, arrow[name].cast(pa.timestamp("us", "UTC")))
        elif kind == "date":
            arrow = arrow.set_column(number, name, arrow[name].cast(pa.date32()))
        elif kind == "checkbox":
            arrow = arrow.set_column(number, name, arrow[name].fill_null(False))
    return arrow


def _kind(field: Any) -> str:
    """The type of a field, or of what a computed one gives."""
    if field.type in ("formula", "rollup"):
        return str(field.options.result.type.value)
    return str(field.type.value)


@cache
def _type(kind: str) -> Any:
    import pyarrow as pa

    text = pa.string()
    person = pa.struct({"id": text, "email": text, "name": text})
    size = pa.struct({"url": text, "width": pa.int64(), "height": pa.int64()})
    attachment = pa.struct(
        {
            "id": text,
            "url": text,
            "filename": text,
            "size": pa.int64(),
            "type": text,
            "width": pa.int64(),
            "height": pa.int64(),
            "thumbnails": pa.struct({"small": size, "large": size, "full": size}),
        }
    )
    if kind in NUMBERS:
        return pa.float64()
    types = {
        "checkbox": pa.bool_(),
        "rating": pa.int64(),
        "barcode": pa.struct({"text": text, "type": text}),
        "singleCollaborator": person,
        "multipleCollaborators": pa.list_(person),
        "multipleAttachments": pa.list_(attachment),
        "multipleSelects": pa.list_(text),
        "multipleRecordLinks": pa.list_(text),
        "multipleLookupValues": pa.list_(text),
    }
    return types.get(kind, text)

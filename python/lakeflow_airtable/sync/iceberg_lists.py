"""Lists of structs in Iceberg, such as attachments: what is NULL stays NULL.

pyiceberg (0.12, and those before) puts every list of structs together anew when it writes or reads, and leaves out
which of them are NULL: an empty list stands in the file then. Here that one step is completed. Where pyiceberg keeps
NULLs by itself, nothing happens.
"""

from __future__ import annotations

from typing import Any

_DONE = "lakeflow_airtable_keeps_nulls"


def keep_nulls() -> None:
    """Completes pyiceberg's step in this process, once."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyiceberg.io.pyarrow import ArrowProjectionVisitor

    visitor: Any = ArrowProjectionVisitor
    projected = visitor.list
    if hasattr(projected, _DONE):
        return

    def completed(self: Any, list_type: Any, list_array: Any, value_array: Any) -> Any:
        made = projected(self, list_type, list_array, value_array)
        if made is None or made.null_count == list_array.null_count:
            return made
        # A list is NULL where its offset is.
        is_null = pa.concat_arrays([list_array.is_null(), pa.array([False])])
        offsets = pc.if_else(is_null, pa.scalar(None, made.offsets.type), made.offsets)
        return type(made).from_arrays(offsets, made.values, type=made.type)

    setattr(completed, _DONE, True)
    visitor.list = completed

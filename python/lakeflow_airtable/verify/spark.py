"""Tables and frames of Spark's, row by row through the driver, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import AirtableError, NotFoundError
from ..sync.target import one_line

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 10_000


class SparkCopy:
    """A DataFrame."""

    def __init__(self, frame: Any, name: str = "the DataFrame") -> None:
        self.name = name
        self._frame = frame
        self.columns: list[str] = list(frame.columns)

    @classmethod
    def named(cls, spark: Any, table: str) -> SparkCopy:
        """A table of a session's catalog, by the name that `spark.table` takes."""
        try:
            return cls(spark.table(table), table)
        except Exception as error:
            raise NotFoundError(f"target {table!r} is no table of this Spark session: {one_line(error)}") from error

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        # Moments as numbers: then none depends on the session's time zone.
        types = {field.name: field.dataType.simpleString() for field in self._frame.schema.fields}
        chosen = self._frame.selectExpr(*(_expression(name, types[name]) for name in columns))
        try:
            rows = chosen.toLocalIterator()
            while some := list(islice(rows, _ROWS)):
                cells = zip(*some, strict=True)
                arrays = [_array(list(column), types[name]) for column, name in zip(cells, columns, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
        except AirtableError:
            raise
        except Exception as error:
            raise AirtableError(f"{self.name} could not be read: {one_line(error)}") from error


def _expression(name: str, kind: str) -> str:
    quoted = "`" + name.replace("`", "``") + "`"
    if kind == "timestamp":
        return f"unix_micros({quoted}) AS {quoted}"
    if kind == "array<timestamp>":
        return f"transform({quoted}, at -> unix_micros(at)) AS {quoted}"
    return quoted


def _array(cells: list[Any], kind: str) -> pa.Array:
    import pyarrow as pa

    if kind.startswith("timestamp"):
        return pa.array(cells, pa.timestamp("us", "UTC" if kind == "timestamp" else None))
    return pa.array([_plain(cell) for cell in cells])


def _plain(cell: Any) -> Any:
    """A row of Spark's as a dict, however deep."""
    if hasattr(cell, "asDict"):
        return {name: _plain(value) for name, value in cell.asDict().items()}
    return [_plain(item) for item in cell] if isinstance(cell, list) else cell

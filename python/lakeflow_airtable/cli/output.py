"""Files for the command line's `read`: what Arrow batches become on disk.

A file appears under its name only when it is complete: a read that fails half-way leaves nothing that looks whole.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa

    from .._native import Batches

SUFFIXES = (".parquet", ".arrow", ".csv", ".jsonl")


def options_for(path: Path) -> dict[str, object]:
    """What a file's format needs of the read: CSV has no place for lists and structs."""
    if path.suffix not in SUFFIXES:
        raise OptionError(f"cannot tell the format of {path}: name it {', '.join('*' + suffix for suffix in SUFFIXES)}")
    return {"nested": "json"} if path.suffix == ".csv" else {}


def write_file(batches: Batches, path: Path) -> None:
    """Writes all rows in the format that the file's name tells, holding one batch in memory at a time."""
    with _appears_when_complete(path) as partial:
        if path.suffix == ".jsonl":
            with partial.open("w", encoding="utf-8") as out:
                write_json_lines(batches, out)
            return
        import pyarrow as pa

        with _arrow_writer(path.suffix, partial, pa.schema(batches.schema)) as writer:
            for batch in batches:
                writer.write_batch(batch)


def write_json_lines(batches: Iterator[pa.RecordBatch], out: IO[str]) -> None:
    """One JSON object a row. Times are ISO 8601 in UTC; NaN and infinities, which JSON lacks, are texts."""
    for batch in batches:
        for row in batch.to_pylist():
            out.write(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False))
            out.write("\n")


def _arrow_writer(suffix: str, path: Path, schema: pa.Schema) -> Any:
    if suffix == ".parquet":
        import pyarrow.parquet

        return pyarrow.parquet.ParquetWriter(path, schema)
    if suffix == ".arrow":
        import pyarrow.ipc

        return pyarrow.ipc.new_file(path, schema)
    import pyarrow.csv

    return pyarrow.csv.CSVWriter(path, schema)


@contextmanager
def _appears_when_complete(path: Path) -> Iterator[Path]:
    # Beside the file, so that it can take its name; in a directory of its own, so that it meets nobody else's.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as directory:
        partial = Path(directory) / path.name
        yield partial
        os.replace(partial, path)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        # The words by which Airtable, Spark and Python's `float` know them.
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value

"""Copies as Parquet files, each a snapshot: written beside the file that is there, and then put in its place."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from ..errors import AirtableError, OptionError
from .target import Conflict, Counts, Found, Merging, Progress, missing, one_line, without

if TYPE_CHECKING:
    import pyarrow as pa

_PROGRESS = b"lakeflow_airtable"
_ROWS = 100_000
"""Of a row group."""


class ParquetCopy:
    """One file."""

    def __init__(self, file: str) -> None:
        try:
            import pyarrow.parquet  # noqa: F401  # said before anything is asked of Airtable
        except ImportError as error:
            raise missing("pyarrow", error) from None
        self.name = file
        self.comment: str | None = None
        self._file = Path(os.path.realpath(file))

    def find(self) -> Found | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._file.exists():
            return None
        if not self._file.is_file():
            raise OptionError(f"{self.name} is there, and is no file: give another destination")
        try:
            schema = pq.read_schema(self._file)
        except (pa.ArrowException, OSError) as error:
            raise OptionError(f"{self.name} cannot be opened as a Parquet file: {one_line(error)}") from error
        text = (schema.metadata or {}).get(_PROGRESS)
        progress = None if text is None else Progress.from_text(text.decode(), self.name)
        return Found(without(schema, ()), progress)

    def replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        told = schema.with_metadata({_PROGRESS: progress.to_text().encode()})
        try:
            with self._beside() as file, pq.ParquetWriter(file, told, compression="zstd") as writer:
                held: list[pa.RecordBatch] = []
                for batch in rows:
                    held.append(batch)
                    if sum(map(len, held)) >= _ROWS:
                        writer.write_table(pa.Table.from_batches(held, schema).cast(told))
                        held = []
                writer.write_table(pa.Table.from_batches(held, schema).cast(told))
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, AirtableError):
                raise
            raise AirtableError(f"{self.name} could not be written: {one_line(error)}") from error

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        self._refuse()

    def merge(self, changes: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress) -> Counts:
        self._refuse()

    def versions(self, changes: pa.Table, merging: Merging) -> pa.Table:
        self._refuse()

    def merge_versions(
        self, ended: pa.Table, begun: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress
    ) -> None:
        self._refuse()

    def close(self) -> None:
        """Nothing is kept open."""

    def _refuse(self) -> NoReturn:
        raise OptionError("Parquet files hold snapshots only: leave ingestion_type out, or take another format")

    @contextlib.contextmanager
    def _beside(self) -> Iterator[BinaryIO]:
        """A file beside, which takes the copy's place when it is whole. What a killed run has left is overwritten."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_name(f".{self._file.name}.part")
        with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
            _take(file, beside)
            file.truncate(0)
            try:
                if self._file.exists():
                    os.chmod(beside, stat.S_IMODE(self._file.stat().st_mode))
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(beside, self._file)
            except BaseException:
                with contextlib.suppress(OSError):
                    beside.unlink()
                raise


def _take(file: BinaryIO, path: Path) -> None:
    """The file for this run alone. It is given back when it is closed, also by a process that is killed."""
    try:
        import fcntl
    except ImportError:  # Windows: the rename fails there while somebody else writes
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between being opened and being taken it may have been put in its place by the run before.
        is_there = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        is_there = False
    if not is_there:
        raise Conflict("another run is writing it")

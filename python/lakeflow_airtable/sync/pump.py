"""Rows for a library that takes a stream on threads of its own: read here, written there.

Python answers signals on its main thread only. So the rows are read on the thread that called, where Ctrl-C ends a read
at once and errors keep their types, and the library writes on another. It gets an error in place of the next rows
where the read has failed, so that it commits nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

Made = TypeVar("Made")

_BRIEF = 0.1


class _Stopped(Exception):
    """The read has failed or was interrupted: nothing is to be committed."""


def pump(rows: Iterable[pa.RecordBatch], schema: pa.Schema, write: Callable[[pa.RecordBatchReader], Made]) -> Made:
    """What `write` makes of the rows. Raises what the read raises, and else what `write` does."""
    import pyarrow as pa

    waiting: queue.Queue[pa.RecordBatch | _Stopped | None] = queue.Queue(maxsize=1)
    made: list[Made] = []
    failed: list[BaseException] = []

    def handed_over() -> Iterator[pa.RecordBatch]:
        while (batch := waiting.get()) is not None:
            if isinstance(batch, _Stopped):
                raise batch
            yield batch

    def work() -> None:
        try:
            made.append(write(pa.RecordBatchReader.from_batches(schema, handed_over())))
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=work, name="lakeflow-airtable-sync", daemon=True)
    writer.start()
    end: _Stopped | None = _Stopped("the read has not come to its end")
    try:
        for batch in rows:
            if not _offer(waiting, batch, writer):
                break
        else:
            end = None
    finally:
        _offer(waiting, end, writer)
        while writer.is_alive():
            writer.join(_BRIEF)
    if failed:
        raise failed[0]
    return made[0]


def _offer(
    waiting: queue.Queue[pa.RecordBatch | _Stopped | None],
    batch: pa.RecordBatch | _Stopped | None,
    writer: threading.Thread,
) -> bool:
    """Hands something over; false where the writer has ended."""
    while writer.is_alive():
        try:
            waiting.put(batch, timeout=_BRIEF)
        except queue.Full:
            continue
        return True
    return False

"""Streams of changes, as Spark's micro-batches.

Spark asks a reader in a process of the driver's how far the source goes (`latestOffset`), then what to read between
two offsets (`partitions`), and lets workers do it. Offsets are in the checkpoint; the plan is made when the stream
starts, so a restart takes the table as it is then. A range that is read again after a crash is the same range, of which
the cells are read as they are then.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceStreamReader, InputPartition

from ..costs import CALLS_A_MONTH, idle_stream
from ..intervals import in_words
from ..options import Options, number
from .messages import short_tracebacks
from .partition import REFUSALS, ScanPartition, table_named
from .worker_log import told_by_worker

if TYPE_CHECKING:
    from .._native import Connector, Scan, Stream

try:
    from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxRows, SupportsTriggerAvailableNow
except ImportError:  # a Spark without limits: one run of Trigger.AvailableNow is one batch

    class SupportsTriggerAvailableNow:  # type: ignore[no-redef]
        """Stands in for what this Spark does not have."""

    ReadAllAvailable = ReadMaxRows = None  # type: ignore[assignment,misc]

Offset = dict[str, Any]

_log = logging.getLogger("lakeflow_airtable")


@short_tracebacks
class AirtableStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Reads what changed in a table, range by range."""

    def __init__(self, options: Options, scan: str, arrow_batches: bool) -> None:
        self._options = options
        self._scan = scan
        self._arrow_batches = arrow_batches
        self._limit = _integer(options.get("max_records_per_batch"))
        self._last: str | None = None
        self._newest: str | None = None
        self._is_first = True
        self._rests_until = 0.0
        self._is_told = False
        self._available_now = False
        self._live: tuple[Connector, Scan, Stream] | None = None
        self._stream()  # what cannot be streamed fails here, at start()

    def initialOffset(self) -> Offset:
        return _offset(self._stream().initial_offset())

    def getDefaultReadLimit(self) -> Any:
        return ReadAllAvailable() if self._limit is None else ReadMaxRows(self._limit)

    def prepareForTriggerAvailableNow(self) -> None:
        """From now on the stream goes no further than the source does when it is asked next."""
        self._available_now = True
        self._stream().stop_at_latest()

    def latestOffset(self, start: Offset | None = None, limit: Any = None) -> Offset:
        if start is None:
            # An older Spark, which tells neither: the stream goes on where it last ended, if that is known. Of a run of
            # Trigger.AvailableNow there the first batch is the only one, so it holds everything.
            begin = self._last
            most = None if self._is_first else self._limit
        else:
            begin = _text(start)
            most = self._limit if limit is None else _max_rows(limit)
        self._is_first = False
        with self._refusals_named():
            self._last = self._latest(begin, most)
        return _offset(self._last)

    def reportLatestOffset(self) -> Offset | None:
        """How far the source goes, for the query's progress, as was found when it was asked last: no request.

        Spark asks from 4.2 on. None where there is more than the batch has, and it is not known how much.
        """
        return None if self._newest is None else _offset(self._newest)

    def partitions(self, start: Offset, end: Offset) -> list[InputPartition]:
        begin, until = _text(start), _text(end)
        self._last = until
        if begin == until:
            return []
        with self._refusals_named():
            return [ScanPartition(self._stream().scan(begin, until).to_json())]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        return ScanPartition(*partition.value).read(self._options, self._arrow_batches)

    def commit(self, end: Offset) -> None:
        self._stream().commit(_text(end))

    def _latest(self, begin: str | None, most: int | None) -> str:
        """Spark asks all the time, and an answer costs a request of the base's budget, unless it is known already."""
        if begin is not None and time.monotonic() < self._rests_until and not self._available_now:
            return begin
        self._tell_cost()
        latest, has_more, rest = self._stream().poll(begin, most)
        self._rests_until = time.monotonic() + rest
        self._newest = self._stream().known_end(latest) if has_more else latest
        return latest

    def _tell_cost(self) -> None:
        """Says once what the stream costs in calls. How often Spark triggers it, it does not tell."""
        if self._is_told:
            return
        self._is_told = True
        plan = json.loads(self._scan)
        with told_by_worker():
            _log.info(
                "table %s: %s",
                json.dumps(plan["table_name"], ensure_ascii=False),
                _cost(plan["ingestion_type"], self._options, available_now=self._available_now),
            )

    def _stream(self) -> Stream:
        return self._airtable()[2]

    def _airtable(self) -> tuple[Connector, Scan, Stream]:
        """The compiled module's objects, made where they are used: they hold connections, and never travel."""
        if self._live is None:
            from .._native import Connector, Scan

            connector = Connector(self._options, among_others=True)
            scan = Scan.from_json(self._scan)
            stream = connector.stream(scan)
            if self._available_now:
                stream.stop_at_latest()
            self._live = (connector, scan, stream)
        return self._live

    @contextmanager
    def _refusals_named(self) -> Iterator[None]:
        """What Airtable refuses names the table that it was about."""
        try:
            yield
        except REFUSALS as error:
            connector, scan, _ = self._airtable()
            raise table_named(error, connector, scan) from None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_live": None, "_rests_until": 0.0}


def _cost(ingestion_type: str, options: Options, *, available_now: bool) -> str:
    """What a stream costs in calls while nothing changes."""
    poll = number(options, "poll_seconds")
    cap = CALLS_A_MONTH.get(options.get("airtable_plan", "").strip().lower())
    if available_now:
        return (
            f"this run of {ingestion_type} takes about 2 calls where nothing is new; its schedule says how many a month"
        )
    if not poll:
        return f"this stream of {ingestion_type} asks Airtable at each trigger, because poll_seconds is 0"
    calls = idle_stream(ingestion_type, poll)
    is_feed = ingestion_type in ("cdc_with_deletes", "change_log")
    shared = ", together with all such streams of the base on this machine" if is_feed else ""
    granted = f", of {cap:,} that its plan grants" if cap else ""
    return (
        f"this stream of {ingestion_type} asks every {in_words(poll)} at most (poll_seconds): about {calls:,} calls a "
        f"month while nothing changes{shared}{granted}; a trigger that is rarer costs less"
    )


def _integer(text: str | None) -> int | None:
    return int(text) if text else None


def _max_rows(limit: Any) -> int | None:
    return limit.max_rows if isinstance(limit, ReadMaxRows) else None


def _offset(text: str) -> Offset:
    offset: Offset = json.loads(text)
    return offset


def _text(offset: Offset) -> str:
    # As the compiled module writes it.
    return json.dumps(offset, separators=(",", ":"), ensure_ascii=False)

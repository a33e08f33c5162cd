"""`AirtableLakeflowConnect`: the framework's interface, in terms of `lakeflow_airtable`.

The framework makes a connector, pickles it, and calls it on the driver and on executors. So what it holds is options as
text; connections are made where they are used. Partitions and offsets are plain JSON, and hold no token.

The framework ingests `cdc_with_deletes` by two streams, one of upserts and one of deletes. `lakeflow_airtable` has one
stream of both, and knows the second by the option `isDeleteFlow`; plans made here leave the deletes out of the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from databricks.labs.community_connector.interface import (
    LakeflowConnect,
    SupportsNamespaces,
    SupportsPartitionedStream,
)
from pyspark.sql.types import StructType

from lakeflow_airtable import OptionError
from lakeflow_airtable.options import TABLE, Options

if TYPE_CHECKING:
    import pyarrow as pa

    from lakeflow_airtable._native import Batches, Connector, Scan, Stream

Offset = dict[str, Any]
Record = dict[str, Any]
T = TypeVar("T")
Key = tuple[str, Options]
"""A table, or its plan, and the options that matter to what is made of it. Options show no token where they are
printed."""

KEPT = 64
"""Plans, and streams, that a connector keeps: a stream that is made again costs a request, and ends where it did."""


class AirtableLakeflowConnect(LakeflowConnect, SupportsPartitionedStream, SupportsNamespaces):
    """The tables of one base, or of every base that the token sees.

    Options are those of `lakeflow_airtable`. The framework gives them twice, when it makes a connector and with every
    call, and in streams with lower-cased names: here their names have no case, and a call's go before the others.

    A table is planned once for a connector and those that are pickled from it, because Spark keeps to the schema that
    it got first; its streams are made of the same plan. A connector's streams of one table and kind end at what was
    there when they were first asked, however long Airtable goes on changing: the framework runs a stream until its
    offset stands still, and makes a new connector for the next run.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.__setstate__((Options.from_values(options), []))
        self._connector()  # bad options fail here, when the framework makes the source

    def __getstate__(self) -> tuple[Options, list[tuple[Key, str]]]:
        return self._options, self._plans

    def __setstate__(self, state: tuple[Options, list[tuple[Key, str]]]) -> None:
        self._options, self._plans = state
        # The framework's class keeps what it was given, with the token in plain sight.
        self.options: Mapping[str, str] = self._options
        self._streams: list[tuple[Key, Stream]] = []
        self._ends: dict[str, str] = {}
        self._live: Connector | None = None

    # What there is.

    def list_tables(self) -> list[str]:
        """The tables of the connection's base, or of every base: by name, and by id where several have the name."""
        connector = _connector(self._without({TABLE, "isdeleteflow"}))
        # `[]` is the root of the namespaces, and no base.
        has_base = self._options.get("base_id") or self._options.get("namespace", "").strip("[] \t\r\n")
        return connector.list_tables() if has_base else connector.list_tables_of_all()

    def list_namespaces(self, prefix: list[str] | None = None) -> list[list[str]]:
        # Bases are one level: below a base there is nothing.
        return [] if prefix else [[base] for base in self._connector().list_namespaces()]

    def list_tables_in_namespace(self, namespace: list[str] | None = None) -> list[str]:
        if namespace and len(namespace) > 1:
            raise OptionError("option namespace must name one base: bases have no namespaces below them")
        if namespace:
            return self._connector().list_tables(namespace[0])
        # Tables lie at the root where the connection fixes their base.
        return self._connector().list_tables() if self._options.get("base_id") else []

    def get_table_schema(self, table_name: str, table_options: Mapping[str, Any]) -> StructType:
        scan = self._scan(table_name, self._with(table_options))
        return StructType.fromJson(json.loads(scan.spark_schema()))

    def read_table_metadata(self, table_name: str, table_options: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._connector().metadata(table_name, self._with(table_options)))

    # Reads in one process.

    def read_table(
        self, table_name: str, start_offset: Offset | None, table_options: Mapping[str, Any]
    ) -> tuple[Iterator[Record], Offset | None]:
        """Rows from the offset on, and where they end. `None` as the start is the whole table at once."""
        options = self._with(table_options)
        if start_offset is not None and TABLE in Options.from_values(table_options):
            # Spark's own options name the table: this is a stream, and without an end Spark's assertions would fail.
            self._connector().stream(self._scan(table_name, options), options)
        return self._read(table_name, start_offset, options)

    def read_table_deletes(
        self, table_name: str, start_offset: Offset | None, table_options: Mapping[str, Any]
    ) -> tuple[Iterator[Record], Offset | None]:
        return self._read(table_name, start_offset, self._with({**table_options, "isDeleteFlow": "true"}))

    def _read(self, table_name: str, start: Offset | None, options: Options) -> tuple[Iterator[Record], Offset | None]:
        plan = self._plan(table_name, options)
        if json.loads(plan)["ingestion_type"] == "snapshot":
            return self._records(_scan(plan), options), None
        end = self._latest(table_name, start, options)
        if end == start:
            return iter(()), start
        return self._records(self._changes(table_name, start, end, options), options), end

    # Reads by Spark's tasks.

    def is_partitioned(self, table_name: str) -> bool:
        """Whether tasks read a stream of the table: any but a snapshot, which has no offsets to plan by."""
        ingestion_type: str = self.read_table_metadata(table_name, {})["ingestion_type"]
        return ingestion_type != "snapshot"

    def latest_offset(
        self, table_name: str, table_options: Mapping[str, Any], start_offset: Offset | None = None
    ) -> Offset:
        return self._latest(table_name, start_offset, self._with(table_options))

    def get_partitions(
        self,
        table_name: str,
        table_options: Mapping[str, Any],
        start_offset: Offset | None = None,
        end_offset: Offset | None = None,
    ) -> Sequence[dict[str, str]]:
        """One partition, because Airtable's pages form a chain; none between equal offsets; all without any."""
        options = self._with(table_options)
        if end_offset is None:
            scan = self._scan(table_name, options)
        elif end_offset == start_offset:
            return []
        else:
            scan = self._changes(table_name, start_offset, end_offset, options)
        return [{"scan": scan.to_json()}]

    def read_partition(
        self, table_name: str, partition: Mapping[str, str], table_options: Mapping[str, Any]
    ) -> Iterator[Record]:
        return self._records(_scan(partition["scan"]), self._with(table_options))

    # Plans, ranges and rows, which are all `lakeflow_airtable`'s.

    def _scan(self, table_name: str, options: Options) -> Scan:
        return _scan(self._plan(table_name, options))

    def _plan(self, table_name: str, options: Options) -> str:
        # The call names the table, whatever its options say.
        known = options.known("connection", "tables", "read")
        known.pop(TABLE, None)
        key = (table_name, known)
        return _kept(self._plans, key, lambda: self._planned(table_name, options))

    def _planned(self, table_name: str, options: Options) -> str:
        return self._connector().plan(table_name, options).without_deletes().to_json()

    def _latest(self, table_name: str, start: Offset | None, options: Options) -> Offset:
        """Where a stream goes next from `start`; without one it cannot be led on by batches, and goes to the end."""
        limit = options.get("max_records_per_batch")
        stream = self._stream(table_name, options)
        # An offset names base, table and kind. What else a call asks for moves no end.
        of = stream.initial_offset()
        if of not in self._ends:
            self._ends[of], _ = stream.latest(_text(start))
        stream.stop_at(self._ends[of])
        latest, _ = stream.latest(_text(start), int(limit) if limit else None)
        offset: Offset = json.loads(latest)
        return offset

    def _changes(self, table_name: str, start: Offset | None, end: Offset, options: Options) -> Scan:
        return self._stream(table_name, options).scan(_text(start), json.dumps(end))

    def _stream(self, table_name: str, options: Options) -> Stream:
        plan = self._plan(table_name, options)
        key = (plan, options.known("connection", "stream"))
        return _kept(self._streams, key, lambda: self._connector().stream(_scan(plan), options))

    def _records(self, scan: Scan, options: Options) -> Iterator[Record]:
        return _records(self._connector().read(scan, options))

    # Options and connections.

    def _with(self, table_options: Mapping[str, Any]) -> Options:
        return Options({**self._options, **Options.from_values(table_options)})

    def _connector(self) -> Connector:
        """The connection behind all calls, which bring the options of a table themselves."""
        if self._live is None:
            # Among a connector's own options these belong to the one call that it is made for, and may mean what only
            # the framework knows: one of its virtual tables, or the root of the namespaces, `[]`.
            self._live = _connector(self._without({TABLE, "namespace", "isdeleteflow"}))
        return self._live

    def _without(self, names: set[str]) -> Options:
        return Options({name: text for name, text in self._options.items() if name not in names})


def _kept(kept: list[tuple[Key, T]], key: Key, make: Callable[[], T]) -> T:
    """What was made of this key before, or what is made now; what was of no use for the longest time is let go."""
    known = next((index for index, (other, _) in enumerate(kept) if other == key), None)
    kept.append((key, make()) if known is None else kept.pop(known))
    del kept[:-KEPT]
    return kept[-1][1]


def _connector(options: Options) -> Connector:
    from lakeflow_airtable._native import Connector

    return Connector(options, among_others=True)


def _scan(plan: str) -> Scan:
    from lakeflow_airtable._native import Scan

    return Scan.from_json(plan)


def _text(offset: Offset | None) -> str | None:
    return None if offset is None else json.dumps(offset)


def _records(batches: Batches) -> Iterator[Record]:
    """Rows as the framework converts them: a dict each, and times, which JSON has not, as ISO 8601."""
    import pyarrow as pa

    with batches:
        times = [field.name for field in pa.schema(batches.schema) if _holds_times(field.type)]
        for batch in batches:
            for record in batch.to_pylist():
                for name in times:
                    record[name] = _iso(record[name])
                yield record


def _holds_times(kind: pa.DataType) -> bool:
    import pyarrow.types

    # Lookups are lists; no struct holds a time.
    return bool(pyarrow.types.is_temporal(kind.value_type if pyarrow.types.is_list(kind) else kind))


def _iso(value: Any) -> Any:
    if isinstance(value, list):
        return [_iso(item) for item in value]
    return value if value is None else value.isoformat()

"""`AirtableLakeflowConnect`: the framework's interface, in terms of `lakeflow_airtable`.

The framework makes a connector, pickles it, and calls it on the driver and on executors. So what it holds is options as
text; connections are made where they are used. Partitions and offsets are plain JSON, and hold no token.

The framework ingests `cdc_with_deletes` by two streams, one of upserts and one of deletes. `lakeflow_airtable` has one
stream of both, and knows the second by the option `isDeleteFlow`; leaving the deletes out of the first is done here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from databricks.labs.community_connector.interface import (
    LakeflowConnect,
    SupportsNamespaces,
    SupportsPartitionedStream,
)
from pyspark.sql.types import StructType

from lakeflow_airtable import OptionError
from lakeflow_airtable.options import Options

if TYPE_CHECKING:
    import pyarrow as pa

    from lakeflow_airtable._native import Connector, Scan

Offset = dict[str, Any]
Record = dict[str, Any]


class AirtableLakeflowConnect(LakeflowConnect, SupportsPartitionedStream, SupportsNamespaces):
    """The tables of one base, or of every base that the token sees.

    Options are those of `lakeflow_airtable`. The framework gives them twice, when it makes a connector and with every
    call, and in streams with lower-cased names: here their names have no case, and a call's go before the others.

    A connector's streams end at what was there when they were first asked, however long Airtable goes on changing: the
    framework runs a stream until its offset stands still, and makes a new connector for the next run.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.__setstate__(Options.from_values(options))
        self._browser()  # bad options fail here, when the framework makes the source

    def __getstate__(self) -> dict[str, str]:
        return dict(self._options)

    def __setstate__(self, options: Mapping[str, str]) -> None:
        self._options = Options(options)
        self._live: tuple[Options, Connector] | None = None
        self._ends: dict[str, str] = {}

    # What there is.

    def list_tables(self) -> list[str]:
        return self._connector(self._options).list_tables()

    def list_namespaces(self, prefix: list[str] | None = None) -> list[list[str]]:
        # Bases are one level: below a base there is nothing.
        return [] if prefix else [[base] for base in self._browser().list_namespaces()]

    def list_tables_in_namespace(self, namespace: list[str]) -> list[str]:
        if len(namespace) > 1:
            raise OptionError("option namespace must name one base: bases have no namespaces below them")
        if namespace:
            return self._browser().list_tables(namespace[0])
        # Tables lie at the root where the connection fixes their base.
        return self._browser().list_tables() if self._options.get("base_id") else []

    def get_table_schema(self, table_name: str, table_options: Mapping[str, Any]) -> StructType:
        scan = self._connector(self._with(table_options)).plan(table_name)
        return StructType.fromJson(json.loads(scan.spark_schema()))

    def read_table_metadata(self, table_name: str, table_options: Mapping[str, Any]) -> dict[str, Any]:
        # By one connection for all tables, which knows the others' definitions from the first.
        return dict(self._connector(self._options).metadata(table_name, Options.from_values(table_options)))

    # Reads in one process.

    def read_table(
        self, table_name: str, start_offset: Offset | None, table_options: Mapping[str, Any]
    ) -> tuple[Iterator[Record], Offset | None]:
        """Rows from the offset on, and where they end. `None` as the start is a whole table at once."""
        return self._read(table_name, start_offset, self._with(table_options))

    def read_table_deletes(
        self, table_name: str, start_offset: Offset | None, table_options: Mapping[str, Any]
    ) -> tuple[Iterator[Record], Offset | None]:
        return self._read(table_name, start_offset, self._with({**table_options, "isDeleteFlow": "true"}))

    def _read(self, table_name: str, start: Offset | None, options: Options) -> tuple[Iterator[Record], Offset | None]:
        connector = self._connector(options)
        scan = connector.plan(table_name)
        if connector.metadata(table_name)["ingestion_type"] == "snapshot":
            return _records(options, connector, scan), None
        end = self._latest(connector, scan, start)
        if end == start:
            return iter(()), start
        return _records(options, connector, connector.changes(scan, _text(start), json.dumps(end))), end

    # Reads by Spark's tasks.

    def is_partitioned(self, table_name: str) -> bool:
        """Whether tasks read a stream of the table: any but a snapshot, which has no offsets to plan by."""
        ingestion_type: str = self.read_table_metadata(table_name, {})["ingestion_type"]
        return ingestion_type != "snapshot"

    def latest_offset(
        self, table_name: str, table_options: Mapping[str, Any], start_offset: Offset | None = None
    ) -> Offset:
        connector = self._connector(self._with(table_options))
        return self._latest(connector, connector.plan(table_name), start_offset)

    def get_partitions(
        self,
        table_name: str,
        table_options: Mapping[str, Any],
        start_offset: Offset | None = None,
        end_offset: Offset | None = None,
    ) -> Sequence[dict[str, str]]:
        """One partition, because Airtable's pages form a chain; none between equal offsets; all without any."""
        connector = self._connector(self._with(table_options))
        scan = connector.plan(table_name)
        if end_offset is not None:
            if end_offset == start_offset:
                return []
            scan = connector.changes(scan, _text(start_offset), json.dumps(end_offset))
        return [{"scan": scan.to_json()}]

    def read_partition(
        self, table_name: str, partition: Mapping[str, str], table_options: Mapping[str, Any]
    ) -> Iterator[Record]:
        from lakeflow_airtable._native import Scan

        options = self._with(table_options)
        return _records(options, self._connector(options), Scan.from_json(partition["scan"]))

    def _latest(self, connector: Connector, scan: Scan, start: Offset | None) -> Offset:
        """Where a stream goes next from `start`: at most to the end of this connector's streams.

        A caller that gives no start cannot be led on batch by batch, and gets that end.
        """
        plan = scan.to_json()
        if plan not in self._ends:
            self._ends[plan] = connector.latest_offset(scan)
        end = self._ends[plan]
        latest = end if start is None else connector.latest_offset(scan, _text(start), target=end)
        offset: Offset = json.loads(latest)
        return offset

    # Options and connections.

    def _with(self, table_options: Mapping[str, Any]) -> Options:
        return Options({**self._options, **Options.from_values(table_options)})

    def _connector(self, options: Options) -> Connector:
        # Spark gives every call the same options, and connections are worth keeping.
        if self._live is None or self._live[0] != options:
            from lakeflow_airtable._native import Connector

            self._live = (options, Connector(options))
        return self._live[1]

    def _browser(self) -> Connector:
        """A connection for what there is, where `namespace` means what to list: it may be the root, `[]`."""
        listing = ("tablename", "namespace")
        return self._connector(Options({name: text for name, text in self._options.items() if name not in listing}))


def _text(offset: Offset | None) -> str | None:
    # The framework's beginning of a stream is {}.
    return json.dumps(offset) if offset else None


def _records(options: Options, connector: Connector, scan: Scan) -> Iterator[Record]:
    """A scan's rows as the framework converts them: a dict each, and times, where JSON has none, as ISO 8601."""
    import pyarrow as pa

    upserts = options.get("isdeleteflow", "").lower() != "true"
    with connector.read(scan) as batches:
        times = [field.name for field in pa.schema(batches.schema) if _holds_times(field.type)]
        for batch in batches:
            for record in batch.to_pylist():
                if upserts and record.get("_deleted"):
                    continue
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

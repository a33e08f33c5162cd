"""`Airtable`: the same reader without Spark, for pyarrow, polars, duckdb and everything else that takes Arrow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .errors import OptionError
from .options import TABLE, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from os import PathLike
    from typing import Literal

    import polars
    import pyarrow
    from typing_extensions import Unpack

    from ._native import Batches, Connector, Schema, Stream, TableMetadata
    from .definitions import Bases, Tables
    from .estimate import Estimate
    from .keywords import AirtableKeywords, ChangeKeywords, ReadKeywords
    from .sync import SyncReport
    from .sync.keywords import SyncKeywords
    from .verify import Verification

Offset = dict[str, Any]
"""How far a reader of changes has read."""


class Airtable:
    """The tables that one token may read.

    Every option of the Spark data source is a keyword here, as a plain Python value: `fields=["Name", "Price"]`,
    `max_records=100`. An option given to a method holds for that call, in place of the one given here.

    Examples:
        >>> base = Airtable(token="pat...", base_id="app...")  # doctest: +SKIP
        >>> pyarrow.table(base.read("Vendors", fields=["Name"]))  # doctest: +SKIP

    Making one sends no request. `OptionError` says what is wrong with the options. Objects can be used after a fork,
    and pickled. A pickle holds the options, the token among them.

    Every method that asks Airtable may raise `AuthError`, `NotFoundError`, `RateLimitError`, `RejectedError`,
    `TransportError` or `DataError`, and `OptionError` before it asks.
    """

    def __init__(
        self, token: str | None = None, base_id: str | None = None, **options: Unpack[AirtableKeywords]
    ) -> None:
        self._options = Options.from_values({"token": token, "base_id": base_id, **options})
        if TABLE in self._options:
            raise OptionError(
                "option tableName names the table of a read, and Airtable(...) is for all tables: give the table to "
                'the call, as in read("Vendors")',
                option="tableName",
            )
        self._connector = _connector(self._options)
        self._last_stream: Stream | None = None

    def __repr__(self) -> str:
        from ._native import scrub

        shown = (f"{name}={self._options[name]!r}" for name in ("base_id", "base_url") if name in self._options)
        return scrub(f"Airtable({', '.join(shown)})")

    def _repr_html_(self) -> str:
        from ._native import html_table

        rows = [[name, self._options[name]] for name in ("base_id", "base_url") if name in self._options]
        return html_table("Airtable", ["option", "value"], rows)

    def list_bases(self) -> Bases:
        """The bases that the token sees and may read, also where `base_id` was given: a list of `Base`.

        One request for each 1,000 bases.
        """
        from .definitions import bases_from_json

        return bases_from_json(self._connector.list_bases())

    def list_namespaces(self) -> list[str]:
        """The ids of the bases that the token sees. Empty when `base_id` was given."""
        return self._connector.list_namespaces()

    def list_tables(self, namespace: str | None = None) -> list[str]:
        """The names of the tables, of the base `namespace` (id or name) where no `base_id` was given.

        These hold records. `_airtable_fields`, `_airtable_choices` and `_airtable_views` are read beside them.
        """
        return self._connector.list_tables(namespace)

    def tables(
        self, namespace: str | None = None, *, column_names: Literal["snake", "original", "id"] | None = None
    ) -> Tables:
        """The tables as Airtable defines them, with their fields and views: a list of `Table`. One request.

        They are those of the base `namespace` (id or name) where no `base_id` was given. Each field names its column,
        as reads with this `column_names` call it.
        """
        from .definitions import tables_from_json

        given = Options.from_values({"column_names": column_names})
        return tables_from_json(self._connector.definitions(namespace, given))

    def schema(self, table: str, **options: Unpack[ReadKeywords]) -> Schema:
        """The columns of a read with these options: a sequence of `Column`, with `__arrow_c_schema__`. One request."""
        return self._connector.plan(table, Options.from_values(options)).schema

    def metadata(self, table: str, **options: Unpack[ReadKeywords]) -> TableMetadata:
        """Primary keys, cursor column and ingestion type of a table, as incremental pipelines need them."""
        return self._connector.metadata(table, Options.from_values(options))

    def read(self, table: str, **options: Unpack[ReadKeywords]) -> Batches:
        """The table's rows as an iterator of `pyarrow.RecordBatch`, in bounded memory.

        The plan is made here, with one request. The stream asks for records as batches are taken. The result also has
        `__arrow_c_stream__`, which needs no pyarrow. It can be read once.
        """
        given = Options.from_values(options)
        return self._connector.read(self._connector.plan(table, given), given)

    def scan_polars(self, table: str, **options: Unpack[ReadKeywords]) -> polars.LazyFrame:
        """The table as a `polars.LazyFrame`, which is read when it is collected, batch by batch.

        The plan is made here (one request) and serves every `collect`. Only the columns that a query uses are asked of
        Airtable, and `head(n)` asks for n records. Of a query's filters Airtable decides what it can decide safely, and
        polars decides every row that comes.
        Errors while a query runs are this package's own, or, by some of polars' engines and versions, a `ComputeError`
        with the same text.

        Raises:
            ImportError: polars is not installed. pyarrow is not needed.
        """
        from .frames import lazy_frame

        given = Options.from_values(options)
        return lazy_frame(self._connector.plan(table, given), lambda plan: self._connector.read(plan, given))

    def read_async(self, table: str, **options: Unpack[ReadKeywords]) -> AsyncIterator[pyarrow.RecordBatch]:
        """The table's rows as an asynchronous iterator of `pyarrow.RecordBatch`, for services with an event loop.

        Nothing is asked for before the first batch is. Each wait for a batch takes one thread of the loop's default
        executor, which has 5 to 32 of them; the loop itself never waits. When the task is cancelled the read ends.
        Where an `async for` is left early, `contextlib.aclosing` ends it at once.
        """
        from .frames import asynchronous

        return asynchronous(lambda: self.read(table, **options))

    def latest_offset(self, table: str, start: Offset | None = None, **options: Unpack[ChangeKeywords]) -> Offset:
        """How far the table's changes go now, for any `ingestion_type` but `snapshot`.

        Give the offset of what you have read as `start`. If nothing is new, the same offset comes back.
        `max_records_per_batch` bounds the distance. An offset is a small dict of JSON values. Keep it.
        """
        given = Options.from_values(options)
        limit = {**self._options, **given}.get("max_records_per_batch")
        latest, _ = self._stream(table, given).latest(_offset_text(start), int(limit) if limit else None)
        offset: Offset = json.loads(latest)
        return offset

    def changes(
        self, table: str, start: Offset | None = None, end: Offset | None = None, **options: Unpack[ChangeKeywords]
    ) -> Batches:
        """What changed after `start` and up to `end`, by default the latest offset. Without `start`, the whole table.

        Rows are those of a stream with the same options. A `change_log` begins with nothing: keep its first offset, and
        ask from there. Take `end` from `latest_offset` to know where to go on.
        """
        given = Options.from_values(options)
        stream = self._stream(table, given)
        begin = _offset_text(start)
        until = _offset_text(end) or stream.latest(begin)[0]
        return self._connector.read(stream.scan(begin, until), given)

    def sync(
        self,
        spec: str | list[str] | Mapping[str, Any],
        *,
        to: str | PathLike[str],
        format: Literal["delta", "iceberg", "duckdb", "parquet"],
        every: str | float | None = None,
        refresh: bool | Collection[str] = False,
        storage_options: Mapping[str, str] | None = None,
        on_report: Callable[[SyncReport], object] | None = None,
        **options: Unpack[SyncKeywords],
    ) -> SyncReport:
        """Brings copies of tables up to date, and makes them where there are none.

        Each copy holds how far it has come, in the same commit as its rows. So a run that was killed anywhere is run
        again, and nothing is missing or there twice.

        Args:
            spec: `"*"` for every table of the base, a list of names of tables, or the specification that `ingest`
                takes, whose entries say how each table is kept.
            to: Where the copies go: a directory or an object store's address (`delta`), a directory (`parquet`), a file
                (`duckdb`), or a catalog and a namespace such as `lake.airtable` (`iceberg`).
            format: `delta`, `iceberg`, `duckdb` or `parquet`. Parquet holds snapshots only.
            every: Keeps running: seconds from the begin of one run to that of the next, or a text such as `15m`. A
                later run that cannot begin is logged, and the next is tried.
            refresh: `True`, or names of tables, whose copies are loaded anew, in place of what they hold. One that
                could not be is loaded anew by the next run. A log of changes is never loaded anew.
            storage_options: What `deltalake` needs of an object store, or the properties of an Iceberg catalog where
                pyiceberg's configuration does not have them.
            on_report: What is called with the report of each run.
            options: Options of the reads, and `scd_type`, `primary_keys`, `sequence_by`, for all entries that do not
                have their own.

        Returns:
            What was done, table by table. A table that failed has its `error` there, and `failed` lists these: the
            other tables are synced all the same.

        Raises:
            OptionError, NotFoundError: All that is wrong with the specification, before anything is written. Where some
                of its tables are there, one that is not is only a table that failed.
            ModuleNotFoundError: The format's package is not there: `pip install 'lakeflow-airtable[sync]'`.
        """
        from .sync import sync

        return sync(
            self._options,
            spec,
            to=to,
            format=format,
            every=every,
            refresh=refresh,
            storage_options=storage_options,
            on_report=on_report,
            given=options,
        )

    def estimate(
        self,
        spec: str | list[str] | Mapping[str, Any],
        *,
        every: str | float = "15m",
        changed_per_run: float = 0.01,
        records: int | Mapping[str, int] | None = None,
        **options: Unpack[ChangeKeywords],
    ) -> Estimate:
        """What keeping copies of tables costs in calls to Airtable, for each ingestion type, before anything is read.

        Costs one request for the definitions of each base, and one to five for the size of each table: a table of one
        page is counted, and of a larger one a share of the records.

        Args:
            spec: The name of a table, a list of them, `"*"` for every table of the base, or the specification that
                `sync` and `ingest` take.
            every: How often a copy is brought up to date: seconds, or a text such as `15m`, `2h` or `1d`.
            changed_per_run: What changes between two runs: below 1 a share of a table's records, from 1 on a number of
                records of each table.
            records: The sizes of tables where they are known, by name, or a number for the one table. No request is
                sent for these.
            options: Options of the reads. `airtable_plan` is the plan whose monthly cap the calls are compared with.

        Raises:
            OptionError, NotFoundError: All that is wrong with the specification.
        """
        from .estimate import estimate

        return estimate(
            self._options, spec, every=every, changed_per_run=changed_per_run, records=records, given=options
        )

    def verify(
        self,
        table: str,
        target: object,
        *,
        cells: bool = False,
        key: str | None = None,
        format: Literal["delta", "iceberg", "duckdb", "parquet", "spark"] | None = None,
        spark: object | None = None,
        storage_options: Mapping[str, str] | None = None,
        **options: Unpack[ReadKeywords],
    ) -> Verification:
        """What a copy of a table lacks, has too much, has old or has otherwise. The copy is only read.

        By ids and times this costs a request for each 100 records, with one field of each at most. Rows are held as a
        key, a time and a number each, so memory depends on their number alone. Of a history the current versions
        count, and rows that are marked as deleted do not.

        Args:
            table: The name of the table, or its `tbl...` id.
            target: The copy: a Delta table's directory or address, a Parquet file or directory, `FILE:TABLE` for
                DuckDB, `CATALOG.NAMESPACE.TABLE` for Iceberg, a table's name where `spark` is given, a DataFrame of
                Spark's, or an object that has `__arrow_c_stream__`.
            cells: Compares all cells that both have, too. Addresses of attachments are left out.
            key: The column that names a row, in both: by default `id` of records, `comment_id` of comments, and
                `field_id`, `choice_id` or `view_id` of the tables of definitions.
            format: What a text names, where that is not to be guessed by what is there.
            spark: The session whose tables are meant.
            storage_options: What `deltalake` needs of an object store, or the properties of an Iceberg catalog.
            options: Options of the read: those by which the copy was made.

        Raises:
            OptionError: The target is no copy, or has no such key.
            NotFoundError: There is no such table, or nothing is at the target.
            ModuleNotFoundError: The format's package is not there: `pip install 'lakeflow-airtable[sync]'`.
        """
        from .verify import verify

        return verify(
            Options({**self._options, **Options.from_values(options)}),
            table,
            target,
            cells=cells,
            key=key,
            format=format,
            spark=spark,
            storage_options=storage_options,
        )

    def _stream(self, table: str, given: Options) -> Stream:
        """The changes of a table as it is now; what the last stream has listed is not listed again."""
        scan = self._connector.plan(table, given)
        self._last_stream = self._connector.stream(scan, given, self._last_stream)
        return self._last_stream

    def __getstate__(self) -> dict[str, str]:
        return dict(self._options)

    def __setstate__(self, options: dict[str, str]) -> None:
        self._options = Options(options)
        self._connector = _connector(self._options)
        self._last_stream = None


def _offset_text(offset: Offset | None) -> str | None:
    return None if offset is None else json.dumps(offset, separators=(",", ":"))


def _connector(options: Options) -> Connector:
    from ._native import Connector

    return Connector(options)

import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol, TypedDict, final, type_check_only

import pandas as pd
import polars as pl
import pyarrow as pa

__all__ = [
    "Batches",
    "Column",
    "Connector",
    "Mock",
    "ReadStats",
    "Scan",
    "Schema",
    "Stream",
    "__version__",
    "build_info",
    "calls_a_month",
    "check_format",
    "format_of_file",
    "html_table",
    "nearest_names",
    "option_meant",
    "option_table",
    "primary_keys",
    "scrub",
    "snake_name",
    "sql_type",
    "web_place",
]

__version__: str

@type_check_only
class OptionRow(TypedDict):
    name: str
    default: str
    required: str
    meaning: str
    aliases: list[str]
    kind: str
    scope: Literal["connection", "tables", "read", "stream"]
    variable: str
    is_shown: bool

@type_check_only
class TableMetadata(TypedDict):
    primary_keys: list[str]
    cursor_field: str | None
    ingestion_type: str

def option_table() -> list[OptionRow]: ...
def build_info() -> tuple[list[str], str]: ...
def calls_a_month() -> dict[str, int | None]: ...
def check_format(format: str, compression: str | None = None, row_group_size: int | None = None) -> None: ...
def format_of_file(name: str) -> Literal["jsonl", "csv", "arrow", "parquet"] | None: ...
def html_table(caption: str, header: list[str], rows: list[list[str]]) -> str: ...
def nearest_names(name: str, known: list[str]) -> list[str]: ...
def option_meant(name: str) -> tuple[str, bool]: ...
def primary_keys(table: str, part: str = "", is_of_several: bool = False) -> list[str]: ...
def scrub(text: str) -> str: ...
def snake_name(name: str) -> str: ...
def sql_type(spark_type: str) -> str: ...
def web_place(option: str, text: str) -> tuple[str, str | None, str | None] | None: ...

@final
class Connector:
    def __new__(
        cls, options: Mapping[str, str], *, among_others: bool = False, of_one_run: bool = False
    ) -> Connector: ...
    def list_bases(self) -> str: ...
    def account(self) -> str: ...
    def webhook_count(self, base_id: str) -> int: ...
    def budget(self, base_id: str) -> str: ...
    @property
    def requests(self) -> int: ...
    def calls_this_month(self, base_id: str) -> int | None: ...
    def definitions(self, namespace: str | None = None, options: Mapping[str, str] | None = None) -> str: ...
    def list_namespaces(self) -> list[str]: ...
    def list_tables(self, namespace: str | None = None) -> list[str]: ...
    def list_tables_of_all(self) -> list[str]: ...
    def plan(self, table: str | None = None, options: Mapping[str, str] | None = None) -> Scan: ...
    def plan_cached(self, table: str | None = None, options: Mapping[str, str] | None = None) -> Scan: ...
    def metadata(self, table: str, options: Mapping[str, str] | None = None) -> TableMetadata: ...
    def estimate_records(
        self, scan: Scan, options: Mapping[str, str] | None = None
    ) -> list[tuple[int, Literal["exact", "about", "at_least"], int]]: ...
    def stream(self, scan: Scan, options: Mapping[str, str] | None = None, like: Stream | None = None) -> Stream: ...
    def read(self, scan: Scan, options: Mapping[str, str] | None = None) -> Batches: ...

@final
class Column:
    """One column of a schema.

    Attributes:
        name: What the read calls it.
        type: The type in SQL's words, as in `ARRAY<STRING>`; Spark and Delta call it so.
        arrow_type: The type in Arrow's words, as in `Utf8`.
        nullable: False where no row is without a value.
        field_id: The Airtable field's id, `fld...`; None for columns that are no field's, such as `id`.
        field_name: The Airtable field's name, or None.
        field_type: Airtable's word for the field's type, such as `singleSelect`, or None.
        comment: What the base's makers wrote about the field, or what the column is where it is no field's.
    """

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def arrow_type(self) -> str: ...
    @property
    def nullable(self) -> bool: ...
    @property
    def field_id(self) -> str | None: ...
    @property
    def field_name(self) -> str | None: ...
    @property
    def field_type(self) -> str | None: ...
    @property
    def comment(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Schema:
    """The columns of a read: a sequence of `Column`, which are also found by their names.

    Libraries take it by `__arrow_c_schema__`, as in `pyarrow.schema(schema)`. Two schemas are equal when their columns
    are: names, types, whether they may be NULL, and what Airtable says of them.
    """

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Column]: ...
    def __reversed__(self) -> Iterator[Column]: ...
    def __getitem__(self, wanted: int | str, /) -> Column:
        """A column by its place, also from the end, or by its name.

        Raises:
            IndexError: There is no such place.
            KeyError: There is no column of this name; the nearest names are told.
        """

    def __contains__(self, wanted: object, /) -> bool:
        """Whether there is a column of this name, or this very column."""

    def __eq__(self, other: object, /) -> bool: ...
    def __arrow_c_schema__(self) -> object: ...
    def __str__(self) -> str:
        """One line a column, for `print`."""

    def _repr_html_(self) -> str: ...

@type_check_only
class _Array(Protocol):
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

@type_check_only
class _Stream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Scan:
    @staticmethod
    def from_json(text: str) -> Scan: ...
    def to_json(self) -> str: ...
    @property
    def schema(self) -> Schema: ...
    def head(self, rows: int) -> Scan: ...
    def bases(self) -> list[Scan]: ...
    def empty(self) -> _Stream: ...
    def spark_schema(self) -> str: ...
    def select(self, spark_schema: str) -> Scan: ...
    def check_batch(self) -> None:
        """Raises OptionError where the plan is of a stream that cannot be read as a batch."""

    def restricted(self, condition: str) -> Scan: ...
    def without_deletes(self) -> Scan: ...
    def __reduce__(self) -> tuple[Any, tuple[str]]: ...

@final
class Stream:
    def initial_offset(self) -> str: ...
    def stop_at_latest(self, began: float | None = None) -> None: ...
    def stop_at(self, end: str) -> None: ...
    def latest(self, start: str | None = None, max_records: int | None = None) -> tuple[str, bool]: ...
    def poll(self, start: str | None = None, max_records: int | None = None) -> tuple[str, bool, float]: ...
    def known_end(self, latest: str) -> str | None: ...
    def scan(self, start: str | None, end: str) -> Scan: ...
    def commit(self, end: str) -> None: ...

@final
class Batches(Iterator[pa.RecordBatch]):
    """The record batches of one read: iterate over it, or hand it to a library that takes `__arrow_c_stream__`.

    It is read once; requests begin with the first batch, and memory holds a few of them, however large the table is.
    Batches have the columns of `schema`, and as many rows as a few pages have: hundreds or thousands. Iterating raises
    this package's exceptions, and `KeyboardInterrupt` within a second of Ctrl-C; a library that takes the stream raises
    an exception of its own, with the same text.
    """

    def __next__(self) -> pa.RecordBatch: ...
    def __enter__(self) -> Batches: ...
    def __exit__(self, *_error: object) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def _repr_html_(self) -> str: ...
    @property
    def schema(self) -> Schema:
        """The schema of every batch."""

    @property
    def stats(self) -> ReadStats:
        """What the read has given so far, and what that has cost.

        Of this moment, also while another thread or a library reads, and when the read is over.
        """

    def next_native(self) -> _Array | None:
        """The next batch as an object with `__arrow_c_array__`, for who has no pyarrow; None after the last.

        Where none has come within a tenth of a second, it is one without rows: the caller may have signals of its own
        to look at.
        """

    def write(
        self,
        target: str | os.PathLike[str] | int,
        format: Literal["jsonl", "csv", "arrow", "parquet"] | None = None,
        *,
        compression: Literal["zstd", "snappy", "gzip", "none"] | None = None,
        row_group_size: int | None = None,
    ) -> int:
        """Writes the rest of the read into a file, without pyarrow and in bounded memory; gives the number of rows.

        Without a format the path's ending tells it, as in `vendors.parquet`.

        Raises:
            OptionError: A format, a compression or a column that the format cannot have; nothing was opened.
            AirtableError: Of this package's own types, whatever goes wrong in the read; the file is not whole.
            OSError: What the system says of the file.
        """

    def close(self) -> None:
        """Stops the read, also one that another thread waits for: no further request is sent."""

    def to_arrow(self) -> pa.Table:
        """The whole read as a `pyarrow.Table`, in memory. Only where no batch was taken yet.

        Raises:
            AirtableError: Of this package's own types, whatever goes wrong in the read.
            ValueError: The read was begun, closed or handed over before.
            ImportError: pyarrow is not installed.
        """

    def to_polars(self) -> pl.DataFrame:
        """The whole read as a `polars.DataFrame`, in memory; without pyarrow. Only where no batch was taken yet.

        Raises:
            AirtableError: Of this package's own types, whatever goes wrong in the read.
            ValueError: The read was begun, closed or handed over before.
            ImportError: polars is not installed.
        """

    def to_pandas(self) -> pd.DataFrame:
        """The whole read as a `pandas.DataFrame`, in memory, as pyarrow makes it. Only where no batch was taken yet.

        Raises:
            AirtableError: Of this package's own types, whatever goes wrong in the read.
            ValueError: The read was begun, closed or handed over before.
            ImportError: pandas or pyarrow is not installed.
        """

@final
class ReadStats:
    """What a read has given so far, and what that has cost. It is of one moment, and does not change."""

    @property
    def rows(self) -> int:
        """Rows that were handed on."""

    @property
    def requests(self) -> int:
        """Requests that were sent for records, repeated ones too; not those by which the read was planned."""

    @property
    def retries(self) -> int:
        """Requests that repeat one which failed."""

    @property
    def penalties(self) -> int:
        """Answers of 429: one request too many."""

    @property
    def waited_seconds(self) -> float:
        """Seconds for which requests waited for their turn within the budget, added up: two that wait at the same time
        count twice."""

    @property
    def rescued_values(self) -> int:
        """Values that do not fit their columns and are in the rescued data column, in the pages that were decoded."""

    @property
    def bytes(self) -> int:
        """Bytes of the answers, without compression."""

    @property
    def files_fetched(self) -> int:
        """Files of attachments that were fetched and stored."""

    @property
    def file_bytes(self) -> int:
        """Bytes of these files."""

    @property
    def files_there(self) -> int:
        """Files of attachments that were there already."""

    @property
    def files_missed(self) -> int:
        """Files of attachments that cannot be had."""

    @property
    def seconds(self) -> float:
        """Seconds since the first batch was asked for, up to the end of the read."""

    @property
    def expected_rows(self) -> int | None:
        """The rows that there will be: guessed where a large table is read by several cursors, counted when all are
        read, None where it is not known."""

    @property
    def calls_this_month(self) -> int | None:
        """Calls to the base in this month of UTC, by all programs of this machine that use this package: about, and no
        less than, at the end of the read or now; None before it begins, and where that cannot be known."""

    @property
    def is_done(self) -> bool:
        """Whether the read is over: at its end, by an error, or because it was closed."""

    def as_dict(self) -> dict[str, int | float | bool | None]:
        """The same as a dict, by the names of the attributes."""

    def __eq__(self, value: object, /) -> bool: ...

# Definitions and answers travel as JSON text; `lakeflow_airtable.mock` is what people use.
@final
class Mock:
    def __new__(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        sample: bool = True,
        faults: str = "{}",
        seed: int = 1,
    ) -> Mock: ...
    def stop(self) -> None: ...
    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def base_id(self) -> str: ...
    def bases(self) -> list[tuple[str, str]]: ...
    def faults(self) -> str: ...
    def set_faults(self, faults: str) -> None: ...
    def reset_faults(self) -> None: ...
    def requests(self) -> str: ...
    def request_counts(self) -> str: ...
    def clear_requests(self) -> None: ...
    def now(self) -> str: ...
    def advance_clock(self, seconds: float) -> None: ...
    def set_clock(self, now: str) -> None: ...
    def add_token(self, token: str, grant: str) -> None: ...
    def authorize(self, client_id: str, client_secret: str | None, grant: str) -> tuple[str, str]: ...
    def remove_token(self, token: str) -> None: ...
    def set_permission(self, base: str, level: str) -> None: ...
    def create_base(self, definition: str) -> str: ...
    def create_table(self, base: str, definition: str) -> str: ...
    def generate_table(
        self,
        base: str,
        name: str,
        records: int,
        fields: int,
        types: list[tuple[str, str]] | None,
        scalars: bool,
        seed: int,
    ) -> str: ...
    def schema(self, base: str) -> str: ...
    def records(self, base: str, table: str) -> str: ...
    def create_records(self, base: str, table: str, fields: str) -> list[str]: ...
    def update_records(self, base: str, table: str, records: str) -> list[str]: ...
    def delete_records(self, base: str, table: str, ids: list[str]) -> None: ...
    def add_attachment(
        self, base: str, table: str, record: str, field: str, filename: str, content: bytes, kind: str | None
    ) -> str: ...
    def set_raw_cell(self, base: str, table: str, record: str, field: str, json: str) -> None: ...
    def set_raw_field(self, base: str, table: str, field: str, definition: str) -> None: ...
    def create_field(self, base: str, table: str, definition: str) -> str: ...
    def update_field(self, base: str, table: str, field: str, change: str) -> str: ...
    def remove_field(self, base: str, table: str, field: str) -> None: ...
    def update_table(self, base: str, table: str, change: str) -> str: ...
    def remove_table(self, base: str, table: str) -> None: ...
    def add_comment(self, base: str, table: str, record: str, comment: str) -> str: ...
    def last_modified(self, base: str, table: str, record: str) -> str | None: ...

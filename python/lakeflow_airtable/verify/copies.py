"""What a copy is, and its rows: Delta, Iceberg, DuckDB, Parquet, whatever gives a stream of Arrow, and Spark's tables.

A copy is opened when it is found, and only read. Errors name it as the user did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import AirtableError, NotFoundError, OptionError
from ..sync.target import one_line

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 10_000
"""Of a batch, where it can be said."""

FORMATS = ("delta", "iceberg", "duckdb", "parquet", "spark")


class Copy(Protocol):
    """A copy that was found."""

    name: str
    """Where it is, for messages."""
    columns: list[str]

    def batches(self, columns: Sequence[str]) -> Iterable[pa.RecordBatch]:
        """All rows, with these columns in this order."""


def find(
    target: object, *, format: str | None, spark: object | None, storage_options: Mapping[str, str] | None
) -> Copy:
    """The copy that a target names. Raises OptionError where it is none, and NotFoundError where nothing is there."""
    if format is not None and format not in FORMATS:
        from .._native import nearest_names

        near = nearest_names(str(format), list(FORMATS))
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FORMATS)}"
        raise OptionError(f"format is {format!r}: {hint}")
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise _missing("pyarrow", error) from None
    if not isinstance(target, str | PathLike):
        return _of_object(target)
    address = str(fspath(target))
    if not address.strip() or "\0" in address:
        raise OptionError(f"target is {address!r}: give a path, a table's name, or an object that has an Arrow stream")
    chosen = format or _guessed(address, spark)
    if chosen == "spark":
        from .spark import SparkCopy

        if spark is None:
            raise OptionError(f"target {address!r} is a table of Spark's: give the session as spark")
        return SparkCopy.named(spark, address)
    if chosen == "delta":
        return DeltaCopy(address, storage_options)
    if chosen == "iceberg":
        return IcebergCopy(address, storage_options)
    if chosen == "duckdb":
        return DuckDBCopy(address)
    return ParquetCopy(address)


def _of_object(target: object) -> Copy:
    # Frames of Spark's have a stream, too, but of the whole frame at once.
    module = type(target).__module__
    if module.startswith("pyspark."):
        from .spark import SparkCopy

        return SparkCopy(target)
    if module.startswith("deltalake."):
        return DeltaCopy("the Delta table", None, target)
    if module.startswith("pyiceberg."):
        return IcebergCopy("the Iceberg table", None, target)
    if hasattr(target, "__arrow_c_stream__"):
        return ArrowCopy(target)
    raise OptionError(
        f"target is a {type(target).__name__}: give a path, a table's name, a DataFrame of Spark's, or an object that "
        "has __arrow_c_stream__"
    )


def _guessed(address: str, spark: object | None) -> str:
    """The format of a text, by what is there."""
    path = Path(address)
    if "://" in address or (path / "_delta_log").is_dir():
        return "delta"
    if path.is_dir():
        tables = sorted(below.name for below in path.iterdir() if (below / "_delta_log").is_dir())
        if tables:
            raise OptionError(
                f"target {address!r} is no copy, and holds {len(tables)}: name one, as {path / tables[0]}"
            )
        return "parquet"
    file, table = _file_and_table(address)
    if Path(file).is_file():
        with Path(file).open("rb") as opened:
            start = opened.read(12)
        if start[:4] == b"PAR1":
            return "parquet"
        if start[8:] == b"DUCK" or table:
            return "duckdb"
        raise OptionError(
            f"target {address!r} is a file that is neither Parquet's nor DuckDB's: give a copy in one of these, a "
            "Delta table, or an Iceberg table"
        )
    if spark is not None:
        return "spark"
    if address.count(".") >= 2 and not any(mark in address for mark in "/\\ "):
        return "iceberg"
    raise NotFoundError(
        f"target {address!r} is not there: give the path of a Delta table or of Parquet, FILE:TABLE for DuckDB, "
        "CATALOG.NAMESPACE.TABLE for Iceberg, or, in Python, a session as spark for a table of Spark's"
    )


def _file_and_table(address: str) -> tuple[str, str]:
    """`lake.duckdb:main.vendors`, whose file may have colons, too."""
    if Path(address).is_file():
        return address, ""
    file, _, table = address.rpartition(":")
    return (file, table) if file else (address, "")


class ArrowCopy:
    """An object with `__arrow_c_stream__`: a table, a frame, a relation."""

    def __init__(self, target: Any) -> None:
        import pyarrow as pa

        self.name = f"the {type(target).__name__}"
        try:
            self._reader = pa.RecordBatchReader.from_stream(target)
        except Exception as error:
            raise _unopened(self.name, "a stream of Arrow", error) from error
        self.columns = list(self._reader.schema.names)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return _told(self.name, self._reader, columns)


class DeltaCopy:
    """A Delta table, by `deltalake`."""

    def __init__(self, address: str, storage_options: Mapping[str, str] | None, table: Any = None) -> None:
        self.name = address
        if table is None:
            try:
                from deltalake import DeltaTable
                from deltalake.exceptions import TableNotFoundError
            except ImportError as error:
                raise _missing("deltalake", error) from None
            try:
                table = DeltaTable(address, storage_options=dict(storage_options or {}) or None)
            except TableNotFoundError:
                raise NotFoundError(f"target {address!r} is not there: no Delta table is at this address") from None
            except Exception as error:
                raise _unopened(address, "a Delta table", error) from error
        self._table = table
        self.columns = [field.name for field in table.schema().fields]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        return _told(self.name, pa.RecordBatchReader.from_stream(self._table.scan(columns=list(columns))), columns)


class IcebergCopy:
    """An Iceberg table, by `pyiceberg` and a catalog of its configuration."""

    def __init__(self, address: str, properties: Mapping[str, str] | None, table: Any = None) -> None:
        self.name = address
        if table is None:
            try:
                from pyiceberg.catalog import load_catalog
                from pyiceberg.exceptions import NoSuchTableError
            except ImportError as error:
                raise _missing("pyiceberg", error) from None
            catalog, *identifier = address.split(".")
            if len(identifier) < 2 or not all([catalog, *identifier]):
                raise OptionError(f"target is {address!r}: give catalog, namespace and table, as lake.airtable.vendors")
            try:
                table = load_catalog(catalog, **dict(properties or {})).load_table(tuple(identifier))
            except NoSuchTableError:
                raise NotFoundError(f"target {address!r} is not there: the catalog has no such table") from None
            except Exception as error:
                raise _unopened(address, "an Iceberg table", error) from error
        self._table = table
        self.columns = [field.name for field in table.schema().fields]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        scan = self._table.scan(selected_fields=tuple(columns))
        return _told(self.name, scan.to_arrow_batch_reader(), columns)


class DuckDBCopy:
    """A table of a DuckDB file, by `duckdb`. The file is opened for reading, and closed with the last row."""

    def __init__(self, address: str) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise _missing("duckdb", error) from None
        self.name = address
        self._file, table = _file_and_table(address)
        if not Path(self._file).is_file():
            raise NotFoundError(f"target {address!r} is not there: no DuckDB file has this name")
        if not table:
            raise OptionError(f"target is {address!r}, a DuckDB file: name its table, as in {address}:vendors")
        schema, _, name = table.rpartition(".")
        self._from = ".".join(_quoted(part) for part in (schema or "main", name))
        try:
            with closing(duckdb.connect(self._file, read_only=True)) as database:
                described = database.execute(f"SELECT * FROM {self._from} LIMIT 0").description or []
        except duckdb.CatalogException as error:
            raise NotFoundError(f"target {address!r} is not there: {one_line(error)}") from None
        except duckdb.Error as error:
            raise _unopened(address, "a table of DuckDB's", error) from error
        self.columns = [column[0] for column in described]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import duckdb

        with closing(duckdb.connect(self._file, read_only=True)) as database:
            rows = database.sql(f"SELECT {', '.join(map(_quoted, columns))} FROM {self._from}")
            # Called otherwise before 2.0.
            stream = rows.to_arrow_reader if hasattr(rows, "to_arrow_reader") else rows.fetch_arrow_reader
            yield from _told(self.name, stream(_ROWS), columns)


class ParquetCopy:
    """A Parquet file, or a directory of them."""

    def __init__(self, address: str) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        self.name = address
        if not Path(address).exists():
            raise NotFoundError(f"target {address!r} is not there: no file or directory has this name")
        try:
            self._dataset = ds.dataset(address, format="parquet", partitioning="hive")
        except (pa.ArrowException, OSError) as error:
            raise _unopened(address, "Parquet", error) from error
        self.columns = self._dataset.schema.names
        if not self.columns:
            raise OptionError(f"target {address!r} is a directory in which there are no Parquet files")

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return _told(self.name, self._dataset.to_batches(columns=list(columns)), columns)


def _told(name: str, batches: Iterable[pa.RecordBatch], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The batches with the columns in order; a library's own error names the copy."""
    try:
        for batch in batches:
            yield batch.select(list(columns))
    except AirtableError:
        raise
    except Exception as error:
        raise AirtableError(f"{name} could not be read: {one_line(error)}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _missing(module: str, error: ImportError) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"verify needs the package {module}: pip install 'lakeflow-airtable[sync]'", name=error.name or module
    )


def _unopened(address: str, what: str, error: BaseException) -> OptionError:
    return OptionError(f"target {address!r} cannot be opened as {what}: {one_line(error)}")

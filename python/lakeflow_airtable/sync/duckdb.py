"""Copies as tables of one DuckDB file, by the package `duckdb`. What has been read is told by a table of our own there.

DuckDB lets one process write into a file, so another run is refused for as long as this one has the file open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AirtableError, OptionError
from .pump import pump
from .shape import comment_of, schema_from, schema_text
from .target import END, START, Conflict, Counts, Found, Merging, Progress, missing, one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

OFFSETS = "_lakeflow_airtable_offsets"


class DuckDBCopy:
    """One table of a file, in its schema `main` or another."""

    def __init__(self, file: str, schema: str | None, table: str) -> None:
        try:
            import duckdb  # noqa: F401  # said before anything is asked of Airtable
        except ImportError as error:
            raise missing("duckdb", error) from None
        self._file = Path(file)
        self._schema = schema or "main"
        self._target = f"{self._schema}.{table}"
        self._into = f"{_quoted(self._schema)}.{_quoted(table)}"
        self._place = (self._schema, table)
        self.name = f"{file}:{self._target if schema else table}"
        self.comment: str | None = None
        self._database: duckdb.DuckDBPyConnection | None = None
        self._before: str | None = None

    def find(self) -> Found | None:
        import duckdb
        import pyarrow as pa

        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._database is None:
            try:
                self._database = duckdb.connect(str(self._file))
            except duckdb.Error as error:
                raise _unopened(self._file, error) from error
        columns = self._columns()
        self._before = self._text()
        if not columns:
            return None
        if self._before is None:
            return Found(pa.schema([]), None)
        told, shape = self._offset_row()
        return Found(schema_from(shape, columns), Progress.from_text(told, self.name))

    def replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        def write() -> None:
            self._run(f"DROP TABLE IF EXISTS {self._into}")
            self._evolve(schema)
            self._insert(rows, schema)

        self._commit(write, schema, progress)

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        def write() -> None:
            self._evolve(schema)
            self._insert(rows, schema)

        self._commit(write, schema, progress)

    def merge(self, changes: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress) -> Counts:
        same = _same_keys(merging.keys)
        sequence = _quoted(merging.sequence_by)
        newer = f"(t.{sequence} IS NULL OR s.{sequence} >= t.{sequence})"
        gone = "false" if merging.deletes is None else f"s.{_quoted(merging.deletes)}"
        names = [name for name in changes.column_names if name != merging.deletes]
        assigned = ", ".join(f"{_quoted(name)} = s.{_quoted(name)}" for name in names)
        listed = ", ".join(map(_quoted, names))
        found = ", ".join(f"s.{_quoted(name)}" for name in names)
        compared = map(_quoted, merging.compared(names))
        differs = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in compared) or "false"

        def write() -> Counts:
            self._evolve(schema)
            deleted = self._number(
                f"DELETE FROM {self._into} t USING changes s WHERE {same} AND {gone} AND {newer}", changes
            )
            updated = self._number(
                f"UPDATE {self._into} t SET {assigned} FROM changes s WHERE {same} AND NOT {gone} AND {newer} "
                f"AND ({differs})",
                changes,
            )
            inserted = self._number(
                f"INSERT INTO {self._into} ({listed}) SELECT {found} FROM changes s WHERE NOT {gone} "
                f"AND NOT EXISTS (SELECT 1 FROM {self._into} t WHERE {same})",
                changes,
            )
            return Counts(updated + inserted, deleted)

        done: Counts = self._commit(write, schema, progress)
        return done

    def versions(self, changes: pa.Table, merging: Merging) -> pa.Table:
        keys = changes.select(list(merging.keys))
        statement = (
            f"SELECT * FROM {self._into} t WHERE EXISTS (SELECT 1 FROM changes s WHERE {_same_keys(merging.keys)})"
        )
        with self._named(keys) as database:
            return database.sql(statement).to_arrow_table()

    def merge_versions(
        self, ended: pa.Table, begun: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress
    ) -> None:
        same = _same_keys(merging.keys)

        def write() -> None:
            self._evolve(schema)
            self._number(
                f"UPDATE {self._into} t SET {_quoted(END)} = s.{_quoted(END)} FROM changes s WHERE {same} "
                f"AND t.{_quoted(END)} IS NULL AND t.{_quoted(START)} IS NOT DISTINCT FROM s.{_quoted(START)}",
                ended,
            )
            self._insert(begun.to_batches(), begun.schema)

        self._commit(write, schema, progress)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    # Statements

    def _commit(self, write: Any, schema: pa.Schema, progress: Progress) -> Any:
        """Writes and keeps the progress in one transaction, which is undone at any error and at Ctrl-C."""
        import duckdb

        text = progress.to_text()
        try:
            self._run("BEGIN TRANSACTION")
            try:
                if self._text() != self._before:
                    raise Conflict("another run has gone on from there")
                made = write()
                self._keep(text, schema)
                self._run("COMMIT")
            except BaseException:
                self._undo()
                raise
        except duckdb.Error as error:
            if _is_conflict(error):
                raise Conflict(one_line(error)) from error
            raise AirtableError(f"{self.name} could not be written: {one_line(error)}") from error
        self._before = text
        return made

    def _undo(self) -> None:
        import duckdb

        with contextlib.suppress(duckdb.Error):  # the error that came first is the one to be told
            self._run("ROLLBACK")

    def _keep(self, text: str, schema: pa.Schema) -> None:
        self._run(
            f"CREATE TABLE IF NOT EXISTS main.{OFFSETS} (target VARCHAR PRIMARY KEY, progress VARCHAR NOT NULL, "
            "arrow_schema VARCHAR NOT NULL)"
        )
        self._run(
            f"INSERT INTO main.{OFFSETS} VALUES (?, ?, ?) ON CONFLICT (target) DO UPDATE SET "
            "progress = excluded.progress, arrow_schema = excluded.arrow_schema",
            [self._target, text, schema_text(schema)],
        )

    def _offset_row(self) -> tuple[str, str]:
        [(progress, shape)] = self._run(
            f"SELECT progress, arrow_schema FROM main.{OFFSETS} WHERE target = ?", [self._target]
        )
        return progress, shape

    def _text(self) -> str | None:
        """How far the table has come, as it is kept; None where it is not there, or not ours."""
        kept = self._run(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
            "AND table_name = ?",
            [OFFSETS],
        )
        if not kept or not self._columns():
            return None
        rows = self._run(f"SELECT progress FROM main.{OFFSETS} WHERE target = ?", [self._target])
        return str(rows[0][0]) if rows else None

    def _columns(self) -> list[str]:
        found = self._run(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = ? "
            "AND table_name = ? ORDER BY column_index",
            list(self._place),
        )
        return [name for (name,) in found]

    def _evolve(self, schema: pa.Schema) -> None:
        """The table with all columns of the schema."""
        there = {name.lower() for name in self._columns()}
        if not there:
            self._run(f"CREATE SCHEMA IF NOT EXISTS {_quoted(self._schema)}")
            self._number(f"CREATE TABLE {self._into} AS SELECT * FROM changes", schema.empty_table())
            if self.comment is not None:
                self._run(f"COMMENT ON TABLE {self._into} IS {_literal(self.comment)}")
            self._comment_on(schema)
            return
        import pyarrow as pa

        assert self._database is not None
        new = [field for field in schema if field.name.lower() not in there]
        for field in new:
            [kind] = self._database.from_arrow(pa.schema([field]).empty_table()).types
            self._run(f"ALTER TABLE {self._into} ADD COLUMN {_quoted(field.name)} {kind}")
        self._comment_on(new)

    def _comment_on(self, fields: Iterable[pa.Field]) -> None:
        """What Airtable says of fields, as the comments of their columns."""
        for field in fields:
            if comment := comment_of(field):
                self._run(f"COMMENT ON COLUMN {self._into}.{_quoted(field.name)} IS {_literal(comment)}")

    def _insert(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """All rows in one statement. What one statement writes goes to the disk by the way; what many small ones of a
        transaction have written stays in memory until its end."""
        statement = f"INSERT INTO {self._into} BY NAME SELECT * FROM changes"
        pump(rows, schema, lambda reader: self._number(statement, reader))

    def _run(self, statement: str, values: list[Any] | None = None) -> list[Any]:
        """The rows that a statement gives. All are taken: DuckDB begins nothing else before."""
        assert self._database is not None
        return self._database.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _named(self, changes: pa.Table | pa.RecordBatchReader) -> Iterator[duckdb.DuckDBPyConnection]:
        """The database, where a table of this process's is called `changes`."""
        assert self._database is not None
        self._database.register("changes", changes)
        try:
            yield self._database
        finally:
            self._database.unregister("changes")

    def _number(self, statement: str, changes: pa.Table | pa.RecordBatchReader) -> int:
        """How many rows a statement has written."""
        with self._named(changes) as database:
            rows = database.execute(statement).fetchall()
        return int(rows[0][0]) if rows else 0


def _is_conflict(error: Exception) -> bool:
    """Whether another run has written meanwhile. A transaction also ends where the disk is full."""
    import duckdb

    text = str(error).lower()
    is_ended = isinstance(error, duckdb.TransactionException)
    return isinstance(error, duckdb.ConstraintException) or (is_ended and ("conflict" in text or "constraint" in text))


def _unopened(file: Path, error: Exception) -> AirtableError:
    text = one_line(error)
    if "lock" in text.lower():
        return AirtableError(f"{file} is open in another process, and DuckDB lets one write: sync again later ({text})")
    return OptionError(f"{file} cannot be opened as a DuckDB database: {text}")


def _same_keys(keys: tuple[str, ...]) -> str:
    return " AND ".join(f"t.{_quoted(key)} IS NOT DISTINCT FROM s.{_quoted(key)}" for key in keys)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

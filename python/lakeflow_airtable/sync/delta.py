"""Copies as Delta tables, by the package `deltalake`: on this machine or in an object store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import AirtableError, OptionError
from . import delta_progress
from .pump import pump
from .shape import conformed
from .target import END, START, Conflict, Counts, Found, Merging, Progress, missing, one_line

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable

_STARTED, _IS_END = "__lakeflow_airtable_started", "__lakeflow_airtable_is_end"


class DeltaCopy:
    """One Delta table."""

    def __init__(self, address: str, storage_options: Mapping[str, str] | None = None) -> None:
        try:
            import deltalake  # noqa: F401  # said before anything is asked of Airtable
        except ImportError as error:
            raise missing("deltalake", error) from None
        self.name = address
        self.comment: str | None = None
        self._storage_options = dict(storage_options or {}) or None
        self._table: DeltaTable | None = None
        self._commits = 0

    def find(self) -> Found | None:
        import pyarrow as pa
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        self._table, self._commits = None, 0
        try:
            table = DeltaTable(self.name, storage_options=self._storage_options)
        except TableNotFoundError:
            return None
        except Exception as error:
            raise OptionError(f"{self.name} cannot be opened as a Delta table: {one_line(error)}") from error
        self._table = table
        text = delta_progress.text_of(table.transaction_version)
        self._commits = delta_progress.commit_of(table.transaction_version) or 0
        progress = None if text is None else Progress.from_text(text, self.name)
        return Found(pa.schema(table.schema()), progress)

    def replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        self._write(rows, schema, progress, mode="overwrite", schema_mode="overwrite")

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        self._write(rows, schema, progress, mode="append", schema_mode="merge")

    def merge(self, changes: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress) -> Counts:
        if changes.num_rows == 0:
            self.append((), schema, progress)
            return Counts()
        sequence = _quoted(merging.sequence_by)
        newer = f"(t.{sequence} IS NULL OR s.{sequence} >= t.{sequence})"
        columns = {_quoted(name): f"s.{_quoted(name)}" for name in changes.column_names if name != merging.deletes}
        # A column that is new is NULL in all rows.
        there_before = {field.name for field in self._fields()}
        differs = " OR ".join(
            f"(t.{_quoted(name)} IS DISTINCT FROM s.{_quoted(name)})"
            if name in there_before
            else f"(s.{_quoted(name)} IS NOT NULL)"
            for name in merging.compared(changes.column_names)
        )
        merge = self._merge(changes, _same_keys(merging.keys), progress)
        there = None
        if merging.deletes is not None:
            gone = f"s.{_quoted(merging.deletes)}"
            merge = merge.when_matched_delete(f"{gone} AND {newer}")
            there = f"NOT {gone}"
        # What is to be deleted and is not newer is not to be written either.
        changed = " AND ".join(filter(None, (there, newer, f"({differs or 'false'})")))
        merge = merge.when_matched_update(columns, changed).when_not_matched_insert(columns, there)
        done = self._commit(merge.execute, schema, progress)
        return Counts(
            done["num_target_rows_inserted"] + done["num_target_rows_updated"], done["num_target_rows_deleted"]
        )

    def _fields(self) -> Iterable[Any]:
        assert self._table is not None
        return self._table.schema().fields

    def versions(self, changes: pa.Table, merging: Merging) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        assert self._table is not None
        schema = pa.schema(self._table.schema())
        key = merging.keys[0]
        wanted = changes.column(key).combine_chunks().cast(schema.field(key).type)
        # Ids are spread over all files, so that what is known of a file's least and greatest would leave out none.
        found = [batch.filter(pc.is_in(batch.column(key), wanted)) for batch in conformed(self._table.scan(), schema)]
        return pa.Table.from_batches([batch for batch in found if len(batch)], schema)

    def merge_versions(
        self, ended: pa.Table, begun: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress
    ) -> None:
        import pyarrow as pa

        if ended.num_rows + begun.num_rows == 0:
            self.append((), schema, progress)
            return
        # A version that ends is found by its start; one that begins matches none.
        started = pa.field(_STARTED, schema.field(START).type)
        is_end = pa.field(_IS_END, pa.bool_())
        ends = ended.append_column(started, ended.column(START)).append_column(is_end, _all(True, ended))
        begins = begun.append_column(started, pa.nulls(begun.num_rows, started.type))
        begins = begins.append_column(is_end, _all(False, begun))
        whole = pa.schema([*schema, started, is_end])
        source = pa.concat_tables([begins.cast(whole), ends], promote_options="default").cast(whole)
        found = f"{_same_keys(merging.keys)} AND s.{_IS_END} AND (t.{START} IS NOT DISTINCT FROM s.{_STARTED})"
        columns = {_quoted(name): f"s.{_quoted(name)}" for name in schema.names}
        merge = self._merge(source, f"{found} AND t.{END} IS NULL", progress)
        merge = merge.when_matched_update({END: f"s.{END}"}).when_not_matched_insert(columns, f"NOT s.{_IS_END}")
        self._commit(merge.execute, schema, progress)

    def close(self) -> None:
        self._table = None

    def _make(self, schema: pa.Schema, progress: Progress) -> None:
        """An empty table, of which nothing has been read yet.

        The rows come in a commit of their own: one that also makes the table is not compared with those of others, so
        that the rows of two runs would be there.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            DeltaTable.create(
                self.name,
                schema,
                mode="error",
                description=self.comment,
                storage_options=self._storage_options,
                commit_properties=self._properties(replace(progress, offset="")),
            )
        except (DeltaError, OSError) as error:
            if "already exists" in str(error):
                raise Conflict(one_line(error)) from error
            raise AirtableError(f"{self.name} could not be made: {one_line(error)}") from error
        table = DeltaTable(self.name, storage_options=self._storage_options)
        self._commits = delta_progress.commit_of(table.transaction_version) or 0
        if self._commits != 1:
            raise Conflict("another run has made it")
        self._table = table

    def _write(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress, **how: Any) -> None:
        from deltalake import write_deltalake

        if self._table is None:
            self._make(schema, progress)
        target = self._table
        assert target is not None

        def write(reader: pa.RecordBatchReader) -> None:
            write_deltalake(target, reader, commit_properties=self._properties(progress), **how)

        self._commit(lambda: pump(rows, schema, write), schema, progress)

    def _merge(self, source: pa.Table, condition: str, progress: Progress) -> Any:
        assert self._table is not None
        # Not streamed: what the target is read for is narrowed by the keys of the source.
        return self._table.merge(
            source,
            condition,
            source_alias="s",
            target_alias="t",
            merge_schema=True,
            streamed_exec=False,
            commit_properties=self._properties(progress),
        )

    def _properties(self, progress: Progress) -> CommitProperties:
        from deltalake import CommitProperties, Transaction

        text = progress.to_text()
        numbers = delta_progress.numbers_of(text, self._commits + 1)
        # The text as it is, too, for people who look at the history.
        return CommitProperties(
            custom_metadata={"lakeflow_airtable": text},
            app_transactions=[Transaction(name, number) for name, number in numbers.items()],
        )

    def _commit(self, write: Any, schema: pa.Schema, progress: Progress) -> Any:
        """Writes, and looks at the table as it then is. A merge that changes no row may leave out its commit."""
        from deltalake.exceptions import CommitFailedError, DeltaError

        assert self._table is not None
        try:
            made = write()
            self._table.update_incremental()
        except CommitFailedError as error:
            if self._is_behind():
                raise Conflict(one_line(error)) from error
            raise AirtableError(f"{self.name} could not be written: {one_line(error)}") from error
        except (DeltaError, OSError, ValueError) as error:
            if isinstance(error, AirtableError):
                raise
            raise AirtableError(f"{self.name} could not be written: {one_line(error)}") from error
        number = self._table.transaction_version
        commits = delta_progress.commit_of(number) or 0
        if commits == self._commits:
            self.append((), schema, progress)
        elif commits == self._commits + 1 and delta_progress.text_of(number) == progress.to_text():
            self._commits = commits
        else:
            raise Conflict("another run has gone on from there")
        return made

    def _is_behind(self) -> bool:
        """Whether another run has written since. A commit is refused for other reasons, too."""
        from deltalake import DeltaTable

        assert self._table is not None
        return DeltaTable(self.name, storage_options=self._storage_options).version() > self._table.version()


def _same_keys(keys: tuple[str, ...]) -> str:
    return " AND ".join(f"(t.{_quoted(key)} IS NOT DISTINCT FROM s.{_quoted(key)})" for key in keys)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _all(value: bool, table: pa.Table) -> pa.Array:
    import pyarrow as pa

    return pa.array([value] * table.num_rows, pa.bool_())

"""Copies as Iceberg tables, by the package `pyiceberg` and a catalog of its configuration.

How far a copy has come is a property of the table, set in the commit of the rows, and stays where snapshots expire. The
Arrow schema is another: of a column's metadata Iceberg keeps the comment alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AirtableError, OptionError
from ..specification.names import file_name
from .history import same_cells
from .iceberg_lists import keep_nulls
from .shape import comment_of, gathered, plain, schema_from, schema_text
from .target import END, Conflict, Counts, Found, Merging, Progress, missing, one_line

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table, Transaction

Made = TypeVar("Made")

_PROGRESS = "lakeflow_airtable.progress"
_SCHEMA = "lakeflow_airtable.arrow_schema"
_ROWS = 100_000
"""Of a file."""
_RETRIES = "commit.retry.num-retries"


class IcebergCopy:
    """One table of a catalog."""

    def __init__(
        self, catalog: str, schema: str | None, table: str, properties: Mapping[str, str] | None = None
    ) -> None:
        try:
            import pyiceberg.io.pyarrow  # noqa: F401  # said before anything is asked of Airtable
        except ImportError as error:
            raise missing("pyiceberg", error) from None
        keep_nulls()
        name, *namespace = catalog.split(".")
        if schema is not None:
            namespace = [file_name(schema)]
        if not name or not namespace or not all(namespace):
            raise OptionError(
                f"to is {catalog!r}: give a catalog's name and a namespace, such as lake.airtable; "
                "destination_schema takes the place of the namespace"
            )
        self._catalog_name = name
        self._identifier = (*namespace, file_name(table))
        self.name = ".".join([name, *self._identifier])
        self._properties = dict(properties or {})
        self.comment: str | None = None
        self._catalog: Catalog | None = None
        self._table: Table | None = None

    def find(self) -> Found | None:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.exceptions import NoSuchTableError

        try:
            if self._catalog is None:
                self._catalog = load_catalog(self._catalog_name, **self._properties)
            self._table = self._catalog.load_table(self._identifier)
        except NoSuchTableError:
            self._table = None
            return None
        except Exception as error:
            raise OptionError(f"{self.name} cannot be looked for: {one_line(error)}") from error
        there = self._table.schema().as_arrow()
        text, shape = (self._table.properties.get(name) for name in (_PROGRESS, _SCHEMA))
        if text is None or shape is None:
            return Found(there, None)
        return Found(schema_from(shape, there.names), Progress.from_text(text, self.name))

    def replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        from pyiceberg.expressions import AlwaysTrue

        def write(change: Transaction) -> None:
            change.delete(AlwaysTrue())
            self._evolve(change, schema, retype=True)
            self._insert(change, rows, schema, progress)

        self._commit(write, schema, progress)

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        def write(change: Transaction) -> None:
            self._evolve(change, schema)
            self._insert(change, rows, schema, progress)

        self._commit(write, schema, progress)

    def merge(self, changes: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress) -> Counts:
        import pyarrow as pa

        [key] = merging.keys
        rows = {row[key]: row for row in self.versions(changes, merging).to_pylist()}
        there = {name: row[merging.sequence_by] for name, row in rows.items()}
        compared = merging.compared(changes.column_names)
        keys, times = changes.column(key).to_pylist(), changes.column(merging.sequence_by).to_pylist()
        gone = [False] * len(keys) if merging.deletes is None else changes.column(merging.deletes).to_pylist()
        counted = [
            (at, is_gone)
            for at, (name, time, is_gone) in enumerate(zip(keys, times, gone, strict=True))
            if (name in there if is_gone else True) and _is_newer(time, there.get(name))
        ]
        told = changes.select(compared).to_pylist()
        counted = [
            (at, is_gone)
            for at, is_gone in counted
            if is_gone or keys[at] not in rows or not same_cells(told[at], rows[keys[at]], compared)
        ]
        removed = [keys[at] for at, _ in counted if keys[at] in there]
        written = [at for at, is_gone in counted if not is_gone]

        def write(change: Transaction) -> None:
            self._evolve(change, schema)
            if removed:
                change.delete(_among(key, removed))
            begun = changes.take(pa.array(written, pa.int64())).select(schema.names).cast(schema)
            self._insert(change, begun.to_batches(), schema, progress)

        self._commit(write, schema, progress)
        return Counts(len(written), len(counted) - len(written))

    def versions(self, changes: pa.Table, merging: Merging) -> pa.Table:
        assert self._table is not None
        [key] = merging.keys
        return self._table.scan(row_filter=_among(key, changes.column(key).to_pylist())).to_arrow()

    def merge_versions(
        self, ended: pa.Table, begun: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress
    ) -> None:
        import pyarrow as pa
        from pyiceberg.expressions import And

        [key] = merging.keys
        current = And(_among(key, ended.column(key).to_pylist()), _is_null(END)) if ended.num_rows else None

        def write(change: Transaction) -> None:
            rows = begun
            if current is not None:
                assert self._table is not None
                ends = dict(zip(ended.column(key).to_pylist(), ended.column(END).to_pylist(), strict=True))
                old = self._table.scan(row_filter=current).to_arrow().to_pylist()
                closed = pa.Table.from_pylist([{**row, END: ends[row[key]]} for row in old], schema)
                rows = pa.concat_tables([closed, begun])
            self._evolve(change, schema)
            if current is not None:
                change.delete(current)
            self._insert(change, rows.to_batches(), schema, progress)

        self._commit(write, schema, progress)

    def close(self) -> None:
        self._table = None

    # Within a transaction

    def _commit(self, write: Callable[[Transaction], None], schema: pa.Schema, progress: Progress) -> None:
        from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError, ValidationException

        try:
            with warnings.catch_warnings():
                # A delete that finds nothing is none of the user's concerns.
                warnings.simplefilter("ignore")
                change = self._begun(schema)
                write(change)
                change.set_properties({_PROGRESS: progress.to_text(), _SCHEMA: schema_text(schema)})
                self._table = change.commit_transaction()
        except (CommitFailedException, TableAlreadyExistsError, ValidationException) as error:
            raise Conflict(one_line(error)) from error
        except AirtableError:
            raise
        except Exception as error:
            raise AirtableError(f"{self.name} could not be written: {one_line(error)}") from error
        assert self._catalog is not None
        self._table = self._catalog.load_table(self._identifier)

    def _begun(self, schema: pa.Schema) -> Transaction:
        """A transaction, which also makes the table where there is none."""
        assert self._catalog is not None
        if self._table is None:
            self._catalog.create_namespace_if_not_exists(self._identifier[:-1])
            told = {} if self.comment is None else {"comment": self.comment}
            return self._catalog.create_table_transaction(self._identifier, _nullable(schema), properties=told)
        # Done again by pyiceberg itself, a commit would follow another run's: its rows would be there twice. For this
        # transaction only; the table's own property stays.
        self._table.properties[_RETRIES] = "0"
        return self._table.transaction()

    def _evolve(self, change: Transaction, schema: pa.Schema, *, retype: bool = False) -> None:
        """The table with all columns of the schema."""
        import pyarrow as pa

        there = change.table_metadata.schema()
        names = {field.name for field in there.fields}
        if retype:
            old = {field.name: field.type for field in plain(there.as_arrow())}
            other = [field.name for field in plain(schema) if field.name in names and old[field.name] != field.type]
            gone = [name for name in names if name not in schema.names]
            if other or gone:
                with change.update_schema(allow_incompatible_changes=True) as update:
                    for name in (*other, *gone):
                        update.delete_column(name)
                names -= {*other, *gone}
        new = [field for field in schema if field.name not in names]
        if new:
            with change.update_schema() as update:
                # The others keep the comments that they have.
                update.union_by_name(_nullable(pa.schema(new)))

    def _insert(
        self, change: Transaction, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress
    ) -> None:
        """A snapshot even where there are no rows: it is what a commit of another run is told by."""
        told = {"lakeflow_airtable": progress.to_text()}
        is_any = False
        for part in gathered(rows, schema, _ROWS):
            change.append(part.cast(_nullable(schema)), snapshot_properties=told)
            is_any = True
        if not is_any:
            change.append(_nullable(schema).empty_table(), snapshot_properties=told)


def _among(key: str, values: Iterable[Any]) -> BooleanExpression:
    """The rows that have one of these keys."""
    from pyiceberg import expressions

    known = set(values)
    # The annotations are for another way to call it.
    make: Any = expressions.In
    named: BooleanExpression = make(key, known - {None})
    return expressions.Or(named, _is_null(key)) if None in known else named


def _is_null(column: str) -> BooleanExpression:
    from pyiceberg import expressions

    make: Any = expressions.IsNull
    made: BooleanExpression = make(column)
    return made


def _is_newer(time: Any, there: Any) -> bool:
    return there is None or (time is not None and time >= there)


def _nullable(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    # What pyiceberg takes for the column's comment.
    told = {field.name: {"doc": comment} for field in schema if (comment := comment_of(field))}
    return pa.schema([pa.field(field.name, field.type, metadata=told.get(field.name)) for field in schema])

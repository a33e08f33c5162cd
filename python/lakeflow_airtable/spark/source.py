"""The Spark data source.

Spark makes an `AirtableDataSource` in a planner process, pickles it, and hands it to other processes that plan and
read. So what these classes hold is plain: options as text and the plan as JSON. The compiled module's objects are made
where they are used and never travel. The plan is made once, at `load()`, and read as it is: a worker that asked
Airtable again could see another schema than the one Spark planned with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import pyspark.sql.datasource
from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from ..errors import OptionError
from ..options import TABLE, Options
from .messages import short_tracebacks
from .partition import ScanPartition, partitions
from .schemas import GivenSchema, record_batch, spark_schema, struct_type
from .stream import AirtableStreamReader
from .virtual_tables import VirtualTable

if TYPE_CHECKING:
    from .._native import Connector, Scan

# Spark is given them where a Unity Catalog connection hands over its options.
_OF_UNITY_CATALOG = frozenset({"databricks.connection", "sourcename", "externaloptionsallowlist"})

_READS_ONLY = "this source only reads Airtable: it writes nothing; write to another format, or by Airtable's own API"


@short_tracebacks
class AirtableDataSource(DataSource):
    """`spark.read.format("lakeflow_connect")`: an Airtable table, or one of the virtual tables that list them."""

    arrow_batches: ClassVar[bool] = hasattr(pyspark.sql.datasource, "DataSourceArrowWriter")
    """Whether this Spark takes Arrow batches from `read`; where not, rows become tuples. The class that tells came
    with the same release as that ability; version numbers do not tell, Databricks runtimes have their own."""

    deletes_in_upserts: ClassVar[bool] = True
    """Whether one stream of `cdc_with_deletes` tells all changes. Where not, it leaves the deletes to a second stream,
    with the option `isDeleteFlow`."""

    options: Options

    @classmethod
    def name(cls) -> str:
        # The one name for which Unity Catalog hands over a connection's options.
        return "lakeflow_connect"

    def __init__(self, options: Mapping[str, str]) -> None:
        self.options = Options.from_spark(options)
        self._virtual_table = VirtualTable.named(self.options.get(TABLE, ""))
        self._plan: str | None = None
        try:
            self._connector()  # bad options fail here, at load(), also when the user gives the schema
        except OptionError as error:
            raise _of_sql(error, self.options) from None

    def schema(self) -> StructType:
        if self._virtual_table is not None:
            return self._virtual_table.schema
        scan = self._planned()
        self._plan = scan.to_json()
        return spark_schema(scan)

    def reader(self, schema: GivenSchema) -> DataSourceReader:
        if self._virtual_table is not None:
            return VirtualTableReader(self.options, self._virtual_table, schema)
        scan = self._scan(struct_type(schema))
        scan.check_batch()
        return AirtableReader(self.options, scan.to_json(), self.arrow_batches)

    def streamReader(self, schema: GivenSchema) -> DataSourceStreamReader:
        if self._virtual_table is not None:
            raise OptionError(f"{self._virtual_table.name} cannot be streamed: read it as a batch")
        return AirtableStreamReader(self.options, self._scan(struct_type(schema)).to_json(), self.arrow_batches)

    def writer(self, schema: StructType, overwrite: bool) -> NoReturn:
        raise OptionError(_READS_ONLY)

    def streamWriter(self, schema: StructType, overwrite: bool) -> NoReturn:
        raise OptionError(_READS_ONLY)

    def _scan(self, schema: StructType) -> Scan:
        """The plan behind a schema: the one made at `load()`, or what the user's schema leaves of it."""
        from .._native import Scan

        scan = self._planned() if self._plan is None else Scan.from_json(self._plan)
        return scan.select(schema.json())

    def _planned(self) -> Scan:
        try:
            scan = self._connector().plan()
        except OptionError as error:
            raise _of_connection(error, self.options) from None
        return scan if self.deletes_in_upserts else scan.without_deletes()

    def _connector(self) -> Connector:
        table = self._virtual_table
        return _connector(self.options if table is None else table.connector_options(self.options))


@short_tracebacks
class AirtableReader(DataSourceReader):
    """Reads one planned scan."""

    def __init__(self, options: Options, scan: str, arrow_batches: bool) -> None:
        self._options = options
        self._scan = scan
        self._arrow_batches = arrow_batches

    def partitions(self) -> list[InputPartition]:
        return list(partitions(self._scan))

    def read(self, partition: InputPartition) -> Iterator[Any]:
        return ScanPartition(*partition.value).read(self._options, self._arrow_batches)


@short_tracebacks
class VirtualTableReader(DataSourceReader):
    """Reads a virtual table. Its requests are made where Spark reads, not where it plans."""

    def __init__(self, options: Options, table: VirtualTable, schema: GivenSchema) -> None:
        given = struct_type(schema)
        if _columns(given) != _columns(table.schema):
            raise OptionError(f"{table.name} has the columns {table.schema.simpleString()}: read it without a schema")
        self._options = options
        self._table = table
        # An engine that speaks of pyarrow's types may take no lists in tuples.
        self._arrow_schema = None if given is schema else schema

    def read(self, partition: InputPartition) -> Iterator[Any]:
        connector = _connector(self._table.connector_options(self._options))
        rows = self._table.rows(connector, self._options)
        return iter(rows) if self._arrow_schema is None else iter([record_batch(rows, self._arrow_schema)])


def _of_sql(error: OptionError, options: Options) -> OptionError:
    """The error, with what becomes of a table's options in SQL where it may come from that.

    Spark stores none of the `OPTIONS` of a table whose source is written in Python: a read of it has only what `WITH`
    gives, and no token.
    """
    if "databricks.connection" in options or not str(error).startswith("option token is missing"):
        return error
    return OptionError(
        f"{error}; in SQL, Spark keeps no OPTIONS of CREATE TABLE ... USING for its reads: use CREATE TEMPORARY VIEW "
        "... USING airtable OPTIONS (...), or give them with each read, SELECT ... FROM the table WITH (...)"
    )


def _of_connection(error: OptionError, options: Options) -> OptionError:
    """The error, with what a Unity Catalog connection does to a read where it may come from that.

    An option that the connection's allow list lacks is dropped without a word, the table's name too.
    """
    is_of_connection = not _OF_UNITY_CATALOG.isdisjoint(options)
    if not (is_of_connection and str(error).startswith("option tableName is missing")):
        return error
    name = options.get("databricks.connection", "NAME")
    return OptionError(
        f"{error}; where the read gives one, the connection's externalOptionsAllowList does not name tableName: write "
        f"the list anew by `lakeflow-airtable connection --name {name} --update`"
    )


def _connector(options: Options) -> Connector:
    from .._native import Connector

    return Connector(options, among_others=True)


def _columns(schema: StructType) -> list[tuple[str, str]]:
    # As text: on serverless the engine's types are of another module than ours, and equal to none of them.
    return [(column.name, column.dataType.simpleString()) for column in schema]

"""Spark's side: a connector as a data source.

What matters here is what a connector is handed, and what the framework refuses before that. A batch reader passes
Spark's own options on. A stream reader copies them, and the copy has lower-cased names only: so `isDeleteFlow`, which
is taken out under its own name, stays in.
"""

import json
from functools import partial

from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
    SimpleDataSourceStreamReader,
)
from pyspark.sql.streaming.datasource import ReadAllAvailable, SupportsTriggerAvailableNow
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from databricks.labs.community_connector.interface import (
    SupportsNamespaces,
    SupportsPartition,
    SupportsPartitionedStream,
)
from databricks.labs.community_connector.libs.utils import parse_value

_NAMESPACE = StructField("namespace", ArrayType(StringType()), nullable=False)
_TABLE_NAME = StructField("tableName", StringType(), nullable=False)

VIRTUAL_TABLES = {
    "_community_table_metadata": StructType(
        [
            _TABLE_NAME,
            StructField("primary_keys", ArrayType(StringType())),
            StructField("cursor_field", StringType()),
            StructField("ingestion_type", StringType()),
        ]
    ),
    "_community_namespaces": StructType([_NAMESPACE]),
    "_community_tables": StructType([_NAMESPACE, _TABLE_NAME]),
}


def decoded(options, name, kind):
    """An option that is JSON, of the kind that it must be; None where it is not given."""
    text = options.get(name)
    if text is None:
        return None
    wanted = f"option '{name}' must be a JSON-encoded {'dict' if kind is dict else 'list[str]'}"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{wanted}; got {text!r}") from error
    if not isinstance(value, kind) or (kind is list and not all(isinstance(item, str) for item in value)):
        raise ValueError(f"{wanted}; got {text!r}")
    return value


class LakeflowSource(DataSource):
    _lakeflow_connect_cls = None
    _format_name = "lakeflow_connect"

    @classmethod
    def name(cls):
        return cls._format_name

    def __init__(self, options):
        self.options = options
        table = options.get("tableName") or ""
        if table.startswith("_community_") and table not in VIRTUAL_TABLES:
            raise ValueError(f"unknown framework virtual table '{table}': there are {', '.join(VIRTUAL_TABLES)}")
        self.lakeflow_connect = self._lakeflow_connect_cls(options)

    def schema(self):
        table = self.options["tableName"]
        return VIRTUAL_TABLES.get(table) or self.lakeflow_connect.get_table_schema(table, self.options)

    def reader(self, schema):
        is_virtual = self.options["tableName"] in VIRTUAL_TABLES
        return (VirtualTableReader if is_virtual else BatchReader)(self.options, schema, self.lakeflow_connect)

    def streamReader(self, schema):
        connector = self.lakeflow_connect
        if isinstance(connector, SupportsPartitionedStream) and connector.is_partitioned(self.options["tableName"]):
            return PartitionedStreamReader(self.options, schema, connector)
        return super().streamReader(schema)  # raises, upon which Spark asks for the simple one

    def simpleStreamReader(self, schema):
        return StreamReader(self.options, schema, self.lakeflow_connect)


class Reader:
    """What all readers hold."""

    def __init__(self, options, schema, connector):
        self.options = options
        self.schema = schema
        self.connector = connector
        self.table = options["tableName"]

    def converted(self, records):
        # Not a generator: Spark copies the iterator of a simple reader.
        return map(partial(parse_value, kind=self.schema), records)

    def stream_options(self):
        return {name: value for name, value in self.options.items() if name != "isDeleteFlow"}


class VirtualTableReader(Reader, DataSourceReader):
    def read(self, partition):
        rows = {
            "_community_table_metadata": self.metadata,
            "_community_namespaces": self.namespaces,
            "_community_tables": self.tables,
        }
        return self.converted(rows[self.table]())

    def metadata(self):
        configs = decoded(self.options, "tableConfigs", dict) or {}
        return [
            {"tableName": table, **self.connector.read_table_metadata(table, configs.get(table, {}))}
            for table in decoded(self.options, "tableNameList", list) or []
        ]

    def namespaces(self):
        if not isinstance(self.connector, SupportsNamespaces):
            return []
        prefix = decoded(self.options, "namespacePrefix", list)
        return [{"namespace": namespace} for namespace in sorted(self.connector.list_namespaces(prefix))]

    def tables(self):
        has_namespaces = isinstance(self.connector, SupportsNamespaces)
        if has_namespaces and "namespace" not in self.options:
            raise ValueError("option 'namespace' is required when reading '_community_tables' of such a connector")
        if not has_namespaces and "namespace" in self.options:
            raise ValueError("option 'namespace' was supplied to a connector that has no namespaces")
        namespace = decoded(self.options, "namespace", list) or []
        listed = self.connector.list_tables_in_namespace(namespace) if has_namespaces else self.connector.list_tables()
        return [{"namespace": namespace, "tableName": table} for table in sorted(listed)]


class BatchReader(Reader, DataSourceReader):
    def partitions(self):
        if isinstance(self.connector, SupportsPartition):
            try:
                found = self.connector.get_partitions(self.table, self.options)
                return [InputPartition(json.dumps(partition)) for partition in found]
            except Exception:
                pass  # the single read says what is wrong
        return [InputPartition(None)]

    def read(self, partition):
        if partition.value is None:
            return self.converted(self.connector.read_table(self.table, None, self.options)[0])
        return self.converted(self.connector.read_partition(self.table, json.loads(partition.value), self.options))


class PartitionedStreamReader(Reader, DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Of upserts and of deletes alike: only the options tell which."""

    def initialOffset(self):
        return {}

    def getDefaultReadLimit(self):
        return ReadAllAvailable()

    def prepareForTriggerAvailableNow(self):
        pass

    def latestOffset(self, start, limit):
        if not isinstance(limit, ReadAllAvailable):
            raise ValueError(f"the connector bounds its batches, so all is read; got {type(limit).__name__}")
        return self.connector.latest_offset(self.table, self.stream_options(), start)

    def partitions(self, start, end):
        found = self.connector.get_partitions(self.table, self.stream_options(), start, end)
        return [InputPartition(json.dumps(partition)) for partition in found]

    def read(self, partition):
        return self.converted(
            self.connector.read_partition(self.table, json.loads(partition.value), self.stream_options())
        )


class StreamReader(Reader, SimpleDataSourceStreamReader, SupportsTriggerAvailableNow):
    def initialOffset(self):
        return {}

    def prepareForTriggerAvailableNow(self):
        pass

    def read(self, start):
        deletes = self.options.get("isDeleteFlow") == "true"
        read = self.connector.read_table_deletes if deletes else self.connector.read_table
        records, end = read(self.table, start, self.stream_options())
        return self.converted(records), end

    def readBetweenOffsets(self, start, end):
        return self.read(start)[0]

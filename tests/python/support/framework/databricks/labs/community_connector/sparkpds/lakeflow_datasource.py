"""Spark's side: a connector as a data source.

What matters here is what a connector is handed. A batch reader passes Spark's own options on. A stream reader copies
them, and the copy has lower-cased names only: so `isDeleteFlow`, which is taken out under its own name, stays in.
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

from databricks.labs.community_connector.interface import (
    SupportsNamespaces,
    SupportsPartition,
    SupportsPartitionedStream,
)
from databricks.labs.community_connector.libs.utils import parse_value

VIRTUAL_TABLES = {
    "_community_table_metadata": (
        "tableName STRING NOT NULL, primary_keys ARRAY<STRING>, cursor_field STRING, ingestion_type STRING"
    ),
    "_community_namespaces": "namespace ARRAY<STRING> NOT NULL",
    "_community_tables": "namespace ARRAY<STRING> NOT NULL, tableName STRING NOT NULL",
}


class LakeflowSource(DataSource):
    _lakeflow_connect_cls = None
    _format_name = "lakeflow_connect"

    @classmethod
    def name(cls):
        return cls._format_name

    def __init__(self, options):
        self.options = options
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
        configs = json.loads(self.options.get("tableConfigs", "{}"))
        for table in json.loads(self.options.get("tableNameList", "[]")):
            yield {"tableName": table, **self.connector.read_table_metadata(table, configs.get(table, {}))}

    def namespaces(self):
        if not isinstance(self.connector, SupportsNamespaces):
            return []
        prefix = json.loads(self.options.get("namespacePrefix", "null"))
        return [{"namespace": namespace} for namespace in sorted(self.connector.list_namespaces(prefix))]

    def tables(self):
        has_namespaces = isinstance(self.connector, SupportsNamespaces)
        if has_namespaces != ("namespace" in self.options):
            raise ValueError("option namespace is for connectors with namespaces, and required for these")
        namespace = json.loads(self.options.get("namespace", "[]"))
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

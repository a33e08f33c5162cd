"""The operations of agents on a connector: what they ask of it, and in which form it comes back.

No format of Spark leads here: callers make the dispatcher, with a connector, or with the error of making one.
"""

import json
import re
from dataclasses import asdict

from pyspark.sql.datasource import DataSourceReader, InputPartition
from pyspark.sql.types import StringType, StructField, StructType

from databricks.labs.community_connector.interface import (
    AgentError,
    AgentOperation,
    ErrorCode,
    Parameter,
    SupportsIngestionAgent,
)
from databricks.labs.community_connector.libs.utils import parse_value

# What belongs to the operation, and never reaches a connector.
_AGENTS_OWN = {"operation", "search", "path", "name", "metadataKey"}


def _texts(*required, **optional):
    names = [*((name, False) for name in required), *optional.items()]
    return StructType([StructField(name, StringType(), nullable) for name, nullable in names])


_META = StructField("_meta", _texts("status", code=True, message=True))


def _meta(status="ok", code=None, message=None):
    return {"status": status, "code": code, "message": message}


def _connectors(options):
    return {name: value for name, value in options.items() if name not in _AGENTS_OWN}


class ListObjectsOp(AgentOperation):
    name = "list_objects"
    description = "The tables."
    schema = _texts(name=True, type=True, full_path=True)
    parameters = (Parameter("path"), Parameter("search"))

    def pull(self, connector, options):
        return self.produce(connector, path=options.get("path") or None, search=options.get("search") or None)

    def produce(self, connector, *, path, search):
        if path:
            return []
        names = [name for name in connector.list_tables() if re.search(search or "", name)]
        return [{"name": name, "type": "table", "full_path": name} for name in names]


class GetObjectMetadataOp(AgentOperation):
    name = "get_object_metadata"
    description = "What is known of a table, by keys."
    schema = _texts(key=True, value=True)
    parameters = (Parameter("name", required=True), Parameter("path"), Parameter("metadataKey"))

    def pull(self, connector, options):
        given = {"path": options.get("path"), "name": options["name"], "table_options": _connectors(options)}
        wanted = options.get("metadataKey", "").lower()
        return [row for row in self.produce(connector, **given) if wanted in ("", row["key"].lower())]

    def produce(self, connector, *, path, name, table_options):
        renamed = {"primary_keys": "primary_key", "cursor_field": "cursor_column"}
        found = connector.read_table_metadata(name, table_options)
        first = [key for key in ("primary_keys", "cursor_field", "ingestion_type") if key in found]
        for key in dict.fromkeys([*first, *found]):
            yield {"key": renamed.get(key, key), "value": _text(found[key])}


class ReadTableOp(AgentOperation):
    name = "read_table"
    description = "A table's rows."
    kind = "data"
    parameters = (Parameter("tableName", required=True), Parameter("schemaName"), Parameter("catalogName"))

    def resolve_schema(self, connector, options):
        return connector.get_table_schema(options["tableName"], _connectors(options))

    def pull(self, connector, options):
        return self.produce(connector, table_name=options["tableName"], table_options=_connectors(options))

    def produce(self, connector, *, table_name, table_options):
        return connector.read_table(table_name, None, dict(table_options))[0]


class ValidateConnectionOp(AgentOperation):
    name = "validate_connection"
    description = "Whether the connection works."
    schema = StructType([])

    def pull(self, connector, options):
        return [{"_meta": self.produce(connector)}]

    def produce(self, connector):
        try:
            connector.list_tables()
        except Exception as error:
            return _meta("error", ErrorCode.CONNECTION_FAILED, f"{type(error).__name__}: {error}")
        return _meta()


class ListOperationsOp(AgentOperation):
    name = "list_operations"
    description = "The operations."
    schema = _texts("name", description=True, kind=True, result_schema_json=True, parameters_json=True)

    def pull(self, connector, options):
        for operation in operations(connector).values():
            yield {
                "name": operation.name,
                "description": operation.description,
                "kind": operation.kind,
                "result_schema_json": None if operation.schema is None else operation.schema.json(),
                "parameters_json": json.dumps([asdict(parameter) for parameter in operation.parameters]),
            }


_BUILT_IN = (ListObjectsOp(), ReadTableOp(), GetObjectMetadataOp(), ValidateConnectionOp(), ListOperationsOp())


def operations(connector):
    """The framework's own, each replaced by a source's of its name, and then a source's other ones."""
    own = connector.agent_operations() if isinstance(connector, SupportsIngestionAgent) else {}
    for name, operation in own.items():
        if not isinstance(operation, AgentOperation):
            raise TypeError(f"agent_operations()[{name!r}] must be an AgentOperation instance")
    replaced = {operation.name: own.get(operation.name, operation) for operation in _BUILT_IN}
    return {**replaced, **{name: own[name] for name in sorted(own.keys() - replaced)}}


class IngestionAgentDispatcher:
    def __init__(self, options, connector, init_error=None):
        self.options = dict(options)
        self.connector = connector
        self.init_error = init_error
        self.name = self.options.get("operation")
        if not self.name:
            raise ValueError("an agent's request needs the option 'operation'")
        self.operation = operations(connector).get(self.name)

    def schema(self):
        operation = self.operation
        if operation is None:
            raise ValueError(f"Unknown ingestion-agent operation: {self.name}")
        if operation.kind == "data":
            if self.init_error is not None:
                raise self.init_error
            _check(operation, self.options)
            return operation.resolve_schema(self.connector, self.options)
        whole = operation.schema if self.init_error else operation.resolve_schema(self.connector, self.options)
        # A row of an error has nothing else.
        fields = [StructField(field.name, field.dataType) for field in whole or ()]
        return StructType([*(field for field in fields if field.name != "_meta"), _META])

    def reader(self, schema):
        return IngestionAgentReader(self, schema)


class IngestionAgentReader(DataSourceReader):
    def __init__(self, dispatcher, schema):
        self.dispatcher = dispatcher
        self.schema = schema

    def partitions(self):
        return [InputPartition(None)]

    def read(self, partition):
        asked = self.dispatcher
        options = {name: value for name, value in asked.options.items() if name != "operation"}
        if asked.operation is not None and asked.operation.kind == "data":
            if asked.init_error is not None:
                raise asked.init_error
            rows = asked.operation.pull(asked.connector, options)
        else:
            rows = [{"_meta": _meta(), **row} for row in self._answers(asked, options)]
        return (parse_value(row, self.schema) for row in rows)

    def _answers(self, asked, options):
        try:
            if asked.operation is None:
                raise ValueError(f"Unknown ingestion-agent operation: {asked.name}")
            if asked.init_error is not None and asked.name != "list_operations":
                raise asked.init_error
            _check(asked.operation, options)
            return list(asked.operation.pull(asked.connector, options))
        except Exception as error:
            if error is asked.init_error and asked.name == "validate_connection":
                code = ErrorCode.CONNECTION_FAILED
            elif isinstance(error, AgentError):
                code = error.code
            else:
                code = ErrorCode.BAD_REQUEST if isinstance(error, ValueError) else ErrorCode.INTERNAL_ERROR
            is_plain = isinstance(error, (AgentError, ValueError))
            return [{"_meta": _meta("error", code, str(error) if is_plain else f"{type(error).__name__}: {error}")}]


def _check(operation, options):
    for parameter in operation.parameters:
        if parameter.required and not options.get(parameter.name):
            raise AgentError(ErrorCode.BAD_REQUEST, f"Operation '{operation.name}' requires option '{parameter.name}'.")


def _text(value):
    return value if value is None or isinstance(value, str) else json.dumps(value)

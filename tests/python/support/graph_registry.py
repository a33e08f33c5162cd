"""What a pipeline's definitions define, kept instead of sent to a server; and specifications to define it by."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pyspark.pipelines.flow import AutoCdcFlow, Flow
from pyspark.pipelines.graph_element_registry import GraphElementRegistry
from pyspark.pipelines.output import Output

from lakeflow_airtable.mock import MockAirtable


class Registry(GraphElementRegistry):
    """Keeps what Spark's own functions define."""

    def __init__(self) -> None:
        self.outputs: dict[str, Output] = {}
        self.flows: dict[str, Flow] = {}
        self.auto_cdc: dict[str, AutoCdcFlow] = {}

    def register_output(self, output: Output) -> None:
        assert output.name not in self.outputs
        self.outputs[output.name] = output

    def register_flow(self, flow: Flow) -> None:
        assert flow.name not in self.flows
        self.flows[flow.name] = flow

    def register_auto_cdc_flow(self, flow: AutoCdcFlow) -> None:
        assert flow.target not in self.auto_cdc
        self.auto_cdc[flow.target] = flow

    def register_sql(self, sql_text: str, file_path: Path) -> None:
        raise NotImplementedError


class Session:
    """Stands for a session where nothing is read: keeps what is registered, and how reads are asked for."""

    def __init__(self, tables: list[str] | None = None) -> None:
        self.registered: list[type[Any]] = []
        self.reads: list[dict[str, str]] = []
        self.dataSource = SimpleNamespace(register=self.registered.append)
        self.read = Reader(self, "read", tables or [])
        self.readStream = Reader(self, "readStream", tables or [])


class Reader:
    def __init__(self, session: Session, kind: str, tables: list[str]) -> None:
        self._session, self._kind, self._tables = session, kind, tables

    def format(self, name: str) -> Reader:
        self._session.reads.append({"kind": self._kind, "format": name})
        return self

    def options(self, **options: str) -> Reader:
        self._session.reads[-1].update(options)
        return self

    def option(self, name: str, value: str) -> Reader:
        return self.options(**{name: value})

    def load(self) -> Reader:
        return self

    def collect(self) -> list[dict[str, str]]:
        return [{"tableName": name} for name in self._tables]


def table(source_table: object, configuration: object = None, **keys: object) -> dict[str, Any]:
    given = {"source_table": source_table, **keys}
    return {"table": given if configuration is None else {**given, "table_configuration": configuration}}


def spec_of(mock: MockAirtable, *objects: object, **options: object) -> dict[str, Any]:
    return {"connection_options": {**mock.options(), **options}, "objects": list(objects)}

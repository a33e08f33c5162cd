"""A Spark and a declarative pipeline for the framework's `ingest`, as much of either as it calls.

Reads of the session get what Unity Catalog gives: the connection's options, and of their own those that its allow list
names, all in lower case. Names of the pipeline are read as SQL, as Databricks does. A run takes each flow from where it
stood, and merges rows by key as AUTO CDC does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql.datasource import CaseInsensitiveDict

_NAME = re.compile(r"(`[^`]+`|\w+)(\.(`[^`]+`|\w+)){0,2}")

Row = dict[str, Any]


class ParseException(Exception):
    """What Spark says of a name that is none in SQL."""


@dataclass
class Session:
    """Reads by a source, with a connection that stores these options, and lets those of a read through."""

    source: type[Any]
    stored: Mapping[str, str]
    allowed: set[str]

    @property
    def read(self) -> Read:
        return Read(self, is_stream=False)

    @property
    def readStream(self) -> Read:
        return Read(self, is_stream=True)


@dataclass
class Read:
    session: Session
    is_stream: bool
    given: dict[str, str] = field(default_factory=dict)

    def format(self, name: str) -> Read:
        assert name == "lakeflow_connect"
        return self

    def option(self, name: str, value: str) -> Read:
        return self.options(**{name: value})

    def options(self, **options: str) -> Read:
        assert all(type(value) is str for value in options.values())
        return Read(self.session, self.is_stream, {**self.given, **options})

    def load(self) -> Frame:
        assert self.given.pop("databricks.connection") == "airtable"
        allowed = {name.lower() for name in self.session.allowed}
        own = {name: value for name, value in self.given.items() if name.lower() in allowed}
        whole = {**own, **self.session.stored}
        options = CaseInsensitiveDict({name.lower(): value for name, value in whole.items()})
        return Frame(self.session.source(options), self.is_stream)

    def table(self, name: str) -> Named:
        return Named(name)


@dataclass
class Named:
    """The rows of a view of the pipeline's own."""

    view: str


@dataclass
class Frame:
    source: Any
    is_stream: bool

    def collect(self) -> list[Row]:
        return self.rows(None)[0]

    def rows(self, start: Any) -> tuple[list[Row], Any]:
        """All there is, from an offset on where it is a stream, and where it ends."""
        schema = self.source.schema()
        if not self.is_stream:
            reader = self.source.reader(schema)
            return [row for partition in reader.partitions() for row in _rows(reader.read(partition), schema)], None
        reader = self.source.streamReader(schema)
        reader.prepareForTriggerAvailableNow()
        found: list[Row] = []
        start = reader.initialOffset() if start is None else start
        while (end := reader.latestOffset(start, reader.getDefaultReadLimit())) != start:
            for partition in reader.partitions(start, end):
                found.extend(_rows(reader.read(partition), schema))
            start = end
        return found, start


def _rows(read: Any, schema: Any) -> list[Row]:
    """Rows of batches, and the framework's own."""
    found: list[Row] = []
    for item in read:
        if hasattr(item, "to_pylist"):
            found.extend(item.to_pylist())
        else:
            found.append(item.asDict() if hasattr(item, "asDict") else dict(zip(schema.names, item, strict=True)))
    return found


@dataclass
class Flow:
    """Rows of a view into a target, by key or as they come."""

    target: str
    source: str
    keys: list[str] = field(default_factory=list)
    sequence_by: str | None = None
    stored_as_scd_type: str = "1"
    is_snapshot: bool = False
    is_delete: bool = False


class Pipeline:
    """What a definition defines, by the functions of `dlt` that `pyspark.pipelines` has on Databricks."""

    def __init__(self) -> None:
        self.views: dict[str, Callable[[], Frame]] = {}
        self.flows: dict[str, Flow] = {}
        self.tables: dict[str, dict[Any, Row]] = {}
        self._offsets: dict[str, Any] = {}

    def view(self, *, name: str) -> Callable[[Callable[[], Frame]], Callable[[], Frame]]:
        def define(rows: Callable[[], Frame]) -> Callable[[], Frame]:
            self.views[self._new(name, self.views)] = rows
            return rows

        return define

    def create_streaming_table(self, *, name: str, **more: Any) -> None:
        self.tables[self._new(name, self.tables)] = {}

    def append_flow(self, *, name: str, target: str) -> Callable[[Callable[[], Named]], None]:
        def define(rows: Callable[[], Named]) -> None:
            self._flow(name, Flow(target, rows().view))

        return define

    def apply_changes(self, *, name: str | None = None, apply_as_deletes: Any = None, **given: Any) -> None:
        self._flow(name or given["target"], Flow(**given, is_delete=apply_as_deletes is not None))

    def apply_changes_from_snapshot(self, **given: Any) -> None:
        self._flow(given["target"], Flow(**given, is_snapshot=True))

    def run(self) -> None:
        """One update: each flow once, to its end."""
        for name, flow in self.flows.items():
            rows, self._offsets[name] = self.views[flow.source]().rows(self._offsets.get(name))
            table = self.tables[flow.target]
            if flow.is_snapshot:
                table.clear()
            for number, row in enumerate(rows):
                key = tuple(row[key] for key in flow.keys) if flow.keys else (len(table), number)
                assert None not in key
                there = table.get(key)
                if there is None or flow.sequence_by is None or row[flow.sequence_by] >= there[flow.sequence_by]:
                    # A delete leaves its time behind, for what comes late.
                    table[key] = {**row, "gone": flow.is_delete}

    def rows(self, name: str) -> list[Row]:
        return [row for row in self.tables[name].values() if not row["gone"]]

    def _flow(self, name: str, flow: Flow) -> None:
        assert flow.target in self.tables
        assert flow.source in self.views
        self.flows[self._new(name, self.flows)] = flow

    @staticmethod
    def _new(name: str, known: Mapping[str, Any]) -> str:
        if not _NAME.fullmatch(name):
            raise ParseException(f"[PARSE_SYNTAX_ERROR] Syntax error at or near {name!r}")
        assert name not in known
        return name

"""What becomes of an entry in a pipeline: which table, which flow, which view between.

What a pipeline can define differs between Databricks and the releases of open-source Spark, so it is looked for in
`pyspark.pipelines`, and no version is asked. Each target has exactly one flow: Spark allows no more, and one stream of
changes holds the deletes, too.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..drift import ColumnChange
from ..errors import OptionError
from ..shown import scrubbed
from ..specification.names import quoted, view_name
from ..specification.spec import Entry
from ..specification.tables import CURSOR, DELETED, excluded_columns, primary_keys
from ..specification.upkeep import Upkeep, upkeep

if TYPE_CHECKING:
    from .source import PipelineSource

MATERIALIZED_VIEW = "materialized_view"
AUTO_CDC_FROM_SNAPSHOT = "auto_cdc_from_snapshot"
AUTO_CDC = "auto_cdc"
APPEND = "append"

_NOT_HERE = "which this Spark's pipelines do not have"

_log = logging.getLogger("lakeflow_airtable")


@scrubbed
@dataclass(frozen=True)
class IngestedTable:
    """What one entry became."""

    source_table: str
    destination: str
    """As Spark reads it, with back-quotes where it needs them."""
    flow: str
    """`materialized_view`, `auto_cdc_from_snapshot`, `auto_cdc` or `append`."""
    ingestion_type: str
    scd_type: str
    view: str | None = None
    """The temporary view between, where there is one."""
    primary_keys: tuple[str, ...] = ()
    sequence_by: str | None = None
    changes: tuple[ColumnChange, ...] = ()
    """What has changed in Airtable's fields since the destination was last written."""


class Graph:
    """What the pipelines of this Spark can define."""

    def __init__(self, pipelines: ModuleType) -> None:
        self._pipelines = pipelines
        self._view = self._first("temporary_view", "view")
        self._auto_cdc = self._first("create_auto_cdc_flow", "apply_changes")
        self._auto_cdc_from_snapshot = self._first("create_auto_cdc_from_snapshot_flow", "apply_changes_from_snapshot")
        # Which columns make a version is asked only where there are versions.
        self._keeps_history = self._auto_cdc is not None and _takes(self._auto_cdc, "track_history_column_list")

    def flow_of(self, entry: Entry) -> str:
        """How an entry is kept up to date here. Raises what cannot be, and says what can."""
        kept = upkeep(entry)
        if kept is Upkeep.CHANGES:
            return self._flow_of_changes(entry)
        return self._flow_of_snapshots(entry) if kept is Upkeep.SNAPSHOT else APPEND

    def _flow_of_snapshots(self, entry: Entry) -> str:
        if self._auto_cdc_from_snapshot is not None:
            return AUTO_CDC_FROM_SNAPSHOT
        if entry.scd_type == "SCD_TYPE_2":
            can = "set ingestion_type to cdc or cdc_with_deletes" if self._keeps_history else "take SCD_TYPE_1"
            raise OptionError(f"SCD_TYPE_2 of snapshots needs AUTO CDC from snapshots, {_NOT_HERE}: {can}")
        return MATERIALIZED_VIEW

    def _flow_of_changes(self, entry: Entry) -> str:
        if self._auto_cdc is None:
            raise OptionError(
                f"{entry.ingestion_type} needs AUTO CDC, {_NOT_HERE}: set ingestion_type to snapshot or append, or "
                "scd_type to APPEND_ONLY for a log of the changes"
            )
        if entry.scd_type == "SCD_TYPE_2" and not self._keeps_history:
            raise OptionError(f"SCD_TYPE_2 needs AUTO CDC that keeps history, {_NOT_HERE}: take SCD_TYPE_1")
        return AUTO_CDC

    def define(self, source: PipelineSource, entry: Entry) -> IngestedTable:
        """Defines one entry's table, its flow and what is between."""
        flow = self.flow_of(entry)
        target = quoted(entry.destination)
        read = source.query(entry)
        if flow == MATERIALIZED_VIEW:
            self._create("materialized_view", entry)(read)
            return _ingested(entry, flow)
        self._create("create_streaming_table", entry)
        if flow == APPEND:
            self._pipelines.append_flow(target=target, name=view_name(entry.destination, "append"))(read)
            return _ingested(entry, flow)
        view = view_name(entry.destination, "changes" if flow == AUTO_CDC else "snapshot")
        self._view(name=view)(read)
        keys = entry.primary_keys or primary_keys(entry)
        into = {
            "target": target,
            "source": view,
            "keys": list(keys),
            "stored_as_scd_type": 2 if entry.scd_type == "SCD_TYPE_2" else 1,
        }
        if flow == AUTO_CDC_FROM_SNAPSHOT:
            self._auto_cdc_from_snapshot(**into)
            return _ingested(entry, flow, view, keys)
        sequence_by = entry.sequence_by or CURSOR
        if entry.ingestion_type == "cdc_with_deletes":
            into["apply_as_deletes"] = DELETED
        self._auto_cdc(**into, sequence_by=sequence_by, except_column_list=excluded_columns(entry))
        return _ingested(entry, flow, view, keys, sequence_by)

    def _create(self, what: str, entry: Entry) -> Any:
        function = getattr(self._pipelines, what)
        arguments: dict[str, Any] = {
            "name": quoted(entry.destination),
            "comment": entry.description or _comment(entry),
        }
        if entry.cluster_by and _takes(function, "cluster_by"):
            arguments["cluster_by"] = list(entry.cluster_by)
        elif entry.cluster_by:
            _log.warning("%s: cluster_by is left out, this Spark's pipelines do not take it", arguments["name"])
        return function(**arguments)

    def _first(self, *names: str) -> Any:
        return next((getattr(self._pipelines, name) for name in names if hasattr(self._pipelines, name)), None)


def _ingested(
    entry: Entry, flow: str, view: str | None = None, keys: tuple[str, ...] = (), sequence_by: str | None = None
) -> IngestedTable:
    ingested = IngestedTable(
        source_table=entry.source_table,
        destination=quoted(entry.destination),
        flow=flow,
        ingestion_type=entry.ingestion_type,
        scd_type=entry.scd_type or ("APPEND_ONLY" if flow == APPEND else "SCD_TYPE_1"),
        view=view,
        primary_keys=keys,
        sequence_by=sequence_by,
    )
    _log.info("%s: %s of Airtable's %s", ingested.destination, flow, ingested.source_table)
    return ingested


def _comment(entry: Entry) -> str:
    rows = "" if entry.part == "records" else f"{entry.part} of "
    return f"{rows}Airtable table {entry.source_table}"


def _takes(function: Callable[..., Any], argument: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True  # wrapped beyond recognition: the call itself will tell
    return argument in parameters or any(taken.kind is taken.VAR_KEYWORD for taken in parameters.values())

"""What `ingest` defines where pipelines have other functions: stand-ins for Databricks', and for older Sparks'."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from graph_registry import Session, spec_of, table
from lakeflow_airtable import OptionError, ingest
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import in_scope
from lakeflow_airtable.specification.names import view_name
from project import PROJECT


class StandIn(ModuleType):
    """A `pyspark.pipelines` that has the named functions, and keeps their calls."""

    def __init__(self, **functions: Callable[..., object]) -> None:
        super().__init__("pyspark.pipelines")
        self.calls: list[tuple[str, dict[str, Any]]] = []
        for name, like in functions.items():
            setattr(self, name, self._recording(name, like))

    def _recording(self, name: str, like: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(like)
        def record(*arguments: object, **keywords: Any) -> object:
            like(*arguments, **keywords)  # refuses what the real one does not take
            self.calls.append((name, keywords))
            return lambda query: keywords.setdefault("query", query)

        return record


def view(*, name: str, comment: object = None, spark_conf: object = None) -> None: ...
def create_streaming_table(
    name: str, comment: object = None, cluster_by: object = None, schema: object = None, table_properties: object = None
) -> None: ...
def append_flow(*, target: str, name: object = None, once: bool = False) -> None: ...
def apply_changes(
    target: str,
    source: str,
    keys: list[str],
    sequence_by: str,
    ignore_null_updates: bool = False,
    apply_as_deletes: object = None,
    apply_as_truncates: object = None,
    column_list: object = None,
    except_column_list: object = None,
    stored_as_scd_type: object = 1,
    track_history_column_list: object = None,
    track_history_except_column_list: object = None,
    name: object = None,
    once: bool = False,
) -> None: ...
def apply_changes_from_snapshot(
    target: str,
    source: str,
    keys: list[str],
    stored_as_scd_type: object = 1,
    track_history_column_list: object = None,
    track_history_except_column_list: object = None,
) -> None: ...
def materialized_view(*, name: str, comment: object = None) -> None: ...
def auto_cdc_without_history(
    target: str,
    source: str,
    keys: list[str],
    sequence_by: str,
    apply_as_deletes: object = None,
    column_list: object = None,
    except_column_list: object = None,
    stored_as_scd_type: object = None,
    name: object = None,
) -> None: ...


COMMON = {"create_streaming_table": create_streaming_table, "append_flow": append_flow}
OLD_NAMES = {"view": view, "apply_changes": apply_changes, "apply_changes_from_snapshot": apply_changes_from_snapshot}
NEW_NAMES = {
    "temporary_view": view,
    "create_auto_cdc_flow": apply_changes,
    "create_auto_cdc_from_snapshot_flow": apply_changes_from_snapshot,
    "materialized_view": materialized_view,
    **OLD_NAMES,
}


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StandIn]:
    def put(**functions: Callable[..., object]) -> StandIn:
        import pyspark

        stand_in = StandIn(**COMMON, **functions)
        monkeypatch.setitem(sys.modules, "pyspark.pipelines", stand_in)
        monkeypatch.setattr(pyspark, "pipelines", stand_in, raising=False)
        return stand_in

    return put


@pytest.mark.parametrize(
    ("functions", "names"),
    [
        (OLD_NAMES, ("view", "apply_changes", "apply_changes_from_snapshot")),
        (NEW_NAMES, ("temporary_view", "create_auto_cdc_flow", "create_auto_cdc_from_snapshot_flow")),
    ],
)
def test_on_databricks(
    functions: dict[str, Callable[..., object]], names: tuple[str, str, str], pipelines: Callable[..., StandIn]
) -> None:
    stand_in = pipelines(**functions)
    session = Session()
    spec = {
        "connection_name": "airtable",
        "objects": [
            table("Vendors", {"scd_type": "SCD_TYPE_2"}, destination_catalog="main", destination_schema="raw data"),
            table("SKU Candidates", {"ingestion_type": "cdc_with_deletes", "namespace": "appX", "page_size": 50}),
            table("Notes", {"ingestion_type": "append"}),
        ],
    }
    defined = ingest(session, spec)  # type: ignore[arg-type]
    assert [one.flow for one in defined] == ["auto_cdc_from_snapshot", "auto_cdc", "append"]
    view, auto_cdc, from_snapshot = names
    queries = [keywords.pop("query") for _, keywords in stand_in.calls if "query" in keywords]
    snapshot_view = view_name(("main", "raw data", "vendors"), "snapshot")
    assert stand_in.calls == [
        ("create_streaming_table", {"name": "main.`raw data`.vendors", "comment": "Airtable table Vendors"}),
        (view, {"name": snapshot_view}),
        (
            from_snapshot,
            {"target": "main.`raw data`.vendors", "source": snapshot_view, "keys": ["id"], "stored_as_scd_type": 2},
        ),
        ("create_streaming_table", {"name": "sku_candidates", "comment": "Airtable table SKU Candidates"}),
        (view, {"name": "source_sku_candidates_changes"}),
        (
            auto_cdc,
            {
                "target": "sku_candidates",
                "source": "source_sku_candidates_changes",
                "keys": ["id"],
                "stored_as_scd_type": 1,
                "sequence_by": "_changed_at",
                "apply_as_deletes": "_deleted",
                "except_column_list": ["_deleted"],
            },
        ),
        ("create_streaming_table", {"name": "notes", "comment": "Airtable table Notes"}),
        ("append_flow", {"target": "notes", "name": "source_notes_append"}),
    ]
    # Nothing was read while the graph was defined, and reads name the connection.
    assert session.reads == []
    for query in queries:
        query()
    connection = {"format": "lakeflow_connect", "databricks.connection": "airtable"}
    assert session.reads == [
        {"kind": "read", "tablename": "Vendors", "ingestion_type": "snapshot", **connection},
        {
            "kind": "readStream",
            "tablename": "SKU Candidates",
            "ingestion_type": "cdc_with_deletes",
            "namespace": "appX",
            "page_size": "50",
            **connection,
        },
        {"kind": "readStream", "tablename": "Notes", "ingestion_type": "append", **connection},
    ]
    assert [source.name() for source in session.registered] == ["lakeflow_connect"]


def test_patterns_of_a_connection_are_listed_by_spark(pipelines: Callable[..., StandIn]) -> None:
    pipelines(**NEW_NAMES)
    session = Session(tables=["Notes", "Vendors"])
    objects = [table("*", {"namespace": ["appX"], "page_size": 5}), table("Other", {"namespace": ["appX"]})]
    defined = ingest(session, {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    assert [one.destination for one in defined] == ["notes", "vendors", "other"]
    assert session.reads == [
        {
            "kind": "read",
            "format": "lakeflow_connect",
            "databricks.connection": "airtable",
            "namespace": '["appX"]',
            "tableName": "_community_tables",
        }
    ]


def test_a_pattern_leaves_out_what_an_entry_names_but_for_outer_space(pipelines: Callable[..., StandIn]) -> None:
    pipelines(**NEW_NAMES)
    session = Session(tables=["Notes ", "Vendors", " Twice", "Twice "])
    objects = [table("*"), table("Notes"), table("Vendors ")]
    defined = ingest(session, {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    assert [one.source_table for one in defined] == [" Twice", "Twice ", "Notes", "Vendors "]
    assert [one.destination.split("_")[0] for one in defined] == ["twice", "twice", "notes", "vendors"]


def test_values_are_checked_without_the_connections_options(pipelines: Callable[..., StandIn]) -> None:
    stand_in = pipelines(**NEW_NAMES)
    objects = [table("A", {"page_size": 1000}), table("B", {"page_size": 50}), table("C", {"nested": "xml"})]
    with pytest.raises(OptionError, match=r"2 faults\n.*page_size.*\n.*nested"):
        ingest(Session(), {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    assert stand_in.calls == []


@pytest.mark.parametrize("name", in_scope("connection"))
def test_what_is_the_connections_alone_is_refused(name: str, pipelines: Callable[..., StandIn]) -> None:
    stand_in = pipelines(**NEW_NAMES)
    objects = [table("A", {name.upper(): "appXXXXXXXXXXXXXX" if name == "base_id" else "5"})]
    with pytest.raises(OptionError, match=rf"table_configuration\.{name}: belongs to the connection") as caught:
        ingest(Session(), {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    is_quoted = f"\n{caught.value}\n" in (PROJECT / "docs" / "troubleshooting" / "from-repos-to-wheel.md").read_text()
    assert is_quoted == (name == "base_id"), "the guide tells of the one that people try"
    assert stand_in.calls == []


def test_a_spark_without_auto_cdc(
    mock_airtable: MockAirtable, pipelines: Callable[..., StandIn], caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = pipelines(temporary_view=view, materialized_view=materialized_view)
    with pytest.raises(
        OptionError, match=r"cdc needs AUTO CDC, which .*: set ingestion_type to snapshot or append, or scd_type"
    ):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"ingestion_type": "cdc"})))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"SCD_TYPE_2 of snapshots needs .*: take SCD_TYPE_1$"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"scd_type": "SCD_TYPE_2"})))  # type: ignore[arg-type]
    assert stand_in.calls == []
    # What this Spark does not take is left out, and said.
    with caplog.at_level(logging.WARNING, "lakeflow_airtable"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"cluster_by": ["name"]})))  # type: ignore[arg-type]
    assert [name for name, _ in stand_in.calls] == ["materialized_view"]
    assert "vendors: cluster_by is left out" in caplog.text


def test_a_spark_whose_auto_cdc_keeps_no_history(
    mock_airtable: MockAirtable, pipelines: Callable[..., StandIn]
) -> None:
    functions = {"temporary_view": view, "create_auto_cdc_flow": auto_cdc_without_history}
    stand_in = pipelines(**functions, materialized_view=materialized_view)
    history = {"ingestion_type": "cdc", "scd_type": "SCD_TYPE_2"}
    with pytest.raises(OptionError, match=r"SCD_TYPE_2 needs AUTO CDC that keeps history, .*: take SCD_TYPE_1$"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", history)))  # type: ignore[arg-type]
    ingest(Session(), spec_of(mock_airtable, table("Vendors", {"ingestion_type": "cdc"})))  # type: ignore[arg-type]
    assert [name for name, _ in stand_in.calls] == ["create_streaming_table", "temporary_view", "create_auto_cdc_flow"]

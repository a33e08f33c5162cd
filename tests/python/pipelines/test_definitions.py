"""What `ingest` defines on open-source Spark: tables, flows, and what their reads hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.pipelines.output import MaterializedView, StreamingTable, TemporaryView

from graph_registry import Registry, Session, spec_of, table
from lakeflow_airtable import Airtable, OptionError, ingest
from lakeflow_airtable.costs import CALLS_A_MONTH
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.specification.tables import CURSOR, DELETED, PRIMARY_KEYS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_keys_and_cursor_are_those_of_the_library(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    metadata = base.metadata("Vendors", ingestion_type="cdc")
    assert (tuple(metadata["primary_keys"]), metadata["cursor_field"]) == (PRIMARY_KEYS, CURSOR)
    assert DELETED in base.schema("Vendors", ingestion_type="cdc").names


def test_every_table_of_the_base(mock_airtable: MockAirtable, registry: Registry) -> None:
    spec = {"connection_options": mock_airtable.options(), "objects": "*"}
    defined = ingest(Session(), spec)  # type: ignore[arg-type]
    assert [one.source_table for one in defined] == Airtable(**mock_airtable.options()).list_tables()
    assert [one.destination for one in defined] == list(registry.outputs) == list(registry.flows)
    assert registry.outputs["sku_candidates"].comment == "Everything we might launch, one line per sellable unit."
    assert registry.outputs["packaging_tasks"].comment == "Airtable table Packaging Tasks"
    assert all(isinstance(output, MaterializedView) for output in registry.outputs.values())
    assert mock_airtable.request_counts() == {"get_schema": 2}


def test_a_load_beyond_the_plan_is_warned_of(
    mock_airtable: MockAirtable,
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for cap, warned in ((100, False), (1, True)):
        monkeypatch.setitem(CALLS_A_MONTH, "free", cap)
        mock_airtable.clear_requests()
        options = {**mock_airtable.options(), "airtable_plan": "free"}
        spec = {"connection_options": options, "objects": [table("Vendors")]}
        assert len(ingest(Session(), spec)) == 1  # type: ignore[arg-type]
        told = [record.getMessage() for record in caplog.records if "airtable_plan" in record.getMessage()]
        assert (told != []) == warned
        assert mock_airtable.request_counts()["list_records"] == 1
        registry.outputs.clear()
        registry.flows.clear()
    assert told == [
        "airtable_plan is free, which grants 1 calls a month: this run alone takes about 2; read fewer tables, or "
        "fewer records of them by view, where or filter_formula"
    ]


def test_a_table_goes_to_the_entry_that_names_it(mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [
        table("*", destination_schema="rest"),
        table("tblMockVendors006", {"scd_type": "APPEND_ONLY"}, destination_table="vendors"),
        table("Compliance Records", destination_table="checks"),
        table("Ma*", destination_schema="never"),
        table("*", {"base_id": "appMockArchive002"}, destination_schema="archive"),
    ]
    defined = ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    assert {one.destination: one.flow for one in defined} == {
        "rest.sku_candidates": "materialized_view",
        "rest.launch_milestones": "materialized_view",
        "rest.packaging_tasks": "materialized_view",
        "rest.marketing_assets": "materialized_view",
        "vendors": "append",
        "checks": "materialized_view",
        "archive.vendors": "materialized_view",
        "archive.notes": "materialized_view",
    }


def test_a_table_whose_name_looks_like_a_pattern(registry: Registry) -> None:
    with MockAirtable(sample=False) as mock:
        fields = [{"name": "Name"}]
        tables = [{"name": name, "fields": fields} for name in ("What now?", "What nowx", "A b", "a-b")]
        mock.create_base("Names", tables)
        defined = ingest(Session(), spec_of(mock, table("What now?")))  # type: ignore[arg-type]
        assert [(one.source_table, one.destination) for one in defined] == [("What now?", "what_now")]
        defined = ingest(Session(), spec_of(mock, table("[Aa]?b")))  # type: ignore[arg-type]
        assert {one.source_table for one in defined} == {"A b", "a-b"}
        assert all(re.fullmatch(r"a_b_[0-9a-f]{8}", one.destination) for one in defined)


def test_tables_whose_names_have_outer_space(registry: Registry) -> None:
    with MockAirtable(sample=False) as mock:
        names = ["Good", "Good ", "Only ", "\u00a0", "Other"]
        mock.create_base("Names", [{"name": name, "fields": [{"name": "Name"}]} for name in names])
        defined = ingest(Session(), {"connection_options": mock.options(), "objects": "*"})  # type: ignore[arg-type]
        assert [one.source_table for one in defined] == names
        destinations = [one.destination for one in defined]
        assert len(set(destinations)) == len(names)
        assert destinations[2] == "only"
        assert all(re.fullmatch(r"good_[0-9a-f]{8}", destination) for destination in destinations[:2])
        registry.outputs.clear()
        registry.flows.clear()
        # The table that an entry means is not taken a second time by a pattern.
        objects = [
            table("Only", destination_table="mine"),
            table(" Other "),
            table("Good ", destination_table="g"),
            table("*"),
        ]
        again = ingest(Session(), spec_of(mock, *objects))  # type: ignore[arg-type]
        assert {one.destination for one in again} == {"mine", "other", "g", destinations[0], destinations[3]}


def test_changes_become_one_flow_of_auto_cdc(mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [
        table("Vendors", {"ingestion_type": "cdc"}),
        table("Vendors", {"ingestion_type": "CDC_with_deletes", "cluster_by": '["name"]'}, destination_table="d"),
        table("Vendors", {"ingestion_type": "cdc_with_deletes", "scd_type": "scd_type_2"}, destination_table="h"),
        table(
            "Vendors",
            {"ingestion_type": "cdc", "primary_keys": "name", "sequence_by": "changed"},
            destination_table="n",
        ),
        table("Vendors", {"ingestion_type": "cdc", "scd_type": "APPEND_ONLY"}, destination_table="log"),
    ]
    session = Session()
    defined = {one.destination: one for one in ingest(session, spec_of(mock_airtable, *objects))}  # type: ignore[arg-type]
    assert [one.flow for one in defined.values()] == ["auto_cdc"] * 4 + ["append"]
    assert set(registry.auto_cdc) == {"vendors", "d", "h", "n"}

    def columns(found: Any) -> list[str]:
        return [str(column) for column in found or []]

    plain, deletes, history, other = (registry.auto_cdc[name] for name in ("vendors", "d", "h", "n"))
    assert columns(plain.keys) == ["Column<'id'>"]
    assert (str(plain.sequence_by), plain.apply_as_deletes) == ("Column<'_changed_at'>", None)
    assert columns(plain.except_column_list) == ["Column<'_deleted'>"]
    assert (plain.stored_as_scd_type, history.stored_as_scd_type) == (1, 2)
    assert str(deletes.apply_as_deletes) == str(history.apply_as_deletes) == "Column<'_deleted'>"
    assert columns(history.except_column_list) == ["Column<'_deleted'>", "Column<'_changed_at'>"]
    assert (columns(other.keys), str(other.sequence_by)) == (["Column<'name'>"], "Column<'changed'>")
    target = registry.outputs["d"]
    assert isinstance(target, StreamingTable)
    assert target.cluster_by == ["name"]
    for name, flow in registry.auto_cdc.items():
        assert flow.source == defined[name].view
        assert isinstance(registry.outputs[flow.source], TemporaryView)
        assert list(registry.flows[flow.source].target) == list(flow.source)
    assert registry.flows["source_log_append"].target == "log"


def test_a_log_of_changes_is_appended(mock_airtable: MockAirtable, registry: Registry) -> None:
    log = {"ingestion_type": "change_log", "cluster_by": ["id"]}
    objects = [table("Vendors"), table("Vendors", log, destination_table="vendor_log")]
    _, defined = ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    assert (defined.flow, defined.scd_type, defined.primary_keys) == ("append", "APPEND_ONLY", ())
    assert isinstance(registry.outputs["vendor_log"], StreamingTable)
    for scd_type in ("SCD_TYPE_1", "SCD_TYPE_2"):
        objects = [table("Vendors", {**log, "scd_type": scd_type})]
        with pytest.raises(OptionError, match=f"{scd_type} keeps the records of a table"):
            ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    objects = [table("Vendors", {**log, "view": "Grid view"})]
    with pytest.raises(OptionError, match="option view is given, and ingestion_type is change_log"):
        ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]


def test_each_flow_reads_its_own_entry(spark: SparkSession, mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [table("*"), table("Vendors", {"fields": ["Name"], "ingestion_type": "cdc"}), table("Packaging Tasks")]
    defined = ingest(spark, spec_of(mock_airtable, *objects, nested="json"))
    base = Airtable(**mock_airtable.options(), nested="json")  # type: ignore[arg-type]
    for one in defined:
        frame = registry.flows[one.view or one.destination].func()
        if one.source_table == "Vendors":
            assert frame.isStreaming
            assert frame.columns == ["id", "createdTime", "name", "_rescued_data", "_changed_at", "_deleted"]
        else:
            assert not frame.isStreaming
            assert frame.columns == base.schema(one.source_table).names
            assert frame.count() == len(mock_airtable.records(one.source_table))
        assert mock_airtable.token not in f"{frame} {one}"


def test_the_token_is_in_no_option_of_a_flow(mock_airtable: MockAirtable, registry: Registry) -> None:
    session = Session()
    other = {"namespace": "Launch Archive"}
    objects = [table("Vendors"), table("Compliance Records"), table("Vendors", other, destination_table="archive")]
    ingest(session, spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    for flow in registry.flows.values():
        flow.func()
    first, _, third = session.reads
    assert "pat" not in str(session.reads)
    formats = ["airtable_to_vendors", "airtable_to_compliance_records", "airtable_to_archive"]
    assert [read["format"] for read in session.reads] == formats
    assert [first["base_id"], third["namespace"]] == [mock_airtable.base_id, "Launch Archive"]
    assert "base_id" not in third
    assert [source.name() for source in session.registered] == ["lakeflow_connect", *formats]
    source = session.registered[1](Options.from_values(first))
    assert source.options["token"] == mock_airtable.token
    assert mock_airtable.token not in repr(source.options)


def test_several_bases_are_one_table_as_a_snapshot(mock_airtable: MockAirtable, registry: Registry) -> None:
    fields = [{"name": "Name", "type": "singleLineText"}]
    bases = [mock_airtable.create_base(name, [{"name": "Orders", "fields": fields}]) for name in ("North", "South")]
    mock_airtable.clear_requests()
    connection = {name: value for name, value in mock_airtable.options().items() if name != "base_id"}
    spec = {"connection_options": connection, "objects": [table("Ord*", {"namespace": bases})]}
    (defined,) = ingest(Session(), spec)  # type: ignore[arg-type]
    assert (defined.source_table, defined.destination) == ("Orders", "orders")
    assert isinstance(registry.outputs["orders"], MaterializedView)
    assert mock_airtable.request_counts() == {"get_schema": 2}, "planned once"
    changes = {"namespace": bases, "ingestion_type": "cdc"}
    spec = {"connection_options": connection, "objects": [table("Orders", changes)]}
    with pytest.raises(OptionError, match="read as snapshots only"):
        ingest(Session(), spec)  # type: ignore[arg-type]


def test_definitions_and_comments_beside_every_table(mock_airtable: MockAirtable, registry: Registry) -> None:
    mock_airtable.update_table("Vendors", description="who makes what")
    objects = [
        table("*"),
        table("_airtable_fields"),
        table("_airtable_choices", destination_schema="dictionary"),
        table("Vendors", {"part": "comments"}, destination_table="vendors_comments"),
    ]
    defined = ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    tables = Airtable(**mock_airtable.options()).list_tables()
    assert [one.source_table for one in defined] == [*tables, "_airtable_fields", "_airtable_choices", "Vendors"]
    # The comments of a table do not take its records from the pattern.
    assert {"vendors", "vendors_comments", "airtable_fields", "dictionary.airtable_choices"} <= set(registry.outputs)
    assert registry.outputs["vendors"].comment == "who makes what"
    assert registry.outputs["vendors_comments"].comment == "comments of Airtable table Vendors"
    assert mock_airtable.request_counts()["get_schema"] == 2  # one of them is of this test's own list
    for configured, where in (({"ingestion_type": "cdc"}, "ingestion_type"), ({"view": "Grid"}, "view")):
        with pytest.raises(OptionError, match=rf"option {where}.*_airtable_views"):
            ingest(Session(), spec_of(mock_airtable, table("_airtable_views", configured)))  # type: ignore[arg-type]

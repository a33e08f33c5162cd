"""The framework's `ingest` with our source: which flows it makes, and what their targets hold from run to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark.pipelines
import pyspark.sql.functions
import pytest
import yaml

from feeds import settle
from framework.installation import SITE_PACKAGES, SOURCE
from framework.pipeline import ParseException, Pipeline, Session
from lakeflow_airtable.mock import MockAirtable

Framework = Callable[[str], Any]
SPECIFICATION = yaml.safe_load(Path(SITE_PACKAGES, SOURCE, "connector_spec.yaml").read_text())
# What the framework's command line lets through for every source.
ALLOWED = {"tableName", "tableNameList", "tableConfigs", "isDeleteFlow"}
ALLOWED |= set(SPECIFICATION["external_options_allowlist"].split(","))


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """What `pyspark.pipelines` defines. Columns are their names: Spark's own want a session."""
    made = Pipeline()
    for name in ("view", "create_streaming_table", "append_flow", "apply_changes", "apply_changes_from_snapshot"):
        monkeypatch.setattr(pyspark.pipelines, name, getattr(made, name), raising=False)
    for name in ("col", "expr"):
        monkeypatch.setattr(pyspark.sql.functions, name, str)
    return made


@pytest.fixture(params=["found", "converted"])
def source(request: pytest.FixtureRequest, framework: Framework) -> type[Any]:
    """What `find_data_source` gives and `register` registers, and the framework's own reading of the connector."""
    found: type[Any] = framework("sparkpds").find_data_source("airtable")
    if request.param == "found":
        return found
    bound = {"_lakeflow_connect_cls": framework("sources.airtable").AirtableLakeflowConnect}
    return type("Converted", (framework("sparkpds").LakeflowSource,), bound)


@pytest.fixture
def session(source: type[Any], mock_airtable: MockAirtable) -> Session:
    settle(mock_airtable, "Vendors")
    return Session(source, {"sourceName": "airtable", **mock_airtable.options()}, ALLOWED)


def id_of(mock: MockAirtable, name: str) -> str:
    return next(str(table["id"]) for table in mock.schema()["tables"] if table["name"] == name)


def specification(*tables: dict[str, Any]) -> dict[str, Any]:
    return {"connection_name": "airtable", "objects": [{"table": table} for table in tables]}


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


def here(mock: MockAirtable, table: str = "Vendors") -> list[str]:
    return ids(mock.records(table))


@pytest.mark.parametrize("mode", ["snapshot", "cdc", "cdc_with_deletes", "append"])
def test_a_table_is_kept_from_run_to_run(
    framework: Framework, session: Session, pipeline: Pipeline, mock_airtable: MockAirtable, mode: str
) -> None:
    table = {
        "source_table": id_of(mock_airtable, "Vendors"),
        "destination_table": "vendors",
        "table_configuration": {"ingestion_type": mode, "max_records_per_batch": 25},
    }
    framework("pipeline").ingest(session, specification(table))
    assert len(pipeline.flows) == (2 if mode == "cdc_with_deletes" else 1)
    pipeline.run()
    before = here(mock_airtable)
    assert ids(pipeline.rows("vendors")) == before
    changed, gone, *_ = before
    mock_airtable.update_records("Vendors", {changed: {"Name": "Changed"}})
    mock_airtable.delete_records("Vendors", [gone])
    mock_airtable.create_records("Vendors", [{"Name": "Added"}])
    mock_airtable.advance_clock(120)
    pipeline.run()
    after = here(mock_airtable)
    # Only these two know of deletes.
    knows = mode in ("snapshot", "cdc_with_deletes")
    assert ids(pipeline.rows("vendors")) == (after if knows else sorted([*after, gone]))
    [row] = [row for row in pipeline.rows("vendors") if row["id"] == changed]
    assert (row["name"] == "Changed") == (mode != "append")
    rows = pipeline.rows("vendors")
    pipeline.run()
    assert ids(pipeline.rows("vendors")) == ids(rows)


def test_upserts_hold_no_deletes(
    framework: Framework, session: Session, pipeline: Pipeline, mock_airtable: MockAirtable
) -> None:
    """Their flow has no condition for them: whatever came would be put in."""
    table = {"source_table": "Vendors", "table_configuration": {"ingestion_type": "cdc_with_deletes"}}
    framework("pipeline").ingest(session, specification(table))
    assert {flow.source: flow.is_delete for flow in pipeline.flows.values()} == {
        "source_Vendors_upsert": False,
        "source_Vendors_delete": True,
    }
    starts = {name: pipeline.views[name]().rows(None)[1] for name in pipeline.views}
    gone, *_ = here(mock_airtable)
    mock_airtable.delete_records("Vendors", [gone])
    mock_airtable.advance_clock(120)
    told = {name: pipeline.views[name]().rows(start)[0] for name, start in starts.items()}
    assert told["source_Vendors_upsert"] == []
    assert [(row["id"], row["_deleted"]) for row in told["source_Vendors_delete"]] == [(gone, True)]


def test_a_name_with_a_space_is_taken_by_its_id(
    framework: Framework, session: Session, pipeline: Pipeline, mock_airtable: MockAirtable
) -> None:
    ingest = framework("pipeline").ingest
    for table in (
        {"source_table": "SKU Candidates"},
        # The view still has the source's name.
        {"source_table": "SKU Candidates", "destination_table": "sku_candidates"},
    ):
        with pytest.raises(ParseException):
            ingest(session, specification(table))
    table = {"source_table": id_of(mock_airtable, "SKU Candidates"), "destination_table": "sku_candidates"}
    ingest(session, specification(table))
    pipeline.run()
    assert ids(pipeline.rows("sku_candidates")) == here(mock_airtable, "SKU Candidates")


def test_what_the_readme_says_of_the_configuration(framework: Framework, session: Session, pipeline: Pipeline) -> None:
    table = {
        "source_table": "Vendors",
        "destination_catalog": "main",
        "destination_schema": "airtable",
        "table_configuration": {
            "ingestion_type": "cdc",
            "scd_type": "SCD_TYPE_2",
            "primary_keys": ["id"],
            "sequence_by": "_changed_at",
            "fields": ["Name"],
        },
    }
    framework("pipeline").ingest(session, specification(table))
    [flow] = pipeline.flows.values()
    assert (flow.target, flow.stored_as_scd_type, flow.keys) == ("`main`.`airtable`.`Vendors`", "2", ["id"])
    pipeline.run()
    columns = {name for row in pipeline.rows(flow.target) for name in row}
    assert columns == {"id", "createdTime", "name", "_rescued_data", "_changed_at", "_deleted", "gone"}


def test_a_table_and_its_parts_are_kept(
    framework: Framework, session: Session, pipeline: Pipeline, mock_airtable: MockAirtable, tmp_path: Path
) -> None:
    parts = [record["id"] for record in mock_airtable.records("Vendors")]
    fields = [
        {"name": "Name"},
        {"name": "Vendors", "type": "multipleRecordLinks", "options": {"linkedTableId": "Vendors"}},
        {"name": "Files", "type": "multipleAttachments"},
    ]
    mock_airtable.create_table("Orders", fields, [{"Name": "two", "Vendors": parts[:2]}, {"Name": "none"}])
    first, second = here(mock_airtable, "Orders")
    mock_airtable.add_attachment("Orders", first, "Files", "a/b.txt", b"bytes")
    mock_airtable.set_faults(attachment_urls_change=True)
    mock_airtable.advance_clock(120)
    # A table has one entry of its name: its part is an entry of the same table by its id.
    orders = {"links": "names", "attachments": "stable", "scd_type": "SCD_TYPE_2"}
    files = {"part": "attachments", "attachments": "download", "attachment_location": str(tmp_path)}
    framework("pipeline").ingest(
        session,
        specification(
            {"source_table": "Orders", "table_configuration": orders},
            {
                "source_table": id_of(mock_airtable, "Orders"),
                "destination_table": "files",
                "table_configuration": files,
            },
        ),
    )
    keys = {flow.target: (flow.keys, flow.stored_as_scd_type) for flow in pipeline.flows.values()}
    assert keys == {"Orders": (["id"], "2"), "files": (["id", "field_id", "position"], "1")}
    pipeline.run()
    kept = pipeline.rows("Orders")
    names = {record["id"]: record["fields"].get("Name") for record in mock_airtable.records("Vendors")}
    assert {row["name"]: row["vendors"] for row in kept} == {"two": [names[part] for part in parts[:2]], "none": None}
    pipeline.run()
    assert pipeline.rows("Orders") == kept, "nothing in it changes by itself"
    [file] = pipeline.rows("files")
    assert (file["id"], Path(file["path"]).read_bytes()) == (first, b"bytes")
    mock_airtable.update_records("Orders", {first: {"Files": None}})
    mock_airtable.add_attachment("Orders", second, "Files", "c.txt", b"other")
    pipeline.run()
    [file] = pipeline.rows("files")
    assert (file["id"], Path(file["path"]).read_bytes()) == (second, b"other")


def test_a_table_that_is_not_there_ends_the_definition(
    framework: Framework, session: Session, pipeline: Pipeline
) -> None:
    with pytest.raises(LookupError, match="Vendors"):
        framework("pipeline").ingest(session, specification({"source_table": "Vendor"}))
    assert pipeline.flows == {}


def test_a_connection_without_allow_list(framework: Framework, session: Session, pipeline: Pipeline) -> None:
    """Nothing that a read asks for arrives. The error says where to look, unless the framework's class is first."""
    session.allowed.clear()
    is_ours = session.source.__name__ == "AirtableDataSource"
    says = "externalOptionsAllowList does not name tableName" if is_ours else "tablename"
    with pytest.raises(ValueError if is_ours else KeyError, match=says):
        framework("pipeline").ingest(session, specification({"source_table": "Vendors"}))
    assert pipeline.flows == {}

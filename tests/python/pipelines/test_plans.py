"""The plans that a pipeline's flows read by: made together, carried to Spark, and what becomes of them meanwhile."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pyspark import cloudpickle
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry, Session, spec_of, table
from lakeflow_airtable import Airtable, AirtableDataSource, AuthError, NotFoundError, ingest
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.pipeline.source import PLAN_SECONDS


def flows(mock: MockAirtable, *objects: object, **options: object) -> dict[str, AirtableDataSource]:
    """A source for each flow, by its table, made as Spark makes it where the flow is looked at or read."""
    session, registry = Session(), Registry()
    with graph_element_registration_context(registry):
        ingest(session, spec_of(mock, *objects, **options))  # type: ignore[arg-type]
    for flow in registry.flows.values():
        flow.func()
    classes: dict[str, Any] = {
        source.name(): cloudpickle.loads(cloudpickle.dumps(source)) for source in session.registered
    }
    sources = {}
    for read in session.reads:
        given = {name: value for name, value in read.items() if name not in ("kind", "format")}
        sources[read["tablename"]] = classes[read["format"]](Options.from_values(given))
    return sources


def rows(source: AirtableDataSource) -> int:
    # From process to process, as Spark takes it.
    schema = source.schema()
    reader = cloudpickle.loads(cloudpickle.dumps(cloudpickle.loads(cloudpickle.dumps(source)).reader(schema)))
    [partition] = reader.partitions()
    return sum(batch.num_rows for batch in reader.read(partition))


def schemas(mock: MockAirtable) -> int:
    return mock.request_counts().get("get_schema", 0)


def test_a_base_is_asked_for_its_definitions_once(mock_airtable: MockAirtable) -> None:
    objects = [
        table("*"),
        table("tblMockVendors006", {"fields": ["Name"], "cluster_by": ["name"]}, destination_table="vendors"),
        table("Packaging Tasks", {"ingestion_type": "append", "nested": "json"}),
    ]
    sources = flows(mock_airtable, *objects)
    assert len(sources) == 6
    for name, source in sources.items():
        assert rows(source) == len(mock_airtable.records(name))
    counts = mock_airtable.request_counts()
    assert (counts.pop("get_schema"), list(counts)) == (1, ["list_records"])
    assert sources["tblMockVendors006"].schema().names == ["id", "createdTime", "name", "_rescued_data"]


def test_a_base_is_looked_up_by_its_name_once(mock_airtable: MockAirtable) -> None:
    sources = flows(mock_airtable, table("*"), base_id=None, namespace=["Launch Archive"])
    assert {name: rows(source) for name, source in sources.items()}.keys() == {"Vendors", "Notes"}
    counts = mock_airtable.request_counts()
    assert (counts["list_bases"], counts["get_schema"]) == (1, 1)


def test_a_plan_is_of_its_own_read_and_of_its_own_run(
    mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = flows(mock_airtable, table("Vendors"))["Vendors"]
    names = Airtable(**mock_airtable.options()).schema("Vendors").names
    mock_airtable.rename_field("Vendors", "Name", "Legal name")
    mock_airtable.clear_requests()
    assert source.schema().names == names
    assert schemas(mock_airtable) == 0

    # What is not the read that was planned is planned by itself.
    other = type(source)({**source.options, "fields": "Country"})
    assert other.schema().names == ["id", "createdTime", "country", "_rescued_data"]
    assert type(source)({**source.options, "tablename": "Packaging Tasks"}).schema().names[2] != names[2]
    assert schemas(mock_airtable) == 2

    # Nor does a plan serve for ever, or for another run.
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + PLAN_SECONDS + 5)
    assert type(source)(source.options).schema().names[2] == "legal_name"
    assert flows(mock_airtable, table("Vendors"))["Vendors"].schema().names[2] == "legal_name"


@pytest.mark.parametrize("kind", ["cdc", "cdc_with_deletes"])
def test_streams_of_changes_are_planned_when_they_start(mock_airtable: MockAirtable, kind: str) -> None:
    source = flows(mock_airtable, table("Vendors", {"ingestion_type": kind, "scd_type": "APPEND_ONLY"}))["Vendors"]
    mock_airtable.create_field("Vendors", {"name": "Motto", "type": "singleLineText"})
    assert "motto" in source.schema().names
    assert schemas(mock_airtable) == 2


def test_a_table_that_goes_before_it_is_read(mock_airtable: MockAirtable) -> None:
    mock_airtable.create_table("Samples", [{"name": "Name"}], [{"Name": "first"}])
    samples = mock_airtable.options(tableName="Samples")
    sources = flows(mock_airtable, table("Samples"), table("Vendors"))
    mock_airtable.remove_table("Samples")
    with pytest.raises(NotFoundError, match=r'^table "Samples" \(tbl\w+\): base app\w+ had it .* restore it') as caught:
        rows(sources["Samples"])
    assert "\n" not in str(caught.value)
    assert [request["endpoint"] for request in mock_airtable.requests()[-2:]] == ["list_records", "get_schema"]
    assert rows(sources["Vendors"]) == 60
    # The next run is told when it is defined, before anything else is.
    with pytest.raises(NotFoundError, match=r'^objects\[0\]\.table: table "Samples": base app\w+ has no such table'):
        flows(mock_airtable, table("Samples"), table("Vendors"))
    with pytest.raises(NotFoundError, match='table "Samples": base'):
        AirtableDataSource(samples).schema()


@pytest.mark.parametrize("kind", ["append", "cdc", "cdc_with_deletes"])
def test_a_streamed_table_that_goes(mock_airtable: MockAirtable, kind: str) -> None:
    mock_airtable.create_table("Samples", [{"name": "Name"}], [{"Name": "first"}])
    # A webhook that is old enough not to be waited for.
    Airtable(**mock_airtable.options()).latest_offset("Samples", ingestion_type=kind)
    mock_airtable.advance_clock(120)
    configuration = {"ingestion_type": kind, "scd_type": "APPEND_ONLY"}
    source = flows(mock_airtable, table("Samples", configuration))["Samples"]
    stream: Any = source.streamReader(source.schema())
    start = stream.initialOffset()
    mock_airtable.advance_clock(120)
    if kind != "cdc_with_deletes":
        mock_airtable.remove_table("Samples")
        with pytest.raises(NotFoundError, match=r'^table "Samples" \(tbl\w+\): base app\w+ had it'):
            stream.latestOffset(start, None)
        return
    end = stream.latestOffset(start, None)
    mock_airtable.remove_table("Samples")
    with pytest.raises(NotFoundError, match=r'^table "Samples" \(tbl\w+\): base app\w+ had it'):
        [list(stream.read(partition)) for partition in stream.partitions(start, end)]


def test_a_refusal_names_its_table(mock_airtable: MockAirtable) -> None:
    sources = flows(mock_airtable, table("Vendors"), table("Packaging Tasks"))
    mock_airtable.remove_field("Vendors", "Phone")
    with pytest.raises(NotFoundError, match=r'^table "Vendors" \(tblMockVendors006\): GET .* a field was removed'):
        rows(sources["Vendors"])
    mock_airtable.remove_token(mock_airtable.token)
    with pytest.raises(AuthError, match=r'^table "Packaging Tasks" \(tblMockTasks00004\): GET .* 401 ') as caught:
        rows(sources["Packaging Tasks"])
    assert mock_airtable.token not in str(caught.value)

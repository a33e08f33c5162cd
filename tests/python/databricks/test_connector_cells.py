"""The framework's connector where a table gives linked records by name, its files, or a row for each of them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from lakeflow_airtable import Airtable, OptionError
from lakeflow_airtable.mock import MockAirtable

Framework = Callable[[str], Any]
Record = dict[str, Any]


@pytest.fixture
def orders(mock_airtable: MockAirtable) -> list[str]:
    """A table whose records have links and files, and whose addresses of files never stay."""
    mock_airtable.create_table("Parts", [{"name": "Code"}], [{"Code": f"part {number}"} for number in range(120)])
    parts = [record["id"] for record in mock_airtable.records("Parts")]
    fields = [
        {"name": "Name"},
        {"name": "Parts", "type": "multipleRecordLinks", "options": {"linkedTableId": "Parts"}},
        {"name": "Files", "type": "multipleAttachments"},
    ]
    records = [{"Name": "two", "Parts": parts[:2]}, {"Name": "none"}, {"Name": "one", "Parts": parts[3:4]}]
    mock_airtable.create_table("Orders", fields, records)
    made = [record["id"] for record in mock_airtable.records("Orders")]
    for record in (made[0], made[2]):
        mock_airtable.add_attachment("Orders", record, "Files", "a/b.txt", b"bytes")
    mock_airtable.set_faults(attachment_urls_change=True)
    mock_airtable.advance_clock(600)
    mock_airtable.clear_requests()
    return made


def connector(framework: Framework, mock: MockAirtable) -> Any:
    return framework("sources.airtable").AirtableLakeflowConnect(mock.options())


def stored(location: Path) -> Record:
    return {"attachments": "download", "attachment_location": str(location)}


def calls(mock: MockAirtable, endpoint: str = "attachment") -> int:
    found = mock.request_counts().get(endpoint, 0)
    mock.clear_requests()
    return found


def expected(mock: MockAirtable, **options: Any) -> list[str]:
    """What the library reads, without addresses, which are others at every read."""
    return plain(pyarrow.table(Airtable(**mock.options()).read("Orders", **options)).to_pylist())


def plain(rows: list[Record]) -> list[str]:
    text = [json.dumps(row, sort_keys=True, default=lambda time: time.isoformat()) for row in rows]
    return sorted(text)


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({"links": "names", "attachments": "stable"}, ["id"]),
        ({"links": "both", "attachments": "stable"}, ["id"]),
        ({"links": "both", "nested": "json", "attachments": "stable"}, ["id"]),
        ({"attachments": "download"}, ["id"]),
        ({"part": "links"}, ["id", "field_id", "position"]),
        ({"part": "attachments", "attachments": "stable"}, ["id", "field_id", "position"]),
        ({"part": "attachments", "attachments": "download"}, ["id", "field_id", "position"]),
    ],
)
def test_a_snapshot_is_what_the_library_reads(
    framework: Framework, mock_airtable: MockAirtable, orders: list[str], tmp_path: Path, given: Record, keys: list[str]
) -> None:
    options = {**given, **(stored(tmp_path) if given.get("attachments") == "download" else {})}
    source = connector(framework, mock_airtable)
    schema = source.get_table_schema("Orders", options)
    metadata = source.read_table_metadata("Orders", options)
    assert (metadata["primary_keys"], metadata["ingestion_type"]) == (keys, "snapshot")
    wanted = expected(mock_airtable, **options)
    records, end = source.read_table("Orders", None, options)
    rows = list(records)
    assert end is None
    assert plain(rows) == wanted
    # On another machine, by what was sent to it.
    worker = pickle.loads(pickle.dumps(source))
    (partition,) = json.loads(json.dumps(source.get_partitions("Orders", options)))
    shipped = list(worker.read_partition("Orders", partition, options))
    assert plain(shipped) == wanted
    assert mock_airtable.token not in json.dumps(partition)
    for row in rows:
        assert row.keys() == set(schema.names)
        framework("libs.utils").parse_value(row, schema)
        assert all(row[key] is not None for key in keys)


def test_files_are_fetched_once_and_those_of_changes_alone(
    framework: Framework, mock_airtable: MockAirtable, orders: list[str], tmp_path: Path
) -> None:
    options = {**stored(tmp_path), "ingestion_type": "cdc_with_deletes"}

    def run(start: Record) -> tuple[list[Record], Record]:
        source = connector(framework, mock_airtable)
        end = source.latest_offset("Orders", options, start)
        mock_airtable.advance_clock(120)
        source.list_tables_in_namespace([])  # an answer, which tells the time
        partitions = source.get_partitions("Orders", options, start, end)
        return [row for one in partitions for row in source.read_partition("Orders", one, options)], end

    first, end = run({})
    assert len(first) == 3
    assert calls(mock_airtable) == 2
    assert {Path(file["path"]).read_bytes() for row in first for file in row["files"] or []} == {b"bytes"}
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*"))
    mock_airtable.add_attachment("Orders", orders[1], "Files", "c.txt", b"new")
    mock_airtable.update_records("Orders", {orders[0]: {"Name": "edited"}})
    mock_airtable.delete_records("Orders", [orders[2]])
    mock_airtable.advance_clock(120)
    second, _ = run(end)
    # The file of the edited record is there already.
    assert calls(mock_airtable) == 1
    assert sorted((row["name"], [file["filename"] for file in row["files"]]) for row in second) == [
        ("edited", ["a/b.txt"]),
        ("none", ["c.txt"]),
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"links": "names", "ingestion_type": "cdc"}, "changes no record of this one"),
        ({"part": "links", "ingestion_type": "cdc_with_deletes"}, "parts are read as snapshots only"),
        ({"part": "attachments", "ingestion_type": "append"}, "parts are read as snapshots only"),
        ({"attachments": "download"}, "attachment_location is missing"),
        ({"attachments": "download", "attachment_location": "files"}, "absolute path"),
        ({"part": "links", "links": "both"}, "names stand in the cells of records"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    framework: Framework, mock_airtable: MockAirtable, orders: list[str], options: Record, why: str
) -> None:
    source = connector(framework, mock_airtable)
    refused: list[Callable[[], object]] = [
        lambda: source.get_table_schema("Orders", options),
        lambda: source.read_table_metadata("Orders", options),
        lambda: source.read_table("Orders", {}, options),
        lambda: source.get_partitions("Orders", options),
    ]
    for call in refused:
        with pytest.raises(OptionError, match=why):
            call()
    assert calls(mock_airtable, "list_records") == 0

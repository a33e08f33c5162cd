"""A log of changes by the community connector, whose interface knows it as a table that is appended to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lakeflow_airtable.mock import MockAirtable


def test_a_log_is_read_call_by_call(framework: Callable[[str], Any], items: MockAirtable) -> None:
    options = {"ingestion_type": "change_log"}

    def run(start: Any) -> tuple[list[dict[str, Any]], Any]:
        """As the framework reads: a connector of its own for each run, and calls until the offset stands still."""
        connector = framework("sources.airtable").AirtableLakeflowConnect(items.options())
        metadata = connector.read_table_metadata("Items", options)
        assert (metadata["ingestion_type"], metadata["cursor_field"]) == ("append", "_changed_at")
        schema = connector.get_table_schema("Items", options)
        assert set(metadata["primary_keys"]) < set(schema.names)
        records = []
        while True:
            read, end = connector.read_table("Items", start, options)
            records += [framework("libs.utils").parse_value(record, schema) for record in read]
            if end == start:
                return records, end
            start = end

    records, offset = run(None)
    assert records == []
    [record] = items.records("Items")[:1]
    items.update_records("Items", {record["id"]: {"Name": "new"}})
    records, offset = run(offset)
    assert [(row.id, row.field, row.old_value, row.new_value) for row in records] == [
        (record["id"], "Name", '"item 0"', '"new"')
    ]
    assert records[0].changed_by.name == "Ada Example"
    assert run(offset) == ([], offset)


def test_tasks_read_what_was_planned(framework: Callable[[str], Any], items: MockAirtable) -> None:
    options = {"ingestion_type": "change_log"}
    connector = framework("sources.airtable").AirtableLakeflowConnect(items.options())
    assert connector.get_partitions("Items", options, {}, {}) == []
    start = connector.latest_offset("Items", options, {})
    [record] = items.records("Items")[:1]
    items.update_records("Items", {record["id"]: {"Name": "new"}})
    connector = framework("sources.airtable").AirtableLakeflowConnect(items.options())
    end = connector.latest_offset("Items", options, start)
    [partition] = connector.get_partitions("Items", options, start, end)
    [row] = connector.read_partition("Items", partition, options)
    assert (row["change"], row["new_value"]) == ("updated", '"new"')

"""What ends a stream, what keeps one from starting, and how it goes on afterwards."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakeflow_airtable.mock import MockAirtable
from stream_query import Stream, edit, ids, running, said, wait_until

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EDITED = {"name": "Edited at", "type": "lastModifiedTime"}
READING = ["data.records:read", "schema.bases:read"]


def drop_field_of_edits(mock: MockAirtable) -> None:
    mock.remove_field("Items", "Edited at")


def rename_field(mock: MockAirtable) -> None:
    mock.rename_field("Items", "Size", "Magnitude")


@pytest.mark.parametrize(
    ("mode", "change", "heading", "says"),
    [
        ("cdc", drop_field_of_edits, "lakeflow_airtable.NotFoundError: ", ["start the read again"]),
        (
            "cdc_with_deletes",
            rename_field,
            "lakeflow_airtable.DataError: ",
            ['"Size" (fld', 'was renamed to "Magnitude"', "start the stream again"],
        ),
    ],
)
def test_a_definition_that_changes_ends_a_stream_until_it_is_started_again(
    spark: SparkSession,
    items: MockAirtable,
    tmp_path: Path,
    mode: str,
    change: Callable[[MockAirtable], None],
    heading: str,
    says: list[str],
) -> None:
    items.create_field("Items", {**EDITED, "options": {"referencedFieldIds": [], "result": {"type": "dateTime"}}})
    items.advance_clock(60)
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type=mode, fields="Name,Size", poll_seconds="1")
    with running(stream) as query:
        wait_until(lambda: bool(stream.batches) or not query.isActive)
        change(items)
        edit(items, ids(items)[0])
        items.advance_clock(120)
        text = stream.failure(lambda: query.awaitTermination(90))
    assert text.count(heading) >= 1, text
    assert all(words in text for words in says), text
    if mode == "cdc_with_deletes":
        stream.options["fields"] = "Name,Magnitude"
    rows = stream.settled()
    assert [row.id for row in rows if row.name == "edited"] == [ids(items)[0]]
    assert ("magnitude" in rows[0]) == (mode == "cdc_with_deletes")


REFUSED = {
    "a snapshot": ({"ingestion_type": "snapshot"}, "OptionError", ["ingestion_type is snapshot", "cdc_with_deletes"]),
    "no kind": ({}, "OptionError", ["ingestion_type is snapshot"]),
    "max_records": (
        {"ingestion_type": "cdc", "max_records": "5"},
        "OptionError",
        ["max_records is 5", "max_records_per_batch bounds"],
    ),
    "a virtual table": (
        {"ingestion_type": "cdc", "tableName": "_community_tables"},
        "OptionError",
        ["_community_tables cannot be streamed"],
    ),
    "deletes of cdc": (
        {"ingestion_type": "cdc", "isDeleteFlow": "true"},
        "OptionError",
        ["isDeleteFlow is true, but ingestion_type is cdc"],
    ),
    "reread without a place": (
        {"ingestion_type": "cdc_with_deletes", "on_lost_feed": "reread"},
        "OptionError",
        ["state_location is missing"],
    ),
    "an unknown webhook": (
        {"ingestion_type": "cdc_with_deletes", "webhook_id": "achNone"},
        "NotFoundError",
        ["achNone", "the base has no such webhook"],
    ),
    "an unknown table": ({"ingestion_type": "cdc", "tableName": "Item"}, "NotFoundError", ['did you mean "Items"']),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_streamed(spark: SparkSession, items: MockAirtable, tmp_path: Path, name: str) -> None:
    options, error, says = REFUSED[name]
    stream = Stream(spark, items, tmp_path / "checkpoint", **options)
    text = stream.failure(stream.run)
    heading = f"lakeflow_airtable.{error}: "
    lines = [line for line in text.splitlines() if heading in line]
    assert len(lines) == 1, text
    assert all(words in lines[0] for words in says), lines[0]
    assert stream.batches == []


def test_a_checkpoint_of_another_stream_is_refused(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="cdc")
    stream.run()
    table = items.schema()["tables"][-1]["id"]
    for option, value, says in [
        ("tableName", "Vendors", f"belongs to a stream of table {table}, but this stream is of table tbl"),
        ("ingestion_type", "append", "belongs to a stream of mode cdc, but this stream is of mode append"),
        ("ingestion_type", "cdc_with_deletes", "of mode cdc, but this stream is of mode cdc_with_deletes"),
    ]:
        before = stream.options[option]
        stream.options[option] = value
        text = stream.failure()
        assert "lakeflow_airtable.OptionError: " in text
        assert says in text, text
        assert "give every stream a checkpointLocation of its own" in text
        stream.options[option] = before
    assert stream.settled() == [], "nobody spoiled the checkpoint"

    last = max((stream.checkpoint / "offsets").glob("[0-9]*"), key=lambda path: int(path.name))
    last.with_name(f".{last.name}.crc").unlink(missing_ok=True)
    newer = last.read_text().replace('"version": 2', '"version": 4')
    assert newer != last.read_text()
    last.write_text(newer)
    text = stream.failure()
    assert "the checkpoint's offset is of version 4" in text
    assert "install the version that wrote it" in text


def hooks(mock: MockAirtable, method: str = "GET", hook: str = "") -> dict[str, Any]:
    """Webhooks as their owner manages them, elsewhere."""
    url = f"{mock.url}/v0/bases/{mock.base_id}/webhooks{hook and '/'}{hook}"
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {mock.token}"})
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.loads(answer.read() or b"{}")
        return found


def delete_hooks(mock: MockAirtable) -> list[str]:
    found = [hook["id"] for hook in hooks(mock)["webhooks"]]
    for hook in found:
        hooks(mock, "DELETE", hook)
    return found


def test_who_may_not_have_a_webhook_is_told_what_is_missing(
    spark: SparkSession, items: MockAirtable, tmp_path: Path
) -> None:
    items.add_token("patReader.0000", scopes=READING)
    stream = Stream(spark, items, tmp_path / "scope", ingestion_type="cdc_with_deletes", token="patReader.0000")
    text = stream.failure()
    assert "lakeflow_airtable.AuthError: " in text
    assert "webhook:manage" in text
    # That token serves the other kinds.
    stream = Stream(spark, items, tmp_path / "cdc", ingestion_type="cdc", token="patReader.0000")
    assert len(stream.run()) == 30

    delete_hooks(items)
    items.set_permission("edit")
    stream = Stream(spark, items, tmp_path / "role", ingestion_type="cdc_with_deletes")
    text = stream.failure()
    assert "lakeflow_airtable.AuthError: " in text
    assert "the role of creator" in text
    assert "webhook_id" in text
    assert "create_webhook" in items.request_counts()


def test_a_lost_feed_ends_a_stream(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="cdc_with_deletes")
    assert len(stream.run()) == 30
    [hook] = delete_hooks(items)
    items.delete_records("Items", ids(items)[:1])
    text = stream.failure()
    assert f'lakeflow_airtable.DataError: table "Items": changes are lost: webhook {hook} was deleted' in text
    assert "on_lost_feed" in text
    assert stream.failure() != "", "and stays ended"
    assert hooks(items)["webhooks"] == [], "nothing goes on as if nothing had happened"


def test_a_lost_feed_can_be_read_again(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    state = tmp_path / "state"
    stream = Stream(
        spark,
        items,
        tmp_path / "checkpoint",
        ingestion_type="cdc_with_deletes",
        on_lost_feed="reread",
        state_location=str(state),
    )
    before = ids(items)
    assert len(stream.run()) == 30
    noted = [path.read_text() for path in state.rglob("*.ids")]
    assert sorted(noted[0].split()) == sorted(before)
    assert len(noted) == 1
    delete_hooks(items)
    items.delete_records("Items", before[:2])
    rows = stream.settled()
    assert said(rows) == sorted(
        [*((record, True) for record in before[:2]), *((record, False) for record in before[2:])]
    )
    items.delete_records("Items", before[2:3])
    assert said(stream.settled()) == [(before[2], True)]
    assert items.token not in "".join(path.read_text() for path in state.rglob("*.ids"))

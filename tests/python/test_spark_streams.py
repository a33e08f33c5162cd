"""Streams by a real Spark: each kind from the first batch on, over restarts, bounded, and what ends one."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakeflow_airtable import Airtable, AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

MODES = ["append", "cdc", "cdc_with_deletes"]
EDITED = {"name": "Edited at", "type": "lastModifiedTime"}
READING = ["data.records:read", "schema.bases:read"]


class Stream:
    """One stream, as a user has it: options, a checkpoint, and a sink that keeps the rows of every batch.

    Each run is a new query, as after a restart of everything. Whatever a run leaves is searched for the token.
    """

    def __init__(self, spark: SparkSession, mock: MockAirtable, checkpoint: Path, **options: str) -> None:
        self.spark, self.mock, self.checkpoint = spark, mock, checkpoint
        self.format = "lakeflow_connect"
        self.schema: str | None = None
        self.options = {**mock.options(), "tableName": "Items", **options}
        self.batches: list[list[Row]] = []
        self.progress: list[dict[str, Any]] = []

    def frame(self) -> DataFrame:
        read = self.spark.readStream.format(self.format).options(**self.options)
        return (read if self.schema is None else read.schema(self.schema)).load()

    def start(self, **trigger: Any) -> StreamingQuery:
        def keep(batch: DataFrame, number: int) -> None:
            self.batches.append(batch.collect())

        write = self.frame().writeStream.foreachBatch(keep).option("checkpointLocation", str(self.checkpoint))
        return write.trigger(**trigger).start()

    def run(self) -> list[Row]:
        """The rows of a run that reads what there is and ends, or what Spark raised."""
        self.batches.clear()
        query = self.start(availableNow=True)
        try:
            assert query.awaitTermination(120), "the run does not end"
        finally:
            self.progress = [json.loads(progress.json) for progress in query.recentProgress]
            query.stop()
            self.assert_without_token(json.dumps(self.progress), repr(query.exception()))
        return [row for batch in self.batches for row in batch]

    def ids_after_the_first_batch(self) -> set[str]:
        return {row.id for batch in self.batches[1:] for row in batch}

    def settled(self) -> list[Row]:
        """A run some time later: everything until now is old enough to be read."""
        self.mock.advance_clock(120)
        return self.run()

    def failure(self, run: Callable[[], object] | None = None) -> str:
        """What a user sees of a run that fails."""
        with pytest.raises(Exception) as caught:  # noqa: PT011  # Spark's classes differ with the place of the failure
            (run or self.settled)()
        text = str(caught.value)
        self.assert_without_token(text)
        return text

    def assert_without_token(self, *texts: str) -> None:
        files = [path for path in self.checkpoint.rglob("*") if path.is_file()]
        token = self.options["token"]
        assert all(token.encode() not in path.read_bytes() for path in files)
        assert all(token not in text for text in texts)

    def forget_last_commit(self) -> None:
        """As if the driver had crashed before the last batch was committed."""
        last = max((self.checkpoint / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
        last.unlink()
        last.with_name(f".{last.name}.crc").unlink(missing_ok=True)


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 30 records, and a webhook that is old enough not to be waited for."""
    fields: list[dict[str, Any]] = [
        {"name": "Name"},
        {"name": "Size", "type": "number", "options": {"precision": 1}},
        {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}, {"name": "b"}]}},
    ]
    mock_airtable.create_table(
        "Items", fields, [{"Name": f"item {number}", "Size": number / 2, "Tags": ["a"]} for number in range(30)]
    )
    Airtable(**mock_airtable.options()).latest_offset("Items", ingestion_type="cdc_with_deletes")
    mock_airtable.advance_clock(120)
    mock_airtable.clear_requests()
    return mock_airtable


def ids(mock: MockAirtable, table: str = "Items") -> list[str]:
    return [record["id"] for record in mock.records(table)]


def edit(mock: MockAirtable, record: str, name: str = "edited") -> None:
    mock.update_records("Items", {record: {"Name": name}})


def said(rows: list[Row]) -> list[tuple[str, bool]]:
    return sorted((row.id, "_deleted" in row and row._deleted) for row in rows)


def wait_until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_from_its_first_batch_over_restarts(
    spark: SparkSession, items: MockAirtable, tmp_path: Path, mode: str
) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type=mode)
    before = ids(items)
    own = [] if mode == "append" else ["_changed_at", "_deleted"]
    assert stream.frame().columns == ["id", "createdTime", "name", "size", "tags", "_rescued_data", *own]
    items.clear_requests()
    first = stream.run()
    assert items.request_counts()["get_schema"] == 1
    assert said(first) == sorted((record, False) for record in before)
    assert {row.name for row in first} == {f"item {number}" for number in range(30)}
    assert all(row.tags == ["a"] for row in first)

    edit(items, before[3])
    items.delete_records("Items", [before[4]])
    [new] = items.create_records("Items", [{"Name": "new"}])
    rows = stream.settled()
    expected = {"append": [(new, False)], "cdc": [(before[3], False), (new, False)]}
    expected["cdc_with_deletes"] = [*expected["cdc"], (before[4], True)]
    assert said(rows) == sorted(expected[mode])
    by_id = {row.id: row for row in rows}
    assert by_id[new].name == "new"
    if mode != "append":
        assert by_id[before[3]].name == "edited"
        assert by_id[before[3]]._changed_at >= max(row._changed_at for row in first)
    if mode == "cdc_with_deletes":
        gone = by_id[before[4]].asDict()
        assert {name for name, value in gone.items() if value is not None} == {"id", "_changed_at", "_deleted"}

    assert stream.settled() == []

    # A crash before the last batch that had rows was committed: the same range again.
    edit(items, before[5], "once")
    [last] = items.create_records("Items", [{"Name": "last"}])
    given = said(stream.settled())
    assert (last, False) in given
    stream.forget_last_commit()
    items.update_records("Items", {last: {"Name": "meanwhile"}})
    again = stream.run()
    if mode == "cdc":
        # What was edited since is in a later window, and in no other.
        assert set(said(again)) == set(given) - {(last, False)}
        again = stream.settled()
    assert set(said(again)) >= {(last, False)}
    assert {row.name for row in again if row.id == last} == {"meanwhile"}, "cells are as they are then"


def test_the_range_that_is_read_again_is_the_same(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="append")
    stream.run()
    made = items.create_records("Items", [{"Name": "a"}, {"Name": "b"}])
    assert len(stream.settled()) == 2
    stream.forget_last_commit()
    later = items.create_records("Items", [{"Name": "later"}])
    stream.settled()
    assert [sorted(row.id for row in batch) for batch in stream.batches] == [sorted(made), later]


@pytest.mark.parametrize("mode", MODES)
def test_batches_are_bounded(spark: SparkSession, items: MockAirtable, tmp_path: Path, mode: str) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type=mode, max_records_per_batch="12")

    def sizes() -> list[int]:
        return [progress["numInputRows"] for progress in stream.progress if progress["numInputRows"]]

    assert len(stream.run()) == 30
    assert sizes() == [12, 12, 6]
    for record in ids(items)[:13]:
        edit(items, record)
    created = items.create_records("Items", [{"Name": str(number)} for number in range(14)])
    rows = stream.settled()
    assert len(rows) == {"append": 14}.get(mode, 27)
    assert {row.id for row in rows} >= set(created)
    # A change feed is cut after whole transactions: all that one call created is one.
    assert max(sizes()) <= (14 if mode == "cdc_with_deletes" else 12)
    assert len(sizes()) >= 2
    assert stream.run() == [] or mode == "cdc"


def test_tuples_and_arrow_batches_are_the_same_rows(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    # A class inside a function travels to the workers by value: they cannot import this file.
    class Tuples(AirtableDataSource):
        arrow_batches = False

        @classmethod
        def name(cls) -> str:
            return "airtable_stream_tuples"

    spark.dataSource.register(Tuples)
    arrow = Stream(spark, items, tmp_path / "arrow", ingestion_type="cdc_with_deletes")
    tuples = Stream(spark, items, tmp_path / "tuples", ingestion_type="cdc_with_deletes")
    tuples.format = "airtable_stream_tuples"
    assert tuples.frame().schema == arrow.frame().schema
    for stream in (arrow, tuples):
        assert len(stream.run()) == 30
    edit(items, ids(items)[0])
    items.delete_records("Items", [ids(items)[1]])
    given = [sorted(map(repr, stream.settled())) for stream in (arrow, tuples)]
    assert given[0] == given[1]
    assert len(given[0]) == 2


def test_the_format_airtable_and_a_schema_of_the_users(
    spark: SparkSession, items: MockAirtable, tmp_path: Path
) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type="cdc")
    stream.format = "airtable"
    stream.schema = "_changed_at TIMESTAMP NOT NULL, name STRING, id STRING NOT NULL"
    assert stream.frame().columns == ["_changed_at", "name", "id"]
    assert len(stream.run()) == 30
    edit(items, ids(items)[2])
    assert [(row.name, row.id) for row in stream.settled()] == [("edited", ids(items)[2])]
    stream.schema = "nmae STRING"
    assert 'did you mean "name"' in stream.failure(stream.run)


def test_deletes_alone(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    before = ids(items)
    changes = Stream(spark, items, tmp_path / "all", ingestion_type="cdc_with_deletes")
    deletes = Stream(spark, items, tmp_path / "deletes", ingestion_type="cdc_with_deletes", isDeleteFlow="true")
    assert len(changes.run()) == 30
    assert deletes.run() == []
    edit(items, before[0])
    items.delete_records("Items", before[1:3])
    expected = sorted((record, True) for record in before[1:3])
    given = deletes.settled()
    assert said(given) == expected
    assert set(said(changes.settled())) == {(before[0], False), *expected}
    assert deletes.settled() == []
    # Two flows, two checkpoints: the one's is refused by the other.
    changes.checkpoint = deletes.checkpoint
    assert "belongs to a stream of mode deletes, but this stream is of mode cdc_with_deletes" in changes.failure()


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_table(spark: SparkSession, items: MockAirtable, tmp_path: Path, mode: str) -> None:
    items.create_table("Empty", [{"name": "Name"}])
    stream = Stream(spark, items, tmp_path / "checkpoint", tableName="Empty", ingestion_type=mode)
    assert stream.settled() == []
    [new] = items.create_records("Empty", [{"Name": "first"}])
    assert said(stream.settled()) == [(new, False)]


@contextlib.contextmanager
def running(stream: Stream) -> Iterator[StreamingQuery]:
    query = stream.start(processingTime="200 milliseconds")
    try:
        yield query
    finally:
        query.stop()
        stream.assert_without_token(*(progress.json for progress in query.recentProgress), repr(query.exception()))


def test_streams_that_wait_ask_rarely_and_see_what_comes(
    spark: SparkSession, items: MockAirtable, tmp_path: Path
) -> None:
    streams = {mode: Stream(spark, items, tmp_path / mode, ingestion_type=mode) for mode in MODES}
    with contextlib.ExitStack() as stack:
        queries = {mode: stack.enter_context(running(stream)) for mode, stream in streams.items()}
        wait_until(lambda: all(stream.batches and len(stream.batches[0]) == 30 for stream in streams.values()))
        items.clear_requests()
        began = time.monotonic()
        time.sleep(25)
        counts, elapsed = items.request_counts(), time.monotonic() - began
        assert set(counts) == {"list_records", "list_webhooks"}
        # At most one question in ten seconds each; and they do ask.
        assert 1 <= counts["list_webhooks"] <= elapsed / 10 + 1
        assert 2 <= counts["list_records"] <= 2 * (elapsed / 10 + 1)

        [new] = items.create_records("Items", [{"Name": "new"}])
        items.advance_clock(90)
        wait_until(lambda: all(new in stream.ids_after_the_first_batch() for stream in streams.values()))
        for mode, query in queries.items():
            assert query.isActive
            [*_, progress] = query.recentProgress
            end = json.loads(progress.json)["sources"][0]["endOffset"]
            assert (end["table"], end["mode"]) == (items.schema()["tables"][-1]["id"], mode)


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
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type=mode, fields="Name,Size")
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
    newer = last.read_text().replace('"version": 1', '"version": 2')
    assert newer != last.read_text()
    last.write_text(newer)
    text = stream.failure()
    assert "the checkpoint's offset is of version 2" in text
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

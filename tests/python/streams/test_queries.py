"""Streams by a real Spark: each kind from the first batch on, over restarts, bounded, and while it waits."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable import AirtableDataSource
from lakeflow_airtable.mock import MockAirtable
from stream_query import MODES, Stream, edit, ids, running, said, wait_until

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
    # The first load comes in parts, about as large as the bound.
    assert sum(sizes()) == 30
    assert len(sizes()) >= 3
    assert max(sizes()) <= 12
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


def test_streams_that_wait_ask_rarely_and_see_what_comes(
    spark: SparkSession, items: MockAirtable, tmp_path: Path
) -> None:
    pause = 1.0

    streams = {
        mode: Stream(spark, items, tmp_path / mode, ingestion_type=mode, poll_seconds=str(pause)) for mode in MODES
    }
    with contextlib.ExitStack() as stack:
        queries = {mode: stack.enter_context(running(stream)) for mode, stream in streams.items()}
        wait_until(lambda: all(stream.batches and len(stream.batches[0]) == 30 for stream in streams.values()))
        began = time.monotonic()
        items.clear_requests()
        # They do ask, and no more than once in a pause each.
        wait_until(lambda: items.request_counts().get("list_webhooks", 0) >= 3)
        counts, elapsed = items.request_counts(), time.monotonic() - began
        assert set(counts) == {"list_records", "list_webhooks"}
        assert counts["list_webhooks"] <= elapsed / pause + 1
        assert 2 <= counts["list_records"] <= 2 * (elapsed / pause + 1)

        [new] = items.create_records("Items", [{"Name": "new"}])
        items.advance_clock(90)
        wait_until(lambda: all(new in stream.ids_after_the_first_batch() for stream in streams.values()))
        for mode, query in queries.items():
            assert query.isActive
            [*_, progress] = query.recentProgress
            end = json.loads(progress.json)["sources"][0]["endOffset"]
            assert (end["table"], end["mode"]) == (items.schema()["tables"][-1]["id"], mode)

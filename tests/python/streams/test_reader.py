"""The reader of a stream by itself: what Sparks of all versions ask of it, and in which order."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
import time
from types import ModuleType
from typing import Any

import pytest

import lakeflow_airtable.spark.stream
from lakeflow_airtable import Airtable, AirtableDataSource, DataError, OptionError
from lakeflow_airtable.mock import MockAirtable

Offset = dict[str, Any]

MODES = ["append", "cdc", "cdc_with_deletes"]


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is under Spark 4.0 and 4.1, which know no limits."""
    monkeypatch.setitem(sys.modules, "pyspark.sql.streaming.datasource", None)
    name = "lakeflow_airtable.spark.older_stream"
    specification = importlib.util.spec_from_file_location(name, lakeflow_airtable.spark.stream.__file__)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, name, module)  # where pickle looks
    specification.loader.exec_module(module)
    assert module.ReadMaxRows is None
    return module


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 30 records, and a webhook that is old enough not to be waited for."""
    mock_airtable.create_table("Items", [{"name": "Name"}], [{"Name": str(number)} for number in range(30)])
    Airtable(**mock_airtable.options()).latest_offset("Items", ingestion_type="cdc_with_deletes")
    mock_airtable.advance_clock(120)
    mock_airtable.clear_requests()
    return mock_airtable


def reader(module: ModuleType, mock: MockAirtable, pause: float = 0, **options: str) -> Any:
    """A reader as the data source makes it, which asks Airtable whenever it is asked itself."""
    source = AirtableDataSource({**mock.options(), "tableName": "Items", "poll_seconds": str(pause), **options})
    planned: Any = source.streamReader(source.schema())
    return module.AirtableStreamReader(source.options, planned._scan, planned._arrow_batches)


def names(reader: Any, start: Offset, end: Offset) -> list[str]:
    batches = [batch for partition in reader.partitions(start, end) for batch in reader.read(partition)]
    return [name for batch in batches for name in batch["name"].to_pylist()]


@pytest.mark.parametrize("mode", MODES)
def test_a_spark_that_tells_no_start_gets_everything_once_and_in_order(
    older: ModuleType, items: MockAirtable, mode: str
) -> None:
    stream = reader(older, items, ingestion_type=mode, max_records_per_batch="10")
    # In the order of those Sparks: the latest offset comes before the initial one.
    end = stream.latestOffset()
    begin = stream.initialOffset()
    assert len(names(stream, begin, end)) == 30, "the first batch of a run is not bounded"
    stream.commit(end)
    assert stream.latestOffset() == end, "nothing is new"
    items.advance_clock(-30)
    assert stream.latestOffset() == end, "never backwards"
    items.advance_clock(30)

    for number in range(25):
        items.create_records("Items", [{"Name": f"new {number}"}])
    items.advance_clock(120)
    given: list[str] = []
    for _ in range(3):
        # Asked again before the batch is planned, as happens: it keeps its place.
        start, end = end, stream.latestOffset()
        batch = names(stream, start, end)
        assert len(batch) <= 10
        given += batch
        stream.commit(end)
    assert sorted(given) == sorted(f"new {number}" for number in range(25))
    assert mode == "cdc" or stream.latestOffset() == end


def test_a_restart_on_a_spark_that_tells_no_start_goes_on_behind_the_checkpoint(
    older: ModuleType, items: MockAirtable
) -> None:
    first = reader(older, items, ingestion_type="append", max_records_per_batch="10")
    end = first.latestOffset()
    names(first, first.initialOffset(), end)
    for number in range(15):
        items.create_records("Items", [{"Name": f"new {number}"}])
    items.advance_clock(120)
    # The new process knows nothing of the old one's offsets; Spark does, and gives them to `partitions`.
    restarted = reader(older, items, ingestion_type="append", max_records_per_batch="10")
    latest = restarted.latestOffset()
    assert latest["until"] > end["until"]
    assert sorted(names(restarted, end, latest)) == sorted(f"new {number}" for number in range(15))


@pytest.mark.parametrize("mode", MODES)
def test_a_spark_that_tells_start_and_limit(items: MockAirtable, mode: str) -> None:
    from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxRows

    module = lakeflow_airtable.spark.stream
    assert isinstance(reader(module, items, ingestion_type=mode).getDefaultReadLimit(), ReadAllAvailable)
    stream = reader(module, items, ingestion_type=mode, max_records_per_batch="12")
    limit = stream.getDefaultReadLimit()
    assert (type(limit), limit.max_rows) == (ReadMaxRows, 12)
    start, sizes = stream.initialOffset(), []
    while (end := stream.latestOffset(start, limit)) != start:
        sizes.append(len(names(stream, start, end)))
        start = end
    # The first load comes in parts, about as large as the limit.
    assert sum(sizes) == 30
    assert len(sizes) >= 3
    assert max(sizes) <= 12
    assert stream.latestOffset(stream.initialOffset(), ReadAllAvailable()) != stream.initialOffset()


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_takes_what_is_available_goes_no_further(items: MockAirtable, mode: str) -> None:
    from pyspark.sql.streaming.datasource import ReadMaxRows

    stream = reader(lakeflow_airtable.spark.stream, items, ingestion_type=mode, max_records_per_batch="20")
    stream.prepareForTriggerAvailableNow()
    start, given = stream.initialOffset(), 0
    while (end := stream.latestOffset(start, ReadMaxRows(20))) != start:
        given += len(names(stream, start, end))
        start = end
        items.create_records("Items", [{"Name": "too late for this run"}])
        items.advance_clock(120)
    # A first batch is the table as it is then, so the record that came meanwhile may be in it: but the run ends.
    assert 30 <= given <= 31


@pytest.mark.parametrize("mode", MODES)
def test_a_run_ends_where_it_was_to_end_after_a_fork_and_when_it_is_said_again(items: MockAirtable, mode: str) -> None:
    stream = reader(lakeflow_airtable.spark.stream, items, ingestion_type=mode)
    stream.prepareForTriggerAvailableNow()
    start = stream.initialOffset()
    end = stream.latestOffset(start, None)
    names(stream, start, end)
    items.create_records("Items", [{"Name": "too late for this run"}])
    items.advance_clock(120)
    child = os.fork()
    if child == 0:
        os._exit(0 if stream.latestOffset(end, None) == end else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    stream.prepareForTriggerAvailableNow()
    assert stream.latestOffset(end, None) == end


@pytest.mark.parametrize("which", ["current", "older"])
@pytest.mark.parametrize("mode", MODES)
def test_cells_of_a_field_that_is_added_while_a_stream_runs_come_after_a_restart(
    items: MockAirtable, older: ModuleType, mode: str, which: str
) -> None:
    module = older if which == "older" else lakeflow_airtable.spark.stream
    go_on = {"ingestion_type": mode, "schema_change": "continue"}

    def more(stream: Any, start: Offset, end: Offset) -> list[str]:
        batches = [batch for partition in stream.partitions(start, end) for batch in stream.read(partition)]
        columns = [batch["more"].to_pylist() for batch in batches if "more" in batch.schema.names]
        return [text for column in columns for text in column if text is not None]

    def latest(stream: Any, start: Offset) -> Offset:
        end: Offset = stream.latestOffset() if which == "older" else stream.latestOffset(start, None)
        return end

    stream = reader(module, items, **go_on)
    start = stream.initialOffset()
    end = latest(stream, start)
    assert len(names(stream, start, end)) == 30
    items.create_field("Items", {"name": "More", "type": "singleLineText"})
    items.create_records("Items", [{"Name": "new", "More": "filled"}])
    items.advance_clock(120)
    for _ in range(3):
        start, end = end, latest(stream, end)
        assert more(stream, start, end) == []
        items.create_records("Items", [{"Name": "and more"}])
        items.advance_clock(900)
    stream = reader(module, items, **go_on)
    start, end = end, latest(stream, end)
    assert more(stream, start, end) == ["filled"]
    items.create_records("Items", [{"Name": "another", "More": "another"}])
    items.advance_clock(900)
    start, end = end, latest(stream, end)
    assert more(stream, start, end) == ["another"], "once"


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_that_is_to_fail_ends_when_a_field_is_added(items: MockAirtable, mode: str) -> None:
    stream = reader(lakeflow_airtable.spark.stream, items, ingestion_type=mode, schema_change="fail")
    start = stream.initialOffset()
    end = stream.latestOffset(start, None)
    names(stream, start, end)
    items.create_field("Items", {"name": "More", "type": "singleLineText"})
    items.advance_clock(900)
    with pytest.raises(DataError, match=r'"More" \(fld\w+\) was added.*start the stream again'):
        names(stream, end, stream.latestOffset(end, None))


@pytest.mark.parametrize("which", ["current", "older"])
def test_a_record_that_shows_late_is_neither_gone_nor_lost(items: MockAirtable, older: ModuleType, which: str) -> None:
    module = older if which == "older" else lakeflow_airtable.spark.stream
    options = {"ingestion_type": "cdc_with_deletes"}
    stream = reader(module, items, **options)
    start = stream.initialOffset()
    end = stream.latestOffset() if which == "older" else stream.latestOffset(start, None)
    names(stream, start, end)
    items.faults = {"visibility_delay_ms": 600_000}
    items.create_records("Items", [{"Name": "late"}])
    items.advance_clock(120)
    given = []
    for _ in range(3):
        # A run for each batch, as with a schedule.
        stream = reader(module, items, **options)
        start, end = end, stream.latestOffset() if which == "older" else stream.latestOffset(end, None)
        given.append(names(stream, start, end))
        items.advance_clock(550)
    assert None not in [name for names in given for name in names], "no delete"
    assert given[0] == []
    assert sum(names.count("late") for names in given) >= 1


def test_airtable_is_not_asked_each_time(items: MockAirtable) -> None:
    stream = reader(lakeflow_airtable.spark.stream, items, 3_600, ingestion_type="cdc")
    end = stream.latestOffset(stream.initialOffset(), None)
    items.clear_requests()
    for _ in range(50):
        assert stream.latestOffset(end, None) == end
    assert items.requests() == []


def test_streams_of_a_base_that_wait_ask_once_together(items: MockAirtable) -> None:
    module = lakeflow_airtable.spark.stream
    streams = []
    for _ in range(5):
        stream = reader(module, items, 3_600, ingestion_type="cdc_with_deletes")
        streams.append((stream, stream.latestOffset(stream.initialOffset(), None)))
    items.clear_requests()
    for stream, end in streams:
        # As in another process: what this one remembers is gone.
        again = pickle.loads(pickle.dumps(stream))
        assert again.latestOffset(end, None) == end
        assert 0 < again._rests_until - time.monotonic() <= 3_600
        assert again.latestOffset(end, None) == end
    assert items.request_counts().get("list_webhooks") == 1
    # A run that ends sees what is new all the same.
    items.create_records("Items", [{"Name": "new"}])
    items.advance_clock(120)
    stream, end = streams[0]
    assert stream.latestOffset(end, None) == end
    run = reader(module, items, 3_600, ingestion_type="cdc_with_deletes")
    run.prepareForTriggerAvailableNow()
    assert names(run, end, run.latestOffset(end, None)) == ["new"]


@pytest.mark.parametrize("mode", MODES)
def test_what_a_stream_costs_is_told_once(items: MockAirtable, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "lakeflow_airtable")
    stream = reader(lakeflow_airtable.spark.stream, items, 300, ingestion_type=mode, airtable_plan="team")
    end = stream.latestOffset(stream.initialOffset(), None)
    stream.latestOffset(end, None)
    told = [record for record in caplog.records if "calls a month" in record.getMessage()]
    assert [record.levelname for record in told] == ["INFO"]
    # 31 days in pieces of 300 s; and a look each ten minutes at the fields, or each hour at the feed.
    beside = 744 if mode == "cdc_with_deletes" else 4_464
    said = f"asks every 5 minutes at most (poll_seconds): about {8_928 + beside:,} calls a month"
    assert told[0].getMessage().startswith(f'table "Items": this stream of {mode} {said}')
    assert "of 100,000 that its plan grants" in told[0].getMessage()


@pytest.mark.parametrize("which", ["current", "older"])
def test_pickles_without_connections(items: MockAirtable, older: ModuleType, which: str) -> None:
    module = older if which == "older" else lakeflow_airtable.spark.stream
    stream = reader(module, items, ingestion_type="cdc")
    end = stream.latestOffset()
    copy = pickle.loads(pickle.dumps(stream))
    assert copy._live is None
    assert stream._live is not None
    assert names(copy, copy.initialOffset(), end) == names(stream, stream.initialOffset(), end)
    for partition in stream.partitions(stream.initialOffset(), end):
        assert items.token not in repr(vars(partition))
    assert items.token not in repr(vars(stream))


def test_offsets_are_plain_and_the_same_again(items: MockAirtable) -> None:
    stream = reader(lakeflow_airtable.spark.stream, items, ingestion_type="cdc_with_deletes")
    for offset in (stream.initialOffset(), stream.latestOffset()):
        # As Spark keeps it: written, read, and compared with what is written next time.
        assert stream.latestOffset(json.loads(json.dumps(offset))) in (offset, stream.latestOffset())
        assert items.token not in json.dumps(offset)
    end = stream.latestOffset()
    assert json.dumps(stream.latestOffset(json.loads(json.dumps(end)))) == json.dumps(end)
    assert stream.partitions(end, end) == []


def test_what_cannot_be_streamed_fails_when_the_stream_is_made(items: MockAirtable) -> None:
    for options in ({}, {"ingestion_type": "cdc", "max_records": "5"}):
        source = AirtableDataSource({**items.options(), "tableName": "Items", **options})
        with pytest.raises(OptionError):
            source.streamReader(source.schema())

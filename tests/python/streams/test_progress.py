"""How far the source goes, as a query's progress shows it beside how far the query is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.datasource import DataSourceStreamReader

from lakeflow_airtable import AirtableDataSource
from lakeflow_airtable.mock import MockAirtable
from stream_query import MODES, Stream

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def reader(mock: MockAirtable, **options: str) -> Any:
    source = AirtableDataSource({**mock.options(), "tableName": "Items", **options})
    return source.streamReader(source.schema())


@pytest.mark.parametrize("mode", MODES)
def test_without_a_bound_the_batch_is_all_there_is(items: MockAirtable, mode: str) -> None:
    stream = reader(items, ingestion_type=mode)
    assert stream.reportLatestOffset() is None, "nobody has asked yet"
    items.clear_requests()
    end = stream.latestOffset(stream.initialOffset(), None)
    asked = len(items.requests())
    assert stream.reportLatestOffset() == end
    assert len(items.requests()) == asked, "no request for it"
    assert stream.latestOffset(end, None) == end, "asked again too early"
    assert stream.reportLatestOffset() == end


@pytest.mark.parametrize("mode", ["append", "cdc"])
def test_a_bounded_batch_is_behind_the_end_of_its_window(items: MockAirtable, mode: str) -> None:
    stream = reader(items, ingestion_type=mode, max_records_per_batch="12")
    start = stream.initialOffset()
    is_part = []
    while not is_part or is_part[-1]:
        end = stream.latestOffset(start, stream.getDefaultReadLimit())
        newest = stream.reportLatestOffset()
        is_part.append("part" in end)
        assert (newest != end) == is_part[-1]
        assert newest["until"] == end["until"]
        assert "part" not in newest
        assert stream.partitions(start, newest), "an offset that could be read to"
        start = end
    assert 3 <= len(is_part) <= 8


def test_how_much_a_feed_has_beyond_a_bounded_batch_is_not_known(items: MockAirtable) -> None:
    stream = reader(items, ingestion_type="cdc_with_deletes", max_records_per_batch="12")
    start = stream.initialOffset()
    told = []
    while "part" in start or not told:
        start = stream.latestOffset(start, stream.getDefaultReadLimit())
        told.append(stream.reportLatestOffset())
    assert len(told) >= 3
    assert told == [*[None] * (len(told) - 1), start]


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_ends_shows_its_end(items: MockAirtable, mode: str) -> None:
    stream = reader(items, ingestion_type=mode, max_records_per_batch="12")
    stream.prepareForTriggerAvailableNow()
    start, told = stream.initialOffset(), []
    while (end := stream.latestOffset(start, stream.getDefaultReadLimit())) != start:
        told.append(stream.reportLatestOffset())
        start = end
    assert len(told) >= 3
    assert told == [start] * len(told)


@pytest.mark.spark
@pytest.mark.skipif(
    not hasattr(DataSourceStreamReader, "reportLatestOffset"), reason="this Spark does not ask how far a source goes"
)
@pytest.mark.parametrize("mode", MODES)
def test_a_querys_progress_shows_how_far_the_source_goes(
    spark: SparkSession, items: MockAirtable, tmp_path: Path, mode: str
) -> None:
    stream = Stream(spark, items, tmp_path / "checkpoint", ingestion_type=mode, max_records_per_batch="12")
    assert len(stream.run()) == 30
    sources = [progress["sources"][0] for progress in stream.progress if progress["numInputRows"]]
    assert [source["endOffset"] == source["latestOffset"] for source in sources] == [
        *[False] * (len(sources) - 1),
        True,
    ]
    assert len(sources) >= 3
    assert all(source["latestOffset"] for source in sources)

"""Attachments by Spark: workers store the files, and streams those of changed records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILES = {"name": "Files", "type": "multipleAttachments"}


@pytest.fixture
def papers(mock_airtable: MockAirtable) -> MockAirtable:
    mock_airtable.create_table("Papers", [{"name": "Name"}, FILES], [{"Name": name} for name in "abc"])
    for record in mock_airtable.records("Papers"):
        mock_airtable.add_attachment("Papers", record["id"], "Files", "one.txt", b"one")
    mock_airtable.advance_clock(600)
    return mock_airtable


def options(mock: MockAirtable, location: Path, **more: str) -> dict[str, Any]:
    location.mkdir(exist_ok=True)
    return mock.options(tableName="Papers", attachments="download", attachment_location=str(location), **more)


def test_workers_store_files(spark: SparkSession, papers: MockAirtable, tmp_path: Path) -> None:
    frame = spark.read.format("lakeflow_connect").options(**options(papers, tmp_path / "files")).load()
    assert frame.schema["files"].dataType.simpleString() == (
        "array<struct<id:string,path:string,filename:string,size:bigint,type:string,width:bigint,height:bigint>>"
    )
    paths = [file["path"] for row in frame.collect() for file in row["files"]]
    assert [Path(path).read_bytes() for path in paths] == [b"one"] * 3
    part = spark.read.format("lakeflow_connect").options(**options(papers, tmp_path / "files", part="attachments"))
    assert [row["path"] for row in part.load().orderBy("path").collect()] == sorted(paths)
    assert part.schema("path STRING").load().count() == 3
    assert sum(request["endpoint"] == "attachment" for request in papers.requests()) == 3


def test_a_stream_stores_the_files_of_changed_records(
    spark: SparkSession, papers: MockAirtable, tmp_path: Path
) -> None:
    given = options(papers, tmp_path / "files", ingestion_type="cdc", poll_seconds="0")

    def run() -> None:
        frame = spark.readStream.format("lakeflow_connect").options(**given).load()
        query = frame.writeStream.format("parquet").option("path", str(tmp_path / "copy"))
        query = query.option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True)
        query.start().awaitTermination()

    run()
    first = papers.records("Papers")[0]["id"]
    papers.add_attachment("Papers", first, "Files", "two.txt", b"two")
    papers.advance_clock(600)
    papers.clear_requests()
    run()
    assert sum(request["endpoint"] == "attachment" for request in papers.requests()) == 1
    copied = spark.read.parquet(str(tmp_path / "copy")).collect()
    latest = max((row for row in copied if row["id"] == first), key=lambda row: row["_changed_at"])
    assert [Path(file["path"]).read_bytes() for file in latest["files"]] == [b"one", b"two"]

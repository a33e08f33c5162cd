"""Copies of tables with attachments: no versions by addresses, files beside the copy, and the part as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from sync_copies import FORMATS, rows, target

FILES = {"name": "Files", "type": "multipleAttachments"}


@pytest.fixture
def papers(mock_airtable: MockAirtable) -> MockAirtable:
    mock_airtable.create_table("Papers", [{"name": "Name"}, FILES], [{"Name": name} for name in "abc"])
    for record in mock_airtable.records("Papers"):
        mock_airtable.add_attachment("Papers", record["id"], "Files", "one.txt", b"one")
    mock_airtable.set_faults(attachment_urls_change=True)
    mock_airtable.advance_clock(600)
    return mock_airtable


def sync(mock: MockAirtable, format: str, lake: Path, configuration: dict[str, Any]) -> Any:
    entry = {"table": {"source_table": "Papers", "table_configuration": configuration}}
    report = Airtable(**mock.options()).sync({"objects": [entry]}, **target(format, lake))
    assert not report.failed, report
    return report


@pytest.mark.parametrize("format", ["delta", "duckdb"])
def test_a_history_has_no_versions_by_addresses(papers: MockAirtable, lake: Path, format: str) -> None:
    how = {"ingestion_type": "cdc", "scd_type": "SCD_TYPE_2", "lookback_seconds": "100000", "attachments": "stable"}
    for _ in range(3):
        sync(papers, format, lake, how)
        papers.advance_clock(600)
    assert len(rows(format, lake, "papers")) == 3
    first = papers.records("Papers")[0]["id"]
    papers.add_attachment("Papers", first, "Files", "two.txt", b"two")
    papers.advance_clock(600)
    sync(papers, format, lake, how)
    versions = [row for row in rows(format, lake, "papers") if row["id"] == first]
    assert sorted(len(row["files"]) for row in versions) == [1, 2]


@pytest.mark.parametrize("format", FORMATS)
def test_the_part_is_a_table_of_its_own(papers: MockAirtable, lake: Path, tmp_path: Path, format: str) -> None:
    files = tmp_path / "files"
    files.mkdir()
    how = {"part": "attachments", "attachments": "download", "attachment_location": str(files)}
    for _ in range(2):
        sync(papers, format, lake, how)
    copied = rows(format, lake, "papers")
    assert len(copied) == 3
    assert all(Path(row["path"]).read_bytes() == b"one" for row in copied)


def test_a_stream_of_the_part_is_refused_with_its_reason(papers: MockAirtable, lake: Path) -> None:
    from lakeflow_airtable import OptionError

    with pytest.raises(OptionError, match="parts are read as snapshots only"):
        sync(papers, "duckdb", lake, {"part": "attachments", "ingestion_type": "cdc"})

"""What a run asks Airtable for: what its tables share, what reports say of it, and that nothing is missed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lakeflow_airtable.sync.schedule
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.sync import SyncReport
from sync_copies import rows, target

TABLES = [f"Table {number}" for number in range(6)]


@pytest.fixture
def mock(mock_airtable: MockAirtable) -> MockAirtable:
    for name in TABLES:
        mock_airtable.create_table(name, [{"name": "Name"}], [{"Name": f"{name} {number}"} for number in range(10)])
    # A webhook that is old enough not to be waited for.
    Airtable(**mock_airtable.options()).latest_offset(TABLES[0], ingestion_type="cdc_with_deletes")
    mock_airtable.advance_clock(120)
    return mock_airtable


def synced(mock: MockAirtable, lake: Path, tables: list[str] = TABLES, **options: Any) -> SyncReport:
    report = Airtable(**mock.options()).sync(tables, **target("duckdb", lake), **options)
    assert not report.failed, report
    return report


@pytest.mark.parametrize(
    ("options", "idle"),
    [
        ({}, {"get_schema": 1, "list_records": 6}),
        ({"ingestion_type": "append"}, {"get_schema": 1, "list_records": 6}),
        ({"ingestion_type": "cdc"}, {"get_schema": 1, "list_records": 6}),
        ({"ingestion_type": "cdc_with_deletes"}, {"get_schema": 1, "list_webhooks": 1}),
    ],
)
def test_tables_share_what_they_are_told(
    mock: MockAirtable, lake: Path, options: dict[str, Any], idle: dict[str, int]
) -> None:
    for _ in range(2):
        synced(mock, lake, **options)
        mock.advance_clock(120)
    mock.clear_requests()
    synced(mock, lake, **options)
    counts = mock.request_counts()
    # A feed is read now and then, so that it does not expire.
    assert counts.pop("list_webhook_payloads", 0) <= 1
    assert counts == idle


@pytest.mark.parametrize("mode", ["snapshot", "append", "cdc", "cdc_with_deletes"])
def test_a_report_names_every_request(mock: MockAirtable, lake: Path, mode: str) -> None:
    for run in range(3):
        mock.clear_requests()
        report = synced(mock, lake, TABLES[:3], ingestion_type=mode)
        counts = mock.request_counts()
        assert report.requests == sum(counts.values()), run
        assert sum(table.requests or 0 for table in report) == report.requests - 1, "the definitions"
        assert repr(report).splitlines()[-1] == f"{report.requests} requests in all, with those for the definitions"
        assert f"{report.requests} requests in all" in report._repr_html_()
        for name in TABLES[:3]:
            mock.create_records(name, [{"Name": f"new in run {run}"}])
        mock.advance_clock(120)


@pytest.mark.parametrize("mode", ["snapshot", "append", "cdc", "cdc_with_deletes"])
@pytest.mark.parametrize("when", ["before the first load", "later", "later, and the stream goes on"])
def test_a_field_that_is_added_while_a_run_goes_on_is_read_by_the_next(
    mock: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, mode: str, when: str
) -> None:
    options: dict[str, Any] = {"ingestion_type": mode}
    if when.endswith("goes on"):
        options["schema_change"] = "continue"
    table = TABLES[0]
    if when != "before the first load":
        synced(mock, lake, [table], **options)
        mock.advance_clock(120)
    edited = mock.records(table)[0]["id"]
    made: list[str] = []

    def change(*_: Any, **__: Any) -> None:
        """Comes when the run has its plans, and has read nothing yet."""
        mock.create_field(table, {"name": "More", "type": "singleLineText"})
        mock.update_records(table, {edited: {"More": "edited"}})
        made.extend(mock.create_records(table, [{"Name": "new", "More": "made"}]))
        mock.advance_clock(15)

    with monkeypatch.context() as patched:
        patched.setattr(lakeflow_airtable.sync.schedule, "warn_of_cap", change)
        synced(mock, lake, [table], **options)
    mock.advance_clock(120)
    synced(mock, lake, [table], **options)
    copied = {row["id"]: row for row in rows("duckdb", lake, "table_0")}
    assert len(copied) == 11
    assert copied[made[0]].get("more") == ("made" if mode != "append" else copied[made[0]].get("more"))
    if mode != "append":
        assert copied[edited]["more"] == "edited"


def test_a_change_before_a_run_is_in_it_whatever_others_were_told(mock: MockAirtable, lake: Path) -> None:
    options = {"ingestion_type": "cdc_with_deletes"}
    for _ in range(2):
        synced(mock, lake, **options)
        mock.advance_clock(120)
    # Every list is as young as can be, and older than what happens now.
    changed = {name: mock.create_records(name, [{"Name": "new"}])[0] for name in TABLES}
    mock.advance_clock(120)
    mock.clear_requests()
    report = synced(mock, lake, **options)
    assert mock.request_counts()["list_webhooks"] == 1
    assert mock.request_counts()["get_schema"] == 1
    assert [table.changed for table in report] == [1] * 6
    for name, record in changed.items():
        assert record in {row["id"] for row in rows("duckdb", lake, name.lower().replace(" ", "_"))}

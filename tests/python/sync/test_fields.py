"""What becomes of copies when fields are added, removed, renamed and given another type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.drift import Change
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.sync import SyncReport
from sync_copies import FORMATS, assert_equal, base_rows, current, rows, target

MODES: dict[str, dict[str, str]] = {
    "snapshot": {},
    "append": {"ingestion_type": "append"},
    "cdc": {"ingestion_type": "cdc"},
    "SCD 2": {"ingestion_type": "cdc_with_deletes", "scd_type": "SCD_TYPE_2"},
}
CASES = [(format, mode) for format in FORMATS for mode in MODES if format != "parquet" or mode == "snapshot"]
in_every_mode = pytest.mark.parametrize(("format", "mode"), CASES)


def synced(mock: MockAirtable, lake: Path, format: str, mode: str, **more: Any) -> SyncReport:
    return Airtable(**mock.options()).sync(["Items"], **target(format, lake), **MODES[mode], **more)


def edit(mock: MockAirtable, **cells: Any) -> str:
    """Edits one record and makes another, and lets it settle; gives the id of the one that every mode reads."""
    edited = mock.records("Items")[0]["id"]
    mock.update_records("Items", {edited: cells})
    [new] = mock.create_records("Items", [cells])
    mock.advance_clock(120)
    return new


@in_every_mode
def test_a_field_that_is_added_is_a_column(items: MockAirtable, lake: Path, format: str, mode: str) -> None:
    synced(items, lake, format, mode)
    items.create_field(
        "Items", {"name": "Colour", "type": "multipleSelects", "options": {"choices": [{"name": "red"}]}}
    )
    new = edit(items, Colour=["red"])
    report = synced(items, lake, format, mode)
    assert not report.failed, report
    assert [change.change for change in report["Items"].drift] == [Change.ADDED]
    copied = {row["id"]: row for row in rows(format, lake, "items")}
    assert copied[new]["colour"] == ["red"]
    assert sum(row["colour"] is None for row in copied.values()) >= 29
    assert synced(items, lake, format, mode)["Items"].drift == ()


@in_every_mode
def test_a_field_that_is_removed_stays_a_column(items: MockAirtable, lake: Path, format: str, mode: str) -> None:
    synced(items, lake, format, mode)
    items.remove_field("Items", "Size")
    new = edit(items, Name="after")
    for _ in range(2):
        report = synced(items, lake, format, mode)
        assert not report.failed, report
        assert [change.change for change in report["Items"].drift] == [Change.REMOVED]
    versions = rows(format, lake, "items")
    copied = {row["id"]: row for row in (current(versions) if mode == "SCD 2" else versions)}
    assert copied[new]["size"] is None
    unedited = items.records("Items")[1]["id"]
    assert copied[unedited]["size"] == (None if mode == "snapshot" else 0.5)


@in_every_mode
@pytest.mark.parametrize("change", ["renamed", "retyped", "in place of another"])
def test_a_column_that_cannot_go_on(items: MockAirtable, lake: Path, format: str, mode: str, change: str) -> None:
    synced(items, lake, format, mode)
    before = rows(format, lake, "items")
    if change == "renamed":
        items.rename_field("Items", "Size", "Weight")
    elif change == "retyped":
        items.update_field("Items", "Size", type="singleLineText")
    else:
        items.remove_field("Items", "Size")
        items.create_field("Items", {"name": "Size", "type": "number", "options": {"precision": 1}})
    edit(items, Name="after")
    report = synced(items, lake, format, mode)
    if mode != "snapshot":
        [failed] = report.failed
        assert "refresh" in str(failed.error)
        assert "\n" not in str(failed.error)
        assert rows(format, lake, "items") == before
        report = synced(items, lake, format, mode, refresh=True)
    assert not report.failed, report
    base = base_rows(items.options(), "Items")
    copied = [
        {name: cell for name, cell in row.items() if name != "size" or name in base[row["id"]]}
        for row in rows(format, lake, "items")
    ]
    assert_equal(copied, base)
    assert not synced(items, lake, format, mode).failed


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_rename_does_not_matter_where_columns_have_the_names_of_ids(
    items: MockAirtable, lake: Path, format: str
) -> None:
    synced(items, lake, format, "cdc", column_names="id")
    items.rename_field("Items", "Size", "Weight")
    edit(items, Weight=9)
    assert not synced(items, lake, format, "cdc", column_names="id").failed
    assert_equal(rows(format, lake, "items"), base_rows(items.options(), "Items", column_names="id"))


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_names_as_airtable_has_them(items: MockAirtable, lake: Path, format: str) -> None:
    """Quotes in names of columns are none of SQL's."""
    items.rename_field("Items", "Tags", "it's")
    items.rename_field("Items", "Size", "Select")
    items.advance_clock(120)
    for _ in range(2):
        report = synced(items, lake, format, "SCD 2", column_names="original")
        assert not report.failed, report
        edit(items, Select=8)
    synced(items, lake, format, "SCD 2", column_names="original")
    copied = current(rows(format, lake, "items"))
    assert_equal(copied, base_rows(items.options(), "Items", column_names="original"))

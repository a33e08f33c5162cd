"""Two runs into one target, and somebody else who writes there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sync_job
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.sync.run import TableSync
from sync_copies import assert_equal, assert_history, base_rows, catalog, current, rows, target

MODES: dict[str, dict[str, str]] = {
    "append": {"ingestion_type": "append"},
    "SCD 1": {"ingestion_type": "cdc_with_deletes"},
    "SCD 2": {"ingestion_type": "cdc_with_deletes", "scd_type": "SCD_TYPE_2"},
}
MERGING = ("delta", "duckdb", "iceberg")


def new_and_edited(mock: MockAirtable) -> None:
    mock.create_records("Items", [{"Name": f"new {number}"} for number in range(5)])
    mock.update_records("Items", {mock.records("Items")[0]["id"]: {"Name": "edited"}})
    mock.advance_clock(120)


def assert_right(mock: MockAirtable, format: str, lake: Path, mode: str) -> None:
    copied = rows(format, lake, "items")
    if mode == "SCD 2":
        assert_history(copied)
        copied = current(copied)
    base = base_rows(mock.options(), "Items")
    if mode == "append":
        assert sorted(row["id"] for row in copied) == sorted(base)
    else:
        assert_equal(copied, base)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("format", MERGING)
@pytest.mark.parametrize("run", ["first", "next"])
def test_a_run_that_comes_between(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, format: str, mode: str, run: str
) -> None:
    """It has read, and before it has written another run reads and writes the same."""
    base = Airtable(**items.options())
    how = {**target(format, lake), **MODES[mode]}
    if run == "next":
        base.sync(["Items"], **how)
        new_and_edited(items)
    write = getattr(TableSync, f"_{run}")
    between: list[Any] = []

    def interrupted(self: TableSync, *args: Any, **named: Any) -> None:
        if not between:
            between.append(None)
            between.append(Airtable(**items.options()).sync(["Items"], **how))
        write(self, *args, **named)

    monkeypatch.setattr(TableSync, f"_{run}", interrupted)
    report = base.sync(["Items"], **how)
    assert not between[1].failed, between[1]
    assert not report.failed, report
    assert_right(items, format, lake, mode)


@pytest.mark.parametrize("format", MERGING)
def test_what_another_run_has_written_is_not_counted_here(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    base, how = Airtable(**items.options()), {**target(format, lake), **MODES["SCD 1"]}
    base.sync(["Items"], **how)
    new_and_edited(items)
    write, between = TableSync._next, []

    def interrupted(self: TableSync, *args: Any) -> None:
        if not between:
            between.append(None)
            between.append(Airtable(**items.options()).sync(["Items"], **how))
        write(self, *args)

    monkeypatch.setattr(TableSync, "_next", interrupted)
    [table] = base.sync(["Items"], **how)
    [other] = between[1]
    assert (other.rows, other.changed, other.deleted) == (6, 6, 0)
    assert (table.rows, table.changed, table.deleted) == (0, 0, 0)
    assert_right(items, format, lake, "SCD 1")


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_snapshot_that_comes_between_stays(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    how = target(format, lake)
    base = Airtable(**items.options())
    base.sync(["Items"], **how)
    replace = TableSync._snapshot
    between: list[Any] = []

    def interrupted(self: TableSync, *args: Any) -> None:
        if not between:
            between.append(None)
            Airtable(**items.options()).sync(["Items"], **how)
        replace(self, *args)

    monkeypatch.setattr(TableSync, "_snapshot", interrupted)
    base.sync(["Items"], **how)
    assert_right(items, format, lake, "snapshot")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["append", "SCD 2"])
@pytest.mark.parametrize("format", MERGING)
def test_two_processes_at_once(items: MockAirtable, lake: Path, format: str, mode: str) -> None:
    """The first load, and then changes. Every order of reads and writes has its test above."""
    how = {**target(format, lake), **MODES[mode]}
    for _ in range(2):
        jobs = [sync_job.start(items.options(), ["Items"], **how) for _ in range(2)]
        for job in jobs:
            job.join(120)
        # One is refused, or both find their turn.
        assert sorted(job.exitcode or 0 for job in jobs) in ([0, 0], [0, 1])
        assert_right(items, format, lake, mode)
        new_and_edited(items)
    assert sync_job.run(items.options(), ["Items"], **how) == 0
    assert_right(items, format, lake, mode)


def write_foreign(format: str, lake: Path) -> None:
    """A row of somebody else's, in a column of theirs as well."""
    if format == "delta":
        from deltalake import write_deltalake

        row = pa.table({"id": ["theirs"], "name": ["x"], "their_column": ["kept"]})
        write_deltalake(lake / "items", row, mode="append", schema_mode="merge")
    elif format == "duckdb":
        import duckdb

        with duckdb.connect(lake / "copies.duckdb") as database:
            database.execute("ALTER TABLE items ADD COLUMN their_column VARCHAR")
            database.execute("INSERT INTO items (id, name, their_column) VALUES ('theirs', 'x', 'kept')")
    else:
        from pyiceberg.catalog import load_catalog

        table = load_catalog("lake", **catalog(lake)).load_table("copies.items")
        with table.update_schema() as update:
            update.union_by_name(pa.schema([("their_column", pa.string())]))
        row = pa.table({"id": ["theirs"], "name": ["x"], "their_column": ["kept"]})
        table.append(row)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("format", MERGING)
def test_rows_of_somebody_else_stay(items: MockAirtable, lake: Path, format: str, mode: str) -> None:
    base = Airtable(**items.options())
    how = {**target(format, lake), **MODES[mode]}
    base.sync(["Items"], **how)
    write_foreign(format, lake)
    new_and_edited(items)
    for _ in range(2):
        assert not base.sync(["Items"], **how).failed
    copied = rows(format, lake, "items")
    [theirs] = [row for row in copied if row["id"] == "theirs"]
    assert (theirs["name"], theirs["their_column"]) == ("x", "kept")
    ours = [{name: row[name] for name in row if name != "their_column"} for row in copied if row["id"] != "theirs"]
    if mode == "append":
        assert len(ours) == 35
    else:
        assert_equal(current(ours) if mode == "SCD 2" else ours, base_rows(items.options(), "Items"))


@pytest.mark.parametrize("format", MERGING)
def test_a_snapshot_replaces_rows_of_somebody_else(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake))
    write_foreign(format, lake)
    assert not base.sync(["Items"], **target(format, lake)).failed
    assert_equal(rows(format, lake, "items"), base_rows(items.options(), "Items"))


def test_delta_goes_on_where_somebody_else_has_cleaned_the_log(items: MockAirtable, lake: Path) -> None:
    from deltalake import DeltaTable

    base = Airtable(**items.options())
    how = {**target("delta", lake), **MODES["append"]}
    base.sync(["Items"], **how)
    table = DeltaTable(lake / "items")
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    write_foreign("delta", lake)
    table = DeltaTable(lake / "items")
    table.optimize.compact()
    table.create_checkpoint()
    table.cleanup_metadata()
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert not (lake / "items" / "_delta_log" / "00000000000000000000.json").exists()
    new_and_edited(items)
    report = base.sync(["Items"], **how)
    assert (report["Items"].rows, report.failed) == (5, [])
    assert len(rows("delta", lake, "items")) == 36

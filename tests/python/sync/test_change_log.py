"""Logs of changes kept by `sync`: appended with their offset, and never loaded anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable, OptionError
from lakeflow_airtable.mock import MockAirtable
from sync_copies import rows, table, target

LOG = {"ingestion_type": "change_log"}


def sync(mock: MockAirtable, format: str, lake: Path, spec: Any = "Items", **options: Any) -> Any:
    return Airtable(**mock.options()).sync(spec, **target(format, lake), **{**LOG, **options})


def edit(mock: MockAirtable, name: str) -> str:
    record: str = mock.records("Items")[0]["id"]
    mock.update_records("Items", {record: {"Name": name}})
    return record


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_log_is_appended_run_by_run(items: MockAirtable, lake: Path, format: str) -> None:
    [first] = sync(items, format, lake)
    assert (first.error, first.rows) == (None, 0)
    assert table(format, lake, "items").num_rows == 0
    record = edit(items, "one")
    items.delete_records("Items", [items.records("Items")[1]["id"]])
    [second] = sync(items, format, lake)
    assert (second.error, second.rows, second.changed) == (None, 2, 2)
    # The next run reads what is new: only the copy says how far it has come.
    edit(items, "two")
    [third] = sync(items, format, lake, max_records_per_batch=1)
    assert (third.error, third.rows) == (None, 1)
    [nothing] = sync(items, format, lake)
    assert (nothing.error, nothing.rows) == (None, 0)
    log = sorted(rows(format, lake, "items"), key=lambda row: row["transaction"])
    assert [row["change"] for row in log] == ["updated", "deleted", "updated"]
    assert [(row["id"], row["old_value"], row["new_value"]) for row in (log[0], log[2])] == [
        (record, '"item 0"', '"one"'),
        (record, '"one"', '"two"'),
    ]
    assert log[0]["changed_by"]["name"] == "Ada Example"


def test_a_log_keeps_the_condition_that_it_began_with(items: MockAirtable, lake: Path) -> None:
    one = {"where": "new_value = '\"one\"'"}
    sync(items, "delta", lake, **one)
    for name in ("one", "two"):
        edit(items, name)
    [chosen] = sync(items, "delta", lake, **one)
    assert (chosen.error, chosen.rows) == (None, 1)
    [other] = sync(items, "delta", lake)
    assert "option filter_formula and option where choose" in str(other.error)
    assert "give another destination" in str(other.error)
    assert table("delta", lake, "items").num_rows == 1


def test_a_log_is_never_loaded_anew(items: MockAirtable, lake: Path) -> None:
    spec = {
        "objects": [
            {"table": {"source_table": "Items"}},
            {"table": {"source_table": "Vendors", "table_configuration": {"ingestion_type": "snapshot"}}},
        ]
    }
    sync(items, "delta", lake, spec)
    edit(items, "one")
    report = sync(items, "delta", lake, spec, refresh=True)
    assert not report.failed, report
    assert report["Items"].rows == 1
    report = sync(items, "delta", lake, spec, refresh=True)
    assert table("delta", lake, "items").num_rows == 1, "what it holds is nowhere else"
    with pytest.raises(OptionError, match="refresh names 'Items', which is kept as a log of changes"):
        sync(items, "delta", lake, spec, refresh=["Items"])


def test_a_log_becomes_no_other_copy_and_no_copy_a_log(items: MockAirtable, lake: Path) -> None:
    def kept(table: str, **configuration: str) -> dict[str, Any]:
        entry = {"source_table": "Items", "destination_table": table, "table_configuration": configuration}
        return {"objects": [{"table": entry}]}

    sync(items, "delta", lake, kept("log", **LOG))
    sync(items, "delta", lake, kept("records", ingestion_type="snapshot"))
    edit(items, "one")
    sync(items, "delta", lake, kept("log", **LOG))
    for spec in (kept("log", ingestion_type="snapshot"), kept("records", **LOG)):
        for refresh in (False, True):
            [failed] = sync(items, "delta", lake, spec, refresh=refresh)
            assert str(failed.error).endswith(": give another destination"), "not by refresh, which loses the log"
    assert table("delta", lake, "log").num_rows == 1


def test_a_log_with_a_gap_says_what_to_do(items: MockAirtable, lake: Path) -> None:
    sync(items, "delta", lake)
    edit(items, "kept")
    sync(items, "delta", lake)
    items.advance_clock(8 * 86_400)
    edit(items, "lost")
    for _ in range(2):
        [failed] = sync(items, "delta", lake)
        assert "changes are lost" in str(failed.error)
        assert "give another destination, where a log begins" in str(failed.error)
    assert table("delta", lake, "items").num_rows == 1


@pytest.mark.parametrize("scd_type", ["SCD_TYPE_1", "SCD_TYPE_2"])
def test_a_log_has_no_versions_of_records(items: MockAirtable, lake: Path, scd_type: str) -> None:
    with pytest.raises(OptionError, match=f"{scd_type} keeps the records of a table, and change_log is a log"):
        sync(items, "delta", lake, scd_type=scd_type)
    with pytest.raises(OptionError, match="parquet holds snapshots only, and ingestion_type is change_log"):
        sync(items, "parquet", lake)
    [done] = sync(items, "delta", lake, scd_type="APPEND_ONLY")
    assert done.error is None

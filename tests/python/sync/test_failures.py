"""Runs in which something fails: one table of several, the change feed, the disk, the connection, a user's patience."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import sync_job
from lakeflow_airtable import (
    Airtable,
    AirtableError,
    DataError,
    NotFoundError,
    OptionError,
    RejectedError,
    TransportError,
)
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.sync import SyncReport, TableReport, schedule
from sync_copies import FORMATS, assert_equal, base_rows, rows, target

DELETES = {"ingestion_type": "cdc_with_deletes"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_that_fails_leaves_the_others_alone(items: MockAirtable, lake: Path, format: str) -> None:
    table = next(table["id"] for table in items.schema()["tables"] if table["name"] == "Items")
    items.set_faults(rules=[{"path": f"/{table}", "action": {"respond": {"status": 422, "body": {"error": "X"}}}}])
    base = Airtable(**items.options())
    spec = ["Packaging Tasks", "Items", "Vendors"]
    report = base.sync(spec, **target(format, lake))
    assert [table.name for table in report.failed] == ["Items"]
    assert isinstance(report["Items"].error, RejectedError)
    assert rows(format, lake, "vendors")
    items.reset_faults()
    assert not base.sync(spec, **target(format, lake)).failed
    assert_equal(rows(format, lake, "items"), base_rows(items.options(), "Items"))


@pytest.mark.parametrize("what", ["table", "view", "field"])
def test_a_table_that_is_gone_leaves_the_others_alone(items: MockAirtable, lake: Path, what: str) -> None:
    gone = {
        "table": {"source_table": "Removed"},
        "view": {"source_table": "Items", "table_configuration": {"view": "Removed"}},
        "field": {"source_table": "Items", "table_configuration": {"fields": "Removed"}},
    }[what]
    spec = {"objects": [{"table": gone}, {"table": {"source_table": "Vendors"}}]}
    base = Airtable(**items.options(airtable_plan="team"))
    report = base.sync(spec, **target("parquet", lake))
    [failed] = report.failed
    assert isinstance(failed.error, NotFoundError)
    assert "Removed" in str(failed.error)
    assert [table.name for table in report] == [gone["source_table"], "Vendors"]
    assert [path.name for path in lake.iterdir()] == ["vendors.parquet"]
    # Where nothing at all is there, and where something else is wrong, nothing is begun.
    with pytest.raises(NotFoundError, match="Removed"):
        base.sync({"objects": [{"table": gone}]}, **target("parquet", lake / "other"))
    wrong = {"table": {"source_table": "Vendors", "table_configuration": {"ingestion_type": "cdc"}}}
    with pytest.raises(OptionError, match="2 faults"):
        base.sync({"objects": [{"table": gone}, wrong, *spec["objects"][1:]]}, **target("parquet", lake / "other"))
    assert not (lake / "other").exists()


def test_a_table_that_is_removed_while_it_keeps_running_leaves_the_others_alone(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[SyncReport] = []
    between = [lambda: items.remove_table("Items"), lambda: items.create_table("Items", [{"name": "Name"}])]

    def sleep(_: float) -> None:
        if not between:
            raise KeyboardInterrupt
        between.pop(0)()

    monkeypatch.setattr(schedule, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        Airtable(**items.options()).sync(
            ["Items", "Vendors"], **target("delta", lake), every="15m", on_report=reports.append
        )
    errors = [type(report["Items"].error) for report in reports]
    # Another table of the same name is not the one that was copied.
    assert errors == [type(None), NotFoundError, OptionError]
    assert [report["Vendors"].rows > 0 for report in reports] == [True, True, True]


@pytest.mark.parametrize("format", FORMATS)
def test_a_read_that_ends_half_way_commits_nothing(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options(page_size="10", max_retries="0"))
    base.sync(["Items"], **target(format, lake))
    before = rows(format, lake, "items")
    items.create_records("Items", [{"Name": "new"}])
    table = next(table["id"] for table in items.schema()["tables"] if table["name"] == "Items")
    items.set_faults(rules=[{"path": f"/{table}", "after": 2, "action": "close"}])
    [failed] = base.sync(["Items"], **target(format, lake)).failed
    assert isinstance(failed.error, TransportError), failed.error
    assert rows(format, lake, "items") == before


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_lost_feed_says_what_to_do(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake), **DELETES)
    items.delete_records("Items", [items.records("Items")[0]["id"]])
    items.advance_clock(8 * 86_400)
    before = rows(format, lake, "items")
    [failed] = base.sync(["Items"], **target(format, lake), **DELETES).failed
    assert isinstance(failed.error, DataError)
    assert "changes are lost" in str(failed.error)
    assert "refresh" in str(failed.error)
    assert rows(format, lake, "items") == before
    base.latest_offset("Items", **DELETES)
    items.advance_clock(120)
    assert not base.sync(["Items"], **target(format, lake), **DELETES, refresh=["Items"]).failed
    assert_equal(rows(format, lake, "items"), base_rows(items.options(), "Items"))


def test_a_lost_feed_that_is_read_again(items: MockAirtable, lake: Path, tmp_path: Path) -> None:
    more = {**DELETES, "on_lost_feed": "reread", "state_location": str(tmp_path / "state")}
    base = Airtable(**items.options())
    base.sync(["Items"], **target("delta", lake), **more)
    items.delete_records("Items", [items.records("Items")[0]["id"]])
    items.advance_clock(8 * 86_400)
    report = base.sync(["Items"], **target("delta", lake), **more)
    assert not report.failed, report
    assert report["Items"].deleted == 1
    assert_equal(rows("delta", lake, "items"), base_rows(items.options(), "Items"))


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk(items: MockAirtable, lake: Path, format: str) -> None:
    """No file may grow beyond what it needs so far: it is what the system does where no space is left."""
    options = items.options()
    assert sync_job.run(options, ["Items"], **target(format, lake)) == 0
    before = rows(format, lake, "items")
    rng = random.Random(1)
    items.create_records("Items", [{"Name": rng.randbytes(2_000).hex()} for _ in range(800)])
    largest = max(path.stat().st_size for path in lake.rglob("*") if path.is_file())
    assert sync_job.run(options, ["Items"], **target(format, lake), largest_file=largest + 4_096) == 1
    assert rows(format, lake, "items") == before
    assert sync_job.run(options, ["Items"], **target(format, lake)) == 0
    assert_equal(rows(format, lake, "items"), base_rows(options, "Items"))
    assert not list(lake.glob(".*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("format", FORMATS)
def test_ctrl_c_ends_a_run_and_commits_nothing(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake))
    before = rows(format, lake, "items")
    items.create_records("Items", [{"Name": "new"}])
    table = next(table["id"] for table in items.schema()["tables"] if table["name"] == "Items")
    items.set_faults(rules=[{"path": f"/{table}", "after": 1, "action": "stall"}])
    program = f"""
from lakeflow_airtable import Airtable
print("begins", flush=True)
Airtable(**{items.options(page_size="10")!r}).sync(["Items"], **{target(format, lake)!r})
"""
    items.clear_requests()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        while items.request_counts().get("list_records", 0) < 2:
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode != 0
    assert told.rstrip().endswith("KeyboardInterrupt")
    items.reset_faults()
    assert rows(format, lake, "items") == before
    assert not base.sync(["Items"], **target(format, lake)).failed
    assert_equal(rows(format, lake, "items"), base_rows(items.options(), "Items"))


def test_it_keeps_running_until_it_is_interrupted(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt
        items.create_records("Items", [{"Name": "new"}])

    monkeypatch.setattr(schedule, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        Airtable(**items.options()).sync(["Items"], **target("delta", lake), every="15m", refresh=True)
    assert len(waits) == 3
    assert all(0 < wait <= 900 for wait in waits)
    assert len(rows("delta", lake, "items")) == 32


@pytest.mark.parametrize(
    ("every", "seconds"),
    [("15m", 900), ("30s", 30), ("2h", 7_200), ("1d", 86_400), (5, 5), (0.5, 0.5), (" 1.5 m ", 90)],
)
def test_times_between_runs(every: Any, seconds: float) -> None:
    assert schedule.seconds(every) == seconds


def test_a_report_as_text_and_as_a_table() -> None:
    report = SyncReport(
        [
            TableReport("A<b>", "lake/a", "snapshot", 1_000, 1_000, 0, 11, 2.5),
            TableReport("C", "lake/c", "cdc SCD 1", error=AirtableError("something\nis wrong")),
        ]
    )
    assert repr(report).splitlines() == [
        "table  target  mode       rows  changed  deleted  requests  seconds  error",
        "A<b>   lake/a  snapshot   1000     1000        0        11      2.5",
        "C      lake/c  cdc SCD 1     0        0        0                0.0  something is wrong",
    ]
    shown = report._repr_html_()
    assert "A&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert [table.name for table in report.failed] == ["C"]
    assert report["C"] is report.tables[1]
    with pytest.raises(KeyError):
        report["D"]
    assert repr(SyncReport()).startswith("table")


def test_a_report_after_another_has_its_heads_no_more() -> None:
    first = SyncReport([TableReport("Vendors", "lake/vendors", "cdc SCD 1", 1_000, 1_000, 0, 11, 2.5)], 12)
    then = SyncReport([TableReport("Vendors", "lake/vendors", "cdc SCD 1", 7, 3, 0, 2, 0.5)], 3)
    heads, row, *_ = repr(first).splitlines()
    after, total = then.after(first).splitlines()
    assert after.split() == ["Vendors", "lake/vendors", "cdc", "SCD", "1", "7", "3", "0", "2", "0.5"]
    assert len(after) == len(row) == len(heads)
    assert total == "3 requests in all, with those for the definitions"
    # A column that was not there needs its head.
    then.tables[0].error = AirtableError("what it says is long " * 30)
    heads, row, _ = then.after(first).splitlines()
    assert heads.endswith("error")
    assert row.endswith("...")
    assert len(row) < 180

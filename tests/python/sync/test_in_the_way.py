"""What may be in the way of a copy: names in other capitals, other records, copies within copies, pipes and links."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable, AirtableError, DataError, OptionError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.sync import SyncReport, schedule
from lakeflow_airtable.sync.duckdb import OFFSETS, DuckDBCopy
from lakeflow_airtable.sync.run import TableSync
from sync_copies import FORMATS, assert_equal, base_rows, rows, target

CDC = {"ingestion_type": "cdc"}
AS_NAMED = {"column_names": "original"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_rename_in_capitals_alone_keeps_a_snapshots_column(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake), **AS_NAMED)
    items.rename_field("Items", "Size", "SIZE")
    for _ in range(2):
        assert not base.sync(["Items"], **target(format, lake), **AS_NAMED).failed
    copied = rows(format, lake, "items")
    assert [name for name in copied[0] if name.lower().startswith("size")] in (["Size"], ["SIZE"])
    assert [row.get("SIZE", row.get("Size")) for row in copied].count(None) < len(copied)


def test_a_field_in_place_of_one_that_differs_in_capitals(items: MockAirtable, lake: Path) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target("duckdb", lake), **AS_NAMED)
    items.remove_field("Items", "Size")
    items.create_field("Items", {"name": "SIZE", "type": "number", "options": {"precision": 1}})
    items.update_records("Items", {items.records("Items")[0]["id"]: {"SIZE": 7.5}})
    assert not base.sync(["Items"], **target("duckdb", lake), **AS_NAMED).failed
    sizes = [row.get("SIZE", row.get("Size")) for row in rows("duckdb", lake, "items")]
    assert sorted(size for size in sizes if size is not None) == [7.5]


@pytest.mark.parametrize("format", ["delta", "duckdb"])
def test_a_rename_in_capitals_stops_a_merge(items: MockAirtable, lake: Path, format: str) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake), **AS_NAMED, **CDC)
    before = rows(format, lake, "items")
    items.rename_field("Items", "Size", "SIZE")
    [failed] = base.sync(["Items"], **target(format, lake), **AS_NAMED, **CDC).failed
    assert isinstance(failed.error, DataError)
    assert "SIZE" in str(failed.error)
    assert "refresh" in str(failed.error)
    assert rows(format, lake, "items") == before


@pytest.mark.parametrize("first", [{}, {"filter_formula": "{Size} > 5"}])
@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_other_records_than_before_are_no_changes(
    items: MockAirtable, lake: Path, format: str, first: dict[str, Any]
) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target(format, lake), **CDC, **first)
    then = {**CDC, "filter_formula": "{Size} > 1"}
    [failed] = base.sync(["Items"], **target(format, lake), **then).failed
    assert isinstance(failed.error, OptionError)
    assert "load it anew by refresh" in str(failed.error)
    assert not base.sync(["Items"], **target(format, lake), **then, refresh=True).failed
    fitting = {key: row for key, row in base_rows(items.options(), "Items").items() if (row["size"] or 0) > 1}
    assert_equal(rows(format, lake, "items"), fitting)
    # A snapshot is whole each time, whatever is chosen.
    base.sync(["Items"], **target(format, lake / "snapshots"), **first)
    assert not base.sync(["Items"], **target(format, lake / "snapshots"), filter_formula="{Size} > 1").failed


def test_copies_within_delta_tables_are_refused(items: MockAirtable, lake: Path) -> None:
    base = Airtable(**items.options())
    inner = {
        "objects": [
            {"table": {"source_table": "Items", "destination_table": "items"}},
            {"table": {"source_table": "Vendors", "destination_schema": "items", "destination_table": "vendors"}},
        ]
    }
    with pytest.raises(OptionError, match="VACUUM"):
        base.sync(inner, **target("delta", lake))
    assert not lake.exists()
    base.sync(["Items"], **target("delta", lake))
    for place in (lake / "items", lake / "items" / "deeper"):
        with pytest.raises(OptionError, match=r"within .* a Delta table, whose VACUUM"):
            base.sync(["Vendors"], **target("parquet", place))
    # DuckDB's schemas are no directories.
    assert not base.sync(inner, **target("duckdb", lake / "..")).failed


@pytest.mark.timeout(60)
@pytest.mark.parametrize("format", ["duckdb", "parquet"])
def test_a_pipe_is_not_waited_for(items: MockAirtable, lake: Path, format: str) -> None:
    lake.mkdir()
    os.mkfifo(lake / ("copies.duckdb" if format == "duckdb" else "items.parquet"))
    try:
        [failed] = Airtable(**items.options()).sync(["Items"], **target(format, lake)).failed
        said = str(failed.error)
    except OptionError as error:
        said = str(error)
    assert "no file" in said or "neither a file" in said


def test_a_link_at_a_copys_place_stays_one(items: MockAirtable, lake: Path, tmp_path: Path) -> None:
    base = Airtable(**items.options())
    base.sync(["Items"], **target("parquet", lake))
    real = tmp_path / "elsewhere.parquet"
    (lake / "items.parquet").rename(real)
    real.chmod(0o640)
    (lake / "items.parquet").symlink_to(real)
    items.create_records("Items", [{"Name": "new"}])
    assert not base.sync(["Items"], **target("parquet", lake)).failed
    assert (lake / "items.parquet").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert_equal(rows("parquet", lake, "items"), base_rows(items.options(), "Items"))


@pytest.mark.parametrize("where", ["under a file", "in its place"])
def test_what_cannot_be_written_is_known_before_a_request(items: MockAirtable, tmp_path: Path, where: str) -> None:
    file = tmp_path / "file"
    file.write_text("theirs")
    items.clear_requests()
    with pytest.raises(OptionError, match=r"no directory|which is a file"):
        Airtable(**items.options()).sync(
            ["Items"], to=str(file / "lake" if where == "under a file" else file), format="delta"
        )
    assert items.requests() == []
    assert file.read_text() == "theirs"


AS_NOBODY = """
import os, sys
import lakeflow_airtable._native
from lakeflow_airtable import OptionError
from lakeflow_airtable.sync.targets import check_format
os.chdir(sys.argv[1])
check_format("duckdb", "elsewhere.duckdb")  # whatever it imports is read before
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for place in ("delta read/lake", "parquet read", "duckdb read/x.duckdb", "duckdb closed/x.duckdb", "delta closed/lake",
              "parquet closed", "duckdb theirs.duckdb", f"delta {'x' * 300}"):
    format, to = place.split()
    try:
        print(check_format(format, to))
    except OptionError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_rights_that_are_missing_are_told_to_users_who_are_not_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name, mode in (("read", 0o555), ("closed", 0o000)):
        (tmp_path / name).mkdir(mode=0o755)
        (tmp_path / name).chmod(mode)
    (tmp_path / "theirs.duckdb").touch(mode=0o444)
    ran = subprocess.run([sys.executable, "-c", AS_NOBODY, str(tmp_path)], capture_output=True, text=True, timeout=60)
    (tmp_path / "closed").chmod(0o755)
    assert ran.returncode == 0, ran.stderr
    write, look = (
        "cannot be written to: give another place, or the right",
        "which cannot be looked at: Permission denied",
    )
    told = [
        f"to is 'read/lake', and read {write}",
        f"to is 'read', and read {write}",
        f"to is 'read/x.duckdb', and read {write}",
        f"to is 'closed/x.duckdb', {look}: give another place, or the right",
        f"to is 'closed/lake', {look}: give another place, or the right",
        f"to is 'closed', and closed {write}",
        f"to is 'theirs.duckdb', and theirs.duckdb {write}",
    ]
    *lines, long = ran.stdout.splitlines()
    assert lines == told
    assert "which cannot be looked at: File name too long" in long


class _Enough(Exception):
    pass


def _runs(monkeypatch: pytest.MonkeyPatch, between: list[Any]) -> None:
    """Calls these in place of the waits between runs, and ends when there are no more."""

    def sleep(_: float) -> None:
        if not between:
            raise _Enough
        between.pop(0)()

    monkeypatch.setattr(schedule, "sleep", sleep)


def test_a_later_run_that_cannot_begin_is_no_end(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reports: list[SyncReport] = []
    refuse = {"rules": [{"path": "/meta/", "action": {"respond": {"status": 422, "body": {"error": "X"}}}}]}
    _runs(monkeypatch, [lambda: items.set_faults(**refuse), items.reset_faults])
    with pytest.raises(_Enough):
        Airtable(**items.options()).sync(["Items"], **target("delta", lake), every="15m", on_report=reports.append)
    assert len(reports) == 2
    assert not any(report.failed for report in reports)
    assert "this run has not begun" in caplog.text
    assert "the next is tried in 15 minutes" in caplog.text


def test_a_first_run_that_cannot_begin_is_an_error(items: MockAirtable, lake: Path) -> None:
    items.set_faults(rules=[{"path": "/meta/", "action": {"respond": {"status": 422, "body": {"error": "X"}}}}])
    with pytest.raises(AirtableError):
        Airtable(**items.options()).sync(["Items"], **target("delta", lake), every="15m")


def test_a_load_anew_that_failed_is_tried_by_the_next_run(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Airtable(**items.options(max_retries="0"))
    base.sync(["Items"], **target("delta", lake))
    table = next(table["id"] for table in items.schema()["tables"] if table["name"] == "Items")
    items.set_faults(rules=[{"path": f"/{table}", "action": {"respond": {"status": 422, "body": {"error": "X"}}}}])
    reports: list[SyncReport] = []
    _runs(monkeypatch, [items.reset_faults, lambda: None])
    with pytest.raises(_Enough):
        # Another mode than the copy was kept in: only a load anew can go on.
        base.sync(["Items"], **target("delta", lake), **CDC, every="15m", refresh=["Items"], on_report=reports.append)
    assert [len(report.failed) for report in reports] == [1, 0, 0]
    assert [report["Items"].rows > 0 for report in reports] == [False, True, False]


def test_a_base_without_tables_is_said_to_be_one(items: MockAirtable, lake: Path) -> None:
    empty = {"status": 200, "body": {"tables": []}}
    items.set_faults(rules=[{"path": "/meta/", "action": {"respond": empty}}])
    with pytest.raises(AirtableError, match="the base has no tables that the token sees"):
        Airtable(**items.options()).sync("*", **target("delta", lake))


@pytest.mark.parametrize("ending", ["json", "yaml"])
@pytest.mark.parametrize("where", ["objects", "source_table"])
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, ending: str, where: str) -> None:
    from lakeflow_airtable.cli import spec_file

    one = {"json": '{"source_table": "A", "source_table": "B"}', "yaml": "{source_table: A, source_table: B}"}[ending]
    twice = {
        "json": '{"objects": [], "objects": []}' if where == "objects" else f'{{"objects": [{{"table": {one}}}]}}',
        "yaml": "objects: []\nobjects: []\n" if where == "objects" else f"objects:\n  - table: {one}\n",
    }[ending]
    file = tmp_path / f"spec.{ending}"
    file.write_text(twice)
    with pytest.raises(OptionError, match=f"{where} is there twice"):
        spec_file.read(str(file))
    file.write_text(json.dumps({"objects": [{"table": {"source_table": "A"}}, {"table": {"source_table": "B"}}]}))
    assert len(spec_file.read(str(file))["objects"]) == 2


def test_a_run_that_is_interrupted_leaves_no_file_open(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    close, run = DuckDBCopy.close, TableSync.run

    def noted(copy: DuckDBCopy) -> None:
        closed.append(copy.name)
        close(copy)

    def interrupted(table: TableSync) -> None:
        if table._entry.source_table == "Vendors":
            raise KeyboardInterrupt
        run(table)

    monkeypatch.setattr(DuckDBCopy, "close", noted)
    monkeypatch.setattr(TableSync, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Airtable(**items.options()).sync(["Items", "Vendors"], **target("duckdb", lake))
    assert {name.rpartition(":")[2] for name in closed} == {"items", "vendors"}


def test_a_plans_warning_comes_once(
    items: MockAirtable, lake: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _runs(monkeypatch, [lambda: None, lambda: None])
    reports: list[SyncReport] = []
    with pytest.raises(_Enough):
        Airtable(**items.options(airtable_plan="free")).sync(
            ["Items"], **target("parquet", lake), every="1m", on_report=reports.append
        )
    assert len(reports) == 3
    assert caplog.text.count("airtable_plan is free, which grants 1,000 calls a month") == 1


@pytest.mark.parametrize("format", ["delta", "duckdb"])
def test_a_table_that_a_specification_has_twice_is_loaded_anew_in_both_places(
    items: MockAirtable, lake: Path, format: str
) -> None:
    twice = [{"table": {"source_table": "Items", "destination_table": name}} for name in ("one", "two")]
    base = Airtable(**items.options())
    first = base.sync({"objects": twice}, **target(format, lake), **CDC)
    assert [(table.name, table.rows) for table in first] == [("Items", 30), ("Items", 30)]
    again = base.sync({"objects": twice}, **target(format, lake), **CDC, refresh=["Items"])
    assert not again.failed
    assert [(table.target.rpartition("/")[2].rpartition(":")[2], table.rows) for table in again] == [
        ("one", 30),
        ("two", 30),
    ]
    for name in ("one", "two"):
        assert_equal(rows(format, lake, name), base_rows(items.options(), "Items"))


@pytest.mark.parametrize("name", [OFFSETS, OFFSETS.upper()])
def test_the_place_of_offsets_is_no_place_for_a_copy(items: MockAirtable, lake: Path, name: str) -> None:
    spec = {"objects": [{"table": {"source_table": "Items", "destination_table": name}}]}
    with pytest.raises(OptionError, match="where sync keeps how far copies have come"):
        Airtable(**items.options()).sync(spec, **target("duckdb", lake))
    assert not lake.exists()
    assert not Airtable(**items.options()).sync(spec, **target("parquet", lake)).failed


FULL = """
import json, resource, sys
import deltalake, duckdb, pyarrow
from lakeflow_airtable import Airtable
options, how, largest = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
[table] = Airtable(**options).sync(["Items"], **how, ingestion_type="append")
print(table.error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
@pytest.mark.parametrize("format", ["delta", "duckdb"])
def test_a_full_disk_is_no_conflict(items: MockAirtable, lake: Path, format: str) -> None:
    base, how = Airtable(**items.options()), target(format, lake)
    base.sync(["Items"], **how, ingestion_type="append")
    before = rows(format, lake, "items")
    rng = random.Random(1)
    items.create_records("Items", [{"Name": rng.randbytes(2_000).hex()} for _ in range(400)])
    items.advance_clock(120)
    largest = max(path.stat().st_size for path in lake.rglob("*") if path.is_file()) + 4_096
    told = json.dumps([items.options(), how, largest])
    ran = subprocess.run([sys.executable, "-c", FULL, told], capture_output=True, text=True, timeout=60)
    assert "could not be written: " in ran.stdout, ran.stdout + ran.stderr
    assert "written by another run" not in ran.stdout
    assert rows(format, lake, "items") == before
    assert not base.sync(["Items"], **how, ingestion_type="append").failed
    assert len(rows(format, lake, "items")) == 430

"""`sync` on the command line: which tables, where to, what is told, and with which code it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest

from command_line import run, start
from lakeflow_airtable.cli.sync import times
from lakeflow_airtable.mock import MockAirtable

TO = ("--to", "lake", "--format", "parquet")


def test_some_tables(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock_airtable, "sync", "Vendors", "Launch Milestones", *TO, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    head, *lines, total = ran.stdout.splitlines()
    assert head.split()[:4] == ["table", "target", "mode", "rows"]
    assert total == "4 requests in all, with those for the definitions"
    assert [line.split("  ")[0] for line in lines] == ["Vendors", "Launch Milestones"]
    assert pyarrow.parquet.read_table(tmp_path / "lake" / "vendors.parquet").num_rows == 60


def test_all_of_a_base_as_json(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock_airtable, "sync", "--all", *TO, "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    tables = [table["name"] for table in mock_airtable.schema()["tables"]]
    assert [table["table"] for table in told] == tables
    assert {table["table"]: table["rows"] for table in told} == {
        name: len(mock_airtable.records(name)) for name in tables
    }
    assert {table["error"] for table in told} == {None}


@pytest.mark.parametrize("format", ["delta", "duckdb"])
def test_options_of_the_read_and_of_the_copy(mock_airtable: MockAirtable, tmp_path: Path, format: str) -> None:
    given = ("--ingestion-type", "cdc", "--scd-type", "SCD_TYPE_2", "--fields", "Name", "--lookback-seconds", "0")
    to = str(tmp_path / "copy")
    for rows in (60, 0):
        ran = run(mock_airtable, "sync", "Vendors", "--to", to, "--format", format, "--json", *given)
        assert ran.returncode == 0, ran.stderr
        [told] = map(json.loads, ran.stdout.splitlines())
        assert (told["mode"], told["rows"]) == ("cdc SCD 2", rows)
        mock_airtable.advance_clock(3600)
    ran = run(mock_airtable, "sync", "Vendors", "--to", to, "--format", format, "--json", "--refresh", "*", *given)
    assert json.loads(ran.stdout)["rows"] == 60


SPEC = {"objects": [{"table": {"source_table": "Vendors", "destination_table": "v"}}]}
YAML = "objects:\n  - table:\n      source_table: Vendors\n      destination_table: v\n"


@pytest.mark.parametrize(("name", "text"), [("s.json", json.dumps(SPEC)), ("s.yaml", YAML), ("s.YML", YAML)])
def test_a_specification(mock_airtable: MockAirtable, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    ran = run(mock_airtable, "sync", "--spec", name, *TO, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "lake" / "v.parquet").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.json", '{"objects": [\n  {"table" 1}]}', "--spec s.json: line 2, column 12: "),
        ("s.yaml", "objects:\n  - table: [\n", "--spec s.yaml: line 3, column 1: "),
        ("s.json", "[1]", "--spec s.json: it holds no object"),
        ("s.yaml", "just text", "--spec s.yaml: it holds no object"),
        ("s.json", "", "--spec s.json: line 1, column 1: "),
        ("s.json", b"\xff\xfe", "--spec s.json: it is no text in UTF-8"),
        ("s.json", "[" * 100_000, "--spec s.json: it is nested too deep"),
        ("none.json", None, "--spec none.json: No such file or directory"),
        (".", None, "--spec .: Is a directory"),
    ],
)
def test_a_file_that_is_no_specification(
    mock_airtable: MockAirtable, tmp_path: Path, name: str, text: str | bytes | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    ran = run(mock_airtable, "sync", "--spec", name, *TO, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"lakeflow-airtable: {said}")
    assert ran.stderr.count("\n") == 1
    assert mock_airtable.requests() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (TO, "give one of these: names of tables, --all, or --spec FILE"),
        (("Vendors", "--all", *TO), "give one of these"),
        (("Vendors", "--to", "lake", "--format", "detla"), 'did you mean "delta"?'),
        (("Vendors", *TO, "--storage-option", "AWS_REGION"), "--storage-option takes KEY=VALUE"),
        (("Vendors", *TO, "--every", "soon"), "--every: 'soon': give"),
        (("Vendors", *TO, "--every", "15"), "--every: '15', without a unit: give 15s for seconds or 15m for minutes"),
        (
            ("Vendors", *TO, "--every", "0.5"),
            "--every: '0.5', without a unit: give 0.5s for seconds or 0.5m for minutes",
        ),
        (("Vendors", *TO, "--every", "1h", "--once"), "not allowed with"),
        (("Vendors", "--format", "delta"), "the following arguments are required: --to"),
        (("Vendors", "--to", "file", "--format", "parquet"), "which is a file"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    mock_airtable: MockAirtable, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "file").write_text("theirs")
    ran = run(mock_airtable, "sync", *arguments, cwd=tmp_path)
    assert ran.returncode == 2, ran.stdout
    assert said in ran.stderr
    assert mock_airtable.requests() == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_extra_is_named_where_it_is_missing(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    (tmp_path / "deltalake.py").write_text("raise ModuleNotFoundError('no', name='deltalake')")
    given = ("sync", "Vendors", "--to", str(tmp_path / "lake"), "--format", "delta")
    ran = run(mock_airtable, *given, env={"PYTHONPATH": str(tmp_path)})
    assert ran.returncode == 1
    assert "pip install 'lakeflow-airtable[sync]'" in ran.stderr


def test_a_table_that_fails_leaves_the_others(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    [record, *_] = mock_airtable.records("Vendors")
    mock_airtable.set_raw_cell("Vendors", record["id"], "Score", "no number")
    mock_airtable.create_table("Rockets", [{"name": "Name", "type": "singleLineText"}], [{"Name": "x"}])
    ran = run(mock_airtable, "sync", "Vendors", "Rockets", *TO, "--on-bad-value", "fail", cwd=tmp_path)
    assert ran.returncode == 7
    assert ran.stderr.startswith("lakeflow-airtable: lake/vendors.parquet: ")
    assert "--on-bad-value rescue" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["rockets.parquet"]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_every_run_says_when_it_was_and_when_the_next_is(
    mock_airtable: MockAirtable, tmp_path: Path, quiet: tuple[str, ...]
) -> None:
    process = start(mock_airtable, "sync", "Vendors", *TO, "--every", "2s", *quiet, cwd=tmp_path)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    # Heads, table and sum, and then table and sum again.
    firsts = [line.split()[0] for line in lines]
    assert firsts[:2] == ["table", "Vendors"]
    assert firsts[3] == "Vendors"
    assert all("requests in all" in lines[at] for at in (2, 4))
    told = [line for line in said.splitlines() if "the next begins" in line]
    assert len(told) == (0 if quiet else 2)
    form = r"lakeflow-airtable: run of [\d-]+ [\d:]+; the next begins (at [\d:]+|now, because it took longer .*)"
    assert all(re.fullmatch(form, line) for line in told), told


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("12:00:05", "run of 2026-03-01 12:00:00; the next begins at 12:15:00"),
        (
            "12:20:00",
            "run of 2026-03-01 12:00:00; the next begins now, because it took longer than the time between runs",
        ),
    ],
)
def test_times_of_runs(now: str, said: str) -> None:
    began, day = datetime(2026, 3, 1, 12), "2026-03-01"
    assert times(began, timedelta(minutes=15), datetime.fromisoformat(f"{day} {now}")) == said
    tomorrow = times(began, timedelta(days=1), datetime.fromisoformat(f"{day} 12:00:05"))
    assert tomorrow == "run of 2026-03-01 12:00:00; the next begins on 2026-03-02 at 12:00:00"


def test_messages_call_arguments_as_the_command_line_does(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    def sync(*more: str) -> subprocess.CompletedProcess[str]:
        return run(mock_airtable, "sync", "Vendors", "--to", "lake", "--format", "delta", *more, cwd=tmp_path)

    assert sync().returncode == 0
    ran = sync("--ingestion-type", "cdc", "--json")
    assert ran.returncode == 2
    assert "load it anew by --refresh" in ran.stderr
    assert "load it anew by --refresh" in json.loads(ran.stdout)["error"]
    ran = sync("--refresh", "Vendor")
    assert ran.stderr.startswith("lakeflow-airtable: --refresh names 'Vendor'")
    ran = run(mock_airtable, "sync", "Vendors", "--to", "s3://x/y", "--format", "parquet", cwd=tmp_path)
    assert ran.stderr.startswith("lakeflow-airtable: --to is 's3://x/y'")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_every_keeps_running_until_it_is_ended(
    mock_airtable: MockAirtable, tmp_path: Path, number: int, code: int
) -> None:
    process = start(mock_airtable, "sync", "Vendors", *TO, "--every", "1s", "--json", cwd=tmp_path)
    try:
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert [table["rows"] for table in told] == [60, 60]
    assert process.returncode == code

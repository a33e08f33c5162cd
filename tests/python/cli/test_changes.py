"""`changes`: what is new since the last run, which a small file keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from command_line import run, start, wait_for_a_page
from feeds import settle
from lakeflow_airtable.mock import MockAirtable

NAME = [{"name": "Name", "type": "singleLineText"}, {"name": "Edited", "type": "lastModifiedTime"}]


@pytest.fixture
def mock() -> Any:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Base")
        mock.create_table("People", NAME, [{"Name": "Ada"}, {"Name": "Grace"}])
        mock.advance_clock(3600)
        yield mock


def names(text: str) -> list[tuple[str, bool]]:
    return [(row["name"], row["_deleted"]) for row in map(json.loads, text.splitlines())]


@pytest.mark.parametrize("mode", ["cdc", "cdc_with_deletes"])
def test_runs_follow_each_other(mock: MockAirtable, tmp_path: Path, mode: str) -> None:
    settle(mock, "People")
    offset = tmp_path / "people.offset"
    given = ("changes", "People", "--ingestion-type", mode, "--lookback-seconds", "0", "--offset-file", str(offset))
    ran = run(mock, *given)
    assert ran.returncode == 0, ran.stderr
    assert sorted(names(ran.stdout)) == [("Ada", False), ("Grace", False)]
    assert isinstance(json.loads(offset.read_text()), dict)
    ran = run(mock, *given)
    assert ran.returncode == 0, ran.stderr
    assert names(ran.stdout) == []
    ada = next(record["id"] for record in mock.records("People") if record["fields"]["Name"] == "Ada")
    mock.update_records("People", {ada: {"Name": "Ada Lovelace"}})
    mock.advance_clock(3600)
    ran = run(mock, *given)
    assert names(ran.stdout) == [("Ada Lovelace", False)]
    if mode == "cdc_with_deletes":
        mock.delete_records("People", [ada])
        mock.advance_clock(3600)
        [deleted] = map(json.loads, run(mock, *given).stdout.splitlines())
        assert (deleted["id"], deleted["_deleted"]) == (ada, True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["people.offset"]


def test_start_goes_before_the_offset_file(mock: MockAirtable, tmp_path: Path) -> None:
    given = ("changes", "People", "--lookback-seconds", "0")
    first, kept = tmp_path / "first", tmp_path / "kept"
    assert run(mock, *given, "--offset-file", str(first)).returncode == 0
    mock.create_records("People", [{"Name": "Edsger"}])
    mock.advance_clock(3600)
    assert run(mock, *given, "--offset-file", str(kept)).returncode == 0
    ran = run(mock, *given, "--start", str(first), "--offset-file", str(kept))
    assert names(ran.stdout) == [("Edsger", False)]
    assert run(mock, *given, "--start", str(first)).stdout == ran.stdout, "a start is not moved"
    assert names(run(mock, *given, "--offset-file", str(kept)).stdout) == []


def test_into_a_file(mock: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock, "changes", "People", "--output", str(tmp_path / "new.parquet"))
    assert ran.returncode == 0, ran.stderr
    assert pyarrow.parquet.read_table(tmp_path / "new.parquet").num_rows == 2


def test_an_offset_is_kept_only_with_its_rows(mock: MockAirtable, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    with Path("/dev/full").open("w") as full:
        ran = run(mock, "changes", "People", "--offset-file", str(offset), stdout=full, capture_output=False)
    assert ran.returncode == 1
    assert not offset.exists()
    mock.clear_requests()
    mock.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    process = start(mock, "changes", "People", "--offset-file", str(offset))
    try:
        wait_for_a_page(mock, process)
        process.terminate()
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_rows_that_nobody_takes_are_not_done(mock: MockAirtable, tmp_path: Path) -> None:
    mock.generate_table("Many", 3000)
    reader, writer = os.pipe()
    process = start(mock, "changes", "Many", "--offset-file", str(tmp_path / "offset"), stdout=writer)
    os.close(writer)
    os.close(reader)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_parts(mock: MockAirtable, tmp_path: Path) -> None:
    settle(mock, "People")
    given = ("changes", "People", "--ingestion-type", "cdc_with_deletes", "--max-records-per-batch", "1")
    given = (*given, "--offset-file", str(tmp_path / "offset"))
    taken: list[str] = []
    for _ in range(10):
        ran = run(mock, *given)
        assert ran.returncode == 0, ran.stderr
        taken += [name for name, _ in names(ran.stdout)]
        if "there is more: run it again" not in ran.stderr:
            break
    assert sorted(set(taken)) == ["Ada", "Grace"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "holds no offset"),
        ("[1]", "holds no offset"),
        ("", "holds no offset"),
        ("{}", ""),
        ('{"version": 99}', ""),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_offset(mock: MockAirtable, tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "offset"
    if content is not None:
        path.write_text(content)
    ran = run(mock, "changes", "People", "--start", str(path))
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr
    assert not any("/tbl" in request["path"] for request in mock.requests())


@pytest.mark.parametrize("name", ["no/where", "/dev/null", "."])
def test_where_no_offset_can_be(mock: MockAirtable, tmp_path: Path, name: str) -> None:
    ran = run(mock, "changes", "People", "--offset-file", name, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert f"--offset-file {name}" in ran.stderr
    assert "--output" not in ran.stderr
    assert mock.requests() == []


def test_snapshots_have_no_changes(mock: MockAirtable) -> None:
    ran = run(mock, "changes", "People", "--ingestion-type", "snapshot")
    assert ran.returncode == 2
    assert "--ingestion-type" in ran.stderr

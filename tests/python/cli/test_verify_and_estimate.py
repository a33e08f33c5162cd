"""`verify` and `estimate` on the command line: what they print, and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import run
from lakeflow_airtable.mock import MockAirtable


def test_a_copy_is_equal_until_it_is_not(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = str(tmp_path / "vendors.parquet")
    assert run(mock_airtable, "read", "Vendors", "--output", path).returncode == 0
    ran = run(mock_airtable, "verify", "Vendors", path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "60" in ran.stdout
    [first, *_] = mock_airtable.records("Vendors")
    mock_airtable.delete_records("Vendors", [first["id"]])
    ran = run(mock_airtable, "verify", "Vendors", path, "--json")
    assert ran.returncode == 7
    told = json.loads(ran.stdout)
    assert told["is_equal"] is False
    assert told["surplus"]["count"] == 1
    assert first["id"] in ran.stdout
    ran = run(mock_airtable, "verify", "Vendors", path, "--cells")
    assert ran.returncode == 7
    assert first["id"] in ran.stdout


def test_options_of_the_command_are_those_of_the_read(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path, files = str(tmp_path / "assets.parquet"), tmp_path / "files"
    files.mkdir()
    options = ["--links", "names", "--attachments", "download", "--attachment-location", str(files)]
    assert run(mock_airtable, "read", "Marketing Assets", "--output", path, *options).returncode == 0
    before = {file: file.stat().st_mtime_ns for file in files.rglob("*")}
    ran = run(mock_airtable, "verify", "Marketing Assets", path, "--cells", *options)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert {file: file.stat().st_mtime_ns for file in files.rglob("*")} == before
    ran = run(mock_airtable, "verify", "Marketing Assets", path, "--part", "links")
    assert ran.returncode == 2
    assert "links have several: leave --part out" in ran.stderr


def test_a_copy_that_is_not_there(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock_airtable, "verify", "Vendors", "none.parquet", cwd=tmp_path)
    assert ran.returncode in (2, 4)
    assert ran.stderr.count("\n") == 1
    assert "none.parquet" in ran.stderr


def test_what_a_table_costs(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "estimate", "Vendors", "--airtable-plan", "team", "--every", "1h")
    assert ran.returncode == 0, ran.stderr
    assert "Vendors" in ran.stdout
    ran = run(mock_airtable, "estimate", "Vendors", "--records", "Vendors=60")
    assert "; --airtable-plan is not given, so no share of a plan is told.\n" in ran.stdout
    ran = run(mock_airtable, "estimate", "--all", "--every", "1h", "--airtable-plan", "free", "--json")
    told = json.loads(ran.stdout)
    assert [table["name"] for table in told["tables"]] == [table["name"] for table in mock_airtable.schema()["tables"]]
    assert told["cap"] == 1000


def test_sizes_that_are_known_cost_no_request(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "estimate", "Vendors", "--records", "Vendors=60000", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["tables"][0]["records"] == 60000
    assert not any("/tbl" in request["path"] for request in mock_airtable.requests())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("estimate",), "give one of these: names of tables, --all, or --spec FILE"),
        (("estimate", "Vendors", "--records", "60000"), "--records: takes TABLE=NUMBER, such as Vendors=60000"),
        (("estimate", "Vendors", "--records", "Vendors=-1"), "--records: takes TABLE=NUMBER"),
        (("estimate", "Vendors", "--changed-per-run", "nan"), "--changed-per-run is nan: give a share such as 0.01"),
        (
            ("estimate", "Vendors", "--every", "soon"),
            "--every: 'soon': give seconds as a number, or a time such as 30s",
        ),
        (("estimate", "Vendors", "--every", "15"), "--every: '15', without a unit: give 15s for seconds or 15m"),
        (("estimate", "Vendors", "--airtable-plan", "fre"), '--airtable-plan: no such value; did you mean "free"?'),
        (("verify", "Vendors"), "the following arguments are required: TARGET"),
        (("verify", "Vendors", "x", "--format", "detla"), 'did you mean "delta"?'),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    mock_airtable: MockAirtable, arguments: tuple[str, ...], said: str
) -> None:
    ran = run(mock_airtable, *arguments)
    assert ran.returncode == 2, ran.stdout
    assert said in ran.stderr
    assert mock_airtable.requests() == []

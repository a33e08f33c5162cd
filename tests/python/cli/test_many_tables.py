"""Several tables, and a whole base, into a directory."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from command_line import run
from lakeflow_airtable.cli import diagram, names
from lakeflow_airtable.definitions import Table
from lakeflow_airtable.mock import MockAirtable

NAME = [{"name": "Name", "type": "singleLineText"}]


def test_all_of_a_base(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    ran = run(mock_airtable, "read", "--all", "--output", str(lake), "--format", "parquet")
    assert ran.returncode == 0, ran.stderr
    tables = [table["name"] for table in mock_airtable.schema()["tables"]]
    rows = {name: len(mock_airtable.records(name)) for name in tables}
    read = {path.stem: pyarrow.parquet.read_table(path).num_rows for path in lake.iterdir()}
    assert read == {name.lower().replace(" ", "_"): count for name, count in rows.items()}
    lines = ran.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == [*tables, f"{len(tables)} tables"]
    assert f"{len(tables)} tables: {sum(rows.values()):,} rows in " in lines[-1]
    # One request for the definitions of all.
    assert sum("/meta/" in request["path"] for request in mock_airtable.requests()) == 1


def test_some_tables(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock_airtable, "read", "Vendors", "Launch Milestones", "--output", str(tmp_path), "--fields", "id,Name")
    assert ran.returncode == 4, "fields are those of all tables, or none is read"
    assert list(tmp_path.iterdir()) == []
    ran = run(mock_airtable, "read", "Vendors", "Launch Milestones", "--output", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["launch_milestones.jsonl", "vendors.jsonl"]


@pytest.mark.parametrize("directory", [".", "new/", "new.csv/"])
def test_one_table_into_a_directory(mock_airtable: MockAirtable, tmp_path: Path, directory: str) -> None:
    ran = run(mock_airtable, "read", "Vendors", "--output", directory, "--format", "csv", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / directory / "vendors.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all",), "several tables need a directory: give --output DIRECTORY"),
        (("Vendors", "Launch Milestones", "--output", "-"), "several tables need a directory"),
        (("Vendors", "--all"), "--all is every table, and TABLE is given, too"),
        ((), "the argument TABLE is missing"),
        (("--all", "--output", "no/where"), "--output no/where: there is no directory no: make it first"),
        (
            ("Vendors", "Launch Milestones", "--output", "two.csv"),
            "--output two.csv: is the name of one file, and several tables need a directory: give --output two "
            "--format csv",
        ),
        (("--all", "--output", "./all.PARQUET"), "--output ./all.PARQUET: is the name of one file"),
        (("--all", "--output", "a.csv", "--format", "jsonl"), "--output a.csv: is the name of one file"),
        (("--all", "--output", "file"), "--output file: is no directory: several tables need one"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(
    mock_airtable: MockAirtable, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "file").write_text("theirs")
    ran = run(mock_airtable, "read", *arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"lakeflow-airtable: {said}")
    assert mock_airtable.requests() == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_table_that_is_named_twice(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    [table] = [table["id"] for table in mock_airtable.schema()["tables"] if table["name"] == "Vendors"]
    ran = run(mock_airtable, "read", "Vendors", table, "--output", str(tmp_path))
    assert ran.returncode == 2
    assert 'the argument TABLE names "Vendors" twice' in ran.stderr


def test_a_name_that_a_directory_has(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    (tmp_path / "vendors.jsonl").mkdir()
    ran = run(mock_airtable, "read", "--all", "--output", str(tmp_path))
    assert ran.returncode == 2
    assert "vendors.jsonl: is a directory" in ran.stderr
    assert not any("/tbl" in request["path"] for request in mock_airtable.requests())


def test_a_table_that_fails_leaves_the_others(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    [record, *_] = mock_airtable.records("Vendors")
    mock_airtable.set_raw_cell("Vendors", record["id"], "Score", "no number")
    mock_airtable.create_table("Rockets", NAME, [{"Name": "x"}])
    given = ("--output", str(tmp_path), "--on-bad-value", "fail")
    ran = run(mock_airtable, "read", "Vendors", "Rockets", *given)
    assert ran.returncode == 7
    assert [path.name for path in tmp_path.iterdir()] == ["rockets.jsonl"]
    assert "no number" in ran.stderr
    assert "1 of 2 tables: " in ran.stderr.splitlines()[-1]


def test_a_token_that_fails_ends_it(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "unauthorized"}]}
    ran = run(mock_airtable, "read", "--all", "--output", str(tmp_path / "lake"))
    assert ran.returncode == 3
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [], "nor is the directory left that was made for it"


def test_no_tables(tmp_path: Path) -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Base")
        ran = run(mock, "read", "--all", "--output", str(tmp_path / "lake"))
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr == "the base has no tables that the token sees: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_three_hundred_tables(tmp_path: Path) -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Base", [{"name": f"Table {n}", "fields": NAME} for n in range(300)])
        ran = run(mock, "read", "--all", "--output", str(tmp_path), "--quiet")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(list(tmp_path.iterdir())) == 300


def test_names_that_no_disk_should_have(tmp_path: Path) -> None:
    tables = ["../up", "a/b", "a\\b", "..", "nul", "Vendors", "vendors ", "x" * 500, "x" * 501, "\N{ROCKET}"]
    with MockAirtable(sample=False) as mock:
        base = mock.create_base("Base")
        for table in tables:
            mock.create_table(table, NAME, [{"Name": table}], base=base)
        ran = run(mock, "read", "--all", "--output", str(tmp_path / "lake"))
    assert ran.returncode == 0, ran.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["lake"]
    files = list((tmp_path / "lake").iterdir())
    assert sorted(json.loads(path.read_text())["name"] for path in files) == sorted(tables)
    assert len({path.name.lower() for path in files}) == len(tables)
    assert all(path.name.isascii() and len(path.name) < 130 for path in files)


@pytest.mark.parametrize(
    ("tables", "files"),
    [
        ([("tbl1", "Sales Orders (EU)")], ["sales_orders_eu.csv"]),
        ([("tbl1", "A"), ("tbl2", "a")], ["a_747d3ed3.csv", "a_5bf0c00a.csv"]),
        ([("tbl2", "a"), ("tbl1", "A")], ["a_5bf0c00a.csv", "a_747d3ed3.csv"]),
        ([("tbl1", "Con")], ["con_1143da2b.csv"]),
        ([("tbl1", "LPT1"), ("tbl2", "LPT11")], ["lpt1_cfbdeb88.csv", "lpt11.csv"]),
    ],
)
def test_names_of_files(tables: list[tuple[str, str]], files: list[str]) -> None:
    assert names.files(tables, "csv") == files


@pytest.mark.parametrize(
    ("name", "shown"),
    [("50% off", "50\N{FULLWIDTH PERCENT SIGN} off"), ("a\\b", "a\N{FULLWIDTH REVERSE SOLIDUS}b"), ("", "-")],
)
def test_a_diagram_has_no_name_that_mermaid_refuses(name: str, shown: str) -> None:
    drawn = diagram.mermaid([Table("tblA", name, None, None, (), ())])
    assert drawn.splitlines()[1] == f'    tblA["{shown}"] {{'


@pytest.mark.parametrize("namespace", ['["*"]', "*"])
def test_a_table_of_every_base_that_has_it(mock_airtable: MockAirtable, tmp_path: Path, namespace: str) -> None:
    bases = {}
    for number, name in enumerate(("North", "South", "East")):
        base = mock_airtable.create_base(name, [{"name": "Orders", "fields": NAME}])
        mock_airtable.create_records("Orders", [{"Name": f"{name} {n}"} for n in range(3 + number)], base=base)
        bases[base] = 3 + number
    target = tmp_path / "orders.parquet"
    arguments = ("read", "Orders", "--namespace", namespace, "--output", str(target))
    ran = run(mock_airtable, *arguments, env={"AIRTABLE_BASE_ID": ""})
    assert ran.returncode == 0, ran.stderr
    read = pyarrow.parquet.read_table(target)["_base_id"].to_pylist()
    assert {base: read.count(base) for base in set(read)} == bases
    # Of a table that no base has nothing is read.
    ran = run(mock_airtable, "read", "Ordres", "--namespace", namespace, env={"AIRTABLE_BASE_ID": ""})
    assert ran.returncode == 4, ran.stderr
    assert '"Orders"' in ran.stderr

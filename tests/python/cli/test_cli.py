"""The command line: output, files, exit codes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from lakeflow_airtable import Airtable, cli, options
from lakeflow_airtable.cli.flags import spelled
from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def flags(mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    options = mock_airtable.options()
    monkeypatch.setenv("AIRTABLE_TOKEN", options.pop("token"))
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]


def test_tables(flags: list[str], mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tables", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    defined = mock_airtable.schema()["tables"]
    assert [re.split(r"  +", line) for line in lines] == [[table["name"], table["id"]] for table in defined]
    assert len({line.index(" tbl") for line in lines}) == 1, "ids stand below each other"
    assert cli.main(["tables", "--base-url", mock_airtable.url]) == 0
    shown = capsys.readouterr()
    assert mock_airtable.base_id in shown.out
    assert "give --base-id" in shown.err


def test_tables_as_json(flags: list[str], mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["tables", "--json", *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    defined = mock_airtable.schema()["tables"]
    assert [(table["id"], table["name"]) for table in told] == [(table["id"], table["name"]) for table in defined]
    assert [field["name"] for field in told[0]["fields"]] == [field["name"] for field in defined[0]["fields"]]


def test_bases(flags: list[str], mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]) -> None:
    flags = flags[:2]  # but for the base
    assert cli.main(["bases", *flags]) == 0
    lines = [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]
    assert {line[1]: line[0] for line in lines} == mock_airtable.bases
    assert cli.main(["bases", "--json", *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {base["id"]: base["name"] for base in told} == mock_airtable.bases
    assert [base["permission_level"] for base in told] == [line[2] for line in lines]


def test_no_bases(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with MockAirtable(sample=False) as mock:
        monkeypatch.setenv("AIRTABLE_TOKEN", mock.token)
        assert cli.main(["bases", "--base-url", mock.url]) == 0
        assert capsys.readouterr() == (
            "",
            "the token sees no base: add bases to its access at https://airtable.com/create/tokens\n",
        )
        assert cli.main(["bases", "--json", "--base-url", mock.url]) == 0
        assert capsys.readouterr() == ("[]\n", "")


@pytest.mark.parametrize("command", ["tables", "schema", "read"])
def test_a_command_has_the_options_of_its_scope(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    scopes = {"tables": {"connection", "tables"}}.get(command, {"connection", "tables", "read"})
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    for row in options.table():
        flag = "--" + row["name"].replace("_", "-")
        is_there = f"\n  {flag} " in shown
        assert is_there == (row["scope"] in scopes and row["name"] != "tableName"), flag


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tables", "--view", "Grid"], "--view (which is about what of a table is read)"),
        (["read", "Vendors", "--webhook-id=ach1"], "--webhook-id (which is about how a stream follows changes)"),
        (["connection", "--name", "c", "--fields", "Name"], "--fields (which is about what of a table is read)"),
        (["tables", "--colour"], "--colour (lakeflow-airtable tables --help lists all flags)"),
        (["read", "Vendors", "--bogus", "1"], "--bogus (lakeflow-airtable read --help lists all flags)"),
        (["read", "Vendors", "--limit", "10"], "--limit (this source calls it --max-records)"),
        (["read", "Vendors", "--filter={Price} > 1"], "--filter (this source calls it --filter-formula)\n"),
        (["schema", "Vendors", "--sort", "Name"], "--sort (it has no counterpart here: "),
        (["schema", "Vendors", "--skip", "1"], "choose records by --where, --view or --filter-formula)"),
        (["read", "Vendors", "--max-record", "1"], "--max-record (did you mean --max-records?)"),
        (["read", "Vendors", "--max_records=3"], "--max_records (did you mean --max-records?)"),
        (["tables", "--max_records=3"], "--max_records (which is about what of a table is read)"),
        (["tables", "--bearer_token", "patA"], "--bearer_token (did you mean --bearer-token?)\n"),
        (["read", "--tableName", "Vendors"], "--tableName (the table is the argument TABLE)"),
        (["schema", "Vendors", "--table-name=Vendors"], "--table-name (the table is the argument TABLE)"),
        (["read", "Vendors", "--dbtable", "x"], "--dbtable (the table is the argument TABLE)"),
        (["tables", "--tableName", "Vendors"], "--tableName (which is about what of a table is read)\n"),
        (["tables", "x"], '"x"\n'),
        (
            ["schema", "Launch", "Milestones"],
            '"Milestones" (schema takes one TABLE; a name with spaces needs quotes)\n',
        ),
        (["verify", "A", "B", "C"], '"C" (verify takes one TABLE and one TARGET; a name with spaces needs quotes)\n'),
        (["completion", "zsh", "bash"], '"bash" (completion takes one SHELL)\n'),
        (["options", "x" * 50, "--colour"], "one of 50 characters, --colour (lakeflow-airtable options --help lists "),
    ],
)
def test_what_does_not_apply_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert f"usage: lakeflow-airtable {arguments[0]} " in err
    assert "error: unrecognized arguments: " in err
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["raed", "Vendors"], 'no such command; did you mean "read"?'),
        (["tabels"], 'no such command; did you mean "tables"?'),
        (["Schema", "Vendors"], 'no such command; did you mean "schema"?'),
        (["x"], "no such command: there are check, bases, tables, schema, read, changes, "),
    ],
)
def test_an_unknown_command_names_the_nearest(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert f"argument COMMAND: {said}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["read", "Vendors", "--page-size", "1000"], '--page-size is "1000": it takes a whole number from 1 to 100'),
        (["read", "Vendors", "--fields", "base_id"], '--fields has "base_id": table "Vendors" has no such field'),
        (["read", "Vendors", "--view", "option view"], '--view is "option view": table "Vendors" has no such view'),
        (["tables", "--base-url", "app.example/v0/v0"], '--base-url is "app.example/v0/v0": it takes an address'),
    ],
)
def test_errors_about_values_name_the_flag(
    flags: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([arguments[0], *flags, *arguments[1:]]) != 0
    assert capsys.readouterr().err.startswith(f"lakeflow-airtable: {said}")


@pytest.mark.parametrize("arguments", [["read", "\udcff"], ["read", "Vendors", "--view", "\udcff"], ["\udcff"]])
def test_an_argument_that_is_not_unicode_is_one(
    flags: list[str], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: Any = cli.main([*arguments, *flags])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    err = capsys.readouterr().err
    assert "is not valid Unicode" in err or "no such command" in err


def test_errors_about_the_environment_name_the_variable(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRTABLE_BASE_ID", "tblX")
    assert cli.main(["tables", "--base-url", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.startswith('lakeflow-airtable: AIRTABLE_BASE_ID is "tblX": it takes ')
    assert cli.main(["tables", *flags, "--base-id", "tblY"]) == 2
    assert capsys.readouterr().err.startswith('lakeflow-airtable: --base-id is "tblY": it takes ')
    monkeypatch.delenv("AIRTABLE_TOKEN")
    assert cli.main(["tables"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("lakeflow-airtable: no token is given: ")
    for way in ("--token-file FILE", "AIRTABLE_TOKEN", "https://airtable.com/create/tokens"):
        assert way in err


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("option on_lost_feed is reread, but option view is x", "--on-lost-feed is reread, but --view is x"),
        ("neither option base_id nor option namespace is", "neither --base-id nor --namespace is"),
        ('option tableName is "base_id \\" base_id"', 'the argument TABLE is "base_id \\" base_id"'),
        ("GET http://127.0.0.1/v0/base_id/x: check base_url.", "GET http://127.0.0.1/v0/base_id/x: check --base-url."),
        ("cannot tell the format of base_id.xlsx", "cannot tell the format of base_id.xlsx"),
        (
            'table "a new checkpoint": lost: with a new checkpoint',
            'table "a new checkpoint": lost: with a new --offset-file',
        ),
        ("leave links out, or set view to x; option part=links", "leave --links out, or set --view to x; --part links"),
        ("GET https://x/v0?view=x: leave it out", "GET https://x/v0?view=x: leave it out"),
        ("option attachments=download", "--attachments download"),
        ("is there: give another destination", "is there: give another --to"),
        # Keys of a specification stand in its file.
        (
            "the specification has 2 faults\n  objects[0].table.table_configuration.x: did you mean base_id?\n"
            "  objects[1].table: option where is empty",
            "the specification has 2 faults\n  objects[0].table.table_configuration.x: did you mean base_id?\n"
            "  objects[1].table: option where is empty",
        ),
        (
            "the call has 2 faults\n  'Vendors': option where is empty",
            "the call has 2 faults\n  'Vendors': --where is empty",
        ),
        ("give one of them another destination_table", "give one of them another destination_table"),
        ("the checkpoint's offset is of version 9", "the offset is of version 9"),
        (
            "the checkpoint belongs to a: give every stream a checkpointLocation of its own",
            "the offset belongs to a: give every stream an --offset-file of its own",
        ),
    ],
)
def test_messages_are_spelled_as_the_command_line_is(message: str, said: str) -> None:
    assert spelled(message) == said


def test_schema(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema", "Vendors", *flags]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["column", "type", "field", "id", "Airtable's", "type", "comment"]
    shown = {line.split()[0]: re.split(r"  +", line)[1:] for line in lines}
    assert shown["id"] == ["STRING", "NOT NULL", "Airtable record id"]
    assert shown["createdTime"][0] == "TIMESTAMP"
    assert shown["owner"][:2] == ["STRUCT<id: STRING, email: STRING, name: STRING>", "Owner"]
    assert shown["name"] == ["STRING", "Name", "fldVendorName0001", "singleLineText", "Legal name"]
    assert shown["skus"][::3] == ["ARRAY<STRING>", "multipleRecordLinks"]


def test_schema_as_json(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema", "Vendors", "--json", "--fields", "Name", *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [column["column"] for column in told] == ["id", "createdTime", "name", "_rescued_data"]
    assert told[2] == {
        "column": "name",
        "type": "STRING",
        "nullable": True,
        "field": "Name",
        "field_id": "fldVendorName0001",
        "field_type": "singleLineText",
        "comment": "Legal name",
    }


def test_read_prints_json_lines(
    flags: list[str], mock_airtable: MockAirtable, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["read", "Vendors", "--fields", "Name", *flags]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    expected = pa.table(Airtable(**mock_airtable.options()).read("Vendors", fields=["Name"]))
    assert [row["id"] for row in rows] == expected["id"].to_pylist()
    assert list(rows[0]) == ["id", "createdTime", "name", "_rescued_data"]
    assert rows[0]["createdTime"].endswith("Z")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv", "jsonl"])
def test_files(flags: list[str], mock_airtable: MockAirtable, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"vendors.{suffix}"
    assert cli.main(["read", "Vendors", "--output", str(path), *flags]) == 0
    expected = pa.table(Airtable(**mock_airtable.options()).read("Vendors"))
    match suffix:
        case "parquet":
            assert repr(pyarrow.parquet.read_table(path).to_pylist()) == repr(expected.to_pylist())
        case "arrow":
            assert repr(pa.ipc.open_file(path).read_all().to_pylist()) == repr(expected.to_pylist())
        case "csv":
            with path.open(newline="") as file:
                assert [row["id"] for row in csv.DictReader(file)] == expected["id"].to_pylist()
        case "jsonl":
            assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == expected["id"].to_pylist()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_read_leaves_no_file(flags: list[str], mock_airtable: MockAirtable, tmp_path: Path) -> None:
    mock_airtable.faults = {"rules": [{"path": "/v0/app", "after": 1, "action": "unauthorized"}]}
    path = tmp_path / "vendors.parquet"
    assert cli.main(["read", "Vendors", "--page-size", "1", "--output", str(path), *flags]) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["read", "Vendors", "--output", "vendors.xlsx"], 2, "cannot tell the format of vendors.xlsx"),
        (["read", "Vendors", "--page-size", "1000"], 2, "--page-size"),
        (["read", "Vendor"], 4, "Vendors"),
        (["read", "Vendors", "--quiet", "--token", "patWRONGWRONGWRONG.0123"], 3, "token"),
    ],
)
def test_failures_are_one_line(
    flags: list[str], arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments[:2], *flags, *arguments[2:]]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("lakeflow-airtable: ")
    assert message in error
    assert "patWRONG" not in error


def test_a_missing_token_is_an_option_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AIRTABLE_TOKEN", raising=False)
    assert cli.main(["tables"]) == 2
    assert "token" in capsys.readouterr().err


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["options"]) == 0
    assert "on_bad_value (rescue)" in capsys.readouterr().out
    assert cli.main(["options", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| option | default | meaning |\n|---|---|---|\n| `token` | required |")


def test_tokens_have_all_their_names_as_flags(flags: list[str], mock_airtable: MockAirtable) -> None:
    for name in ("--token", "--bearer-token", "--access-token"):
        assert cli.main(["tables", *flags, name, mock_airtable.token]) == 0
        assert cli.main(["tables", *flags, name, "patWRONG.0"]) == 3


@pytest.mark.parametrize(
    "arguments", [["read", "Vendors", "--tokn", "patSECRET.1"], ["--token", "patSECRET.1", "tables"], ["patSECRET.1"]]
)
def test_complaints_do_not_repeat_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "SECRET" not in capsys.readouterr().err


def test_any_character_can_be_printed(mock_airtable: MockAirtable) -> None:
    mock_airtable.create_table("Rockets", [{"name": "Name", "type": "singleLineText"}], [{"Name": "\N{ROCKET}"}])
    options = mock_airtable.options()
    environment = {"PYTHONIOENCODING": "cp1252", "AIRTABLE_TOKEN": options.pop("token")}
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    command = [sys.executable, "-m", "lakeflow_airtable", "read", "Rockets", *given]
    ran = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "\N{ROCKET}" in ran.stdout.decode("utf-8")


def test_csv_has_no_place_for_structs(flags: list[str], tmp_path: Path) -> None:
    path = tmp_path / "vendors.csv"
    assert cli.main(["read", "Vendors", "--nested", "struct", "--output", str(path), *flags]) == 0
    with path.open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["owner"])
    assert json.loads(row["owner"])["id"].startswith("usr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["vendors.csv"]

"""The definition of a Unity Catalog connection: complete, without a token, and the same in the kit for Databricks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.installation import SITE_PACKAGES, SOURCE
from lakeflow_airtable import _native, cli
from lakeflow_airtable.cli import connection
from lakeflow_airtable.options import CREDENTIALS, in_scope
from project import PROJECT

KIT = PROJECT / "examples" / "databricks"
EXAMPLE = ("connection", "--name", "airtable", "--base-id", "appXXXXXXXXXXXXXX")
TYPES = connection.TYPES


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def test_every_option_is_stored_or_allowed() -> None:
    allowed = connection.allow_list()
    assert len(allowed) == len(set(allowed))
    stored = set(in_scope("connection"))
    assert not set(allowed) & stored
    rows = {row["name"] for row in _native.option_table()}
    assert stored <= rows
    # Beside our rows, what the framework's pipelines and virtual tables give.
    framework = {"tableNameList", "tableConfigs", "isDeleteFlow", "namespacePrefix"}
    assert set(allowed) | stored == rows | framework


def test_the_framework_is_told_the_same() -> None:
    specification = yaml.safe_load((SITE_PACKAGES / SOURCE / "connector_spec.yaml").read_text())
    names = [parameter["name"] for parameter in specification["connection"]["parameters"]]
    assert names == [name for name in in_scope("connection") if name not in CREDENTIALS]
    # Its command line adds these by itself.
    always = ("tableName", "tableNameList", "tableConfigs", "isDeleteFlow")
    allowed = [name for name in connection.allow_list() if name not in always]
    assert specification["external_options_allowlist"].split(",") == allowed


@pytest.mark.parametrize("kind", TYPES)
def test_json(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    definition = json.loads(printed(capsys, *EXAMPLE, "--type", kind, "--requests-per-second", "2"))
    assert definition == {
        "name": "airtable",
        "connection_type": kind,
        "options": {
            "sourceName": "airtable",
            "token": "${AIRTABLE_TOKEN}",
            "base_id": "appXXXXXXXXXXXXXX",
            "requests_per_second": "2",
            "externalOptionsAllowList": ",".join(connection.allow_list()),
        },
    }


def test_sql(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("connection", "--name", "a`b", "--format", "sql", "--secret", r"o'scope/k\ey")
    assert printed(capsys, *command).splitlines() == [
        "CREATE CONNECTION IF NOT EXISTS `a``b` TYPE COMMUNITY OPTIONS (",
        "  sourceName 'airtable',",
        r"  token secret('o\'scope', 'k\\ey'),",
        f"  externalOptionsAllowList '{','.join(connection.allow_list())}'",
        ");",
    ]


@pytest.mark.parametrize(("file", "kind"), [("connection.sql", TYPES[0]), ("connection_generic.sql", TYPES[1])])
def test_the_statements_of_the_kit(file: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = printed(capsys, *EXAMPLE, "--format", "sql", "--type", kind)
    assert (KIT / file).read_text() == made, f"make it anew: lakeflow-airtable {' '.join(EXAMPLE)} --format sql"


@pytest.fixture
def databricks(tmp_path: Path) -> Path:
    """A directory with a `databricks` that keeps its arguments, and the file that one of them names."""
    program = tmp_path / "bin" / "databricks"
    program.parent.mkdir()
    program.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@" > arguments\ncat "${4#@}" > body\n')
    program.chmod(0o755)
    return program.parent


def create(databricks: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KIT / "create_connection.sh", *arguments],
        cwd=databricks.parent,
        env={"PATH": f"{databricks}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("arguments", "kind"), [((), TYPES[0]), ((TYPES[1],), TYPES[1])])
def test_the_script_of_the_kit(
    arguments: tuple[str, ...], kind: str, databricks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "patSECRET.0123"
    ran = create(databricks, *arguments, AIRTABLE_TOKEN=token, AIRTABLE_BASE_ID="appXXXXXXXXXXXXXX")
    assert ran.returncode == 0, ran.stderr
    expected: dict[str, Any] = json.loads(printed(capsys, *EXAMPLE, "--type", kind).replace("${AIRTABLE_TOKEN}", token))
    assert json.loads((databricks.parent / "body").read_text()) == expected
    given = (databricks.parent / "arguments").read_text()
    assert given.split() == ["connections", "create", "--json", "@/dev/stdin"]
    assert token not in given + ran.stdout + ran.stderr


def test_the_script_says_what_is_missing(databricks: Path) -> None:
    assert "AIRTABLE_TOKEN" in create(databricks, AIRTABLE_BASE_ID="app").stderr
    assert "AIRTABLE_BASE_ID" in create(databricks, AIRTABLE_TOKEN="pat").stderr
    assert not (databricks.parent / "arguments").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base-id", "tblXXXXXXXXXXXXXX"], "--base-id is"),
        (["--base-url", "http://example.com"], "--base-url is"),
        (["--format", "sql", "--secret", "patSECRET.0123"], "SCOPE/KEY"),
    ],
)
def test_what_no_connection_can_hold(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connection", "--name", "airtable", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert "SECRET" not in error


@pytest.mark.parametrize(
    "arguments", [["--token", "patSECRET.0123"], ["--view", "patSECRET.0123"], ["--type", "patSECRET.0123"]]
)
def test_a_token_is_no_argument(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["connection", "--name", "airtable", *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "SECRET" not in said.out + said.err


def test_a_token_in_the_environment_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", "patSECRET.0123")
    for form in ("json", "sql"):
        assert "SECRET" not in printed(capsys, *EXAMPLE, "--format", form)

"""The command `connection`: a complete definition, and a token that goes nowhere but to where it belongs."""

from __future__ import annotations

import copy
import getpass
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import databricks_cli
from command_line import typed
from databricks_workspace import Refusal, Workspace
from framework.installation import SITE_PACKAGES, SOURCE
from lakeflow_airtable import _native, cli
from lakeflow_airtable.databricks_kit import connection
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import CREDENTIALS, in_scope

EXAMPLE = ("connection", "--name", "airtable", "--base-id", "appXXXXXXXXXXXXXX")
TYPES = connection.TYPES
SECRET = "patSECRET.0123"
# Of the form of a token, so that it is known for one before it is used.
FORM = f"pat{'A' * 14}.{'0' * 64}"


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
    other_names = {name for row in _native.option_table() if row["name"] not in stored for name in row["aliases"]}
    assert "table_name" in other_names
    assert set(allowed) | stored == rows | framework | other_names


def test_the_framework_is_told_the_same() -> None:
    specification = yaml.safe_load((SITE_PACKAGES / SOURCE / "connector_spec.yaml").read_text())
    names = [parameter["name"] for parameter in specification["connection"]["parameters"]]
    assert names == [name for name in in_scope("connection") if name not in CREDENTIALS]
    # Its command line adds these by itself.
    always = ("tableName", "tableNameList", "tableConfigs", "isDeleteFlow")
    allowed = [name for name in connection.allow_list() if name not in always]
    assert specification["external_options_allowlist"].split(",") == allowed


# What is printed.


@pytest.mark.parametrize("kind", TYPES)
def test_json_has_no_token_and_nothing_in_its_place(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", SECRET)
    assert cli.main([*EXAMPLE, "--type", kind, "--requests-per-second", "2"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "name": "airtable",
        "connection_type": kind,
        "options": {
            "sourceName": "airtable",
            "base_id": "appXXXXXXXXXXXXXX",
            "requests_per_second": "2",
            "externalOptionsAllowList": ",".join(connection.allow_list()),
        },
    }
    assert said.err == "The definition holds no token. --create sends it with one.\n"


def test_sql(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("connection", "--name", "a`b", "--format", "sql", "--secret", r"o'scope/k\ey")
    options = [
        "  sourceName 'airtable',",
        r"  token secret('o\'scope', 'k\\ey'),",
        f"  externalOptionsAllowList '{','.join(connection.allow_list())}'",
        ");",
    ]
    start = "CREATE CONNECTION IF NOT EXISTS `a``b` TYPE COMMUNITY OPTIONS ("
    assert printed(capsys, *command).splitlines() == [start, *options]
    # An update names no type, and replaces all options.
    assert printed(capsys, *command, "--update").splitlines() == ["ALTER CONNECTION `a``b` OPTIONS (", *options]


# What is sent.


@pytest.fixture
def workspace(tmp_path: Path, mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with Workspace() as made:
        monkeypatch.setenv("DATABRICKS_HOST", made.address)
        monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
        monkeypatch.setenv("AIRTABLE_BASE_URL", mock_airtable.url)
        yield made


def named(mock: MockAirtable) -> list[str]:
    return ["connection", "--name", "airtable", "--base-id", mock.base_id]


def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> int:
    """The exit code with the stand-in on the PATH. Tests get a PATH of their own after their fixtures."""
    monkeypatch.setenv("PATH", str(databricks_cli.install(tmp_path / "bin")), prepend=os.pathsep)
    return cli.main(arguments)


def test_created_then_rotated(
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", mock_airtable.token)
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--create"]) == 0
    first = copy.deepcopy(workspace.connections["airtable"])
    assert first["options"]["token"] == mock_airtable.token
    workspace.connections["airtable"]["options"]["token"] = "patOld"
    # The real one refuses an update with a name or a type, and so does the stand-in.
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--update", "--profile", "mine"]) == 0
    assert workspace.connections["airtable"] == first
    said = capsys.readouterr()
    assert mock_airtable.token not in said.out + said.err
    calls = databricks_cli.log(tmp_path / "log")
    assert [call["arguments"] for call in calls] == [
        ["connections", "create", "--json", "@/dev/stdin"],
        ["connections", "update", "airtable", "--json", "@/dev/stdin", "--profile", "mine"],
    ]
    assert all("AIRTABLE_TOKEN" not in call["environment"] for call in calls)
    assert set(json.loads(calls[1]["stdin"])) == {"options"}


@pytest.mark.parametrize("source", ["file", "prompt"])
def test_where_the_token_comes_from(
    source: str,
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = []
    if source == "file":
        (tmp_path / "token").write_text(f" {mock_airtable.token}\n")
        given = ["--token-file", str(tmp_path / "token")]
    else:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr(getpass, "getpass", lambda _asked: mock_airtable.token)
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--create", *given]) == 0
    assert workspace.connections["airtable"]["options"]["token"] == mock_airtable.token


PROMPT = "Airtable token (it is not shown): "
NOTHING = "lakeflow-airtable: what was typed holds no token: make one at airtable.com/create/tokens\n"


@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [
        ("TOKEN\n", 0, "# the connection airtable is created\n"),
        (" TOKEN \n", 0, "# the connection airtable is created\n"),
        ("\n", 2, f"{PROMPT}\n{NOTHING}"),
        ("\x04", 2, f"{PROMPT}\n{NOTHING}"),
        ("pat\x03", 130, f"{PROMPT}"),
        (f"{SECRET} {SECRET}\n", 2, "what was typed holds more than a token: leave everything else out\n"),
    ],
    ids=["a token", "a token with spaces around it", "nothing", "Ctrl-D", "Ctrl-C", "two"],
)
def test_a_token_typed_at_a_terminal(
    keys: str, code: int, says: str, workspace: Workspace, mock_airtable: MockAirtable, tmp_path: Path
) -> None:
    settings = {**os.environ, "PATH": f"{databricks_cli.install(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"}
    settings.pop("AIRTABLE_TOKEN", None)
    typing = keys.replace("TOKEN", mock_airtable.token)
    ended, shown, echoes = typed([*named(mock_airtable), "--create"], typing, settings, PROMPT)
    assert (ended, echoes) == (code, True), shown
    assert shown.startswith(PROMPT)
    assert says in shown
    assert "Traceback" not in shown
    assert mock_airtable.token not in shown
    assert SECRET not in shown
    tokens = [made["options"]["token"] for made in workspace.connections.values()]
    assert tokens == ([mock_airtable.token] if code == 0 else [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "set AIRTABLE_TOKEN, or give --token-file"),
        ("\n", "holds no token: make one at airtable.com/create/tokens"),
        (f"AIRTABLE_TOKEN = {SECRET}", "holds more than a token"),
    ],
)
def test_no_token(
    content: str | None,
    says: str,
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = []
    if content is not None:
        (tmp_path / "token").write_text(content)
        given = ["--token-file", str(tmp_path / "token")]
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--create", *given]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "SECRET" not in error
    assert workspace.connections == {}


def test_a_token_that_airtable_refuses_is_not_sent(
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", SECRET)
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--create"]) != 0
    said = capsys.readouterr()
    assert "the token was not accepted" in said.err
    assert "SECRET" not in said.out + said.err
    assert workspace.calls == []


def test_where_airtable_cannot_be_reached_the_connection_is_made(
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unused_port = listener.getsockname()[1]
    monkeypatch.setenv("AIRTABLE_TOKEN", "patA")
    monkeypatch.setenv("AIRTABLE_BASE_URL", f"http://127.0.0.1:{unused_port}")
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), "--create"]) == 0
    assert "# note: Airtable was not asked whether it accepts the token" in capsys.readouterr().out
    assert workspace.connections["airtable"]["options"]["token"] == "patA"


@pytest.mark.parametrize(
    ("there", "refusal", "verb", "says"),
    [
        (True, None, "--create", "a connection airtable is there already: bring it up to date"),
        (False, None, "--update", "Connection 'airtable' does not exist: check the name"),
        (
            True,
            Refusal(403, "PERMISSION_DENIED", "User does not own Connection 'airtable'; permission denied."),
            "--update",
            "ask an administrator for the privileges",
        ),
        (
            True,
            Refusal(403, "PERMISSION_DENIED", "User is not an owner of Connection 'airtable'."),
            "--update",
            "ask its owner to do it, or for the privilege MANAGE on it",
        ),
        (
            False,
            Refusal(403, "PERMISSION_DENIED", "User does not have CREATE CONNECTION on Metastore 'm'."),
            "--create",
            "ask an administrator for the privilege CREATE CONNECTION: `lakeflow-airtable databricks up --dry-run`",
        ),
        (
            False,
            Refusal(400, "INVALID_PARAMETER_VALUE", "CONNECTION_TYPE COMMUNITY is not supported."),
            "--create",
            "give --type GENERIC_LAKEFLOW_CONNECT",
        ),
    ],
)
def test_a_refusal_says_what_to_do(
    there: bool,
    refusal: Refusal | None,
    verb: str,
    says: str,
    workspace: Workspace,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", mock_airtable.token)
    if there:
        workspace.connections["airtable"] = {"name": "airtable", "connection_type": "COMMUNITY", "options": {}}
    if refusal is not None:
        workspace.refusals[r"(POST|PATCH) /api/2.1/unity-catalog/connections.*"] = refusal
    assert sent(tmp_path, monkeypatch, [*named(mock_airtable), verb]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert mock_airtable.token not in said.out + said.err


# By hand.

HARD = ["--name", 'o\'ne %s "two" \\n ü']


@pytest.mark.parametrize("verb", ["create", "update"])
def test_the_line_does_the_same(
    verb: str,
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = printed(capsys, "connection", *HARD, "--base-id", "appXXXXXXXXXXXXXX", f"--{verb}", "--dry-run")
    programs = databricks_cli.install(tmp_path / "bin")
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("AIRTABLE_TOKEN", None)
    command = ["bash", "-euo", "pipefail", "-c", line]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0
    assert "set it by: read -rs AIRTABLE_TOKEN" in ran.stderr
    subprocess.run(command, env={**environment, "AIRTABLE_TOKEN": SECRET}, capture_output=True, timeout=60)
    *_, call = databricks_cli.log(tmp_path / "log")
    definition = connection.ConnectionDefinition(HARD[1], stored={"base_id": "appXXXXXXXXXXXXXX"})
    body: dict[str, Any] = json.loads(call["stdin"])
    assert body == json.loads(definition.request("create" if verb == "create" else "update", SECRET))
    assert SECRET not in " ".join(call["arguments"])


def test_without_the_program_the_line_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main([*EXAMPLE, "--create"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("printf ")
    assert said.out.endswith(" | databricks connections create --json @/dev/stdin\n")
    assert "databricks is not on the PATH: install" in said.err


# What is no connection.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base-id", "tblXXXXXXXXXXXXXX"], "--base-id is"),
        (["--base-url", "http://example.com"], "--base-url is"),
        (["--format", "sql", "--secret", FORM], "--secret holds what looks like a token"),
        (["--format", "sql", "--secret", "scope"], "SCOPE/KEY"),
        (["--format", "sql", "--create"], "--format sql prints a statement"),
        (["--dry-run"], "--dry-run is about --create or --update"),
        (["--profile", FORM, "--create"], "--profile holds what looks like a token"),
    ],
)
def test_what_no_connection_can_hold(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connection", "--name", "airtable", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert FORM not in error


@pytest.mark.parametrize("arguments", [["--token", SECRET], ["--view", SECRET], ["--type", SECRET]])
def test_a_token_is_no_argument(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["connection", "--name", "airtable", *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "SECRET" not in said.out + said.err


def test_a_token_in_the_environment_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", SECRET)
    for form in (["--format", "json"], ["--format", "sql"], ["--create", "--dry-run"], ["--update", "--dry-run"]):
        assert "SECRET" not in printed(capsys, *EXAMPLE, *form)

"""What stands in the way of `lakeflow-airtable databricks up`, each with what its message says to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from databricks_way import FORM, Way, stored
from databricks_workspace import USER, Refusal
from lakeflow_airtable import __version__, cli
from lakeflow_airtable.databricks_kit import cures

# What a workspace refuses.

CREATE = "POST /api/2.1/unity-catalog/connections"


@pytest.mark.parametrize(
    ("call", "refusal", "says"),
    [
        (
            "GET /api/2.0/preview/scim/v2/Me",
            Refusal(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API."),
            "log in: databricks auth login",
        ),
        (
            CREATE,
            Refusal(403, "PERMISSION_DENIED", "User does not have CREATE CONNECTION on Metastore 'm'."),
            f"GRANT CREATE CONNECTION ON METASTORE TO `{USER}`;",
        ),
        (
            "GET /api/2.1/unity-catalog/connections/airtable",
            Refusal(403, "PERMISSION_DENIED", "User does not have USE CONNECTION on Connection 'airtable'."),
            f"GRANT USE CONNECTION ON CONNECTION `airtable` TO `{USER}`;",
        ),
        (
            "GET /api/2.1/unity-catalog/catalogs/main",
            Refusal(403, "PERMISSION_DENIED", "User does not have USE CATALOG on Catalog 'main'."),
            f"GRANT USE CATALOG, CREATE SCHEMA ON CATALOG `main` TO `{USER}`;",
        ),
        (
            "POST /api/2.1/unity-catalog/schemas",
            Refusal(403, "PERMISSION_DENIED", "User does not have CREATE SCHEMA on Catalog 'main'."),
            f"GRANT USE CATALOG, CREATE SCHEMA ON CATALOG `main` TO `{USER}`;",
        ),
        (
            CREATE,
            Refusal(400, "INVALID_PARAMETER_VALUE", "Unknown connection type: COMMUNITY"),
            "give --type GENERIC_LAKEFLOW_CONNECT",
        ),
        (
            "POST /api/2.1/unity-catalog/schemas",
            Refusal(409, "SCHEMA_ALREADY_EXISTS", "Schema 'main.dev_somebody_airtable' already exists"),
            "databricks bundle deployment bind bronze",
        ),
        (
            "POST /api/2.0/pipelines/[^/]+/updates",
            Refusal(409, "CONFLICT", "An active update 1234 already exists."),
            "a run of this pipeline is going on: wait for its end",
        ),
        (
            "GET /api/2.1/unity-catalog/catalogs/main",
            Refusal(404, "CATALOG_DOES_NOT_EXIST", "Catalog 'main' does not exist."),
            "check the name; Databricks answers the same for what you may not see",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else None,
)
def test_a_refusal_says_what_to_do(way: Way, call: str, refusal: Refusal, says: str) -> None:
    way.workspace.refusals[call] = refusal
    line = way.refused()
    assert refusal.message.rstrip(".") in line
    assert says in line


def test_a_connection_that_is_hidden(way: Way) -> None:
    """It cannot be seen, and cannot be made."""
    way.workspace.connections["airtable"] = stored(way)
    way.workspace.refusals["GET /api/2.1/unity-catalog/connections/airtable"] = Refusal(
        404, "CONNECTION_DOES_NOT_EXIST", "Connection 'airtable' does not exist."
    )
    line = way.refused()
    assert "a connection airtable is there already" in line
    assert "GRANT USE CONNECTION ON CONNECTION `airtable`" in line
    assert way.workspace.connections["airtable"]["options"]["token"] == "patOld"


@pytest.mark.parametrize(
    ("owner", "grants", "is_told"),
    [
        (USER, [], False),
        ("engineers", [], False),
        ("boss", [], True),
        ("boss", [("engineers", ["USE_CATALOG"]), (USER, ["CREATE_SCHEMA"])], False),
        ("boss", [("somebody else", ["USE_CATALOG", "CREATE_SCHEMA"])], True),
        ("boss", [("account users", ["ALL_PRIVILEGES"])], False),
    ],
)
def test_rights_that_no_grant_gives(way: Way, owner: str, grants: list[tuple[str, list[str]]], is_told: bool) -> None:
    way.workspace.catalogs["main"]["owner"] = owner
    way.workspace.grants["main"] = [
        {"principal": principal, "privileges": [{"privilege": privilege} for privilege in privileges]}
        for principal, privileges in grants
    ]
    code, out, _ = way.up()
    assert code == 0
    assert (f"ask for: GRANT USE CATALOG, CREATE SCHEMA ON CATALOG `main` TO `{USER}`;" in out) == is_told


# What a run complains of.


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("ModuleNotFoundError: No module named 'lakeflow_airtable'", "the environment lacks the wheel"),
        (
            "ERROR: lakeflow_airtable-0.1.0-cp310-abi3-manylinux_2_28_aarch64.whl is not a supported wheel on this "
            "platform",
            "put those of x86-64 and of aarch64 for Linux there",
        ),
        (
            "[ENVIRONMENT_PIP_INSTALL_ERROR] ERROR: No matching distribution found for lakeflow-airtable==0.1.0",
            "no wheel in dist/ is of this version and fits the machine",
        ),
        (
            'OptionError: option token is missing although databricks.connection is "airtable": check',
            "deploy again, so that the pipeline has the setting of the injection",
        ),
        ("OptionError: option tableName is required", "the connection's allow list lacks options"),
        ("[SOMETHING_ELSE] of which nothing is known", "see the run's page"),
    ],
)
def test_the_first_error_of_a_run_comes_with_its_cure(way: Way, error: str, says: str) -> None:
    way.workspace.error = f"Traceback (most recent call last):\n  File x, line 1\n{error}"
    line = way.refused()
    assert line.startswith(f"the run failed: {error}: ")
    assert says in line


def test_a_run_without_tables(way: Way) -> None:
    way.workspace.tables.clear()
    assert "the run made no table in main.dev_somebody_airtable" in way.refused()


# What is wrong before anything is asked.


def no_wheels(kit: Path) -> None:
    shutil.rmtree(kit / "dist")


def of_another_machine(kit: Path) -> None:
    no_wheels(kit)
    (kit / "dist").mkdir()
    (kit / "dist" / f"lakeflow_airtable-{__version__}-cp310-abi3-macosx_11_0_arm64.whl").write_text("a wheel")


def two_of_one_version(kit: Path) -> None:
    (kit / "dist" / f"lakeflow_airtable-{__version__}-cp310-abi3-manylinux_2_28_x86_64.whl").write_text("another")


def of_another_version(kit: Path) -> None:
    for path in (kit / "dist").iterdir():
        path.rename(path.with_name(path.name.replace(__version__, "9.9.9")))


def another_connection(kit: Path) -> None:
    (kit / "pipeline_spec.json").write_text('{"connection_name": "other", "objects": "*"}')


def no_json(kit: Path) -> None:
    (kit / "pipeline_spec.json").write_text('{"objects": ]')


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_wheels, f"has no wheel of version {__version__}: it holds no wheel of lakeflow-airtable"),
        (
            of_another_machine,
            f"has version {__version__} for macosx_11_0_arm64 only: Databricks runs on Linux with glibc",
        ),
        (two_of_one_version, f"has 2 wheels of version {__version__} for x86_64"),
        (of_another_version, f"has no wheel of version {__version__}: it holds 9.9.9"),
        (another_connection, 'names the connection "other", and the bundle\'s variable connection is "airtable"'),
        (no_json, "pipeline_spec.json is no JSON: Expecting value at line 1"),
    ],
)
def test_a_kit_that_cannot_work(way: Way, spoil: Any, says: str) -> None:
    spoil(way.kit)
    code, _, error = way.up()
    assert code == 2
    assert says in error
    assert error.count("\n") == 1
    assert way.workspace.changes == []


def test_one_architecture_is_told(way: Way) -> None:
    next((way.kit / "dist").glob("*aarch64.whl")).unlink()
    code, out, _ = way.up()
    assert code == 0
    assert f"has no wheel of version {__version__} for aarch64" in out


def test_a_folder_without_a_kit(way: Way, tmp_path: Path) -> None:
    assert cli.main(["databricks", "up", str(tmp_path / "bin")]) == 2
    assert "make a kit there by `lakeflow-airtable databricks init`" in way.said.readouterr().err
    assert way.workspace.calls == []


def test_no_command_line(way: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    way.programs = tmp_path / "nothing"
    assert "databricks is not on the PATH: install" in way.refused()
    assert way.workspace.calls == []


@pytest.mark.parametrize("arguments", [("--var", "nothing"), ("--var", f"connection={FORM}"), ("--profile", FORM)])
def test_arguments_that_are_none(way: Way, arguments: tuple[str, ...]) -> None:
    code, _, error = way.up(*arguments)
    assert code == 2
    assert error.count("\n") == 1
    assert way.workspace.calls == []


def test_a_list_is_no_variable_of_the_command_line(way: Way) -> None:
    if not way.is_real:
        pytest.skip("the words are the real command line's")
    line = way.refused("--var", 'notify=["a@example.com"]')
    assert "set the lists notify and permissions in databricks.yml" in line


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            'invalid argument "x" for "--var" flag: parse error on line 1, column 9: bare " in non-quoted-field',
            "set the lists notify and permissions in databricks.yml",
        ),
        ("Error: An active update 1234 already exists.", "a run of this pipeline is going on"),
        ("Error: SOMETHING of which nothing is known", None),
    ],
)
def test_words_of_the_real_command_line_have_their_cure(said: str, says: str | None) -> None:
    found = cures.cure(said)
    assert found is None if says is None else says in (found or "")


def test_a_token_that_cannot_be_asked_for(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRTABLE_TOKEN")
    code, _, error = way.up()
    assert code == 2
    assert "set AIRTABLE_TOKEN, or give --token-file" in error


def test_a_token_of_a_file(way: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AIRTABLE_TOKEN")
    file = tmp_path / "token"
    file.write_text(f"{way.airtable.token}\n")
    assert way.up("--token-file", str(file))[0] == 0
    assert way.workspace.connections["airtable"]["options"]["token"] == way.airtable.token

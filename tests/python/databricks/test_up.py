"""`lakeflow-airtable databricks up`: the whole way against a stand-in workspace, by a stand-in for Databricks' command
line, and by the real one where that is on the PATH."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import databricks_cli
from databricks_workspace import TOKEN, USER, Refusal, Workspace
from lakeflow_airtable import __version__, cli
from lakeflow_airtable.databricks_kit import connection
from lakeflow_airtable.mock import MockAirtable

REAL = shutil.which("databricks")
PLATFORMS = ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_28_aarch64")
SECRET = "patSECRET.0123"
# Of the form of a token, so that it is known for one before it is used.
FORM = f"pat{'A' * 14}.{'0' * 64}"


@dataclass
class Way:
    """A kit in a folder, a workspace, and the command line between them."""

    kit: Path
    workspace: Workspace
    airtable: MockAirtable
    log: Path
    said: pytest.CaptureFixture[str]
    is_real: bool
    programs: Path
    patch: pytest.MonkeyPatch

    def on_the_path(self) -> None:
        """Tests get a PATH of their own after their fixtures: see `tiers`."""
        if not os.environ["PATH"].startswith(f"{self.programs}{os.pathsep}"):
            self.patch.setenv("PATH", str(self.programs), prepend=os.pathsep)

    def up(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was printed."""
        self.on_the_path()
        code = cli.main(["databricks", "up", str(self.kit), *arguments])
        printed = self.said.readouterr()
        for text in (printed.out, printed.err):
            assert self.airtable.token not in text
            assert SECRET not in text
            assert FORM not in text
        return code, printed.out, printed.err

    def refused(self, *arguments: str) -> str:
        """The one line that says why the way ends."""
        code, _, error = self.up(*arguments)
        assert code == 1, error
        [line] = error.splitlines()
        return line.removeprefix("lakeflow-airtable: ")


@pytest.fixture(
    params=["stand-in", pytest.param("real", marks=pytest.mark.skipif(REAL is None, reason="no databricks"))]
)
def way(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    mock_airtable: MockAirtable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Way]:
    is_real = request.param == "real"
    programs = Path(REAL or "").parent if is_real else databricks_cli.install(tmp_path / "bin")
    log = tmp_path / "log"
    with Workspace(tables={"vendors": 21, "sku_candidates": 11}) as workspace:
        for name, value in {
            "HOME": str(tmp_path),
            "DATABRICKS_HOST": workspace.address,
            "DATABRICKS_TOKEN": TOKEN,
            "AIRTABLE_TOKEN": mock_airtable.token,
            "AIRTABLE_BASE_URL": mock_airtable.url,
            "STANDIN_LOG": str(log),
        }.items():
            monkeypatch.setenv(name, value)
        kit = tmp_path / "kit"
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        for platform in PLATFORMS:
            (wheels / f"lakeflow_airtable-{__version__}-cp310-abi3-{platform}.whl").write_text("a wheel")
        given = ["databricks", "init", str(kit), "--base-id", mock_airtable.base_id, "--wheels", str(wheels)]
        assert cli.main(given) == 0
        capsys.readouterr()
        yield Way(kit, workspace, mock_airtable, log, capsys, is_real, programs, monkeypatch)
        # Whatever the program has asked is known to the stand-in.
        assert workspace.unknown == []


def stored(way: Way, **options: str) -> dict[str, Any]:
    """A connection as this package makes it, but for some options; those of None are left out."""
    whole = {
        "sourceName": "airtable",
        "token": "patOld",
        "base_id": way.airtable.base_id,
        "externalOptionsAllowList": ",".join(connection.allow_list()),
    }
    return {"name": "airtable", "connection_type": "COMMUNITY", "options": {**whole, **options}}


def without_allow_list(way: Way) -> dict[str, Any]:
    made = stored(way)
    del made["options"]["externalOptionsAllowList"]
    return made


def test_from_nothing_to_rows(way: Way) -> None:
    code, out, err = way.up()
    assert (code, err) == (0, ""), out + err
    assert re.findall(r"^(\w+) +(\d+) rows written$", out, re.MULTILINE) == [
        ("sku_candidates", "11"),
        ("vendors", "21"),
    ]
    [made] = way.workspace.connections.values()
    assert made["connection_type"] == "COMMUNITY"
    assert made["options"]["token"] == way.airtable.token
    assert made["options"]["base_id"] == way.airtable.base_id
    assert made["options"]["externalOptionsAllowList"].split(",") == connection.allow_list()
    assert set(way.workspace.schemas) == {"main.dev_somebody_airtable", "main.dev_somebody_airtable_copies"}
    [pipeline] = way.workspace.pipelines.values()
    assert pipeline["schema"] == "dev_somebody_airtable"
    assert pipeline["configuration"]["airtable.connection"] == "airtable"
    folder = pipeline["environment"]["dependencies"][0].removeprefix("--find-links=")
    uploaded = {path.rpartition("/")[2] for path in way.workspace.files if path.startswith(f"{folder}/")}
    assert uploaded == {f"lakeflow_airtable-{__version__}-cp310-abi3-{platform}.whl" for platform in PLATFORMS}


def test_a_second_time_changes_nothing(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    assert way.up()[0] == 0
    before = list(way.workspace.changes)
    # Nothing asks for a token again.
    monkeypatch.delenv("AIRTABLE_TOKEN")
    code, out, err = way.up()
    assert (code, err) == (0, ""), out + err
    assert "# the connection airtable is as it should be\n" in out
    assert way.workspace.changes == before
    assert len(way.workspace.updates) == 2


def test_rows_are_those_of_the_last_run(way: Way) -> None:
    way.up()
    way.workspace.tables["vendors"] = 3
    assert re.search(r"^vendors +3 rows written$", way.up()[1], re.MULTILINE)


def test_a_warehouse_counts(way: Way) -> None:
    code, out, _ = way.up("--warehouse", "w1")
    assert code == 0
    assert re.findall(r"^(\w+) +(\d+) rows$", out, re.MULTILINE) == [("sku_candidates", "11"), ("vendors", "21")]


def test_secrets_in_the_folder_stay_there(way: Way) -> None:
    if not way.is_real:
        pytest.skip("what is uploaded is decided by the real command line")
    for name in (".env", ".env.local", "my.token", "airtable_token.txt", "connection.json"):
        (way.kit / name).write_text(SECRET)
    assert way.up()[0] == 0
    assert way.workspace.files
    for path, content in way.workspace.files.items():
        assert SECRET.encode() not in content, path


def test_the_token_goes_to_standard_input_alone(way: Way) -> None:
    if way.is_real:
        pytest.skip("the stand-in tells what it was given")
    way.up()
    calls = databricks_cli.log(way.log)
    assert [call["arguments"][:2] for call in calls if call["stdin"]] == [["connections", "create"]]
    for call in calls:
        assert way.airtable.token not in " ".join(call["arguments"])
        assert "AIRTABLE_TOKEN" not in call["environment"]
    for path in way.kit.rglob("*"):
        assert path.is_dir() or way.airtable.token.encode() not in path.read_bytes(), path


def test_steps_are_commands_that_do_it_by_hand(way: Way) -> None:
    """Those that change something, in a shell, with no help of this package's."""
    _, out, _ = way.up("--dry-run")
    assert way.workspace.calls == []
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", out], capture_output=True, text=True, timeout=120)
    # The connection is not there yet, which `get` complains of.
    assert ran.returncode == 1
    assert "Connection 'airtable' does not exist" in ran.stderr
    without = "\n".join(
        line for line in out.splitlines() if "connections get" not in line and "tables list" not in line
    )
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", without], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    [made] = way.workspace.connections.values()
    assert made["options"]["token"] == way.airtable.token
    assert made["options"]["externalOptionsAllowList"].split(",") == connection.allow_list()
    assert [update["state"] for update in way.workspace.updates] == ["COMPLETED"]


def test_what_is_run_is_what_a_dry_run_prints(way: Way) -> None:
    _, dry, _ = way.up("--dry-run")
    _, out, _ = way.up()
    changing = re.compile(r"^(?:printf|databricks bundle (?:deploy|run)).*", re.MULTILINE)
    assert changing.findall(dry) == changing.findall(out)
    assert len(changing.findall(out)) == 3


# Connections that are there already.


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_allow_list, "it has no externalOptionsAllowList"),
        (
            lambda way: stored(way, externalOptionsAllowList="tableName,view"),
            "its externalOptionsAllowList lacks tableNameL",
        ),
        (lambda way: stored(way, base_id="appOTHER000000001"), "its base_id is appOTHER000000001, not app"),
    ],
    ids=["without allow list", "with a short one", "of another base"],
)
def test_a_connection_is_brought_up_to_date(way: Way, spoil: Any, says: str) -> None:
    way.workspace.connections["airtable"] = spoil(way)
    code, out, _ = way.up()
    assert code == 0
    assert f"# the connection airtable is brought up to date: {says}" in out
    assert way.workspace.connections["airtable"]["options"] == {**stored(way)["options"], "token": way.airtable.token}


def test_a_connection_that_shows_nothing_is_left_alone(way: Way) -> None:
    way.workspace.connections["airtable"] = stored(way)
    way.workspace.shows_options = False
    code, out, _ = way.up()
    assert code == 0
    assert "Databricks does not show the connection's options" in out
    assert "lakeflow-airtable connection --name airtable --update" in out
    assert way.workspace.connections["airtable"]["options"]["token"] == "patOld"


def test_a_connection_of_another_type(way: Way) -> None:
    way.workspace.connections["airtable"] = {**stored(way), "connection_type": "MYSQL"}
    line = way.refused()
    assert "is of the type MYSQL" in line
    assert "give another name by --var connection=NAME" in line
    assert way.workspace.pipelines == {}


def test_another_connection_by_a_variable(way: Way) -> None:
    way.workspace.connections["airtable"] = {**stored(way), "connection_type": "MYSQL"}
    code, _, error = way.up("--var", "connection=other")
    assert (code, error) == (0, "")
    assert set(way.workspace.connections) == {"airtable", "other"}
    [pipeline] = way.workspace.pipelines.values()
    assert pipeline["configuration"]["airtable.connection"] == "other"


def test_a_wrong_token_is_not_stored(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", SECRET)
    code, _, error = way.up()
    assert code != 0
    assert "the token was not accepted" in error
    assert way.workspace.connections == {}


def test_a_wrong_token_in_the_connection(way: Way) -> None:
    way.workspace.error = (
        "Traceback (most recent call last):\nlakeflow_airtable.AuthError: GET https://api.airtable.com/v0/meta/bases/app"
        "/tables: 401 AUTHENTICATION_REQUIRED Authentication required: the token was not accepted"
    )
    line = way.refused()
    assert line.startswith("the run failed: lakeflow_airtable.AuthError: GET https://api.airtable.com")
    assert "make a new one and store it by `lakeflow-airtable connection --name NAME --update`" in line


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


def test_triggers_are_paused_in_development(way: Way) -> None:
    if not way.is_real:
        pytest.skip("modes are the real command line's")
    way.up()
    [development] = [job["trigger"] for job in way.workspace.jobs.values() if "trigger" in job]
    assert development["pause_status"] == "PAUSED"
    way.workspace.jobs.clear()
    way.up("--target", "prod")
    [production] = [job["trigger"] for job in way.workspace.jobs.values() if "trigger" in job]
    assert production.get("pause_status", "UNPAUSED") == "UNPAUSED"


def test_production_has_its_own_schema(way: Way) -> None:
    assert way.up("--target", "prod")[0] == 0
    assert set(way.workspace.schemas) == {"main.airtable_prod", "main.airtable_prod_copies"}

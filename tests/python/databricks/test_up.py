"""`lakeflow-airtable databricks up`: the whole way against a stand-in workspace, by a stand-in for Databricks' command
line, and by the real one where that is on the PATH."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

import databricks_cli
from databricks_way import PLATFORMS, SECRET, Way, stored, without_allow_list
from lakeflow_airtable import __version__
from lakeflow_airtable.databricks_kit import connection


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


# The jobs, which Databricks' command line runs without this package.


def ran(way: Way, job: str) -> subprocess.CompletedProcess[str]:
    way.on_the_path()
    return subprocess.run(
        ["databricks", "bundle", "run", job], cwd=way.kit, capture_output=True, text=True, timeout=120
    )


def test_the_jobs_run_as_the_pipeline_does(way: Way) -> None:
    way.up()
    before = len(way.workspace.updates)
    for job, name in {
        "airtable_refresh": "airtable-refresh",
        "airtable_copy": "airtable-copy",
        "airtable_copy_classic": "airtable-copy-classic",
        "airtable_explore": "airtable-explore",
    }.items():
        done = ran(way, job)
        assert done.returncode == 0, done.stderr
        assert re.search(rf'"(\[dev somebody\] )?{name}" TERMINATED SUCCESS$', done.stderr, re.MULTILINE), done.stderr
    # One of them is of a pipeline's task: it has run the kit's pipeline.
    [pipeline] = way.workspace.pipelines
    assert [(update["pipeline_id"], update["state"]) for update in way.workspace.updates[before:]] == [
        (pipeline, "COMPLETED")
    ]


def test_a_job_that_fails_names_its_page(way: Way) -> None:
    way.up()
    way.workspace.error = "lakeflow_airtable.AuthError: the token was not accepted"
    done = ran(way, "airtable_refresh")
    assert done.returncode == 1
    page = re.search(r"^Run URL: (\S+)", done.stderr, re.MULTILINE)
    assert page is not None, done.stderr
    assert page[1].startswith(way.workspace.address)
    assert "Error: run failed: Workload failed, see run output for details\n" in done.stderr
    # What the guide says: the error itself is on that page, and here it is not.
    assert "AuthError" not in done.stdout + done.stderr


def test_a_job_that_is_none(way: Way) -> None:
    way.up()
    done = ran(way, "airtable_refreshed")
    assert done.returncode == 1
    assert 'resource with key "airtable_refreshed" not found' in done.stderr
    assert way.workspace.runs == {}


# Connections that are there already.


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_allow_list, "it has no externalOptionsAllowList"),
        (
            lambda way: stored(way, externalOptionsAllowList="tableName,view"),
            "its externalOptionsAllowList lacks table_name, ",
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


def test_a_target_that_is_not_there_is_answered_by_those_that_are(way: Way) -> None:
    for verb in ([], ["--dry-run"]):
        code, out, said = way.up("--target", "stage", *verb)
        assert (code, out) == (2, "")
        assert "--target is 'stage', and databricks.yml has no such target: it has dev, prod" in said
    # Another default than the template's.
    bundle = way.kit / "databricks.yml"
    text = bundle.read_text()
    bundle.write_text(
        text.replace("    default: true\n", "").replace("mode: production\n", "mode: production\n    default: true\n")
    )
    assert "airtable_prod" in way.up("--dry-run")[1]


def test_production_has_its_own_schema(way: Way) -> None:
    assert way.up("--target", "prod")[0] == 0
    assert set(way.workspace.schemas) == {"main.airtable_prod", "main.airtable_prod_copies"}

"""The kit for Databricks: what can be checked of it without a workspace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import lakeflow_airtable
from databricks_bundle import BUNDLE, KIT, REFERENCE, faults, merged, resolved, texts, written_files
from lakeflow_airtable import _native
from lakeflow_airtable.cli import connection
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"
SPECIFICATION: dict[str, Any] = json.loads((KIT / "pipeline_spec.json").read_text())

# The bundle.


def test_the_bundle_has_known_keys_and_values() -> None:
    assert list(faults(merged(), BUNDLE)) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"].update(serverles=True), "serverles: unknown"),
        (lambda bundle: bundle["variables"]["wheel_version"].update(default=0.1), "0.1 is a float, not a str"),
        (lambda bundle: bundle["resources"]["jobs"]["airtable_classic"]["tasks"][0].pop("task_key"), "missing"),
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"].update(channel="STABLE"), "is none of"),
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"]["configuration"].update(x=True), "not a str"),
        (lambda bundle: bundle.pop("bundle"), ".bundle: missing"),
    ],
)
def test_faults_are_found(spoil: Any, fault: str) -> None:
    bundle = merged()
    spoil(bundle)
    (found,) = faults(bundle, BUNDLE)
    assert fault in found


def published_schema() -> dict[str, Any]:
    """Databricks' own, from its command line or from a file. It is not part of this project."""
    if path := os.environ.get("DATABRICKS_BUNDLE_SCHEMA"):
        return dict(json.loads(Path(path).read_text()))
    if shutil.which("databricks") is None:
        pytest.skip("needs Databricks' command line, or DATABRICKS_BUNDLE_SCHEMA with the output of its bundle schema")
    ran = subprocess.run(["databricks", "bundle", "schema"], capture_output=True, check=True, timeout=120)
    return dict(json.loads(ran.stdout))


def test_the_bundle_is_what_the_published_schema_asks_for() -> None:
    schema = published_schema()
    import jsonschema.exceptions
    import jsonschema.validators

    def pattern(_validator: Any, wanted: str, instance: Any, _schema: Any) -> Any:
        # The schema's patterns are Go's: Python has other words for letters and digits.
        wanted = wanted.replace(r"[\p{L}\p{N}]", r"[^\W_]").replace(r"\p{L}", r"[^\W\d_]")
        if isinstance(instance, str) and not re.search(wanted, instance):
            yield jsonschema.exceptions.ValidationError(f"{instance!r} does not match {wanted!r}")

    kind = jsonschema.validators.extend(jsonschema.validators.Draft202012Validator, {"pattern": pattern})
    validator = kind(schema)
    wholes = [merged(), *written_files().values()]
    for whole in wholes:
        assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(whole)] == []
    # That it looks closely.
    for spoilt in ({"serverles": True}, {"serverless": "yes"}, {"environment": {"dependencies": "one"}}):
        bundle = merged()
        bundle["resources"]["pipelines"]["airtable"].update(spoilt)
        assert list(validator.iter_errors(bundle))


def test_references_resolve_and_every_variable_is_used() -> None:
    bundle = merged()
    named = {found for _, text in texts(bundle) for found in REFERENCE.findall(text)}
    variables = {f"var.{name}" for name in bundle["variables"]}
    known = {"workspace.file_path", "workspace.current_user.userName", "bundle.name", "bundle.target"}
    # The name of the connection is data of the specification, and an argument of the jobs.
    assert named - known == variables
    assert bundle["variables"]["connection"]["default"] == SPECIFICATION["connection_name"]
    assert not any(REFERENCE.search(variable["default"]) for variable in bundle["variables"].values())


def test_files_that_are_named_are_there() -> None:
    found = 0
    for file, written in written_files().items():
        for path, text in texts(written):
            if path[-1] in ("python_file", "include", "root_path") and path[0] == "resources":
                target = (file.parent / text).resolve()
            elif text.startswith("${workspace.file_path}/"):
                target = KIT / text.partition("/")[2]
            else:
                continue
            assert target.exists(), f"{file.name}: {text}"
            assert target.is_relative_to(KIT), f"{text} is outside of what is deployed"
            found += 1
    assert found == 5


def test_tasks_have_the_compute_that_they_name() -> None:
    for job in merged()["resources"]["jobs"].values():
        environments = {environment["environment_key"] for environment in job.get("environments", [])}
        clusters = {cluster["job_cluster_key"] for cluster in job.get("job_clusters", [])}
        for task in job["tasks"]:
            assert {task.get("environment_key")} - {None} == environments
            assert {task.get("job_cluster_key")} - {None} == clusters
            assert len(environments | clusters) == 1
            # The command line refuses libraries where there is no cluster.
            assert bool(task.get("libraries")) == bool(clusters)


def test_connections_are_handed_over_everywhere() -> None:
    resources = merged()["resources"]
    cluster = resources["jobs"]["airtable_classic"]["job_clusters"][0]["new_cluster"]
    assert resources["pipelines"]["airtable"]["configuration"][INJECTION] == "true"
    assert cluster["spark_conf"][INJECTION] == "true"
    for name in ("job.py", "explore.py"):
        assert INJECTION in (KIT / name).read_text()
    # A declarative pipeline outside Databricks ends when its definition sets anything.
    assert "conf.set" not in (KIT / "pipeline.py").read_text()


# The wheels.

PLATFORMS = {
    "manylinux_2_17_x86_64": "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "manylinux_2_28_aarch64": "manylinux_2_28_aarch64",
}


def wheel_name(tags: str, version: str) -> str:
    return f"lakeflow_airtable-{version}-cp310-abi3-{tags}.whl"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder as the Volume: wheels of both architectures, of this version and an older one, with nothing inside."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("0.0.9", lakeflow_airtable.__version__):
        for tags in PLATFORMS.values():
            with zipfile.ZipFile(folder / wheel_name(tags, version), "w") as wheel:
                information = f"lakeflow_airtable-{version}.dist-info"
                metadata = f"Metadata-Version: 2.1\nName: lakeflow-airtable\nVersion: {version}\n"
                wheel.writestr(f"{information}/METADATA", metadata)
                wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
                wheel.writestr(f"{information}/RECORD", "")
    return folder


def environments() -> dict[str, list[str]]:
    resources = merged()["resources"]
    (job,) = resources["jobs"]["airtable_serverless"]["environments"]
    pipeline = resources["pipelines"]["airtable"]["environment"]
    return {"pipeline": pipeline["dependencies"], "job": job["spec"]["dependencies"]}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("environment", ["pipeline", "job"])
def test_pip_takes_the_wheel_of_the_machine(environment: str, platform: str, wheels: Path, tmp_path: Path) -> None:
    """Each dependency is a line of a requirements file, and pip does not need the index for any."""
    lines = [resolved(line) for line in environments()[environment]]
    volume = "/Volumes/main/airtable/wheels"
    assert sum(volume in line for line in lines) == 1
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("\n".join(line.replace(volume, str(wheels)) for line in lines))
    target = tmp_path / "taken"
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--only-binary=:all:"]
    machine = ["--python-version=3.12", "--implementation=cp", "--abi=abi3", f"--platform={platform}"]
    ran = subprocess.run(
        [*command, *machine, f"--dest={target}", f"--requirement={requirements}"],
        capture_output=True,
        text=True,
        timeout=60,
        # Settings of the machine's own might name an index.
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )
    assert ran.returncode == 0, ran.stderr
    (taken,) = target.iterdir()
    assert taken.name == wheel_name(PLATFORMS[platform], lakeflow_airtable.__version__)


def test_a_cluster_has_the_wheel_of_its_machines(wheels: Path) -> None:
    (task,) = merged()["resources"]["jobs"]["airtable_classic"]["tasks"]
    (library,) = task["libraries"]
    folder, _, name = resolved(library["whl"]).rpartition("/")
    assert folder == "/Volumes/main/airtable/wheels"
    assert (wheels / name).exists()


def test_no_dependency_is_a_file_of_the_bundle() -> None:
    """Of several wheels of one version that a local pattern finds, the command line keeps one: the other
    architecture's is gone."""
    for dependencies in environments().values():
        assert not any(line.startswith(".") or "*" in line or "dist/" in line for line in dependencies)


def test_the_kit_installs_this_version() -> None:
    """Every other place that names a version: `tests/python/docs/test_package_pages.py`."""
    assert merged()["variables"]["wheel_version"]["default"] == lakeflow_airtable.__version__


# The specification.

# Keys of a table's configuration that the pipeline keeps to itself.
PIPELINE_OWN = {"scd_type", "primary_keys", "sequence_by", "cluster_by"}


def test_the_specification_has_the_form_of_the_framework() -> None:
    assert SPECIFICATION.keys() == {"connection_name", "objects"}
    tables = []
    for entry in SPECIFICATION["objects"]:
        assert entry.keys() == {"table"}
        table = entry["table"]
        assert {"source_table", "destination_table"} <= table.keys()
        assert table.keys() <= {
            *("source_table", "destination_catalog", "destination_schema", "destination_table"),
            "table_configuration",
        }
        assert ("destination_catalog" in table) == ("destination_schema" in table)
        tables.append(table)
    assert len(tables) == 6
    for key in ("source_table", "destination_table"):
        names = [table[key].lower() for table in tables]
        # Configurations are looked up by the name of the source.
        assert len(set(names)) == len(names)
    modes = {table.get("table_configuration", {}).get("ingestion_type", "snapshot") for table in tables}
    assert modes == {"snapshot", "cdc", "cdc_with_deletes", "append"}


@pytest.mark.parametrize("entry", SPECIFICATION["objects"], ids=lambda entry: entry["table"]["source_table"])
def test_every_table_of_the_specification_can_be_planned(entry: dict[str, Any], mock_airtable: MockAirtable) -> None:
    table = entry["table"]
    configuration = table.get("table_configuration", {})
    assert configuration.get("scd_type", "SCD_TYPE_1") in {"SCD_TYPE_1", "SCD_TYPE_2", "APPEND_ONLY"}
    options = {name: value for name, value in configuration.items() if name not in PIPELINE_OWN}
    # Any other would be dropped on its way, without a word.
    assert set(options) <= set(connection.allow_list())
    connector = _native.Connector(Options.from_values({**mock_airtable.options(), **options}))
    metadata = connector.metadata(table["source_table"])
    assert metadata["ingestion_type"] == options.get("ingestion_type", "snapshot")
    columns = [column["name"] for column in json.loads(connector.plan(table["source_table"]).spark_schema())["fields"]]
    assert metadata["primary_keys"] == ["id"]
    assert {"id", metadata["cursor_field"] or "id"} <= set(columns)


# The programs.

PROGRAMS = sorted(KIT.glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_programs_compile(path: Path) -> None:
    compile(path.read_text(), path, "exec")


def test_the_notebook_has_the_form_of_one() -> None:
    text = (KIT / "explore.py").read_text()
    assert text.startswith("# Databricks notebook source\n")
    cells = text.removeprefix("# Databricks notebook source\n").split("\n# COMMAND ----------\n")
    assert len(cells) > 5
    for cell in cells:
        lines = [line for line in cell.splitlines() if line]
        magic = [line for line in lines if line.startswith("# MAGIC")]
        assert magic in ([], lines), "a cell is either code or magic"
    # The wheel comes before anything is imported: installing restarts Python.
    assert text.index("%pip install") < text.index("import")


def test_the_definition_hands_the_specification_to_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    class Spark:
        """What Databricks provides, as far as it is used: the configuration of the pipeline."""

        class conf:
            @staticmethod
            def get(key: str) -> str:
                written = merged()["resources"]["pipelines"]["airtable"]["configuration"][key]
                return str(written).replace("${workspace.file_path}", str(KIT))

    monkeypatch.setattr(lakeflow_airtable, "ingest", lambda *given: calls.append(given), raising=False)
    path = KIT / "pipeline.py"
    exec(compile(path.read_text(), path, "exec"), {"spark": Spark, "__name__": "pipeline"})
    assert calls == [(Spark, SPECIFICATION)]

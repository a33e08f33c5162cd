"""The kit for Databricks: what can be checked of it without a workspace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import lakeflow_airtable
from databricks_bundle import BUNDLE, KIT, REFERENCE, faults, merged, resolved, texts, written_files
from lakeflow_airtable import _native
from lakeflow_airtable.databricks_kit import connection, rights, template
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.specification.faults import Faults
from lakeflow_airtable.specification.spec import PipelineSpec
from project import PROJECT

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"
SPECIFICATION: dict[str, Any] = json.loads((KIT / "pipeline_spec.json").read_text())

PROGRAMS = sorted(KIT.glob("*.py"))

# The bundle.


def test_the_bundle_has_known_keys_and_values() -> None:
    assert list(faults(merged(), BUNDLE)) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"].update(serverles=True), "serverles: unknown"),
        (lambda bundle: bundle["variables"]["wheel_version"].update(default=0.1), "0.1 is a float, not a str"),
        (lambda bundle: bundle["resources"]["jobs"]["airtable_copy"]["tasks"][0].pop("task_key"), "missing"),
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"].update(channel="STABLE"), "is none of"),
        (lambda bundle: bundle["resources"]["pipelines"]["airtable"]["configuration"].update(x=True), "not a str"),
        (lambda bundle: bundle.pop("bundle"), ".bundle: missing"),
        # It is in Beta, and makes a definition fail that sets anything.
        (
            lambda bundle: bundle["resources"]["pipelines"]["airtable"]["environment"].update(environment_version="4"),
            "environment_version: unknown",
        ),
    ],
)
def test_faults_are_found(spoil: Any, fault: str) -> None:
    bundle = merged()
    spoil(bundle)
    (found,) = faults(bundle, BUNDLE)
    assert fault in found


def published_schema() -> dict[str, Any]:
    """Databricks' own, from its command line or from a file. It is not part of this project."""
    named = os.environ.get("DATABRICKS_BUNDLE_SCHEMA")
    beside = PROJECT.parent / "shared" / "schemas" / "databricks-bundle.schema.json"
    if named or beside.exists():
        return dict(json.loads(Path(named or beside).read_text()))
    if shutil.which("databricks") is None:
        asked = (
            f"needs DATABRICKS_BUNDLE_SCHEMA with the output of `databricks bundle schema`, that output as {beside}, "
            "or `databricks` on the PATH"
        )
        # A run that decides about a change does not pass over it.
        (pytest.fail if os.environ.get("GITHUB_ACTIONS") else pytest.skip)(asked)
    ran = subprocess.run(["databricks", "bundle", "schema"], capture_output=True, check=True, timeout=120)
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize(("ci", "ends"), [("true", "Failed"), ("", "Skipped")])
def test_without_the_schema_a_run_that_decides_fails_and_asks_for_it(
    ci: str, ends: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", ci)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DATABRICKS_BUNDLE_SCHEMA", raising=False)
    monkeypatch.setitem(globals(), "PROJECT", tmp_path / "project")
    with pytest.raises(BaseException, match="needs DATABRICKS_BUNDLE_SCHEMA with the output") as caught:
        published_schema()
    assert type(caught.value).__name__ == ends


def of_other_answers(folder: Path) -> list[dict[str, Any]]:
    """Bundles that the template makes of other answers."""
    answers = [
        template.Answers("1.2.3", bases=["appAAAAAAAAAAAAAA", "appBBBBBBBBBBBBBB"], index=template.Index()),
        template.Answers("1.2.3", notify=["a@example.com"], index=template.Index("https://example.com/simple")),
    ]
    wholes = []
    for number, answer in enumerate(answers):
        for path, text in template.files(answer).items():
            target = folder / str(number) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        wholes.append(merged(folder / str(number)))
    return wholes


def test_the_bundle_is_what_the_published_schema_asks_for(tmp_path: Path) -> None:
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
    wholes = [merged(), *written_files().values(), *of_other_answers(tmp_path)]
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
    resources = bundle["resources"]
    made = {f"resources.schemas.{key}.name" for key in resources["schemas"]} | {"resources.pipelines.airtable.id"}
    known = {"workspace.file_path", "bundle.name", "bundle.target"}
    assert named - known == variables | made
    assert not any(REFERENCE.search(str(variable["default"])) for variable in bundle["variables"].values())
    # The command line wants keys that are unique over all types.
    keys = [key for kind in resources.values() for key in kind]
    assert len(set(keys)) == len(keys)


def test_each_fact_stands_once() -> None:
    """No file but databricks.yml holds the value of one of its variables; the README tells how to begin."""
    bundle = merged()
    values = {str(variable["default"]) for variable in bundle["variables"].values()} - {"", "[]", "airtable", "4"}
    values |= set(map(str, bundle["targets"]["prod"]["variables"].values()))
    for path in KIT.rglob("*"):
        if path.is_file() and path.name not in ("databricks.yml", "README.md"):
            for value in values - {"main"}:
                assert value not in path.read_text(), f"{path.name}: {value}"
    assert "connection_name" not in SPECIFICATION
    explore = (KIT / "explore.py").read_text()
    assert "airtable" not in re.findall(r"widgets\.text\(name, \"(.*)\"\)", explore)
    parameters = bundle["resources"]["jobs"]["airtable_explore"]["tasks"][0]["notebook_task"]["base_parameters"]
    assert parameters["connection"] == "${var.connection}"
    assert bundle["resources"]["pipelines"]["airtable"]["configuration"]["airtable.connection"] == "${var.connection}"


def test_production_is_one_copy_of_its_own() -> None:
    bundle = merged()
    production = bundle["targets"]["prod"]
    assert "current_user" not in json.dumps(production)
    assert production["run_as"] == {"service_principal_name": "${var.run_as}"}
    assert production["workspace"]["root_path"].startswith("/Workspace/")
    own = production["variables"]
    assert set(own) == {"catalog", "schema"}
    assert own["schema"] != bundle["variables"]["schema"]["default"]
    assert bundle["targets"]["dev"] == {"mode": "development", "default": True}


def test_the_refresh_is_scheduled_and_tells_of_failures() -> None:
    refresh = merged()["resources"]["jobs"]["airtable_refresh"]
    # Development mode pauses it, but not where it says otherwise.
    assert refresh["trigger"] == {"periodic": {"interval": 1, "unit": "HOURS"}}
    assert refresh["email_notifications"]["on_failure"] == "${var.notify}"
    assert refresh["tasks"][0]["pipeline_task"] == {"pipeline_id": "${resources.pipelines.airtable.id}"}
    assert merged()["permissions"] == "${var.permissions}"


def test_secrets_stay_at_home() -> None:
    sync = merged()["sync"]
    ignored = (KIT / ".gitignore").read_text().splitlines()
    for name in (".env", ".env.prod", "airtable.token", "connection.json", "my_token.txt"):
        assert any(fnmatch(name, pattern) for pattern in ignored), name
    assert fnmatch(".env", *sync["exclude"])
    # Git passes over the wheels, and the bundle takes them along.
    assert "dist/" in ignored
    assert sync["include"] == ["dist/*.whl"]


def test_it_is_what_the_template_makes() -> None:
    """Make it anew: `lakeflow-airtable databricks init` with the base below, into a folder that is empty."""
    made = template.files(template.Answers(lakeflow_airtable.__version__, bases=["appXXXXXXXXXXXXXX"]))
    there = {path.relative_to(KIT).as_posix(): path.read_text() for path in KIT.rglob("*") if path.is_file()}
    assert there == made


def test_files_that_are_named_are_there() -> None:
    found = 0
    for file, written in written_files().items():
        for path, text in texts(written):
            if path[-1] in ("python_file", "include", "root_path", "notebook_path") and path[0] == "resources":
                target = (file.parent / text).resolve()
            elif text.startswith("${workspace.file_path}/") and "/dist/" not in text:
                target = KIT / text.partition("/")[2]
            else:
                continue
            assert target.exists(), f"{file.name}: {text}"
            assert target.is_relative_to(KIT), f"{text} is outside of what is deployed"
            found += 1
    # The wheels are put there later.
    assert found == 6


def test_tasks_have_the_compute_that_they_name() -> None:
    for name, job in merged()["resources"]["jobs"].items():
        if "copy" not in name:
            continue  # a pipeline and a notebook have their own
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
    cluster = resources["jobs"]["airtable_copy_classic"]["job_clusters"][0]["new_cluster"]
    assert resources["pipelines"]["airtable"]["configuration"][INJECTION] == "true"
    assert cluster["spark_conf"][INJECTION] == "true"
    for path in PROGRAMS:
        # In addition, and guarded wherever it stands: some places refuse it.
        text = path.read_text()
        assert INJECTION in text
        assert (
            len(re.findall(r"with suppress\(Exception\):\n +spark\.conf\.set\(", text)) == text.count("conf.set") == 1
        )


def test_a_pipeline_has_no_environment_version() -> None:
    assert "environment_version" not in merged()["resources"]["pipelines"]["airtable"]["environment"]


# The wheels.

PLATFORMS = {
    "manylinux_2_17_x86_64": "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "manylinux_2_28_aarch64": "manylinux_2_28_aarch64",
}


def wheel_name(tags: str, version: str) -> str:
    return f"lakeflow_airtable-{version}-cp310-abi3-{tags}.whl"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder as the deployed dist/: empty wheels of both architectures, of this version and an older one."""
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
    (job,) = resources["jobs"]["airtable_copy"]["environments"]
    pipeline = resources["pipelines"]["airtable"]["environment"]
    return {"pipeline": pipeline["dependencies"], "job": job["spec"]["dependencies"]}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("environment", ["pipeline", "job"])
def test_pip_takes_the_wheel_of_the_machine(environment: str, platform: str, wheels: Path, tmp_path: Path) -> None:
    """Each dependency is a line of a requirements file, and pip does not need the index for any."""
    lines = [resolved(line) for line in environments()[environment]]
    folder = "${workspace.file_path}/dist"
    assert sum(folder in line for line in lines) == 1
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("\n".join(line.replace(folder, str(wheels)) for line in lines))
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
    (task,) = merged()["resources"]["jobs"]["airtable_copy_classic"]["tasks"]
    (library,) = task["libraries"]
    folder, _, name = resolved(library["whl"]).rpartition("/")
    assert folder == "${workspace.file_path}/dist"
    assert (wheels / name).exists()


def test_no_dependency_is_a_file_of_the_bundle() -> None:
    """Of several wheels of one version that a local pattern finds, the command line keeps one: the other
    architecture's is gone."""
    for dependencies in environments().values():
        assert not any(line.startswith(".") or "*" in line or ".whl" in line for line in dependencies)


def test_the_kit_installs_this_version() -> None:
    """Every other place that names a version: `tests/python/docs/test_package_pages.py`."""
    assert merged()["variables"]["wheel_version"]["default"] == lakeflow_airtable.__version__


# The specification.


def test_the_specification_is_every_table() -> None:
    assert SPECIFICATION == {"objects": "*"}


def test_a_specification_of_several_bases() -> None:
    bases = ["appAAAAAAAAAAAAAA", "appBBBBBBBBBBBBBB"]
    made = template.files(template.Answers("1.2.3", bases=bases))
    spec = PipelineSpec.parse(
        {"connection_name": "airtable", **json.loads(made["pipeline_spec.json"])}, faults := Faults()
    )
    faults.raise_any()
    assert [entry.options["namespace"] for entry in spec.entries] == ['["appAAAAAAAAAAAAAA"]', '["appBBBBBBBBBBBBBB"]']
    # The connection sees all of them, and is bound to none.
    assert 'default: ""' in made["databricks.yml"]


def blocks(page: Path) -> list[dict[str, Any]]:
    return [
        json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    ]


# Keys of a table's configuration that the pipeline keeps to itself.
PIPELINE_OWN = {"scd_type", "primary_keys", "sequence_by", "cluster_by"}
[GUIDE] = [block for block in blocks(PROJECT / "docs" / "guides" / "databricks.md") if "objects" in block]


def test_the_specification_of_the_guide_has_each_kind() -> None:
    modes = {
        entry["table"].get("table_configuration", {}).get("ingestion_type", "snapshot") for entry in GUIDE["objects"]
    }
    assert modes == {"snapshot", "cdc", "cdc_with_deletes", "append"}
    PipelineSpec.parse({"connection_name": "airtable", **GUIDE}, faults := Faults())
    faults.raise_any()


@pytest.mark.parametrize("entry", GUIDE["objects"], ids=lambda entry: entry["table"]["source_table"])
def test_every_table_of_the_guide_can_be_planned(entry: dict[str, Any], mock_airtable: MockAirtable) -> None:
    table = entry["table"]
    configuration = table.get("table_configuration", {})
    options = {name: value for name, value in configuration.items() if name not in PIPELINE_OWN}
    # Any other would be dropped on its way, without a word.
    assert set(options) <= set(connection.allow_list())
    connector = _native.Connector(Options.from_values({**mock_airtable.options(), **options}))
    metadata = connector.metadata(table["source_table"])
    assert metadata["ingestion_type"] == options.get("ingestion_type", "snapshot")
    columns = [column["name"] for column in json.loads(connector.plan(table["source_table"]).spark_schema())["fields"]]
    assert metadata["primary_keys"] == ["id"]
    assert {"id", metadata["cursor_field"] or "id"} <= set(columns)


def test_the_guide_names_each_right_with_its_grant() -> None:
    page = (PROJECT / "docs" / "guides" / "databricks.md").read_text()
    rows = re.findall(r"^\| (.+) \| ``(GRANT .+;)`` \|$", page, re.MULTILINE)
    assert rows == [
        (right.purpose.removeprefix("to "), right.grant("you"))
        for right in rights.needed("airtable", "main", "airtable")
    ]


# The programs.


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


class Conf:
    """The configuration of a pipeline as Databricks gives it. `set` is refused, as by Spark's own pipelines."""

    def __init__(self, **changed: str) -> None:
        written = merged()["resources"]["pipelines"]["airtable"]["configuration"]
        self._values = {key: resolved(str(value)) for key, value in written.items()}
        self._values["airtable.specification"] = str(KIT / "pipeline_spec.json")
        self._values.update({f"airtable.{name}": value for name, value in changed.items()})

    def get(self, key: str) -> str:
        return self._values[key]

    def set(self, key: str, value: str) -> None:
        assert (key, value) == (INJECTION, "true")
        raise RuntimeError("SESSION_MUTATION_IN_DECLARATIVE_PIPELINE.SET_RUNTIME_CONF")


def defined(monkeypatch: pytest.MonkeyPatch, conf: Conf) -> tuple[Any, Any]:
    """What the definition hands to `ingest`."""
    calls: list[Any] = []
    monkeypatch.setattr(lakeflow_airtable, "ingest", lambda *given: calls.append(given), raising=False)
    path = KIT / "pipeline.py"
    spark = type("Spark", (), {"conf": conf})
    exec(compile(path.read_text(), path, "exec"), {"spark": spark, "__name__": "pipeline"})
    [(given, specification)] = calls
    assert given is spark
    return given, specification


def test_the_definition_hands_the_specification_to_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    _, specification = defined(monkeypatch, Conf())
    assert specification == {**SPECIFICATION, "connection_name": "airtable"}


def test_a_specification_of_another_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text('{"connection_name": "airtable", "objects": "*"}')
    assert defined(monkeypatch, Conf(specification=str(file)))[1]["connection_name"] == "airtable"
    with pytest.raises(
        ValueError, match="names the connection 'airtable', and the bundle's variable connection is 'o'"
    ):
        defined(monkeypatch, Conf(specification=str(file), connection="o"))

"""`lakeflow-airtable databricks init`: what the template makes of answers, given or asked for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml

from databricks_bundle import KIT, merged
from lakeflow_airtable import __version__, cli
from lakeflow_airtable.databricks_kit import wheels
from lakeflow_airtable.databricks_kit.facts import Facts

BASE = "appXXXXXXXXXXXXXX"
OTHER = "appYYYYYYYYYYYYYY"
# Of the form of a token.
FORM = f"pat{'A' * 14}.{'0' * 64}"
PLATFORMS = ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_28_aarch64")


def init(folder: Path, *arguments: str) -> int:
    return cli.main(["databricks", "init", str(folder), *arguments])


def made(folder: Path, *arguments: str) -> dict[str, Any]:
    """The bundle that is made of some arguments."""
    assert init(folder, *arguments) == 0
    return merged(folder)


def defaults(bundle: dict[str, Any]) -> dict[str, Any]:
    return {name: variable["default"] for name, variable in bundle["variables"].items()}


def some_wheels(folder: Path, *versions: str, platforms: tuple[str, ...] = PLATFORMS) -> Path:
    folder.mkdir(exist_ok=True)
    for version in versions:
        for platform in platforms:
            (folder / f"lakeflow_airtable-{version}-cp310-abi3-{platform}.whl").write_text(version)
    return folder


def test_the_example_is_its_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kit"
    assert init(folder, "--base-id", BASE) == 0
    said = capsys.readouterr()
    written = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    there = {path.relative_to(KIT).as_posix(): path.read_text() for path in KIT.rglob("*") if path.is_file()}
    assert written == there
    assert {str(folder / name) for name in written} == set(said.out.splitlines())
    assert f"Put the wheels of version {__version__} into {folder / 'dist'}." in said.err


def test_every_answer_has_its_variable(tmp_path: Path) -> None:
    given = {
        "catalog": "sandbox",
        "schema": "bronze",
        "connection": "crm",
        "prod-catalog": "prod",
        "prod-schema": "crm",
        "run-as": "12345678-1234-1234-1234-123456789abc",
        "base-id": BASE,
        "notify": "a@example.com",
    }
    flags = [word for name, value in given.items() for word in (f"--{name}", value)]
    bundle = made(tmp_path / "kit", *flags, "--notify", "b@example.com")
    values = defaults(bundle)
    assert {name: values[name] for name in ("catalog", "schema", "connection", "base_id", "run_as")} == {
        "catalog": "sandbox",
        "schema": "bronze",
        "connection": "crm",
        "base_id": BASE,
        "run_as": given["run-as"],
    }
    assert values["notify"] == ["a@example.com", "b@example.com"]
    assert bundle["targets"]["prod"]["variables"] == {"catalog": "prod", "schema": "crm"}
    # As they are read where nothing may be run.
    assert Facts.of_folder(tmp_path / "kit", None, {}) == Facts("crm", "sandbox", "bronze", BASE, __version__)
    assert Facts.of_folder(tmp_path / "kit", "prod", {"schema": "x"}) == Facts("crm", "prod", "x", BASE, __version__)


def test_wheels_of_a_folder(tmp_path: Path) -> None:
    source = some_wheels(tmp_path / "wheels", "1.2.3")
    (source / "other-1.0-py3-none-any.whl").write_text("not ours")
    bundle = made(tmp_path / "kit", "--base-id", BASE, "--wheels", str(source))
    assert defaults(bundle)["wheel_version"] == "1.2.3"
    assert defaults(bundle)["cluster_wheel_platform"] == PLATFORMS[0]
    there = sorted(path.name for path in (tmp_path / "kit" / "dist").iterdir())
    assert there == [f"lakeflow_airtable-1.2.3-cp310-abi3-{platform}.whl" for platform in PLATFORMS]


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ((), ["lakeflow-airtable==${var.wheel_version}"]),
        (
            ("https://example.com/simple",),
            ["--index-url=https://example.com/simple", "lakeflow-airtable==${var.wheel_version}"],
        ),
    ],
)
def test_wheels_by_name_from_an_index(address: tuple[str, ...], lines: list[str], tmp_path: Path) -> None:
    bundle = made(tmp_path / "kit", "--base-id", BASE, "--index", *address)
    resources = bundle["resources"]
    assert resources["pipelines"]["airtable"]["environment"]["dependencies"] == lines
    [environment] = resources["jobs"]["airtable_copy"]["environments"]
    assert environment["spec"]["dependencies"] == lines
    [library] = resources["jobs"]["airtable_copy_classic"]["tasks"][0]["libraries"]
    assert library["pypi"] == {"package": lines[-1], **({"repo": address[0]} if address else {})}
    assert "include" not in bundle["sync"]
    assert "cluster_wheel_platform" not in bundle["variables"]
    assert "dist" not in (tmp_path / "kit" / "explore.py").read_text()
    # Nothing looks for wheels in a folder then.
    assert not Facts.of_folder(tmp_path / "kit", None, {}).takes_folder


def test_several_bases(tmp_path: Path) -> None:
    bundle = made(tmp_path / "kit", "--base-id", BASE, "--base-id", OTHER)
    assert defaults(bundle)["base_id"] == ""
    text = (tmp_path / "kit" / "pipeline_spec.json").read_text()
    assert [entry["table"] for entry in yaml.safe_load(text)["objects"]] == [
        {"source_table": "*", "table_configuration": {"namespace": f'["{base}"]'}} for base in (BASE, OTHER)
    ]
    assert "connection --name airtable --create\n" in (tmp_path / "kit" / "README.md").read_text()


# Questions.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_asks_for_what_is_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{BASE}, {OTHER}\nsandbox\n\n\n"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    bundle = made(tmp_path / "kit", "--connection", "crm")
    values = defaults(bundle)
    assert (values["catalog"], values["schema"], values["connection"]) == ("sandbox", "airtable", "crm")
    # The last answer is the default: an index.
    assert bundle["resources"]["pipelines"]["airtable"]["environment"]["dependencies"][0].startswith(
        "lakeflow-airtable"
    )
    asked = capsys.readouterr().err
    assert "Catalog of the tables [main]: Schema of the tables [airtable]: Folder with the wheels" in asked
    assert "Name of the connection" not in asked


def test_the_environment_names_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_BASE_ID", OTHER)
    assert defaults(made(tmp_path / "kit"))["base_id"] == OTHER
    assert defaults(made(tmp_path / "given", "--base-id", BASE))["base_id"] == BASE


# Refusals.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no base is given: give --base-id"),
        (("--base-id", "tblXXXXXXXXXXXXXX"), '--base-id is "tblXXXXXXXXXXXXXX": it takes the id of a base'),
        (("--base-id", BASE, "--catalog", "a b"), '--catalog is "a b": it takes letters'),
        (("--base-id", BASE, "--schema", "x: y"), '--schema is "x: y": it takes letters'),
        (("--base-id", BASE, "--run-as", "me"), "--run-as takes the application id"),
        (("--base-id", BASE, "--connection", FORM), "--connection holds what looks like a token"),
        (("--base-id", BASE, "--index", "https://me:secret@example.com"), "--index has a user name or password in it"),
    ],
)
def test_answers_that_are_none(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AIRTABLE_BASE_ID", raising=False)
    assert init(tmp_path / "kit", *arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert FORM not in error
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize(
    ("versions", "platforms", "says"),
    [
        ((), PLATFORMS, "has no wheel of lakeflow-airtable: give a folder with the wheels of one version"),
        (("1.0", "1.1"), PLATFORMS, "has wheels of 1.0, 1.1: give a folder with the wheels of one version"),
        (("1.0",), ("win_amd64",), "has version 1.0 for win_amd64 only: Databricks runs on Linux with glibc"),
        (("1.0",), ("musllinux_1_2_x86_64",), "has version 1.0 for musllinux_1_2_x86_64 only"),
        (("1.0",), ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64"), "has 2 wheels of version 1.0 for x86_64"),
    ],
)
def test_wheels_that_databricks_cannot_take(
    versions: tuple[str, ...],
    platforms: tuple[str, ...],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = some_wheels(tmp_path / "wheels", *versions, platforms=platforms)
    assert init(tmp_path / "kit", "--base-id", BASE, "--wheels", str(source)) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize(
    ("platform", "architecture"),
    [
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", "x86_64"),
        ("manylinux_2_28_aarch64", "aarch64"),
        ("manylinux_2_28_x86_64", "x86_64"),
        ("musllinux_1_2_aarch64", None),
        ("linux_x86_64", None),
        ("macosx_11_0_arm64", None),
        ("win_amd64", None),
    ],
)
def test_the_architecture_of_a_platform(platform: str, architecture: str | None) -> None:
    assert wheels.Wheel(Path(), "1", platform).architecture == architecture


def test_a_second_time_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kit"
    assert init(folder, "--base-id", BASE) == 0
    capsys.readouterr()
    assert init(folder, "--base-id", BASE) == 0
    assert capsys.readouterr().out == ""


def test_files_of_the_users_own_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kit"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    assert init(folder, "--base-id", BASE) == 2
    assert "has these files with other content: README.md: give another folder" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["README.md"]


def test_two_catalogs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """The target prod has a schema of its own, also in the same catalog."""
    bundle = made(tmp_path / "kit", "--base-id", BASE, "--schema", "crm")
    assert bundle["targets"]["prod"]["variables"] == {"catalog": "main", "schema": "crm_prod"}

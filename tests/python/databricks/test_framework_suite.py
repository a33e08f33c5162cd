"""The tool that runs the framework's own tests: what it lays out, and what it says where there is no framework."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from framework.installation import install_framework
from project import PROJECT

TOOL = PROJECT / "tools" / "framework_suite.py"


@pytest.mark.parametrize("given", [[], [""], ["/no/such/place"], [str(PROJECT)]])
def test_without_a_checkout_it_says_what_to_give(given: list[str]) -> None:
    ran = subprocess.run([sys.executable, TOOL, *given], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "give the path of a copy of databrickslabs/lakeflow-community-connectors" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_our_source_takes_the_place_of_the_frameworks_sources(tmp_path: Path) -> None:
    checkout, made = tmp_path / "checkout", tmp_path / "made"
    framework = checkout / "src" / "databricks"
    shutil.copytree(PROJECT / "tests" / "python" / "support" / "framework" / "databricks", framework)
    sources = framework / "labs" / "community_connector" / "sources"
    (sources / "other").mkdir(parents=True)
    (checkout / "tests").mkdir()
    runpy.run_path(str(TOOL))["lay_out"](checkout, made)
    laid_out = made / "databricks" / "labs" / "community_connector"
    assert [path.name for path in (laid_out / "sources").iterdir()] == ["airtable"]
    assert (laid_out / "interface" / "__init__.py").exists()
    assert (made / "tests").resolve() == checkout / "tests"
    assert (made / "test_airtable.py").exists()
    assert [path.name for path in sources.iterdir()] == ["other"]


def test_it_runs_our_own_tests_of_the_connector() -> None:
    """All but the one that starts Spark, and this one."""
    tests = {path.name for path in Path(__file__).parent.glob("test_connector*.py")}
    assert set(runpy.run_path(str(TOOL))["OWN"]) == tests - {"test_connector_spark.py"}


def test_the_framework_takes_the_place_of_its_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path("databricks", "labs", "community_connector")
    for part in ("interface", "sources"):
        (tmp_path / "checkout" / "src" / package / part).mkdir(parents=True)
    monkeypatch.setenv("FRAMEWORK", str(tmp_path / "checkout"))
    install_framework(tmp_path / "site")
    assert [path.name for path in (tmp_path / "site" / package).iterdir()] == ["interface"]

"""The fixtures of these tests: the community connector framework beside this project, and the way of `up`, by a
stand-in for Databricks' command line and by the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import databricks_cli
from databricks_way import PLATFORMS, REAL, Way
from databricks_workspace import TOKEN, Workspace
from framework.installation import import_from, install_framework, install_project
from lakeflow_airtable import __version__, cli
from lakeflow_airtable.mock import MockAirtable


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One site-packages with the framework and this project."""
    directory = tmp_path_factory.mktemp("site")
    install_framework(directory)
    install_project(directory)
    return directory


@pytest.fixture(scope="module")
def framework(site: Path) -> Iterator[Callable[[str], Any]]:
    """Imports the framework's packages, and our source's, by name."""
    yield from import_from(site)


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

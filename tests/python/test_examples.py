"""Every example runs as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT

EXAMPLES = sorted(path.name for path in (PROJECT / "examples").glob("*.py"))


def _environment() -> dict[str, str]:
    """Without a developer's own settings: tests read the mock."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRTABLE_")}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q"] if name.startswith("test_") else [sys.executable]
    ran = subprocess.run(
        [*command, PROJECT / "examples" / name],
        cwd=tmp_path,
        env={**_environment(), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "rows" in ran.stdout or "passed" in ran.stdout or "createdTime" in ran.stdout, ran.stdout

"""Where the project is, and how a driver's program runs away from it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def run_driver(python: Path, program: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a driver's program from a directory of its own, where neither sources nor tests can be imported."""
    directory.mkdir(parents=True, exist_ok=True)
    script = directory / "driver.py"
    script.write_text(program)
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYSPARK_PYTHON")}
    return subprocess.run(
        [python, script],
        cwd=directory,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=180,
    )

"""Where the project is, and how a driver's program runs away from it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def places_of_machines(text: str) -> list[str]:
    """Paths in a text below a folder that stands at the root of this machine, and addresses of loopback."""
    folders = "|".join(re.escape(folder.name) for folder in Path("/").iterdir() if folder.is_dir())
    return re.findall(rf"(?<![\w.])/(?:{folders})/|127\.0\.0\.1|localhost", text)


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

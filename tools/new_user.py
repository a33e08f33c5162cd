"""Follows docs/getting-started.md as it is written, from an empty directory, and says how long it took.

`python tools/new_user.py WHEEL` has nothing but the wheel, as a new user does; `--write` puts the outcome into it.
Shell blocks go to one shell, Python blocks to one program that it starts, in the order in which they stand.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "getting-started.md"


def script(page: str) -> str:
    """The page as a shell program: what is not code is left out, and so is Python that needs a real base (`py`)."""
    lines = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    program = ""
    for language, text in re.findall(r"^```(shell|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if language == "python":
            program += text  # an interpreter goes on where it was
            lines.append(f"python - <<'PYTHON'\n{program}PYTHON")
            continue
        lines.append(text.rstrip())
        if "lakeflow-airtable mock" in text:
            # A person sees that it is there.
            lines.append("for _ in $(seq 100); do grep -q Ctrl-C mock.txt && break; sleep 0.1; done")
    return "\n".join(lines) + "\n"


def follow(wheel: Path, page: str, directory: Path) -> tuple[float, str]:
    """Seconds, and what was printed. Fails as the page fails."""
    shutil.copy(wheel, directory)
    inherited = ("PATH", "HOME", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CACHE_DIR", "HTTPS_PROXY", "NO_PROXY", "LANG")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    began = time.monotonic()
    ran = subprocess.run(
        ["bash", "-c", script(page)],
        cwd=directory,
        env={**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise SystemExit(f"getting-started fails:\n{ran.stdout}\n{ran.stderr}")
    return time.monotonic() - began, ran.stdout


def written(page: str, seconds: float) -> str:
    """The page with the outcome between its marks."""
    outcome = (
        f"On {date.today().isoformat()}, with Python {platform.python_version()} and nothing but the wheel, all\n"
        f"commands and programs of this page took {seconds:.0f} seconds. The rest of the ten minutes is reading."
    )
    marked = f"<!-- timed -->\n{outcome}\n<!-- /timed -->"
    return re.sub(r"<!-- timed -->.*<!-- /timed -->", lambda _: marked, page, flags=re.DOTALL)


def main() -> None:
    """Runs the page."""
    parser = argparse.ArgumentParser(description="Follows docs/getting-started.md with nothing but the wheel.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--write", action="store_true", help="put the outcome into the page")
    given = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as directory:
        seconds, printed = follow(given.wheel.resolve(), page, Path(directory))
    print(printed, end="")
    print(f"{seconds:.0f} seconds", file=sys.stderr)
    if given.write:
        PAGE.write_text(written(page, seconds), encoding="utf-8")


if __name__ == "__main__":
    main()

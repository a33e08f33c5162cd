"""Runs the framework's own tests on our source: `python tools/framework_suite.py CHECKOUT [ARGUMENTS OF PYTEST]`.

`CHECKOUT` is a copy of databrickslabs/lakeflow-community-connectors. Nothing is changed in it: its packages and ours
are laid out beside each other in a directory of their own, as pip would install the two wheels.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "tests" / "python" / "support"
SUITE = SUPPORT / "framework" / "suite.py"
NEEDED = ("src/databricks/labs/community_connector/interface", "tests/unit/sources/test_suite.py")


def lay_out(checkout: Path, directory: Path) -> None:
    """The framework without its sources, this project, the framework's tests, and ours on top of them."""
    sys.path.insert(0, str(SUPPORT))
    from framework.installation import install_project

    shutil.copytree(
        checkout / "src" / "databricks",
        directory / "databricks",
        ignore=lambda folder, names: names if Path(folder).name == "sources" else [],
    )
    install_project(directory)
    (directory / "tests").symlink_to(checkout / "tests")
    shutil.copy(SUITE, directory / "test_airtable.py")


def main(arguments: list[str]) -> int:
    if not arguments or not all((Path(arguments[0]) / name).exists() for name in NEEDED):
        given = arguments[0] if arguments and arguments[0] else "nothing"
        print(
            f"the framework's checkout is {given!r}: give the path of a copy of "
            "databrickslabs/lakeflow-community-connectors, such as "
            "make test-framework FRAMEWORK=../lakeflow-community-connectors",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="lakeflow-airtable-framework-") as name:
        directory = Path(name)
        lay_out(Path(arguments[0]).resolve(), directory)
        command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", name, "test_airtable.py"]
        return subprocess.run(
            [*command, *arguments[1:]], cwd=directory, env={**os.environ, "PYTHONPATH": name}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

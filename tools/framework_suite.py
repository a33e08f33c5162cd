"""Runs the framework's own tests on our source: `python tools/framework_suite.py CHECKOUT [ARGUMENTS OF PYTEST]`.

`CHECKOUT` is a copy of databrickslabs/lakeflow-community-connectors. Nothing is changed in it: its packages and ours
are laid out beside each other in a directory of their own, as pip would install the two wheels.

Then our own tests of the connector run, in which the framework takes the place of its stand-in.
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
OWN = (
    "test_connector.py",
    "test_connector_agent.py",
    "test_connector_cells.py",
    "test_connector_installed.py",
    "test_connector_log.py",
    "test_connector_pipelines.py",
)
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
        checkout = Path(arguments[0]).resolve()
        lay_out(checkout, directory)
        command = [sys.executable, "-m", "pytest", "-q"]
        theirs = [*command, "-c", os.devnull, "--rootdir", name, "test_airtable.py", *arguments[1:]]
        environment = {**os.environ, "PYTHONPATH": name}
        failed = subprocess.run(theirs, cwd=directory, env=environment, check=False).returncode
    tests = SUPPORT.parent / "databricks"
    ours = [*command, *(str(tests / name) for name in OWN), *arguments[1:]]
    environment = {**os.environ, "FRAMEWORK": str(checkout)}
    return failed or subprocess.run(ours, cwd=SUPPORT.parents[2], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

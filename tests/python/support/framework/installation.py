"""The framework and this project as pip installs them: side by side in one directory.

The framework is the stand-in in this folder, or what lies at FRAMEWORK: `make test-framework` runs tests with both.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lakeflow_airtable

SITE_PACKAGES = Path(lakeflow_airtable.__file__).parents[1]
SOURCE = Path("databricks", "labs", "community_connector", "sources", "airtable")


def install_framework(directory: Path) -> None:
    """The framework without sources."""
    given = os.environ.get("FRAMEWORK")
    packages = Path(given, "src", "databricks") if given else Path(__file__).parent / "databricks"
    without = shutil.ignore_patterns("sources", "__pycache__")
    shutil.copytree(packages, directory / "databricks", dirs_exist_ok=True, ignore=without)


def install_project(directory: Path) -> None:
    """Copies what a copy is enough of; the compiled module stays where it is."""
    shutil.copytree(SITE_PACKAGES / SOURCE, directory / SOURCE, dirs_exist_ok=True)
    (directory / "lakeflow_airtable").symlink_to(SITE_PACKAGES / "lakeflow_airtable")


def import_from(directory: Path) -> Iterator[Callable[[str], Any]]:
    """Imports by name, with the directory before all others; afterwards nothing of it is left."""
    sys.path.insert(0, str(directory))
    try:
        yield lambda name: importlib.import_module(f"databricks.labs.community_connector.{name}")
    finally:
        sys.path.remove(str(directory))
        for name in [name for name in sys.modules if name.split(".")[0] == "databricks"]:
            del sys.modules[name]

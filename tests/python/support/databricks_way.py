"""A kit in a folder, a stand-in workspace, and the command line between them: what the tests of `up` share."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from databricks_workspace import Workspace
from lakeflow_airtable import cli
from lakeflow_airtable.databricks_kit import connection
from lakeflow_airtable.mock import MockAirtable

REAL = shutil.which("databricks")
PLATFORMS = ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_28_aarch64")
SECRET = "patSECRET.0123"
# Of the form of a token, so that it is known for one before it is used.
FORM = f"pat{'A' * 14}.{'0' * 64}"


@dataclass
class Way:
    """A kit in a folder, a workspace, and the command line between them."""

    kit: Path
    workspace: Workspace
    airtable: MockAirtable
    log: Path
    said: pytest.CaptureFixture[str]
    is_real: bool
    programs: Path
    patch: pytest.MonkeyPatch

    def on_the_path(self) -> None:
        """Tests get a PATH of their own after their fixtures: see `tiers`."""
        if not os.environ["PATH"].startswith(f"{self.programs}{os.pathsep}"):
            self.patch.setenv("PATH", str(self.programs), prepend=os.pathsep)

    def up(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was printed."""
        self.on_the_path()
        code = cli.main(["databricks", "up", str(self.kit), *arguments])
        printed = self.said.readouterr()
        for text in (printed.out, printed.err):
            assert self.airtable.token not in text
            assert SECRET not in text
            assert FORM not in text
        return code, printed.out, printed.err

    def refused(self, *arguments: str) -> str:
        """The one line that says why the way ends."""
        code, _, error = self.up(*arguments)
        assert code == 1, error
        [line] = error.splitlines()
        return line.removeprefix("lakeflow-airtable: ")


def stored(way: Way, **options: str) -> dict[str, Any]:
    """A connection as this package makes it, but for some options; those of None are left out."""
    whole = {
        "sourceName": "airtable",
        "token": "patOld",
        "base_id": way.airtable.base_id,
        "externalOptionsAllowList": ",".join(connection.allow_list()),
    }
    return {"name": "airtable", "connection_type": "COMMUNITY", "options": {**whole, **options}}


def without_allow_list(way: Way) -> dict[str, Any]:
    made = stored(way)
    del made["options"]["externalOptionsAllowList"]
    return made

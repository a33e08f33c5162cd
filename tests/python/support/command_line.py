"""The command line as a user runs it: a process of its own, pointed at a mock by its environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lakeflow_airtable.mock import MockAirtable

PROGRAM = [sys.executable, "-m", "lakeflow_airtable"]


def environment(mock: MockAirtable, **more: str) -> dict[str, str]:
    """What the lines that `mock` prints make of a shell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRTABLE_")}
    return {
        **kept,
        "AIRTABLE_TOKEN": mock.token,
        "AIRTABLE_BASE_ID": mock.base_id,
        "AIRTABLE_BASE_URL": mock.url,
        **more,
    }


def run(mock: MockAirtable, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    more = settings.pop("env", {})
    settings = {"capture_output": True, "text": True, "timeout": 120, "env": environment(mock, **more), **settings}
    return subprocess.run([*PROGRAM, *quick(arguments)], **settings)


def start(mock: MockAirtable, *arguments: str, **settings: Any) -> subprocess.Popen[str]:
    """Starts a command."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    settings = {**pipes, "text": True, "env": environment(mock, **settings.pop("env", {})), **settings}
    return subprocess.Popen([*PROGRAM, *quick(arguments)], **settings)


def quick(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Commands that ask Airtable need not keep to its pace here."""
    others = ("connection", "options", "mock", "completion")
    asks = arguments[:1] and arguments[0] not in others and not arguments[0].startswith("-")
    return (*arguments, "--requests-per-second", "10000") if asks and "--help" not in arguments else arguments


def wait_for_a_page(mock: MockAirtable, process: subprocess.Popen[str]) -> None:
    """Returns when the process has asked for records."""
    while not any("/tbl" in request["path"] for request in mock.requests()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def wait_for_a_file(directory: Path, process: subprocess.Popen[str]) -> None:
    """Returns when something is in the directory."""
    while not any(directory.iterdir()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)

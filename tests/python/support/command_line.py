"""The command line as a user runs it: a process of its own, pointed at a mock by its environment."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakeflow_airtable.mock import MockAirtable

PROGRAM = [sys.executable, "-m", "lakeflow_airtable"]

# Ctrl-C reaches the programs whose terminal it is, and no others.
_AT_ITS_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


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


def typed(arguments: Sequence[str], keys: str, settings: dict[str, str], prompt: str) -> tuple[int, str, bool]:
    """Runs a command at a terminal of its own, where `keys` are typed once `prompt` is there.

    Gives the exit code, what the terminal shows, and whether it shows what is typed there afterwards.
    """
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _AT_ITS_TERMINAL, *PROGRAM, *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=settings,
        start_new_session=True,
    ) as process:
        shown = b""
        try:
            while prompt.encode() not in shown:
                shown += os.read(ours, 4096)
            os.write(ours, keys.encode())
            code = process.wait(120)
            echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
            os.write(terminal, b"\0")  # so that there is something to read, and an end
            while not shown.endswith(b"\0"):
                shown += os.read(ours, 4096)
        finally:
            process.kill()
            os.close(ours)
            os.close(terminal)
    return code, shown[:-1].decode().replace("\r\n", "\n"), echoes


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

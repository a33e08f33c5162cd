"""Which processes have a file open. The system tells it of the user's own ones, on Linux."""

from __future__ import annotations

import os
from pathlib import Path

_PROCESSES = Path("/proc")


def of_file(path: str) -> list[str] | None:
    """The other processes that have it open, as `python (1234)`; None where the system does not tell."""
    try:
        wanted = os.stat(path)
        numbers = sorted(int(entry.name) for entry in _PROCESSES.iterdir() if entry.name.isdigit())
    except FileNotFoundError:
        return [] if _PROCESSES.is_dir() else None
    except OSError:
        return None
    if not numbers:
        return None
    mine = os.getpid()
    return [f"{_name(number)} ({number})" for number in numbers if number != mine and _holds(number, wanted)]


def _holds(process: int, wanted: os.stat_result) -> bool:
    try:
        descriptors = list((_PROCESSES / str(process) / "fd").iterdir())
    except OSError:
        return False  # somebody else's, or gone
    for descriptor in descriptors:
        try:
            found = descriptor.stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def _name(process: int) -> str:
    try:
        return (_PROCESSES / str(process) / "comm").read_text(errors="replace").strip() or "a process"
    except OSError:
        return "a process"

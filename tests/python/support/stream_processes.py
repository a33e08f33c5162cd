"""Spark's processes, found to be killed.

They are read from /proc: Spark's Python daemon leaves the process group of those who started it, but not their session.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cluster import StandaloneCluster


class Process(NamedTuple):
    pid: int
    parent: int
    command: str


def session(sid: int) -> list[Process]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        # It may end while it is looked at.
        with suppress(OSError):
            if entry.name.isdigit():
                state, parent, _, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(its_session) == sid and state != "Z":
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found.append(Process(int(entry.name), int(parent), command))
    return found


def kill_session(sid: int) -> None:
    """Ends a session as a machine's loss of power does: nobody in it has a last word."""
    while processes := session(sid):
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.01)


class FragileCluster(StandaloneCluster):
    """A cluster whose processes are known, and whose workers are replaced when they are lost."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, workers=2)
        self._replacements = 0

    @property
    def sessions(self) -> list[int]:
        """The sessions of the master and the workers; executors are in their worker's."""
        return [process.pid for process in self._processes]

    def start(self, name: str, program: str, *arguments: str, **environment: str) -> Path:
        return super().start(name, program, *arguments, **environment)

    def stop(self) -> None:
        # Nothing here is worth waiting for.
        for sid in self.sessions:
            kill_session(sid)
        super().stop()

    def lose_worker(self, number: int) -> None:
        """Kills a worker and its executors, and starts another."""
        worker = self._processes.pop(1 + number)
        kill_session(worker.pid)
        worker.wait()
        self._replacements += 1
        name = f"replacement-{self._replacements}"
        place = ("--cores", "1", "--memory", "1g", "--work-dir", str(self.directory / name))
        self._daemon(name, "org.apache.spark.deploy.worker.Worker", *place, self.url)


def python_workers(processes: list[Process]) -> list[int]:
    """Those of Spark's Python daemons, and not the daemons: who reads, and who plans."""
    daemons = {process.pid for process in processes if "pyspark.daemon" in process.command}
    return [process.pid for process in processes if process.pid in daemons and process.parent in daemons]


def executors(processes: list[Process]) -> list[int]:
    """A cluster's executors."""
    return [process.pid for process in processes if "CoarseGrainedExecutorBackend" in process.command]

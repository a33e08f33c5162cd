"""A real Spark cluster on this machine: one master, and workers whose Python is an environment of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import pyspark

SPARK_HOME = Path(pyspark.__file__).parent

Self = TypeVar("Self", bound="SparkProcesses")


class SparkProcesses:
    """Processes of Spark's, each with a log in `directory` and a process group of its own; all end with the `with`."""

    def __init__(self, directory: Path, start_seconds: float = 90) -> None:
        self.directory = directory
        self._start_seconds = start_seconds
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self: Self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self.launch()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def launch(self) -> None:
        """Starts the processes and waits until they serve."""
        raise NotImplementedError

    def start(self, name: str, program: str, *arguments: str, **environment: str) -> Path:
        """Starts one of Spark's programs and returns the path of its log."""
        log = self.directory / f"{name}.log"
        settings = {"SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
        with log.open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [str(SPARK_HOME / "bin" / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **settings, **environment},
                    cwd=self.directory,
                    start_new_session=True,
                )
            )
        return log

    def awaited(self, log: Path, pattern: str) -> str:
        """What the pattern's group matches in the log, as soon as it does."""
        deadline = time.monotonic() + self._start_seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, log.read_text(errors="replace")):
                return found.group(1)
            if any(process.poll() is not None for process in self._processes):
                break
            time.sleep(0.1)
        raise RuntimeError(f"Spark's {log.stem} did not start:\n{log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """Ends all processes, the last started first, and with them what they started themselves."""
        while self._processes:
            _end_group(self._processes.pop())


class StandaloneCluster(SparkProcesses):
    """A master and workers of one core each, or of so many, at `url`.

    >>> with StandaloneCluster(Path("/tmp/cluster"), workers=2) as cluster:  # doctest: +SKIP
    ...     SparkSession.builder.master(cluster.url)
    """

    def __init__(self, directory: Path, workers: int = 2, cores: int = 1) -> None:
        super().__init__(directory)
        self._cores = cores
        self.url = ""
        self._workers = workers

    def launch(self) -> None:
        master = self._daemon("master", "org.apache.spark.deploy.master.Master", "--port", "0")
        self.url = self.awaited(master, r"Starting Spark master at (spark://\S+)")
        workers = [
            self._daemon(
                f"worker-{number}",
                "org.apache.spark.deploy.worker.Worker",
                *("--cores", str(self._cores), "--memory", "1g", "--work-dir", str(self.directory / f"work-{number}")),
                self.url,
            )
            for number in range(1, self._workers + 1)
        ]
        for worker in workers:
            self.awaited(worker, r"(Successfully registered with master)")

    def _daemon(self, name: str, main_class: str, *arguments: str) -> Path:
        loopback = ("--host", "127.0.0.1", "--webui-port", "0")
        return self.start(name, "spark-class", main_class, *loopback, *arguments, SPARK_DAEMON_MEMORY="256m")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue


def session_settings(directory: Path) -> dict[str, str]:
    """Settings of a session on the cluster: all on the loopback interface, and nothing left outside `directory`.

    The workers' Python is not among them: Spark takes it from the variable PYSPARK_PYTHON of the driver's process.
    """
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }

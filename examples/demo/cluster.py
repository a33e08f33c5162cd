"""A real Spark standalone cluster on this machine: one master, and workers whose Python is an environment of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import pyspark

_SPARK_HOME = Path(pyspark.__file__).parent


class StandaloneCluster:
    """A context manager. Every process it starts is in a process group of its own, and ends with the `with` block.

    >>> with StandaloneCluster(Path("/tmp/cluster"), workers=2) as cluster:  # doctest: +SKIP
    ...     SparkSession.builder.master(cluster.url)
    """

    def __init__(self, directory: Path, workers: int = 2, start_seconds: float = 60) -> None:
        self.url = ""
        self._directory = directory
        self._workers = workers
        self._start_seconds = start_seconds
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> StandaloneCluster:
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            master = self._start("master", "org.apache.spark.deploy.master.Master", "--port", "0")
            self.url = self._awaited(master, r"Starting Spark master at (spark://\S+)")
            logs = [
                self._start(
                    f"worker-{number}",
                    "org.apache.spark.deploy.worker.Worker",
                    *("--cores", "1", "--memory", "1g", "--work-dir", str(self._directory / f"work-{number}")),
                    self.url,
                )
                for number in range(1, self._workers + 1)
            ]
            for log in logs:
                self._awaited(log, r"(Successfully registered with master)")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self, name: str, main_class: str, *arguments: str) -> Path:
        log = self._directory / f"{name}.log"
        with log.open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [
                        str(_SPARK_HOME / "bin" / "spark-class"),
                        *(main_class, "--host", "127.0.0.1", "--webui-port", "0", *arguments),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={
                        **os.environ,
                        "SPARK_HOME": str(_SPARK_HOME),
                        "SPARK_LOCAL_IP": "127.0.0.1",
                        "SPARK_DAEMON_MEMORY": "256m",
                    },
                    start_new_session=True,
                )
            )
        return log

    def _awaited(self, log: Path, pattern: str) -> str:
        deadline = time.monotonic() + self._start_seconds
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if found := re.search(pattern, text):
                return found.group(1)
            if any(process.poll() is not None for process in self._processes):
                break
            time.sleep(0.1)
        raise RuntimeError(f"Spark's {log.stem} did not start:\n{log.read_text(errors='replace')[-4000:]}")

    def _stop(self) -> None:
        # Workers before the master, and each with the executors that it started.
        for process in reversed(self._processes):
            _end_group(process)
        self._processes.clear()


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


def session_settings(executors_python: Path, directory: Path) -> dict[str, str]:
    """Settings of a session on the cluster: the workers' Python, and nothing that lies about outside `directory`."""
    return {
        "spark.pyspark.driver.python": sys.executable,
        "spark.pyspark.python": str(executors_python),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }

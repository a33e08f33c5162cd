"""A server of Spark's that runs declarative pipelines, and the example's project to be run by it.

What counts is in the tables: with a Python data source spark-pipelines ends with exit code 1 after a run that
succeeded, because its client does not know an answer of its server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow
from cluster import SPARK_HOME, SparkProcesses, session_settings

from lakeflow_airtable.mock import MockAirtable
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class PipelineServer(SparkProcesses):
    """A Spark Connect server, which runs pipelines and holds what they make."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(directory)
        self.url = ""
        self._settings = settings or {}

    def launch(self) -> None:
        settings = {
            **session_settings(self.directory),
            "spark.sql.shuffle.partitions": "1",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": "0",
            **self._settings,
        }
        log = self.start(
            "connect",
            "spark-submit",
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"),
            *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
            "spark-internal",
            PYSPARK_PYTHON=sys.executable,
        )
        self.url = "sc://" + self.awaited(log, r"Spark Connect server started at: (\S+:\d+)")

    def run(self, project: Path, mock: MockAirtable) -> str:
        """One run of a pipeline, up to its end; gives what it printed."""
        ran = self.attempt(project, mock)
        printed = ran.stdout + ran.stderr
        assert "Run is COMPLETED" in printed, printed
        assert ran.returncode == 0 or "[UNKNOWN_RESPONSE]" in printed, printed
        return printed

    def attempt(self, project: Path, mock: MockAirtable) -> subprocess.CompletedProcess[str]:
        """The same, whatever becomes of it."""
        return subprocess.run(
            [SPARK_HOME / "bin" / "spark-pipelines", "--remote", self.url, "run"],
            cwd=project,
            env={
                **os.environ,
                "SPARK_HOME": str(SPARK_HOME),
                "PYSPARK_PYTHON": sys.executable,
                "PYSPARK_DRIVER_PYTHON": sys.executable,
                "AIRTABLE_TOKEN": mock.token,
                "AIRTABLE_BASE_ID": mock.base_id,
                "AIRTABLE_BASE_URL": mock.url,
                "AIRTABLE_REQUESTS_PER_SECOND": "10000",
            },
            capture_output=True,
            text=True,
            timeout=180,
        )

    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """A client's session, in a process that may have a Spark of its own as well."""
        from pyspark.sql.connect.session import SparkSession as ConnectSession

        session = ConnectSession.builder.remote(self.url).create()
        try:
            yield session
        finally:
            session.stop()


def project_of(directory: Path, definitions: str | None = None) -> Path:
    """The example's project in a directory of its own, with other definitions where some are given."""
    project = directory / "project"
    shutil.copytree(PROJECT / "examples" / "pipeline", project, ignore=shutil.ignore_patterns("__pycache__"))
    spec = project / "spark-pipeline.yml"
    text = spec.read_text()
    assert "file:///tmp/airtable-pipeline" in text
    spec.write_text(text.replace("file:///tmp/airtable-pipeline", (directory / "storage").as_uri()))
    if definitions is not None:
        (project / "definitions" / "airtable.py").write_text(definitions)
    return project


def by_id(table: pyarrow.Table) -> dict[str, str]:
    """The rows as text, in which a NaN is as good as another."""
    rows = table.to_pylist()
    found = {row["id"]: repr(row) for row in rows}
    assert len(found) == len(rows), "a record twice"
    return found

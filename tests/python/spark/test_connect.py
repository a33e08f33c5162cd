"""Spark Connect: the client has no wheel, not even a JVM; the server's Python has the wheel."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import SparkProcesses, session_settings

from lakeflow_airtable.mock import MockAirtable
from project import run_driver

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

CLIENT = """
import json, os, sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.remote(os.environ["REMOTE"]).getOrCreate()
options = json.loads(os.environ["OPTIONS"])
format = os.environ["FORMAT"]
result = {}
if format == "lakeflow_connect":
    import lakeflow_airtable

    lakeflow_airtable.register(spark)
else:
    result["has_wheel"] = any(os.path.exists(os.path.join(path, "lakeflow_airtable")) for path in sys.path)
read = spark.read.format(format).options(**options)
frame = read.option("tableName", "Vendors").load()
result["columns"] = frame.columns
result["count"] = frame.count()
try:
    read.option("tableName", "Vendor").load().count()
except Exception as error:
    result["error"] = str(error)
frame.explain(True)
print(json.dumps(result))
"""


class ConnectServer(SparkProcesses):
    """A Spark Connect server at `url`, whose workers run `python`."""

    def __init__(self, directory: Path, python: Path) -> None:
        super().__init__(directory)
        self.url = ""
        self._python = python

    def launch(self) -> None:
        settings = {
            **session_settings(self.directory),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": "0",
        }
        log = self.start(
            "connect",
            "spark-submit",
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"),
            *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
            "spark-internal",
            PYSPARK_PYTHON=str(self._python),
        )
        self.url = "sc://" + self.awaited(log, r"Spark Connect server started at: (\S+:\d+)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, executors_python: Path) -> Iterator[ConnectServer]:
    with ConnectServer(tmp_path_factory.mktemp("connect"), executors_python) as server:
        yield server


@pytest.mark.parametrize("format", ["airtable", "lakeflow_connect"])
def test_reads_over_connect(server: ConnectServer, bare_python: Path, tmp_path: Path, format: str) -> None:
    python = bare_python if format == "airtable" else Path(sys.executable)
    with MockAirtable() as mock:
        ran = run_driver(python, CLIENT, tmp_path, REMOTE=server.url, OPTIONS=json.dumps(mock.options()), FORMAT=format)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        token = mock.token
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result.get("has_wheel", False) is False
    assert result["columns"][:2] == ["id", "createdTime"]
    assert result["count"] > 0
    assert "NotFoundError" in result["error"]
    assert "Vendors" in result["error"]
    assert token not in ran.stdout + ran.stderr
    assert token not in (server.directory / "connect.log").read_text(errors="replace")

"""What Spark says where the wheel is missing: the texts that `docs/troubleshooting/from-repos-to-wheel.md` quotes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from cluster import StandaloneCluster, session_settings

from lakeflow_airtable.mock import MockAirtable
from project import PROJECT, run_driver

pytestmark = [pytest.mark.spark, pytest.mark.timeout(400)]

PAGE = (PROJECT / "docs" / "troubleshooting" / "from-repos-to-wheel.md").read_text()
MISSING = "ModuleNotFoundError: No module named 'lakeflow_airtable'"

DRIVER = """
import json, os

from pyspark.sql import SparkSession

from lakeflow_airtable import register

builder = SparkSession.builder.master(os.environ["MASTER"])
for name, value in json.loads(os.environ["SETTINGS"]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
register(spark)
reached = "load"
try:
    vendors = spark.read.format("lakeflow_connect").options(**json.loads(os.environ["OPTIONS"])).load()
    reached = "read"
    vendors.count()
except Exception as error:
    print(json.dumps({"reached": reached, "error": str(error)}))
spark.stop()
"""


def said(master: str, workers_python: Path, directory: Path) -> tuple[str, str]:
    """How far a read comes whose driver has the wheel, and what Spark says then."""
    with MockAirtable() as mock:
        ran = run_driver(
            Path(sys.executable),
            DRIVER,
            directory,
            MASTER=master,
            SETTINGS=json.dumps(session_settings(directory)),
            OPTIONS=json.dumps({**mock.options(), "tableName": "Vendors"}),
            PYSPARK_PYTHON=str(workers_python),
        )
        token = mock.token
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert token not in ran.stdout + ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    return result["reached"], result["error"]


def test_no_worker_has_it(bare_python: Path, tmp_path: Path) -> None:
    """The process that plans the read is a Python worker, too."""
    reached, error = said("local[1]", bare_python, tmp_path)
    assert reached == "load"
    assert error.startswith("[PYTHON_DATA_SOURCE_ERROR] Failed to create Python data source instance: Traceback")
    assert error.splitlines()[0].partition(": ")[0] in PAGE
    assert error.splitlines()[-2:] == [MISSING, " SQLSTATE: 38000"]
    assert MISSING in PAGE


@pytest.mark.cluster
def test_a_machine_lacks_it(bare_python: Path, tmp_path: Path) -> None:
    either = tmp_path / "python"
    # Executors run in a directory named after the application, the driver's own workers do not.
    either.write_text(f'#!/bin/sh\ncase $PWD in */app-*) exec {bare_python} "$@";; esac\nexec {sys.executable} "$@"\n')
    either.chmod(0o755)
    with StandaloneCluster(tmp_path / "cluster", workers=1) as cluster:
        reached, error = said(cluster.url, either, tmp_path / "driver")
    assert reached == "read"
    assert "An exception was thrown from the Python worker:" in error
    assert "An exception was thrown from the Python worker" in PAGE
    assert error.strip().splitlines()[-1] == MISSING

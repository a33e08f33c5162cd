"""On a real cluster: the workers' Python is an environment of its own, and has the wheel; the driver may not.

The failure that this product ends is here as well: a data source in a module that only the driver can import.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import StandaloneCluster, session_settings

from lakeflow_airtable.mock import MockAirtable
from project import PROJECT, run_driver

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

DRIVER = """
import json, os, sys
from pathlib import Path

from pyspark.sql import SparkSession

builder = SparkSession.builder.master(os.environ["MASTER"])
for name, value in json.loads(os.environ["SETTINGS"]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
options = json.loads(os.environ["OPTIONS"])
result = {}

# 1. A data source in a directory that only this process's sys.path names.
only_here = Path("only_here")
only_here.mkdir()
(only_here / "pipeline_source.py").write_text(
    "from pyspark.sql.datasource import DataSource\\n"
    "class PipelineSource(DataSource):\\n"
    "    @classmethod\\n"
    "    def name(cls): return 'pipeline_source'\\n"
    "    def schema(self): return 'id string'\\n"
)
sys.path.insert(0, str(only_here.absolute()))
from pipeline_source import PipelineSource

spark.dataSource.register(PipelineSource)
try:
    spark.read.format("pipeline_source").load()
except Exception as error:
    result["driver_only"] = str(error)

# 2. Ours, which this process cannot import and the workers can.
try:
    import lakeflow_airtable
except ModuleNotFoundError:
    result["driver_has_wheel"] = False
frame = spark.read.format("airtable").options(**options).option("tableName", "Vendors").load()
result["count"] = frame.count()
result["names"] = [row["name"] for row in frame.select("name").orderBy("name").collect()]
# Two tables at once, one on each worker.
result["both"] = frame.select("id").union(frame.select("id")).count()
frame.explain(True)
print(frame, frame.schema)
spark.stop()
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    with StandaloneCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_the_wheel_on_the_workers_is_enough_and_a_module_on_the_driver_is_not(
    cluster: StandaloneCluster, bare_python: Path, executors_python: Path, tmp_path: Path
) -> None:
    with MockAirtable() as mock:
        ran = run_driver(
            bare_python,
            DRIVER,
            tmp_path,
            MASTER=cluster.url,
            SETTINGS=json.dumps(session_settings(tmp_path)),
            OPTIONS=json.dumps(mock.options()),
            PYSPARK_PYTHON=str(executors_python),
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        result = json.loads(ran.stdout.splitlines()[-1])
        token = mock.token

    assert "ModuleNotFoundError: No module named 'pipeline_source'" in result["driver_only"]
    assert result["driver_has_wheel"] is False
    assert result["count"] == len(result["names"]) > 0
    assert result["both"] == 2 * result["count"]

    # Neither the driver's output (with the plans) nor any log of the cluster's processes shows the token.
    logs = [path for path in cluster.directory.rglob("*") if path.is_file()]
    executors = [path for path in logs if path.name == "stderr"]
    assert len(executors) >= 2
    assert token not in ran.stdout + ran.stderr
    assert [path for path in logs if token.encode() in path.read_bytes()] == []


def test_the_demo(executors_python: Path) -> None:
    demo = PROJECT / "examples" / "demo" / "demo.py"
    ran = subprocess.run(
        [sys.executable, demo, "--executors-python", executors_python], capture_output=True, text=True, timeout=380
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Read 6 tables" in ran.stdout
    assert "+--------" in ran.stdout

"""What the tests share: a mock with a small table, one local Spark, and the environments of a cluster's processes."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cluster import session_settings

from feeds import settle
from lakeflow_airtable.mock import MockAirtable
from project import PROJECT
from tiers import (  # noqa: F401  # hooks
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_call,
    pytest_runtest_setup,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Set before Spark starts any process: the loopback interface alone.
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 30 records, and a webhook that is old enough not to be waited for."""
    fields: list[dict[str, Any]] = [
        {"name": "Name"},
        {"name": "Size", "type": "number", "options": {"precision": 1}},
        {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}, {"name": "b"}]}},
    ]
    mock_airtable.create_table(
        "Items", fields, [{"Name": f"item {number}", "Size": number / 2, "Tags": ["a"]} for number in range(30)]
    )
    settle(mock_airtable, "Items")
    return mock_airtable


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local Spark of two threads, whose Python workers are this interpreter."""
    from pyspark.sql import SparkSession

    directory = tmp_path_factory.mktemp("spark")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").appName("lakeflow-airtable tests")
    for name, value in session_settings(directory).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    from lakeflow_airtable import register

    register(session)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def executors_python() -> Path:
    """The Python of the workers' environment: pyarrow and the wheel, no pyspark, no sources. `make` makes it."""
    python = PROJECT / ".venv-executors" / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{python} is missing: run the tests by `make test-python`")
    return python


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A driver's Python that has all that this interpreter has, but not this project's wheel."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, symlinks=True)
    ours = Path(sysconfig.get_path("purelib"))
    theirs = home / ours.relative_to(sys.prefix)
    for entry in ours.iterdir():
        if not entry.name.startswith(("lakeflow_airtable", "pyspark_airtable", "databricks", "_", "pip", "setuptools")):
            (theirs / entry.name).symlink_to(entry)
    python = home / "bin" / "python"
    found = subprocess.run([python, "-c", "import pyspark, pyarrow; import lakeflow_airtable"], capture_output=True)
    assert b"No module named 'lakeflow_airtable'" in found.stderr, found.stderr.decode()
    return python

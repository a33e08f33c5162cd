"""The line that each task logs in its worker: where Spark keeps the workers' lines, and on stderr where nobody does."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cluster import session_settings

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.spark.worker_log import told_by_worker

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

END = re.compile(
    r'table "(\w+)": (closed after )?\d+ rows? in [\d.]+ s .*, \d+ requests?, [\d.]+ s waited for the budget'
    r"(, [\d,]+ calls? to the base this month)?"
)
LOGGING = "spark.sql.pyspark.worker.logging.enabled"


@pytest.fixture
def kept_lines(spark: SparkSession) -> Iterator[SparkSession]:
    """A session that keeps what its workers log."""
    from pyspark.sql.tvf import TableValuedFunction

    if not hasattr(TableValuedFunction, "python_worker_logs"):
        pytest.skip("this Spark does not keep its workers' lines")
    spark.conf.set(LOGGING, "true")
    yield spark
    spark.conf.unset(LOGGING)


def ends(session: SparkSession) -> list[tuple[str, str]]:
    """Level and text of the lines of reads that are over."""
    lines = session.tvf.python_worker_logs().where("logger = 'lakeflow_airtable'").collect()
    assert lines, [row.asDict() for row in session.tvf.python_worker_logs().collect()]
    return [(line.level, line.msg) for line in lines if END.fullmatch(line.msg)]


@pytest.mark.spark
def test_a_task_logs_what_it_has_read(kept_lines: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {**mock_airtable.options(), "tableName": "Vendors"}
    rows = kept_lines.read.format("lakeflow_connect").options(**options).load().count()
    [(level, line)] = [end for end in ends(kept_lines) if "Vendors" in end[1]]
    assert level == "INFO"
    assert line.startswith(f'table "Vendors": {rows} rows in ')
    assert mock_airtable.token not in line


STREAM = """
import json, os, sys
from pyspark.sql import SparkSession
from lakeflow_airtable import register
os.environ["PYSPARK_PYTHON"] = sys.executable
builder = SparkSession.builder.master("local[1]")
for name, value in json.loads(sys.argv[1]).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
register(spark)
frame = spark.readStream.format("lakeflow_connect").options(**json.loads(sys.argv[2])).load()
write = frame.writeStream.format("noop").option("checkpointLocation", sys.argv[3])
query = write.trigger(availableNow=True).start()
assert query.awaitTermination(120)
spark.stop()
"""


@pytest.mark.spark
def test_a_task_of_a_stream_logs_what_it_has_read(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    rows = len(mock_airtable.records("Vendors"))
    # For a first batch of everything, and a window that has settled.
    mock_airtable.advance_clock(120)
    options = {**mock_airtable.options(), "tableName": "Vendors", "ingestion_type": "cdc"}
    given = (json.dumps(session_settings(tmp_path / "session")), json.dumps(options), str(tmp_path / "checkpoint"))
    ran = subprocess.run([sys.executable, "-c", STREAM, *given], capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stderr
    [line] = [
        line for line in ran.stderr.splitlines() if "INFO lakeflow_airtable: table" in line and " rows in " in line
    ]
    assert f'table "Vendors": {rows} rows in ' in line
    assert mock_airtable.token not in ran.stderr


PROGRAM = """
import json, sys
from lakeflow_airtable import Airtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.spark.partition import ScanPartition
from lakeflow_airtable._native import Connector
options = Options.from_values(json.loads(sys.argv[1]))
plan = Connector(options).plan("Vendors").to_json()
exec(sys.argv[2])
print(sum(batch.num_rows for batch in ScanPartition(plan).read(options, True)))
"""


def worker(mock: MockAirtable, setting: str) -> tuple[str, str]:
    """What a process prints, and its stderr, that reads a partition as a worker does."""
    program = [sys.executable, "-c", PROGRAM, json.dumps(mock.options()), setting]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip(), ran.stderr


def test_a_worker_without_logging_has_the_line_on_stderr(mock_airtable: MockAirtable) -> None:
    rows, told = worker(mock_airtable, "")
    [line] = told.splitlines()
    assert re.search(rf' INFO lakeflow_airtable: table "Vendors": {rows} rows in ', line)


@pytest.mark.parametrize(
    ("setting", "lines"),
    [
        ("import logging; logging.basicConfig(format='theirs %(message)s')", 1),
        ("import logging; logging.getLogger('lakeflow_airtable').setLevel('WARNING')", 0),
        ("import logging; logging.basicConfig(level='ERROR')", 0),
    ],
)
def test_what_somebody_has_set_up_stays(mock_airtable: MockAirtable, setting: str, lines: int) -> None:
    _, told = worker(mock_airtable, setting)
    assert len(told.splitlines()) == lines
    assert all(line.startswith('theirs table "Vendors": ') for line in told.splitlines())


def test_a_task_leaves_logging_as_it_was(mock_airtable: MockAirtable) -> None:
    logger = logging.getLogger("lakeflow_airtable")
    before = (logger.level, list(logger.handlers))
    with told_by_worker():
        assert logger.isEnabledFor(logging.INFO)
        list(Airtable(**mock_airtable.options()).read("Vendors"))
    with pytest.raises(ZeroDivisionError), told_by_worker():
        raise ZeroDivisionError
    assert (logger.level, list(logger.handlers)) == before

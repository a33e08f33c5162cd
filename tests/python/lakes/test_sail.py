"""What Sail does with the data source beside the core of the tests: tables in Delta, SQL, and what it refuses.

No JVM is started: Sail runs in the tests' own process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet
import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from project import PROJECT
from sail import sail_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@pytest.fixture(scope="module")
def sail() -> Iterator[SparkSession]:
    with sail_session() as session:
        yield session


def load(session: SparkSession, mock: MockAirtable, table: str, **options: str) -> DataFrame:
    return session.read.format("lakeflow_connect").options(**mock.options(tableName=table, **options)).load()


def by_id(table: pa.Table) -> dict[str, str]:
    """The rows as text, in which a NaN is as good as another."""
    return {row["id"]: repr(row) for row in table.to_pylist()}


def test_six_tables_in_delta_and_back(sail: SparkSession, mock_airtable: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**mock_airtable.options())
    tables = base.list_tables()
    assert len(tables) == 6
    for table in tables:
        target = str(tmp_path / table.replace(" ", "_"))
        load(sail, mock_airtable, table).write.format("delta").mode("overwrite").save(target)
        assert by_id(pyarrow.parquet.read_table(target)) == by_id(pa.table(base.read(table))), table
        assert sail.read.format("delta").load(target).count() == len(mock_airtable.records(table))


def test_the_fault_of_sail_that_the_guide_names(sail: SparkSession, tmp_path: Path) -> None:
    """It takes a column whose statistics have one value for that value, and statistics leave out NaN."""
    two = sail.createDataFrame([(1, float("nan")), (2, 5.0)], "id INT, x DOUBLE")
    two.write.parquet(str(tmp_path / "nan"))
    assert {str(x) for x in pyarrow.parquet.read_table(tmp_path / "nan")["x"].to_pylist()} == {"nan", "5.0"}
    assert {str(row["x"]) for row in sail.read.parquet(str(tmp_path / "nan")).collect()} == {"5.0"}


def test_a_second_read_replaces_the_first_and_the_first_is_still_there(
    sail: SparkSession, mock_airtable: MockAirtable, tmp_path: Path
) -> None:
    target = str(tmp_path / "vendors")
    for _ in range(2):
        load(sail, mock_airtable, "Vendors").write.format("delta").mode("overwrite").save(target)
        mock_airtable.create_records("Vendors", [{"Name": "New"}])
    now = sail.read.format("delta").load(target).count()
    before = sail.read.format("delta").option("versionAsOf", "0").load(target).count()
    assert (before, now) == (now - 1, now)


def test_sql_over_a_view(sail: SparkSession, mock_airtable: MockAirtable) -> None:
    load(sail, mock_airtable, "Vendors").createOrReplaceTempView("vendors")
    rows = sail.sql("SELECT country, count(*) AS n FROM vendors WHERE score > 2 GROUP BY country").collect()
    expected: dict[str, int] = {}
    for row in pa.table(Airtable(**mock_airtable.options()).read("Vendors")).to_pylist():
        if row["score"] is not None and row["score"] > 2:
            expected[row["country"]] = expected.get(row["country"], 0) + 1
    assert {row["country"]: row["n"] for row in rows} == expected


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TEMPORARY VIEW made USING lakeflow_connect OPTIONS ({})", "path must be specified"),
        ("SELECT id FROM vendors WITH ({})", "found WITH"),
    ],
)
def test_sql_that_takes_options_is_refused_and_a_view_of_a_read_is_the_way(
    sail: SparkSession, mock_airtable: MockAirtable, statement: str, message: str
) -> None:
    load(sail, mock_airtable, "Vendors").createOrReplaceTempView("vendors")
    settings = ", ".join(f"{name} '{value}'" for name, value in mock_airtable.options(tableName="Vendors").items())
    with pytest.raises(Exception, match=message) as raised:
        sail.sql(statement.format(settings)).collect()
    assert mock_airtable.token not in str(raised.value)
    sail.sql("CREATE OR REPLACE TEMPORARY VIEW names AS SELECT id, name FROM vendors")
    assert sail.table("names").count() == len(mock_airtable.records("Vendors"))


def test_the_format_airtable_once_it_is_registered(sail: SparkSession, mock_airtable: MockAirtable) -> None:
    from pyspark_airtable import DefaultSource

    sail.dataSource.register(DefaultSource)
    frame = sail.read.format("airtable").options(**mock_airtable.options(tableName="Vendors")).load()
    assert frame.count() == len(mock_airtable.records("Vendors"))


@pytest.mark.parametrize("column", ["score DATE", "nothing STRING"])
def test_a_schema_that_does_not_fit_says_why(sail: SparkSession, mock_airtable: MockAirtable, column: str) -> None:
    source = sail.read.format("lakeflow_connect").options(**mock_airtable.options(tableName="Vendors"))
    with pytest.raises(Exception, match=f'column "{column.split()[0]}" of the schema') as raised:
        source.schema(column).load().collect()
    assert mock_airtable.token not in str(raised.value)


def test_no_plan_shows_the_token(
    sail: SparkSession, mock_airtable: MockAirtable, capfd: pytest.CaptureFixture[str]
) -> None:
    load(sail, mock_airtable, "Vendors").explain(True)
    shown = "".join(capfd.readouterr())
    assert "PythonDataSource" in shown
    assert mock_airtable.token not in shown


def test_a_stream_is_refused(sail: SparkSession, mock_airtable: MockAirtable, tmp_path: Path) -> None:
    options = mock_airtable.options(tableName="Vendors", ingestion_type="cdc")
    stream = sail.readStream.format("lakeflow_connect").options(**options).load()
    write = stream.writeStream.format("console").option("checkpointLocation", str(tmp_path))
    with pytest.raises(Exception, match="only supports streaming data"):
        write.start()


def test_the_example(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, PROJECT / "examples" / "lakes" / "sail.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "60 rows in the Delta table" in ran.stdout

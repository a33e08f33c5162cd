"""Delta and Iceberg, each on the Spark that has it: what `examples/lakes/bronze.py` does, and its parts one by one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from cluster import session_settings

from lakeflow_airtable import Airtable, register
from lakeflow_airtable.mock import MockAirtable
from lakes import JARS, jars_of
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

NAME = os.environ["LAKE"]
EXAMPLE = PROJECT / "examples" / "lakes" / "bronze.py"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)

# The copy's names by id; and the history's rows.
Merged = tuple[dict[str, str], list[tuple[Any, ...]]]


def run_example(directory: Path, *, name: str, jars: str) -> subprocess.CompletedProcess[str]:
    submit = f"--jars {jars} pyspark-shell" if jars else "pyspark-shell"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRTABLE_")}
    return subprocess.run(
        [sys.executable, EXAMPLE, name],
        cwd=directory,
        env={**kept, "PYSPARK_SUBMIT_ARGS": submit, "PYSPARK_PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_the_example(tmp_path: Path) -> None:
    ran = run_example(tmp_path, name=NAME, jars=jars_of(NAME))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert lines.count("bronze.vendors: 60 rows") == 1, ran.stdout
    assert len({line.split(":")[0] for line in lines if line.startswith("bronze.") and ": " in line}) == 6, ran.stdout
    assert "the same as in Airtable: True" in lines, ran.stdout
    # One edited and one deleted of sixty, and two that are new.
    assert "versions: 63, of them ended: 2" in lines, ran.stdout
    assert any(line.startswith("bronze.vendors had 60 rows in version ") and line.endswith("has 61") for line in lines)
    assert "patMockToken" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("jars", ["none", "those of another Spark"])
def test_a_spark_without_the_format_is_told_what_to_do(tmp_path: Path, jars: str) -> None:
    other = next(name for name in JARS if name != NAME)
    ran = run_example(tmp_path, name=other, jars="" if jars == "none" else jars_of(other))
    assert ran.returncode == 1, ran.stdout
    [told] = [line for line in ran.stderr.splitlines() if line.startswith(f"{other} makes no table in this Spark")]
    version = {"delta": "4.2", "iceberg": "4.1"}[other]
    assert f"use Spark {version} (pip install 'pyspark=={version}.*')" in told
    assert f"--packages {JARS[other]}" in told


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The example as a module, with its tables in a directory of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("lake"))
        spec = importlib.util.spec_from_file_location("bronze", EXAMPLE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, "bronze", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def lake(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {**session_settings(tmp_path_factory.mktemp("spark")), **example.LAKES[NAME].settings}
    builder = SparkSession.builder.master("local[2]").config("spark.jars", jars_of(NAME))
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    register(session)
    session.sql("CREATE NAMESPACE IF NOT EXISTS bronze")
    yield session
    session.stop()


def test_six_tables_cell_by_cell(lake: SparkSession, example: ModuleType, mock_airtable: MockAirtable) -> None:
    example.bronze(lake, NAME, mock_airtable.options())
    base = Airtable(**mock_airtable.options())
    tables = base.list_tables()
    assert len(tables) == 6
    for table in tables:
        stored = lake.table("bronze." + table.lower().replace(" ", "_")).toArrow()
        assert by_id(stored) == by_id(pa.table(base.read(table))), table


def test_a_stream_appends_into_a_table(lake: SparkSession, mock_airtable: MockAirtable, tmp_path: Path) -> None:
    options = mock_airtable.options(tableName="Vendors", ingestion_type="append")

    def run() -> int:
        stream = lake.readStream.format("lakeflow_connect").options(**options).load()
        write = stream.writeStream.format(NAME).option("checkpointLocation", str(tmp_path / "checkpoint"))
        write.trigger(availableNow=True).toTable("bronze.appended").awaitTermination()
        return lake.table("bronze.appended").count()

    first = run()
    mock_airtable.create_records("Vendors", [{"Name": "New"}] * 3)
    mock_airtable.advance_clock(300)
    assert (first, run(), run()) == (60, 63, 63)


def changes(lake: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Of rows of an id, a name, the hour of the change, and whether it is a deletion."""
    made = [(key, name, START + timedelta(hours=hours), deleted) for key, name, hours, deleted in rows]
    return lake.createDataFrame(made, "id STRING, name STRING, _changed_at TIMESTAMP, _deleted BOOLEAN")


def versions(lake: SparkSession, table: str) -> list[tuple[Any, ...]]:
    def hours(moment: datetime | None) -> int | None:
        return None if moment is None else round((moment.astimezone(timezone.utc) - START).total_seconds() / 3600)

    rows = lake.table(f"{table}_history").collect()
    return sorted((row["id"], row["name"], hours(row["__START_AT"]), hours(row["__END_AT"])) for row in rows)


A1, A2, B1 = ("recA", "one", 1, False), ("recA", "two", 2, False), ("recB", "other", 1, False)
A1_OPEN, A1_ENDED, A2_OPEN = ("recA", "one", 1, None), ("recA", "one", 1, 2), ("recA", "two", 2, None)
GONE, BACK = ("recA", None, 3, True), ("recA", "back", 4, False)

STEPS = {
    "new records": ([[A1, B1]], {"recA": "one", "recB": "other"}, [A1_OPEN, ("recB", "other", 1, None)]),
    "an edit": ([[A1], [A2]], {"recA": "two"}, [A1_ENDED, A2_OPEN]),
    "the same batch again": ([[A1], [A2], [A2]], {"recA": "two"}, [A1_ENDED, A2_OPEN]),
    "an older version": ([[A2], [A1]], {"recA": "two"}, [A2_OPEN]),
    "a deletion": ([[A1], [A2], [GONE]], {}, [A1_ENDED, ("recA", "two", 2, 3)]),
    "a deletion again": ([[A1], [GONE], [GONE]], {}, [("recA", "one", 1, 3)]),
    "of a record never seen": ([[GONE]], {}, []),
    "an edit from before a deletion": ([[A1], [GONE], [A2]], {"recA": "two"}, [("recA", "one", 1, 3)]),
    "restored": ([[A1], [GONE], [BACK]], {"recA": "back"}, [("recA", "back", 4, None), ("recA", "one", 1, 3)]),
    "other cells at the same time": ([[A1], [("recA", "1", 1, False)]], {"recA": "1"}, [("recA", "1", 1, None)]),
}


@pytest.fixture(scope="module")
def merged(lake: SparkSession, example: ModuleType) -> Merged:
    """All steps at once, each with records of its own: the first batch of each, then the second of each, and so on.

    A statement costs seconds in a lake, however few rows it has.
    """
    for number in range(max(len(batches) for batches, _, _ in STEPS.values())):
        rows = [
            (f"{step}/{key}", *cells)
            for step, (batches, _, _) in STEPS.items()
            for key, *cells in (batches[number] if number < len(batches) else [])
        ]
        example.keep(changes(lake, *rows), NAME, "bronze.merged")
    copy = {row["id"]: row["name"] for row in lake.table("bronze.merged").collect()}
    return copy, versions(lake, "bronze.merged")


@pytest.mark.parametrize("step", list(STEPS))
def test_batches_are_merged(merged: Merged, step: str) -> None:
    _, copy, history = STEPS[step]
    copies, histories = merged
    assert {key.split("/")[1]: name for key, name in copies.items() if key.split("/")[0] == step} == copy
    kept = sorted((key.split("/")[1], *cells) for key, *cells in histories if key.split("/")[0] == step)
    assert kept == sorted(history)


def by_id(table: pa.Table) -> dict[str, str]:
    """The rows as text, in which a NaN is as good as another."""
    rows = table.to_pylist()
    found = {row["id"]: repr(row) for row in rows}
    assert len(found) == len(rows), "a record twice"
    return found

"""What every Spark that this package serves must do alike: the core that `make matrix` runs on each of them.

The suite runs them, too, but for most of the streams, which test_queries looks at more closely.

Whatever differs between Sparks is probed here as in the package, never asked by version. Rows are compared with those
of the library, which has no Spark in it.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cluster import session_settings

from lakeflow_airtable import Airtable, AirtableDataSource, register
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

Row = dict[str, Any]

# Whether a run of Trigger.AvailableNow may be several batches.
HAS_LIMITS = importlib.util.find_spec("pyspark.sql.streaming.datasource") is not None


@pytest.fixture(scope="module", autouse=True)
def utc() -> Iterator[None]:
    """Spark hands out local times; the library tells UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module")
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The tests' classic Spark, or, where COMPATIBILITY says so, one behind Spark Connect, or Sail."""
    if os.environ.get("COMPATIBILITY") == "sail":
        from sail import sail_session

        with sail_session() as sailing:
            yield sailing
        return
    if os.environ.get("COMPATIBILITY") != "connect":
        yield request.getfixturevalue("spark")
        return
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.remote("local[2]")
    for name, value in session_settings(tmp_path_factory.mktemp("connect")).items():
        builder = builder.config(name, value)
    connected = builder.getOrCreate()
    register(connected)
    yield connected
    connected.stop()


def test_every_table_of_the_sample_base(session: SparkSession, mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    for table in base.list_tables():
        frame = _read(session, mock_airtable, table)
        assert _spark_rows(frame) == _library_rows(base.read(table)), table


def test_a_schema_selects_and_retypes(session: SparkSession, mock_airtable: MockAirtable) -> None:
    source = session.read.format("lakeflow_connect").options(**mock_airtable.options(tableName="Vendors"))
    frame = source.schema("sku_count DOUBLE, id STRING NOT NULL, score STRING").load()
    expected = Airtable(**mock_airtable.options()).read("Vendors", fields=["SKU count", "Score"])
    assert frame.columns == ["sku_count", "id", "score"]
    counts = {row["id"]: float(row["sku_count"]) for row in _library_rows(expected)}
    assert {row["id"]: row["sku_count"] for row in _spark_rows(frame)} == counts


def test_the_virtual_tables(session: SparkSession, mock_airtable: MockAirtable) -> None:
    tables = _read(session, mock_airtable, "_community_tables").collect()
    assert [row["tableName"] for row in tables] == sorted(Airtable(**mock_airtable.options()).list_tables())
    metadata = _read(
        session,
        mock_airtable,
        "_community_table_metadata",
        tableNameList='["Vendors"]',
        tableConfigs=json.dumps({"Vendors": {"ingestion_type": "cdc"}}),
    )
    assert metadata.collect()[0]["cursor_field"] == "_changed_at"


def test_an_error_says_what_to_do(session: SparkSession, mock_airtable: MockAirtable) -> None:
    with pytest.raises(Exception, match='did you mean "Vendors"') as raised:
        _read(session, mock_airtable, "Vendor").count()
    assert mock_airtable.token not in str(raised.value)


def test_rows_as_tuples(session: SparkSession, mock_airtable: MockAirtable) -> None:
    class Tuples(AirtableDataSource):
        arrow_batches = False

        @classmethod
        def name(cls) -> str:
            return "tuples"

    session.dataSource.register(Tuples)
    frame = session.read.format("tuples").options(**mock_airtable.options(tableName="SKU Candidates")).load()
    base = Airtable(**mock_airtable.options())
    assert _spark_rows(frame) == _library_rows(base.read("SKU Candidates"))


STREAMS = [(mode, bound) for mode in ("cdc", "cdc_with_deletes", "append") for bound in (None, 25)]


@pytest.mark.parametrize(("mode", "bound"), STREAMS if "COMPATIBILITY" in os.environ else [("cdc_with_deletes", 25)])
def test_a_stream_goes_on_where_it_ended(
    session: SparkSession, mock_airtable: MockAirtable, tmp_path: Path, mode: str, bound: int | None
) -> None:
    run = _stream(session, mock_airtable, tmp_path, mode, bound)
    vendors = {record["id"] for record in mock_airtable.records("Vendors")}
    mock_airtable.advance_clock(300)
    assert {row["id"] for row in run()} == vendors

    ids = sorted(vendors)
    mock_airtable.update_records("Vendors", {record: {"Name": "Edited"} for record in ids[:30]})
    mock_airtable.delete_records("Vendors", ids[-2:])
    created = set(mock_airtable.create_records("Vendors", [{"Name": "Created"}] * 3))
    mock_airtable.advance_clock(300)
    rows = {row["id"]: row for row in run()}
    expected = {
        "append": created,
        "cdc": created | set(ids[:30]),
        "cdc_with_deletes": created | set(ids[:30]) | set(ids[-2:]),
    }
    assert set(rows) == expected[mode]
    assert {row["id"] for row in rows.values() if row.get("_deleted")} == (
        set(ids[-2:]) if mode == "cdc_with_deletes" else set()
    )
    mock_airtable.advance_clock(300)
    assert run() == []


def _stream(
    session: SparkSession, mock: MockAirtable, directory: Path, mode: str, bound: int | None
) -> Callable[[], list[Row]]:
    """A stream into files, run by run; each gives the rows that came with it."""
    options = mock.options(tableName="Vendors", ingestion_type=mode)
    if bound is not None:
        options["max_records_per_batch"] = str(bound)
    target = str(directory / "target")
    given: list[str] = []

    def run() -> list[Row]:
        stream = session.readStream.format("lakeflow_connect").options(**options).load()
        writer = stream.writeStream.format("parquet").option("checkpointLocation", str(directory / "checkpoint"))
        query = writer.trigger(availableNow=True).start(target)
        query.awaitTermination()
        # The sum over all sources is missing behind Spark Connect.
        sizes = [progress["sources"][0]["numInputRows"] for progress in query.recentProgress]
        if bound is not None and HAS_LIMITS:
            assert max(sizes, default=0) <= bound
        frame = session.read.schema(stream.schema).parquet(target)
        rows = _spark_rows(frame)
        new = [row for row in rows if _key(row) not in given]
        given.extend(_key(row) for row in new)
        return new

    return run


def _read(session: SparkSession, mock: MockAirtable, table: str, **options: str) -> DataFrame:
    return session.read.format("lakeflow_connect").options(**mock.options(tableName=table, **options)).load()


def _spark_rows(frame: DataFrame) -> list[Row]:
    return sorted((_comparable(row.asDict(recursive=True)) for row in frame.collect()), key=_key)


def _library_rows(batches: Any) -> list[Row]:
    return sorted((_comparable(row) for batch in batches for row in batch.to_pylist()), key=_key)


def _comparable(value: Any) -> Any:
    """Times without a zone, and a NaN that equals itself."""
    if isinstance(value, dict):
        return {name: _comparable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def _key(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)

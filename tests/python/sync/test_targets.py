"""What is said of targets and specifications that cannot be, and where copies go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakeflow_airtable import Airtable, NotFoundError, OptionError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.specification.names import LONGEST, file_name
from lakeflow_airtable.sync.duckdb import DuckDBCopy
from lakeflow_airtable.sync.target import Progress
from sync_copies import FORMATS, catalog, rows, table, target


@pytest.fixture
def base(items: MockAirtable) -> Airtable:
    return Airtable(**items.options())


def configured(**configuration: Any) -> dict[str, Any]:
    return {"objects": [{"table": {"source_table": "Items", "table_configuration": configuration}}]}


@pytest.mark.parametrize(
    ("spec", "how", "message"),
    [
        ("*", {"format": "delt"}, "format is 'delt': did you mean delta"),
        ("*", {"format": "xyz"}, "there are delta, iceberg, duckdb, parquet"),
        ("*", {"to": ""}, "to is ''"),
        ("*", {"to": "a\0b"}, "give a directory"),
        ("*", {"to": 5}, "to is 5"),
        ("*", {"to": "s3://bucket/x", "format": "duckdb"}, "duckdb takes the name of a file"),
        ("*", {"to": "lake", "format": "iceberg"}, "a catalog's name and a namespace"),
        ([], {}, "spec takes"),
        (5, {}, "spec takes"),
        (["Items"], {"tableName": "Items"}, "leave tableName out"),
        (["Items"], {"ingestion_type": "cdc", "max_records": 5}, "max_records would leave changes out"),
        (["Items"], {"filds": ["Name"]}, "did you mean fields"),
        (["Items"], {"every": "soon"}, "every is 'soon'"),
        (["Items"], {"every": 0}, "every is 0"),
        (["Items"], {"refresh": ["Itms"]}, "did you mean Items"),
        (["Items"], {"ingestion_type": "cdc", "format": "parquet"}, "parquet holds snapshots only"),
        (["Items"], {"scd_type": "SCD_TYPE_2"}, "SCD_TYPE_2 of snapshots"),
        (["Items", "Items"], {}, "writes to items, as 'Items' does"),
        (configured(scd_typ="SCD_TYPE_2"), {}, "did you mean scd_type"),
        (configured(ingestion_type="cdc", primary_keys=["nme"]), {}, "did you mean name"),
        ({"connection_options": {"base_id": "appOther000000000"}, "objects": "*"}, {}, "is another base"),
        (
            configured(ingestion_type="cdc", primary_keys=["id", "name"]),
            {"format": "iceberg", "to": "lake.x"},
            "one column with iceberg",
        ),
        (
            configured(ingestion_type="cdc", scd_type="APPEND_ONLY"),
            {"format": "iceberg", "to": "lake.x"},
            "a name that Iceberg keeps",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    base: Airtable, lake: Path, spec: Any, how: dict[str, Any], message: str
) -> None:
    with pytest.raises((OptionError, NotFoundError), match=message) as caught:
        base.sync(spec, **{"to": lake, "format": "delta", **how})
    assert "\n" not in str(caught.value)
    assert not lake.exists()


def test_a_table_that_is_not_there_has_the_nearest_name(base: Airtable, lake: Path) -> None:
    with pytest.raises(NotFoundError, match="Items"):
        base.sync(["Itms"], to=lake, format="delta")


def occupied(format: str, lake: Path, kind: str) -> None:
    lake.mkdir(exist_ok=True)
    place = {"delta": lake / "items", "duckdb": lake / "copies.duckdb", "parquet": lake / "items.parquet"}[format]
    if kind == "text":
        place.write_text("something else")
    elif kind == "directory":
        place.mkdir()
        (place / "file").write_text("x")
    elif format == "delta":
        write_deltalake(place, pa.table({"id": ["theirs"]}))
    elif format == "duckdb":
        import duckdb

        with duckdb.connect(place) as database:
            database.execute("CREATE TABLE items AS SELECT 'theirs' AS id")
    else:
        pq.write_table(pa.table({"id": ["theirs"]}), place)


@pytest.mark.parametrize("format", ["delta", "duckdb", "parquet"])
@pytest.mark.parametrize("kind", ["text", "directory", "table"])
def test_what_is_there_and_is_none_of_ours_is_left_alone(base: Airtable, lake: Path, format: str, kind: str) -> None:
    occupied(format, lake, kind)
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    if format == "delta" and kind == "directory":
        return  # a Delta table may be made in a directory with other files
    try:
        [failed] = base.sync(["Items"], **target(format, lake)).failed
        error: Exception | None = failed.error
    except OptionError as raised:
        error = raised
    assert isinstance(error, OptionError)
    assert "\n" not in str(error)
    assert {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before


def test_an_iceberg_table_of_somebody_else_is_left_alone(base: Airtable, lake: Path) -> None:
    from pyiceberg.catalog import load_catalog

    theirs = load_catalog("lake", **catalog(lake))
    theirs.create_namespace("copies")
    theirs.create_table("copies.items", pa.schema([("id", pa.string())]))
    [failed] = base.sync(["Items"], **target("iceberg", lake)).failed
    assert "sync did not write it" in str(failed.error)


@pytest.mark.parametrize("format", FORMATS)
def test_the_copy_of_another_table_is_left_alone(items: MockAirtable, base: Airtable, lake: Path, format: str) -> None:
    base.sync(["Items"], **target(format, lake))
    spec = {"objects": [{"table": {"source_table": "Vendors", "destination_table": "items"}}]}
    [failed] = base.sync(spec, **target(format, lake), refresh=True).failed
    assert "is the copy of table" in str(failed.error)
    assert len(rows(format, lake, "items")) == 30
    # The same table under a new name is the same table.
    items.update_table("Items", name="Things")
    spec = {"objects": [{"table": {"source_table": "Things", "destination_table": "items"}}]}
    assert not base.sync(spec, **target(format, lake)).failed


NAMES = [
    "../up",
    "a/b",
    "..",
    ".",
    "con",
    "COM1.txt",
    "nul",
    "a\\b",
    "ü" * 200,
    "x" * 255,
    "_hidden",
    ".hidden",
    "a ",
    "名前",
    "a.b",
]


def test_names_of_files_are_safe_and_differ() -> None:
    made = [file_name(name) for name in NAMES]
    assert len({name.lower() for name in made}) == len(NAMES)
    for name in made:
        assert name.isascii()
        assert len(name) <= LONGEST + 9
        assert name[0].isalnum()
        assert set(name).isdisjoint('/\\:*?"<>|\0 ')
    assert file_name("sku_candidates") == "sku_candidates"


@pytest.mark.parametrize("format", FORMATS)
def test_copies_stay_where_they_are_to_go(base: Airtable, lake: Path, format: str) -> None:
    names = ["../up", "a/b", "..", "名前", "x" * 255]
    spec = {
        "objects": [
            {"table": {"source_table": "Items", "destination_table": name, "destination_schema": "s/../.."}}
            for name in names
        ]
    }
    report = base.sync(spec, **target(format, lake))
    assert not report.failed, report
    assert len({table.target for table in report}) == len(names)
    assert {path.name for path in lake.parent.iterdir()} == {lake.name}


def test_names_that_differ_in_capitals_alone_are_refused(base: Airtable, lake: Path) -> None:
    spec = {
        "objects": [{"table": {"source_table": "Items", "destination_table": name}} for name in ("Things", "things")]
    }
    with pytest.raises(OptionError, match="give one of them another destination_table"):
        base.sync(spec, to=lake, format="parquet")


@pytest.mark.parametrize(
    ("format", "package"), [("delta", "deltalake"), ("duckdb", "duckdb"), ("iceberg", "pyiceberg")]
)
def test_a_package_that_is_not_there_is_named(items: MockAirtable, lake: Path, format: str, package: str) -> None:
    program = f"""
import sys
sys.modules[{package!r}] = None
from lakeflow_airtable import Airtable
try:
    Airtable(**{items.options()!r}).sync(["Items"], to={target(format, lake)["to"]!r}, format={format!r})
except ModuleNotFoundError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == f"sync needs the package {package}: pip install 'lakeflow-airtable[sync]'", ran.stderr


def test_a_first_load_into_duckdb_does_not_stay_in_memory_until_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    keep = DuckDBCopy._keep

    def noted(copy: DuckDBCopy, *told: Any) -> None:
        [(memory,)] = copy._run("SELECT sum(memory_usage_bytes) FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'")
        held.append(int(memory))
        keep(copy, *told)

    monkeypatch.setattr(DuckDBCopy, "_keep", noted)
    batch = pa.record_batch({"id": [f"rec{n:014d}" for n in range(1_000)], "text": [f"{n:032d}" for n in range(1_000)]})
    copy = DuckDBCopy(str(tmp_path / "copies.duckdb"), None, "items")
    assert copy.find() is None
    copy.append((batch for _ in range(500)), batch.schema, Progress("app", "tbl", "append", "", offset="x"))
    copy.close()
    # A transaction of 500 statements holds 30 MB here.
    assert held[0] < 10_000_000
    assert table("duckdb", tmp_path, "items").num_rows == 500_000

"""`verify`: a copy beside its table. Copies are real ones, made by `sync` or by the formats' own libraries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeflow_airtable import Airtable, NotFoundError, OptionError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.verify import Verification

FIELDS: list[dict[str, Any]] = [
    {"name": "Name"},
    {"name": "Size", "type": "number", "options": {"precision": 1}},
    {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}, {"name": "b"}]}},
    {"name": "Edited", "type": "lastModifiedTime"},
]
ROWS = 250


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 250 records, three pages."""
    mock_airtable.create_table(
        "Items", FIELDS, [{"Name": f"item {number}", "Size": number / 2, "Tags": ["a"]} for number in range(ROWS)]
    )
    mock_airtable.advance_clock(120)
    return mock_airtable


@pytest.fixture
def base(items: MockAirtable) -> Airtable:
    return Airtable(**items.options())


def ids(items: MockAirtable) -> list[str]:
    return sorted(record["id"] for record in items.records("Items"))


def counts(found: Verification) -> tuple[int, int, int, int]:
    return (found.missing.count, found.surplus.count, found.stale.count, found.different.count)


def mutate(items: MockAirtable) -> dict[str, list[str]]:
    """Some records that a copy does not know of, some that are gone, some that are edited."""
    items.advance_clock(60)
    known = ids(items)
    made = items.create_records("Items", [{"Name": "new"}, {"Name": "newer"}])
    items.delete_records("Items", known[:3])
    items.update_records("Items", {record: {"Size": 1_000} for record in known[3:8]})
    return {"missing": sorted(made), "surplus": known[:3], "stale": known[3:8]}


CATALOG = "lake"


def iceberg_catalog(directory: Path) -> dict[str, str]:
    directory.mkdir(exist_ok=True)
    return {"type": "sql", "uri": f"sqlite:///{directory}/catalog.db", "warehouse": f"file://{directory}/warehouse"}


def synced(base: Airtable, format: str, directory: Path, **options: Any) -> tuple[str, dict[str, Any]]:
    """A copy that `sync` has made: what `verify` calls it."""
    directory.mkdir(exist_ok=True)
    more: dict[str, Any] = {}
    to, target = str(directory), str(directory / "items")
    if format == "duckdb":
        to, target = str(directory / "copies.duckdb"), f"{directory}/copies.duckdb:items"
    if format == "parquet":
        target = str(directory / "items.parquet")
    if format == "iceberg":
        to, target, more = (
            f"{CATALOG}.copies",
            f"{CATALOG}.copies.items",
            {"storage_options": iceberg_catalog(directory)},
        )
    report = base.sync(["Items"], to=to, format=format, **more, **options)
    assert not report.failed, report
    return target, more


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg", "parquet"])
def test_a_copy_is_equal_until_the_table_changes(
    items: MockAirtable, base: Airtable, tmp_path: Path, format: str, cells: bool
) -> None:
    target, more = synced(base, format, tmp_path / "lake")
    equal = base.verify("Items", target, cells=cells, **more)
    assert counts(equal) == (0, 0, 0, 0)
    assert (equal.base_rows, equal.target_rows) == (ROWS, ROWS)
    assert equal.is_equal
    assert equal.exit_code == 0
    assert equal.compared == ("cells" if cells else "ids and times")
    expected = mutate(items)
    found = base.verify("Items", target, cells=cells, **more)
    assert counts(found) == (2, 3, 5, 0)
    assert not found.is_equal
    assert found.exit_code == 7
    named = {kind: sorted(getattr(found, kind).ids) for kind in expected}
    assert named == expected


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
@pytest.mark.parametrize("scd_type", ["SCD_TYPE_1", "SCD_TYPE_2"])
def test_of_merged_copies_the_current_rows_count(
    items: MockAirtable, base: Airtable, tmp_path: Path, format: str, scd_type: str
) -> None:
    how: dict[str, Any] = {"ingestion_type": "cdc_with_deletes", "scd_type": scd_type}
    # A webhook that is old enough not to be waited for.
    base.latest_offset("Items", ingestion_type="cdc_with_deletes")
    items.advance_clock(120)
    synced(base, format, tmp_path / "lake", **how)
    items.advance_clock(120)
    mutate(items)
    items.advance_clock(120)
    target, more = synced(base, format, tmp_path / "lake", **how)
    for cells in (False, True):
        found = base.verify("Items", target, cells=cells, **more)
        assert found.is_equal, found
        assert found.target_rows == ROWS - 1
        assert (found.missing_columns, found.surplus_columns) == ((), ())


def test_only_the_ids_and_one_field_are_asked_for(items: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    target, _ = synced(base, "delta", tmp_path)
    items.clear_requests()
    assert base.verify("Items", target).requests == 4
    assert items.request_counts() == {"get_schema": 1, "list_records": 3}
    asked = [request["query"] for request in items.requests() if "fields" in str(request["query"])]
    edited = next(field["id"] for field in items.schema()["tables"][-1]["fields"] if field["name"] == "Edited")
    assert len(asked) == 3
    assert all(edited in str(query) for query in asked)
    names = [field["id"] for field in items.schema()["tables"][-1]["fields"] if field["name"] != "Edited"]
    assert not any(name in str(query) for query in asked for name in names)


# Arrow tables as targets: any fault can be made of them.


def whole(base: Airtable, **options: Any) -> pa.Table:
    return base.read("Items", **options).to_arrow()


def without(rows: pa.Table, *names: str) -> pa.Table:
    return rows.drop_columns(list(names))


def with_cells(rows: pa.Table, name: str, change: Callable[[int, Any], Any]) -> pa.Table:
    place = rows.column_names.index(name)
    cells = [change(number, cell) for number, cell in enumerate(rows.column(name).to_pylist())]
    return rows.set_column(place, name, pa.array(cells, rows.schema.field(name).type))


def test_cells_are_compared_only_where_they_are_asked_for(base: Airtable) -> None:
    rows = with_cells(whole(base), "size", lambda number, cell: -1.0 if number in (3, 4) else cell)
    assert base.verify("Items", rows).is_equal
    found = base.verify("Items", rows, cells=True)
    assert counts(found) == (0, 0, 0, 2)
    assert sorted(found.different.ids) == sorted(rows.column("id").to_pylist()[3:5])


def test_nested_cells_are_compared(base: Airtable) -> None:
    rows = with_cells(whole(base), "tags", lambda number, cell: ["b"] if number == 0 else cell)
    assert counts(base.verify("Items", rows, cells=True)) == (0, 0, 0, 1)
    empty = with_cells(whole(base), "tags", lambda number, cell: None if number == 0 else cell)
    assert counts(base.verify("Items", empty, cells=True)) == (0, 0, 0, 1)


def test_other_types_for_the_same_values_make_no_difference(base: Airtable) -> None:
    rows = whole(base)
    plain = rows.set_column(
        rows.column_names.index("createdTime"),
        "createdTime",
        rows.column("createdTime").cast(pa.timestamp("us")).cast(pa.timestamp("ns")),
    )
    for target in (rows, plain, pl.DataFrame(rows), rows.cast(rows.schema, safe=True).to_reader()):
        assert base.verify("Items", target, cells=True).is_equal


def test_rows_that_are_there_twice_are_double(base: Airtable) -> None:
    rows = whole(base)
    twice = pa.concat_tables([rows, rows.slice(0, 2)])
    found = base.verify("Items", twice)
    assert counts(found) == (0, 0, 0, 0)
    assert (found.double.count, found.is_equal, found.exit_code) == (2, False, 7)
    assert sorted(found.double.ids) == sorted(rows.column("id").to_pylist()[:2])


def test_rows_without_a_key_are_surplus(base: Airtable) -> None:
    rows = whole(base)
    keys = pa.array([*rows.column("id").to_pylist()[:-1], None], pa.string())
    nameless = rows.set_column(0, pa.field("id", pa.string()), keys)
    found = base.verify("Items", nameless)
    assert counts(found) == (1, 1, 0, 0)
    assert found.surplus.ids == ("NULL",)
    assert found.missing.ids == (rows.column("id").to_pylist()[-1],)


def test_a_hundred_are_named_and_all_are_counted(base: Airtable) -> None:
    rows = whole(base)
    found = base.verify("Items", rows.slice(0, 0))
    assert counts(found) == (ROWS, 0, 0, 0)
    assert len(found.missing.ids) == 100
    assert set(found.missing.ids) <= set(rows.column("id").to_pylist())


def test_without_a_field_of_edits_ids_and_creation_are_compared(mock_airtable: MockAirtable) -> None:
    mock_airtable.create_table("Plain", [{"name": "Name"}], [{"Name": str(number)} for number in range(5)])
    base = Airtable(**mock_airtable.options())
    rows = base.read("Plain").to_arrow()
    mock_airtable.advance_clock(60)
    first = rows.column("id").to_pylist()[0]
    mock_airtable.update_records("Plain", {first: {"Name": "other"}})
    by_times = base.verify("Plain", rows)
    assert by_times.is_equal, "an edit without a field that tells it is seen by cells only"
    assert counts(base.verify("Plain", rows, cells=True)) == (0, 0, 0, 1)
    moved = with_cells(rows, "createdTime", lambda _, cell: datetime(2001, 1, 1, tzinfo=timezone.utc))
    assert counts(base.verify("Plain", moved)) == (0, 0, 0, 5)
    alone = base.verify("Plain", rows.select(["id"]))
    assert (alone.is_equal, alone.compared) == (True, "ids")


def test_the_time_of_a_change_read_stands_for_the_field_of_edits(items: MockAirtable, base: Airtable) -> None:
    rows = without(whole(base, ingestion_type="cdc"), "edited")
    assert base.verify("Items", rows).is_equal
    expected = mutate(items)
    found = base.verify("Items", rows)
    assert counts(found) == (2, 3, 5, 0)
    assert sorted(found.stale.ids) == expected["stale"]


def test_rows_that_are_marked_as_deleted_do_not_count(base: Airtable) -> None:
    rows = whole(base, ingestion_type="cdc")
    gone = rows.column("id").to_pylist()[:4]
    marked = with_cells(rows, "_deleted", lambda number, _: number < 4)
    found = base.verify("Items", marked)
    assert counts(found) == (4, 0, 0, 0)
    assert sorted(found.missing.ids) == sorted(gone)
    assert found.target_rows == ROWS - 4


def test_ended_versions_do_not_count(base: Airtable) -> None:
    rows = whole(base)
    at = pa.array([datetime(2024, 1, 1, tzinfo=timezone.utc)] * ROWS, pa.timestamp("us", "UTC"))
    ended = rows.append_column("__END_AT", at)
    current = rows.append_column("__END_AT", pa.nulls(ROWS, at.type))
    assert base.verify("Items", pa.concat_tables([ended, current])).is_equal
    assert base.verify("Items", ended).missing.count == ROWS


def test_columns_that_differ_are_told(base: Airtable) -> None:
    rows = without(whole(base), "size").append_column("old", pa.nulls(ROWS, pa.string()))
    found = base.verify("Items", rows, cells=True)
    assert (found.missing_columns, found.surplus_columns) == (("size",), ("old",))
    assert counts(found) == (0, 0, 0, 0)
    assert not found.is_equal
    # Of fewer columns the copy was made with these options.
    assert base.verify("Items", rows, cells=True, fields=["Name", "Tags", "Edited"]).is_equal
    assert base.verify("Items", rows).is_equal, "by ids and times no column is missed"


def test_a_copy_of_a_part_is_compared_with_that_part(base: Airtable) -> None:
    formula = "{Size} < 10"
    rows = whole(base, filter_formula=formula)
    assert 0 < rows.num_rows < ROWS
    assert base.verify("Items", rows, filter_formula=formula).is_equal
    assert base.verify("Items", rows).missing.count == ROWS - rows.num_rows


def test_another_key(base: Airtable) -> None:
    rows = without(whole(base), "id")
    assert base.verify("Items", rows, key="name").is_equal
    assert base.verify("Items", rows, key="name", cells=True).missing_columns == ("id",)
    found = base.verify("Items", rows.slice(1), key="name")
    assert found.missing.ids == (rows.column("name").to_pylist()[0],)
    with pytest.raises(OptionError, match="key is 'id', and the Table has no such column"):
        base.verify("Items", rows)
    with pytest.raises(OptionError, match="the table has no such column: there are name"):
        base.verify("Items", rows, key="nam")


def test_addresses_of_attachments_make_no_difference(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    for options in ({}, {"nested": "json"}):
        rows = base.read("Marketing Assets", **options).to_arrow()  # type: ignore[arg-type]
        mock_airtable.advance_clock(10_000)
        assert rows != base.read("Marketing Assets", **options).to_arrow(), "addresses are others each time"  # type: ignore[arg-type]
        assert base.verify("Marketing Assets", rows, cells=True, **options).is_equal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "table",
    ["SKU Candidates", "Launch Milestones", "Compliance Records", "Packaging Tasks", "Marketing Assets", "Vendors"],
)
def test_every_type_survives_every_format(mock_airtable: MockAirtable, tmp_path: Path, table: str) -> None:
    base = Airtable(**mock_airtable.options())
    rows = base.read(table).to_arrow()
    pq.write_table(rows, tmp_path / "copy.parquet")
    deltalake.write_deltalake(tmp_path / "delta", rows)
    with duckdb.connect(tmp_path / "copy.duckdb") as database:
        database.execute("CREATE TABLE copy AS SELECT * FROM rows")
    for target in (tmp_path / "copy.parquet", tmp_path / "delta", f"{tmp_path}/copy.duckdb:copy"):
        found = base.verify(table, target, cells=True)
        assert found.is_equal, found
        assert found.base_rows == rows.num_rows


def test_a_directory_of_parquet_files_and_open_tables(base: Airtable, tmp_path: Path) -> None:
    rows = whole(base)
    (tmp_path / "parts").mkdir()
    pq.write_table(rows.slice(0, 100), tmp_path / "parts" / "a.parquet")
    pq.write_table(rows.slice(100), tmp_path / "parts" / "b.parquet")
    assert base.verify("Items", tmp_path / "parts").is_equal
    deltalake.write_deltalake(tmp_path / "delta", rows)
    assert base.verify("Items", deltalake.DeltaTable(tmp_path / "delta")).is_equal


def refused(tmp_path: Path) -> dict[str, tuple[Any, dict[str, Any], type[Exception], str]]:
    (tmp_path / "text.txt").write_text("nothing of the kind")
    (tmp_path / "empty").mkdir()
    (tmp_path / "lake" / "vendors" / "_delta_log").mkdir(parents=True)
    with duckdb.connect(tmp_path / "there.duckdb") as database:
        database.execute("CREATE TABLE items (id TEXT)")
    return {
        "nothing": (str(tmp_path / "nowhere"), {}, NotFoundError, "nowhere' is not there"),
        "no text": ("", {}, OptionError, "give a path"),
        "a number": (7, {}, OptionError, "target is a int"),
        "a text file": (str(tmp_path / "text.txt"), {}, OptionError, "neither Parquet's nor DuckDB's"),
        "a directory of copies": (str(tmp_path / "lake"), {}, OptionError, "is no copy, and holds 1: name one, as "),
        "an empty directory": (str(tmp_path / "empty"), {}, OptionError, "no Parquet files"),
        "a format": (str(tmp_path), {"format": "detla"}, OptionError, "did you mean delta"),
        "no Delta table": (str(tmp_path / "empty"), {"format": "delta"}, NotFoundError, "no Delta table"),
        "no table named": (str(tmp_path / "there.duckdb"), {}, OptionError, "name its table"),
        "no such table": (f"{tmp_path}/there.duckdb:other", {}, NotFoundError, "other"),
        "no DuckDB file": (f"{tmp_path}/no.duckdb:items", {"format": "duckdb"}, NotFoundError, "no DuckDB file"),
        "no session": ("main.items", {"format": "spark"}, OptionError, "give the session as spark"),
        "no identifier": ("lake", {"format": "iceberg"}, OptionError, "catalog, namespace and table"),
        "no Parquet": (str(tmp_path / "text.txt"), {"format": "parquet"}, OptionError, "cannot be opened as Parquet"),
    }


@pytest.mark.parametrize("is_of_base", [False, True])
def test_the_options_of_the_base_are_those_of_the_read(
    mock_airtable: MockAirtable, tmp_path: Path, is_of_base: bool
) -> None:
    """Whether the read has its options by itself or from `Airtable(...)`; and nothing is stored by looking."""
    files = tmp_path / "files"
    files.mkdir()
    stored: dict[str, Any] = {"attachments": "download", "attachment_location": str(files), "links": "names"}
    base = Airtable(**mock_airtable.options(), **(stored if is_of_base else {}))
    more = {} if is_of_base else stored
    rows = base.read("Marketing Assets", **more).to_arrow()
    assert list(files.rglob("*.*"))
    shutil.rmtree(files)
    found = base.verify("Marketing Assets", rows, cells=True, **more)
    assert found.is_equal, found
    assert not files.exists(), "nothing is stored, and no directory is needed"
    with pytest.raises(OptionError, match="links have several: leave part out"):
        Airtable(**mock_airtable.options(), part="links").verify("Marketing Assets", rows)
    changes = Airtable(**mock_airtable.options(), ingestion_type="cdc")
    assert changes.verify("Marketing Assets", without(rows, "_rescued_data")).is_equal


@pytest.mark.parametrize("case", [
    "nothing", "no text", "a number", "a text file", "a directory of copies", "an empty directory",
    "a format", "no Delta table", "no table named", "no such table", "no DuckDB file", "no session", "no identifier",
    "no Parquet",
])  # fmt: skip
def test_what_is_no_copy_is_refused_before_airtable_is_asked(
    items: MockAirtable, base: Airtable, tmp_path: Path, case: str
) -> None:
    target, more, error, text = refused(tmp_path)[case]
    items.clear_requests()
    with pytest.raises(error, match=text) as told:
        base.verify("Items", target, **more)
    assert "\n" not in str(told.value)
    assert items.request_counts() == {}


def test_what_is_shown(base: Airtable) -> None:
    rows = with_cells(whole(base), "name", lambda number, cell: "<b>" if number == 0 else cell).slice(0, 245)
    found = base.verify("Items", rows, cells=True)
    shown = repr(found)
    assert shown.splitlines()[0] == "the Table: NOT equal to Items by cells; 245 rows in the copy, 250 in the table."
    assert [line.split()[:2] for line in shown.splitlines()[2:]] == [
        ["missing", "5"],
        ["different", "1"],
    ]
    assert "and 2 more" in shown
    assert "A surplus row" not in shown
    twice = repr(base.verify("Items", pa.concat_tables([whole(base), whole(base).slice(0, 1)])))
    assert twice.splitlines()[2].split()[:2] == ["double", "1"]
    assert "A double row is one more of a record that the copy has already" in twice
    assert "A surplus row" not in twice
    equal = repr(base.verify("Items", whole(base)))
    assert equal == "the Table: equal to Items by ids and times; 250 rows in the copy, 250 in the table."
    assert "<td>missing</td><td>5</td>" in found._repr_html_()
    plain = json.loads(json.dumps(found.as_dict()))
    assert plain["is_equal"] is False
    assert plain["missing"]["count"] == 5
    assert len(plain["missing"]["ids"]) == 5

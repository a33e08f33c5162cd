"""What a table that was written earlier tells of its fields, and what a target makes of each change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deltalake
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakeflow_airtable import Airtable, schema_changes
from lakeflow_airtable.drift import Change
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIELDS = [
    {"name": "Name", "type": "singleLineText"},
    {"name": "Price", "type": "number", "options": {"precision": 2}},
]

Edit = Callable[[MockAirtable], Any]

EDITS: dict[Change, Edit] = {
    Change.ADDED: lambda mock: mock.create_field("Items", {"name": "Colour", "type": "singleLineText"}),
    Change.REMOVED: lambda mock: mock.remove_field("Items", "Price"),
    Change.RENAMED: lambda mock: mock.update_field("Items", "Price", name="Cost"),
    Change.RETYPED: lambda mock: mock.update_field("Items", "Price", type="singleLineText"),
}
SAID = {
    Change.ADDED: "column colour (fld",
    Change.REMOVED: "column price (fld",
    Change.RENAMED: "was renamed to cost",
    Change.RETYPED: "of type double, is now of type string",
}


@pytest.fixture
def items() -> Any:
    with MockAirtable(sample=False) as mock:
        mock.create_base(
            "Shop", [{"name": "Items", "fields": FIELDS, "records": [{"fields": {"Name": "a", "Price": 1}}]}]
        )
        yield mock


def read(mock: MockAirtable, **options: Any) -> pa.Table:
    return pa.table(Airtable(**mock.options()).read("Items", **options))


@pytest.mark.parametrize("change", list(Change))
def test_a_delta_table_tells_what_its_columns_were(items: MockAirtable, tmp_path: Path, change: Change) -> None:
    write_deltalake(tmp_path, read(items))
    assert schema_changes(stored(tmp_path), read(items).schema) == []
    EDITS[change](items)
    changes = schema_changes(stored(tmp_path), read(items).schema)
    assert [found.change for found in changes] == [change]
    assert SAID[change] in str(changes[0])
    assert changes[0].field_id is not None
    assert changes[0].field_id.startswith("fld")


@pytest.mark.parametrize("change", list(Change))
def test_what_delta_does(items: MockAirtable, tmp_path: Path, change: Change) -> None:
    write_deltalake(tmp_path, read(items))
    EDITS[change](items)
    new = read(items)
    if change is Change.RETYPED:
        with pytest.raises(
            (deltalake.exceptions.DeltaError, pa.ArrowInvalid, ValueError), match=r"(?i)merge|cast|type"
        ):
            write_deltalake(tmp_path, new, mode="append", schema_mode="merge")
        return
    if change is not Change.REMOVED:
        with pytest.raises((deltalake.exceptions.DeltaError, ValueError), match=r"(?i)schema"):
            write_deltalake(tmp_path, new, mode="append")
    write_deltalake(tmp_path, new, mode="append", schema_mode="merge")
    rows = DeltaTable(tmp_path).to_pyarrow_table().to_pylist()
    expected = {
        Change.ADDED: [("price", [1.0, 1.0]), ("colour", [None, None])],
        Change.REMOVED: [("price", [1.0, None])],
        Change.RENAMED: [("price", [1.0, None]), ("cost", [None, 1.0])],
    }
    for column, values in expected[change]:
        found = [row[column] for row in rows]
        assert sorted(found, key=str) == sorted(values, key=str), column


def test_a_rename_changes_nothing_where_columns_have_the_names_of_ids(items: MockAirtable, tmp_path: Path) -> None:
    write_deltalake(tmp_path, read(items, column_names="id"))
    items.update_field("Items", "Price", name="Cost")
    items.update_table("Items", name="Things")
    new = pa.table(Airtable(**items.options()).read("Things", column_names="id"))
    assert schema_changes(stored(tmp_path), new.schema) == []
    # The name is in the columns' metadata, in which this writer allows no change: so with the metadata that is there.
    write_deltalake(tmp_path, new.cast(stored(tmp_path)), mode="append")
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 2


def test_sparks_tables_tell_it_too(spark: SparkSession, items: MockAirtable, tmp_path: Path) -> None:
    source = spark.read.format("lakeflow_connect").options(**items.options(tableName="Items"))
    path = str(tmp_path / "items")
    source.load().write.parquet(path)
    items.update_field("Items", "Price", name="Cost", type="singleLineText")
    items.create_field("Items", {"name": "Colour", "type": "singleLineText"})
    changes = schema_changes(spark.read.parquet(path).schema, source.load().schema)
    assert [found.change for found in changes] == [Change.RENAMED, Change.RETYPED, Change.ADDED]
    assert [found.breaks for found in changes] == [True, True, False]
    assert (changes[1].type_before, changes[1].type) == ("double", "string")


def stored(path: Path) -> pa.Schema:
    return pa.schema(DeltaTable(path).schema())

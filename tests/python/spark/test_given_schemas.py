"""Schemas as an engine gives them: a StructType is Spark's, a pyarrow schema is Sail's. Both mean the same read."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import StructType

from lakeflow_airtable import Airtable, AirtableDataSource, OptionError
from lakeflow_airtable.mock import MockAirtable


def source(mock: MockAirtable, table: str, **options: str) -> Any:
    return AirtableDataSource(mock.options(tableName=table, **options))


def scan_of(reader: Any) -> Any:
    (partition,) = reader.partitions()
    (scan,) = partition.value
    return json.loads(scan)


def test_a_pyarrow_schema_gives_the_plan_of_the_same_struct_type(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    for table in base.list_tables():
        made = source(mock_airtable, table)
        planned = scan_of(made.reader(made.schema()))
        given = pa.schema(base.schema(table))
        assert scan_of(source(mock_airtable, table).reader(given)) == planned, table


@pytest.mark.parametrize(
    ("given", "same_as"),
    [
        (pa.schema([("score", pa.string()), pa.field("id", pa.string(), False)]), "score STRING, id STRING NOT NULL"),
        (pa.schema([("sku_count", pa.float64())]), "sku_count DOUBLE"),
        (pa.schema([("name", pa.large_string())]), "name STRING"),
        (pa.schema([("skus", pa.list_(pa.string())), ("changed", pa.timestamp("us", "UTC"))]), None),
    ],
)
def test_a_users_schema_in_pyarrows_types(mock_airtable: MockAirtable, given: pa.Schema, same_as: str | None) -> None:
    planned = scan_of(source(mock_airtable, "Vendors").reader(given))
    assert [column["name"] for column in planned["columns"]] == given.names
    if same_as is not None:
        struct: Any = StructType()
        for part in same_as.split(", "):
            name, kind, *rest = part.split()
            struct = struct.add(name, kind.lower(), not rest)
        assert planned == scan_of(source(mock_airtable, "Vendors").reader(struct))


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (pa.date32(), "DATE"),
        (pa.int32(), "INT"),
        (pa.timestamp("us"), "TIMESTAMP_NTZ"),
        (pa.list_(pa.string()), "ARRAY"),
    ],
)
def test_a_pyarrow_type_that_the_column_cannot_be_read_as(
    mock_airtable: MockAirtable, kind: pa.DataType, shown: str
) -> None:
    with pytest.raises(OptionError, match=f'column "score" of the schema: table "Vendors" gives DOUBLE.*{shown}'):
        source(mock_airtable, "Vendors").reader(pa.schema([("score", kind)]))


def test_a_virtual_table_comes_as_arrow_where_its_schema_did(mock_airtable: MockAirtable) -> None:
    given = pa.schema([pa.field("namespace", pa.list_(pa.string()), False), pa.field("tableName", pa.string(), False)])
    made = source(mock_airtable, "_community_tables")
    tuples = list(made.reader(made.schema()).read(None))
    reader = pickle.loads(pickle.dumps(made.reader(given)))
    (batch,) = reader.read(None)
    assert batch.schema == given
    assert [tuple(row.values()) for row in batch.to_pylist()] == tuples
    assert len(tuples) == len(Airtable(**mock_airtable.options()).list_tables())


def test_a_virtual_table_without_rows_is_an_empty_batch(mock_airtable: MockAirtable) -> None:
    given = pa.schema([pa.field("namespace", pa.list_(pa.string()), False)])
    made = source(mock_airtable, "_community_namespaces", namespacePrefix=json.dumps([mock_airtable.base_id]))
    (batch,) = made.reader(given).read(None)
    assert (batch.num_rows, batch.schema) == (0, given)


def test_a_virtual_table_with_other_columns_in_pyarrows_types(mock_airtable: MockAirtable) -> None:
    with pytest.raises(OptionError, match="_community_tables has the columns"):
        source(mock_airtable, "_community_tables").reader(pa.schema([("tableName", pa.int64())]))


def test_a_stream_takes_a_pyarrow_schema(mock_airtable: MockAirtable) -> None:
    made = source(mock_airtable, "Vendors", ingestion_type="cdc")
    given = pa.schema(Airtable(**mock_airtable.options()).schema("Vendors", ingestion_type="cdc"))
    reader = made.streamReader(given)
    assert type(reader) is type(made.streamReader(made.schema()))

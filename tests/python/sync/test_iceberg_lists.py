"""NULL lists of structs, which pyiceberg takes for empty ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import load_catalog

from lakeflow_airtable.sync.iceberg_lists import keep_nulls
from sync_copies import catalog

STRUCT = pa.struct([("id", pa.string()), ("sizes", pa.list_(pa.struct([("width", pa.int64())])))])
CELLS = {
    "NULL and not": [None, [{"id": "a", "sizes": None}], [], None, [None, {"id": None, "sizes": [None, {"width": 1}]}]],
    "NULL alone": [None, None],
    "none": [[{"id": "a", "sizes": []}], []],
    "nothing": [],
}


@pytest.mark.parametrize("case", CELLS)
def test_what_is_null_stays_null(lake: Path, case: str) -> None:
    keep_nulls()
    keep_nulls()
    rows = pa.table({"files": pa.array(CELLS[case], pa.list_(STRUCT))})
    lists = load_catalog("lake", **catalog(lake))
    lists.create_namespace("copies")
    table = lists.create_table("copies.files", rows.schema)
    # A slice begins in the middle of its values.
    table.append(pa.concat_tables([rows, rows]).slice(len(rows)))
    assert table.scan().to_arrow().to_pylist() == rows.to_pylist()
    for file in lake.rglob("*.parquet"):
        assert pq.ParquetFile(file).read().to_pylist() == rows.to_pylist()

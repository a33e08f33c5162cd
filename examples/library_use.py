"""Airtable's tables as Arrow, without Spark: for pyarrow, polars, duckdb.

Reads your base where AIRTABLE_TOKEN and AIRTABLE_BASE_ID are set, and a mock's sample base where not.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

import duckdb
import polars
import pyarrow

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

table = os.environ.get("AIRTABLE_TABLE", "Vendors")

with nullcontext() if {"AIRTABLE_TOKEN", "AIRTABLE_BASE_ID"} <= os.environ.keys() else MockAirtable() as mock:
    if mock:
        base = Airtable(**mock.options())
    else:
        base = Airtable(token=os.environ["AIRTABLE_TOKEN"], base_id=os.environ["AIRTABLE_BASE_ID"])

    print(base, "has", base.list_tables())
    print(pyarrow.schema(base.schema(table)))

    # An Arrow table; a frame of polars; a query over a stream that is never in memory as a whole.
    print(pyarrow.table(base.read(table, max_records=3)).to_pylist()[0])
    print(polars.DataFrame(base.read(table)).head(3))
    stream = base.read(table)
    print(duckdb.sql("select count(*) as rows, min(createdTime) as oldest from stream"))

    # Batch by batch, in bounded memory.
    print(sum(batch.num_rows for batch in base.read(table)), "rows")

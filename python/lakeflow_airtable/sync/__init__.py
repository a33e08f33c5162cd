"""`Airtable.sync`: copies of tables that keep themselves, without Spark.

`plan` says which tables are meant, by the code that pipelines use, and `targets` where each goes. `schedule` goes over
them, and `run` reads a table and writes it; `shape` decides its columns and `history` its versions. `target` is what a
copy is, whatever its format: `delta` (with `delta_progress` and `pump`), `iceberg` (with `iceberg_lists`),
`duckdb` and `parquet`. `report` tells what was done.
`keywords` has the options with types.

How far a copy has come is in the copy, in the same commit as its rows.

Importing this package imports no pyarrow, and none of the formats' libraries.
"""

from __future__ import annotations

from .report import SyncReport, TableReport
from .schedule import sync

__all__ = ["SyncReport", "TableReport", "sync"]

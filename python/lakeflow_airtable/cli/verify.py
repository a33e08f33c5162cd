"""`verify`: a copy of a table beside the table."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from . import access, flags, sync

if TYPE_CHECKING:
    from .console import Console

EXAMPLES = (
    "verify Vendors lake/vendors",
    "verify Vendors base.duckdb:vendors --cells",
    "verify Vendors vendors.parquet --json",
)

FORMATS = ("delta", "iceberg", "duckdb", "parquet")


def add(command: ArgumentParser) -> None:
    command.add_argument("table", metavar="TABLE", help="the table's name, its tbl... id or its web address")
    command.add_argument(
        "target",
        metavar="TARGET",
        help="the copy: a Delta table's directory or address, a Parquet file or directory, FILE:TABLE of DuckDB, or "
        "CATALOG.NAMESPACE.TABLE of Iceberg",
    )
    command.add_argument("--cells", action="store_true", help="compare all cells, and not ids and times alone")
    command.add_argument(
        "--key", metavar="COLUMN", help="column that names a row (default: id of records, comment_id of comments)"
    )
    command.add_argument("--format", choices=FORMATS, help="what TARGET is; default: what is there")
    sync.add_storage(command)
    command.add_argument("--json", action="store_true", help="the outcome as JSON")
    flags.add_options(command, "connection", "tables", "read")


def run(parsed: Namespace, console: Console) -> int:
    found = access.base(access.given(parsed, console)).verify(
        parsed.table,
        parsed.target,
        cells=parsed.cells,
        key=parsed.key,
        format=parsed.format,
        storage_options=sync.storage(parsed),
    )
    from .._native import scrub

    print(scrub(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) if parsed.json else repr(found)))
    return found.exit_code

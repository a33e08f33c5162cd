"""A table into a file, and a copy that is kept: this package beside a loop over pyairtable.

The loop is what people write themselves: all records, then pyarrow's, json's or deltalake's writer. It knows no
changes. Each of its runs writes the whole table again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .process import Measured, Timed, in_turns, measure
from .readers import Place, our_base, their_table
from .report import Bar, Section, Table
from .server import serving
from .settings import Settings
from .typed import typed_table

NAME = "Bench"
FIELDS = 25
ROWS = {
    "our_parquet": "lakeflow_airtable, write to Parquet",
    "their_parquet": "pyairtable and pyarrow, to Parquet",
    "our_jsonl": "lakeflow_airtable, write to JSON lines",
    "their_jsonl": "pyairtable and json, to JSON lines",
    "our_delta": "lakeflow_airtable, sync to Delta",
    "their_delta": "pyairtable and deltalake, to Delta",
}
HEADING = ("records/s", "CPU s", "peak MiB")
NOTE = (
    "Nothing paces the reads, so that what is measured is the clients' work. Both Parquet files and both Delta tables "
    "have the same types. The peers' JSON lines are Airtable's records as they came."
)


def run(settings: Settings) -> Section:
    """Each way in turns, in fresh processes."""
    with serving({NAME: {"records": settings.records, "fields": FIELDS, "scalars": False}}) as server:
        place: dict[str, Any] = {"place": server.place, "table": NAME}
        readers: dict[str, Callable[[], Measured]] = {
            name: partial(measure, f"files.{name}", settings.records, **place) for name in ROWS
        }
        found = in_turns(settings.rounds, readers)
    title = f"{settings.records:,} records of {FIELDS} mixed fields, median of {settings.rounds}"
    table = Table((title, *HEADING), [_row(ROWS[name], one) for name, one in found.items()])
    costs = {name: one.cpu_seconds for name, one in found.items()}
    bars = [
        Bar(f"CPU to {kind} beside the loop's", costs[f"our_{kind}"] / costs[f"their_{kind}"], 0.5, "%", is_most=True)
        for kind in ("parquet", "jsonl", "delta")
    ]
    return Section("Tables into files, and copies", [table], bars, NOTE, "files")


def _row(shown: str, one: Measured) -> tuple[str, ...]:
    return shown, f"{one.rows / one.seconds:,.0f}", f"{one.cpu_seconds:,.1f}", f"{one.peak_mib:,.0f}"


def our_parquet(place: Place, table: str) -> Timed:
    """Parquet as the command line writes it."""
    return _ours(place, table, "parquet")


def our_jsonl(place: Place, table: str) -> Timed:
    """JSON lines as the command line writes them."""
    return _ours(place, table, "jsonl")


def _ours(place: Place, table: str, kind: Any) -> Timed:
    base = our_base(place)

    def write() -> int:
        with tempfile.TemporaryDirectory() as directory:
            return int(base.read(table).write(f"{directory}/table", kind))

    return write


def our_delta(place: Place, table: str) -> Timed:
    """A snapshot in a Delta table."""
    import deltalake  # noqa: F401

    base = our_base(place)

    def write() -> int:
        with tempfile.TemporaryDirectory() as directory:
            return sum(one.rows for one in base.sync([table], to=directory, format="delta").tables)

    return write


def their_parquet(place: Place, table: str) -> Timed:
    """An Arrow table of all records, and pyarrow's writer."""
    import pyarrow.parquet as pq

    theirs = their_table(place, table)

    def write() -> int:
        with tempfile.TemporaryDirectory() as directory:
            rows = typed_table(theirs)
            pq.write_table(rows, f"{directory}/table", compression="zstd")
            return int(rows.num_rows)

    return write


def their_jsonl(place: Place, table: str) -> Timed:
    """One line a record, as it came."""
    theirs = their_table(place, table)

    def write() -> int:
        written = 0
        with tempfile.TemporaryDirectory() as directory, (Path(directory) / "table").open("w") as file:
            for page in theirs.iterate():
                file.writelines(json.dumps(record) + "\n" for record in page)
                written += len(page)
        return written

    return write


def their_delta(place: Place, table: str) -> Timed:
    """An Arrow table of all records, and deltalake's writer."""
    import deltalake

    theirs = their_table(place, table)

    def write() -> int:
        with tempfile.TemporaryDirectory() as directory:
            rows = typed_table(theirs)
            deltalake.write_deltalake(directory, rows, mode="overwrite")
            return int(rows.num_rows)

    return write

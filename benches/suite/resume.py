"""A first load that is killed: what it asks for again, loaded in one batch and in parts.

The reader is a process that notes the offset of each batch that it has whole, as a stream's checkpoint does, and kills
itself in the middle of one. The next process goes on from what is noted.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import Timed, finished, started
from .readers import Place, our_base
from .report import Bar, Section, Table
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
MODE = "cdc"
PARTS = 10
PACE = 4.5
"""Requests a second that Airtable is asked for at most."""

SETTLED = 120
NOTE = (
    f"A stream of `{MODE}` reads a table for the first time. One process is killed by SIGKILL when it has half of "
    "the table, and another one goes on. With `max_records_per_batch` the load comes in parts. Nothing paces the "
    f"reads. The minutes are those of the requests at {PACE:g} a second."
)


@dataclass(frozen=True)
class Load:
    """One way to load."""

    title: str
    most: int | None
    is_killed: bool


@dataclass(frozen=True)
class Came:
    """What a load came to."""

    batches: int
    requests: int
    again: int
    """Records that were read and had been read before."""


def run(settings: Settings) -> Section:
    """A row for each way."""
    records = settings.resume_records
    most = records // PARTS
    loads = [
        Load(f"{how}{', killed at half' if is_killed else ''}", bound, is_killed)
        for how, bound in (("in one batch", None), (f"max_records_per_batch={most:,}", most))
        for is_killed in (False, True)
    ]
    with serving({NAME: {"records": records, "fields": 5, "scalars": True}}) as server:
        server.call("advance_clock", SETTLED)
        found = [_loaded(server, load, records) for load in loads]
    heading = (f"a first load of {records:,} records", "batches", "requests", "minutes", "records read again")
    rows = [
        (load.title, f"{came.batches}", f"{came.requests:,}", f"{came.requests / PACE / 60:.1f}", f"{came.again:,}")
        for load, came in zip(loads, found, strict=True)
    ]
    _, _, whole, killed = found
    pages = records / 100
    bars = [
        Bar("requests of a load in parts beside its pages", whole.requests / pages, 1.15, is_most=True),
        Bar("the same, killed, beside one that was not", killed.requests / whole.requests, 1.15, is_most=True),
        Bar("records read again beside the bound", killed.again / most, 1.3, is_most=True),
    ]
    return Section("A first load that is killed", [Table(heading, rows)], bars, NOTE, "resume")


def _loaded(server: Server, load: Load, records: int) -> Came:
    server.requests()
    with tempfile.TemporaryDirectory() as directory:
        notes = Path(directory) / "notes.json"
        arguments: dict[str, Any] = {"place": server.place, "notes": str(notes), "most": load.most}
        if load.is_killed:
            killed = started("resume.loading", **arguments, dies_after=records // 2)
            killed.communicate()
            if killed.returncode != -signal.SIGKILL:
                raise SystemExit(f"{load.title}: the process was not killed, but ended with {killed.returncode}")
        rest = finished(started("resume.loading", **arguments, dies_after=None))["rows"]
        noted = json.loads(notes.read_text(encoding="utf-8"))
    if noted["rows"] != records:
        raise SystemExit(f"{load.title}: {noted['rows']} rows of {records}")
    again = rest + records // 2 - records if load.is_killed else 0
    return Came(noted["batches"], len(server.requests()), max(again, 0))


# --- in the process that is measured -------------------------------------------------------------------------------


def loading(place: Place, notes: str, most: int | None, dies_after: int | None) -> Timed:
    """Loads what is not noted yet, batch by batch, and dies after so many rows."""
    import pyarrow  # noqa: F401

    base = our_base(place, ingestion_type=MODE)
    bound = {} if most is None else {"max_records_per_batch": most}

    def load() -> int:
        file, read = Path(notes), 0
        noted: dict[str, Any] = {"start": {}, "rows": 0, "batches": 0}
        if file.exists():
            noted = json.loads(file.read_text(encoding="utf-8"))
        while (end := base.latest_offset(NAME, start=noted["start"], **bound)) != noted["start"]:
            rows = 0
            for batch in base.changes(NAME, start=noted["start"], end=end):
                rows += batch.num_rows
                if dies_after is not None and read + rows >= dies_after:
                    os.kill(os.getpid(), signal.SIGKILL)
                    time.sleep(60)
            read += rows
            noted = {"start": end, "rows": noted["rows"] + rows, "batches": noted["batches"] + (rows > 0)}
            file.write_text(json.dumps(noted), encoding="utf-8")
        return read

    return load

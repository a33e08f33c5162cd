"""`changes`: what has changed in a table since the last time, which a small file keeps.

The file is replaced after the rows are written. So a run that is killed is done again, and nothing is missed.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from . import access, codes, flags, formats, output, rows

if TYPE_CHECKING:
    from .console import Console

EXAMPLES = (
    "changes Vendors --offset-file vendors.offset >> vendors.jsonl",
    "changes Vendors --ingestion-type cdc_with_deletes --offset-file vendors.offset --output new.parquet",
    "changes Vendors --ingestion-type change_log --offset-file log.offset >> log.jsonl",
    "changes Vendors --start monday.offset",
)

DEFAULT = "cdc"
"""The ingestion type where none is given."""

LARGEST_OFFSET = 1024 * 1024
"""Bytes. A file that is larger is none of ours."""


def add(command: ArgumentParser) -> None:
    command.add_argument("table", metavar="TABLE", help="the table's name, its tbl... id or its web address")
    command.add_argument(
        "--offset-file",
        metavar="FILE",
        help="holds how far the last run came, and is replaced by how far this one comes; where it is not "
        "there, the whole table is read, or a log of changes begins",
    )
    command.add_argument("--start", metavar="FILE", help="begin at this file's offset, whatever --offset-file holds")
    command.add_argument("--output", metavar="FILE", help="a file, or - for stdout; default: stdout")
    rows.add_form(command)
    flags.add_options(command, "connection", "tables", "read", "stream", defaults={"ingestion_type": DEFAULT})


def run(parsed: Namespace, console: Console) -> int:
    shown = "-" if parsed.output is None else parsed.output
    where = output.place(shown)
    form = rows.form_of(parsed, shown if isinstance(where, output.Whole) else None)
    rows.check_place(form, where)
    start = _start(parsed)
    if parsed.offset_file is not None:
        _check_offset_file(parsed.offset_file)
    options = access.options(parsed, console, **formats.forced(form.format))
    # A snapshot has no changes, so it cannot be what is meant.
    options.setdefault("ingestion_type", DEFAULT)
    if str(options["ingestion_type"]).strip().lower() == "change_log" and parsed.offset_file is None and start is None:
        raise OptionError(
            "a log of changes begins with its first run, which has no rows: give --offset-file, which keeps where it "
            "began"
        )

    from .._native import Connector

    connector = Connector(options)
    scan = connector.plan(parsed.table)
    stream = connector.stream(scan)
    limit = options.get("max_records_per_batch")
    end, has_more = stream.latest(start, int(limit) if limit else None)
    name = str(json.loads(scan.to_json())["table_name"])
    rows.write(connector.read(stream.scan(start, end)), name, form, where, console)
    if parsed.offset_file is not None:
        _keep(parsed.offset_file, end)
        stream.commit(end)
        if has_more:
            console.note("there is more: run it again")
    return codes.DONE


def _start(parsed: Namespace) -> str | None:
    """The offset to begin at; None for the whole table."""
    if parsed.start is not None:
        return _offset("--start", parsed.start)
    if parsed.offset_file is not None and os.path.exists(parsed.offset_file):
        return _offset("--offset-file", parsed.offset_file)
    return None


def _offset(flag: str, name: str) -> str:
    try:
        with open(name, "rb") as file:
            text = file.read(LARGEST_OFFSET + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is not the name of a file"
        raise OptionError(f"{flag} {name}: {why}: give a file that --offset-file has written") from error
    try:
        found = json.loads(text) if len(text) <= LARGEST_OFFSET else None
    except ValueError:
        found = None
    if not found or not isinstance(found, dict):
        raise OptionError(f"{flag} {name} holds no offset: give a file that --offset-file has written")
    return json.dumps(found, separators=(",", ":"))


def _check_offset_file(name: str) -> None:
    try:
        where = output.place(name)
    except OptionError as error:
        raise OptionError(str(error).replace("--output", "--offset-file", 1)) from error
    if not isinstance(where, output.Whole):
        raise OptionError(f"--offset-file {name} is no plain file: give one, which is replaced after each run")


def _keep(name: str, offset: str) -> None:
    """The rows are where they belong before the offset says so."""
    if sys.stdout is not None:
        sys.stdout.flush()
    where = output.Whole(name, Path(os.path.realpath(name)))
    with where.opened() as descriptor:
        os.write(descriptor, f"{offset}\n".encode())
        os.fsync(descriptor)

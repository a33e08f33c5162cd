"""`read`: a table to stdout or into a file, several tables or a whole base into a directory."""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AirtableError, DataError, NotFoundError, OptionError, RejectedError
from . import access, codes, flags, formats, names, output, progress_text, rows

if TYPE_CHECKING:
    from .._native import Connector, Scan
    from .console import Console

EXAMPLES = (
    "read Vendors --fields Name,Country",
    "read Vendors --output vendors.parquet",
    "read Vendors --format csv --output - > vendors.csv",
    "read Vendors Launch --output lake --format parquet",
    "read --all --output lake --format parquet",
)

# With any of these the next table may be read all the same.
_OF_ONE_TABLE = (DataError, NotFoundError, RejectedError)


def add(command: ArgumentParser) -> None:
    command.add_argument("table", metavar="TABLE", nargs="*", help="the table's name, its tbl... id or its web address")
    command.add_argument("--all", action="store_true", help="every table of the base, into the directory --output")
    command.add_argument(
        "--output",
        metavar="FILE",
        help="a file, a directory (a file for each table), or - for stdout; default: stdout",
    )
    rows.add_form(command)
    flags.add_options(command, "connection", "tables", "read")


def run(parsed: Namespace, console: Console) -> int:
    if not parsed.table and not parsed.all:
        raise OptionError("the argument TABLE is missing: name a table, or give --all for every table of the base")
    if parsed.table and parsed.all:
        raise OptionError("--all is every table, and TABLE is given, too: leave one of them out")
    is_directory = parsed.output is not None and (os.path.isdir(parsed.output) or parsed.output.endswith(("/", os.sep)))
    if parsed.all or len(parsed.table) > 1 or is_directory:
        return _many(parsed, console)
    return _one(parsed, console)


def _one(parsed: Namespace, console: Console) -> int:
    shown = "-" if parsed.output is None else parsed.output
    where = output.place(shown)
    form = rows.form_of(parsed, shown if isinstance(where, output.Whole) else None)
    rows.check_place(form, where)
    connector = access.connector(parsed, console, **formats.forced(form.format))
    scan = connector.plan(parsed.table[0])
    rows.write(connector.read(scan), _name(scan), form, where, console)
    return codes.DONE


def _many(parsed: Namespace, console: Console) -> int:
    if parsed.output is None or parsed.output == "-":
        raise OptionError("several tables need a directory: give --output DIRECTORY")
    directory = Path(parsed.output)
    is_made = not directory.exists()
    if not is_made and not directory.is_dir():
        raise output.refused(parsed.output, "is no directory", "several tables need one")
    if is_made and formats.is_of_file(parsed.output):
        form = parsed.format or formats.format_of(parsed.output)
        shown = os.path.splitext(parsed.output)[0]
        raise output.refused(
            parsed.output,
            "is the name of one file, and several tables need a directory",
            f"give --output {shown} --format {form}",
        )
    output.check_directory(parsed.output, Path(os.path.realpath(directory.parent if is_made else directory)))
    form = rows.form_of(parsed, None)
    connector = access.connector(parsed, console, **formats.forced(form.format))
    scans = _planned(connector, parsed)
    if not scans:
        console.say("the base has no tables that the token sees: nothing was written")
        return codes.DONE
    files = names.files([(_id(scan), _name(scan)) for scan in scans], form.format)
    if is_made:
        directory.mkdir()
    # Before the first read: a name that is taken by something else costs no requests.
    places = [output.place(str(directory / file)) for file in files]
    began, written = time.monotonic(), 0
    failures: list[AirtableError] = []
    try:
        for scan, where in zip(scans, places, strict=True):
            try:
                written += rows.write(connector.read(scan), _name(scan), form, where, console)
            except _OF_ONE_TABLE as error:
                console.say(f"lakeflow-airtable: {flags.spelled(str(error))}")
                failures.append(error)
    finally:
        if is_made and not any(directory.iterdir()):
            directory.rmdir()
    console.note(progress_text.total(len(scans), len(failures), written, time.monotonic() - began))
    return codes.code_of(failures[0]) if failures else codes.DONE


def _planned(connector: Connector, parsed: Namespace) -> list[Scan]:
    """The plans of all tables, from one request: what is wrong with one is said before anything is written."""
    named: list[str] = parsed.table
    tables = [table["id"] for table in json.loads(connector.definitions())] if parsed.all else named
    scans: dict[str, Scan] = {}
    for table in tables:
        scan = connector.plan_cached(table)
        if _id(scan) in scans:
            raise OptionError(f"the argument TABLE names {json.dumps(_name(scan))} twice: leave one of them out")
        scans[_id(scan)] = scan
    return list(scans.values())


def _id(scan: Scan) -> str:
    return str(json.loads(scan.to_json())["table_id"])


def _name(scan: Scan) -> str:
    return str(json.loads(scan.to_json())["table_name"])

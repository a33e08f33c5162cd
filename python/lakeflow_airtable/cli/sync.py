"""`sync`: copies of tables that are brought up to date, once or again and again."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..intervals import seconds
from . import access, codes, flags, spec_file
from .console import tell_reads

if TYPE_CHECKING:
    from ..sync import SyncReport
    from .console import Console

EXAMPLES = (
    "sync --all --to lake --format delta",
    "sync Vendors --to lake --format delta --ingestion-type cdc --every 15m",
    "sync --spec copies.yaml --to base.duckdb --format duckdb",
)

FORMATS = ("delta", "iceberg", "duckdb", "parquet")
SCD_TYPES = ("SCD_TYPE_1", "SCD_TYPE_2", "APPEND_ONLY")


def add(command: ArgumentParser) -> None:
    add_tables(command)
    command.add_argument(
        "--to",
        metavar="TARGET",
        required=True,
        help="where the copies go: a directory or an address such as s3://bucket/folder (delta), a directory "
        "(parquet), a file (duckdb), or a catalog and a namespace such as lake.airtable (iceberg)",
    )
    command.add_argument("--format", required=True, choices=FORMATS, help="format of the copies")
    again = command.add_mutually_exclusive_group()
    again.add_argument("--once", action="store_true", help="one run, which is the default")
    again.add_argument(
        "--every",
        metavar="TIME",
        type=flags.interval,
        help="keep running, and begin a run each 30s, 15m, 2h or 1d, until Ctrl-C",
    )
    command.add_argument(
        "--refresh", metavar="TABLE", action="append", help="load this table's copy anew; * stands for all of them"
    )
    command.add_argument("--scd-type", choices=SCD_TYPES, help="how changes are kept (default SCD_TYPE_1)")
    add_storage(command)
    command.add_argument("--json", action="store_true", help="the report as JSON, one object a table and line")
    flags.add_options(command, "connection", "tables", "read", "stream")


def add_tables(command: ArgumentParser) -> None:
    """Which tables are meant."""
    command.add_argument("table", metavar="TABLE", nargs="*", help="the table's name, its tbl... id or its web address")
    command.add_argument("--all", action="store_true", help="every table of the base")
    command.add_argument("--spec", metavar="FILE", help="a specification, as JSON or YAML")


def add_storage(command: ArgumentParser) -> None:
    """What an object store or a catalog needs."""
    command.add_argument(
        "--storage-option",
        metavar="KEY=VALUE",
        action="append",
        help="what an object store or an Iceberg catalog needs, such as AWS_REGION=eu-west-1; keep secrets in the "
        "environment",
    )


def run(parsed: Namespace, console: Console) -> int:
    spec = tables(parsed)
    tell_reads(console)
    base = access.base(access.given(parsed, console))
    settings: dict[str, Any] = {"to": parsed.to, "format": parsed.format, "storage_options": storage(parsed)}
    if parsed.scd_type is not None:
        settings["scd_type"] = parsed.scd_type
    refresh: bool | list[str] = "*" in (parsed.refresh or ()) or list(parsed.refresh or ())
    if parsed.every is None:
        return _told(base.sync(spec, refresh=refresh, **settings), parsed)
    runs = _Runs(parsed, console)
    base.sync(spec, refresh=refresh, every=parsed.every, on_report=runs.tell, **settings)
    return codes.DONE  # it runs until it is interrupted


class _Runs:
    """What is said of runs that come again and again: when each was, and what became of the tables."""

    def __init__(self, parsed: Namespace, console: Console) -> None:
        self._parsed = parsed
        self._console = console
        self._every = timedelta(seconds=seconds(parsed.every))
        self._last: SyncReport | None = None

    def tell(self, report: SyncReport) -> None:
        assert report.began is not None  # every run has a begin
        self._console.note(f"lakeflow-airtable: {times(report.began, self._every, datetime.now().astimezone())}")
        _told(report, self._parsed, self._last)
        self._last = report


def times(began: datetime, every: timedelta, now: datetime) -> str:
    """When a run was, and when the next one is."""
    following = began + every
    if following <= now:
        then = "now, because it took longer than the time between runs"
    else:
        then = f"at {following:%H:%M:%S}" if following.date() == now.date() else f"on {following:%Y-%m-%d at %H:%M:%S}"
    return f"run of {began:%Y-%m-%d %H:%M:%S}; the next begins {then}"


def tables(parsed: Namespace) -> Any:
    """What was named: all tables, some, or a specification."""
    named = [bool(parsed.table), parsed.all, parsed.spec is not None]
    if sum(named) != 1:
        raise OptionError("give one of these: names of tables, --all, or --spec FILE")
    if parsed.spec is not None:
        return spec_file.read(parsed.spec)
    return "*" if parsed.all else parsed.table


def storage(parsed: Namespace) -> dict[str, str] | None:
    """What `--storage-option` was given."""
    found: dict[str, str] = {}
    for text in parsed.storage_option or ():
        name, mark, value = text.partition("=")
        if not name or not mark:
            # Not the text: it may be a secret.
            raise OptionError("--storage-option takes KEY=VALUE, such as AWS_REGION=eu-west-1")
        found[name] = value
    return found or None


def _told(report: SyncReport, parsed: Namespace, last: SyncReport | None = None) -> int:
    """Prints what became of each table, after the report of the last run; the code is that of the first failure."""
    from .._native import scrub

    if parsed.json:
        for table in report:
            print(json.dumps(_object(table), ensure_ascii=False), flush=True)
    else:
        print(scrub(flags.spelled(repr(report) if last is None else report.after(last))), flush=True)
    # Why a table failed is in the log, too, which the console shows.
    return codes.code_of(report.failed[0].error) if report.failed else codes.DONE  # type: ignore[arg-type]  # it has one


def _object(table: Any) -> dict[str, object]:
    from .._native import scrub

    return {
        "table": table.name,
        "target": scrub(table.target),
        "mode": table.mode,
        "rows": table.rows,
        "changed": table.changed,
        "deleted": table.deleted,
        "requests": table.requests,
        "seconds": round(table.seconds, 3),
        "drift": [str(change) for change in table.drift],
        "error": None if table.error is None else flags.spelled(str(table.error)),
    }

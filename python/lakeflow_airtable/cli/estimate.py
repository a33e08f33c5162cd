"""`estimate`: what keeping copies of tables costs, before anything is read."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from . import access, codes, flags, sync

if TYPE_CHECKING:
    from .console import Console

EXAMPLES = (
    "estimate Vendors --every 15m --airtable-plan team",
    "estimate --all --every 1d --airtable-plan free --json",
    "estimate --spec copies.yaml --records Vendors=60000",
)


def add(command: ArgumentParser) -> None:
    sync.add_tables(command)
    command.add_argument(
        "--every",
        metavar="TIME",
        type=flags.interval,
        default="15m",
        help="how often a copy is brought up to date, as 30s, 15m, 2h or 1d (default %(default)s)",
    )
    command.add_argument(
        "--changed-per-run",
        metavar="NUMBER",
        type=float,
        default=0.01,
        help="what changes between two runs: below 1 a share of the records, from 1 on their number "
        "(default %(default)s)",
    )
    command.add_argument(
        "--records",
        metavar="TABLE=NUMBER",
        type=_size,
        action="append",
        help="the size of a table, where it is known: no request is sent for it",
    )
    command.add_argument("--json", action="store_true", help="the outcome as JSON")
    flags.add_options(command, "connection", "tables", "read", "stream")


def run(parsed: Namespace, console: Console) -> int:
    found = access.base(access.given(parsed, console)).estimate(
        sync.tables(parsed),
        every=parsed.every,
        changed_per_run=parsed.changed_per_run,
        records=dict(parsed.records) if parsed.records else None,
    )
    from .._native import scrub

    if parsed.json:
        print(scrub(json.dumps(found.as_dict(), indent=2, ensure_ascii=False)))
    else:
        # Names of tables are between the first line and what was assumed.
        caption, *rows = repr(found).split("\n")
        first = len(rows) - len(found.assumed)
        lines = [flags.spelled(caption), *rows[:first], *map(flags.spelled, rows[first:])]
        print(scrub("\n".join(lines)))
    return codes.DONE


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not name or not number.isascii() or not number.isdigit():
        raise ArgumentTypeError("takes TABLE=NUMBER, such as Vendors=60000")
    return name, int(number)

"""`bases` and `tables`: what the token sees, by name and id."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from . import access, codes, flags
from .columns import aligned

if TYPE_CHECKING:
    from ..definitions import Bases
    from .console import Console

EXAMPLES = ("bases", "bases --json", "tables", "tables --base-id appXXXXXXXXXXXXXX --json")


def add_bases(command: ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="as JSON: id, name, permission_level")
    flags.add_options(command, "connection")


def add_tables(command: ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="as JSON: id, name, description, fields, views")
    flags.add_options(command, "connection", "tables")


def run_bases(parsed: Namespace, console: Console) -> int:
    return _print_bases(access.base(access.given(parsed, console)).list_bases(), parsed, console)


def _print_bases(bases: Bases, parsed: Namespace, console: Console) -> int:
    if parsed.json:
        print(json.dumps([dataclasses.asdict(base) for base in bases], indent=2, ensure_ascii=False))
    elif bases:
        print(aligned([(base.name, base.id, base.permission_level) for base in bases]))
    else:
        console.note("the token sees no base: add bases to its access at https://airtable.com/create/tokens")
    return codes.DONE


def run_tables(parsed: Namespace, console: Console) -> int:
    given = access.given(parsed, console)
    base = access.base(given)
    if given.get("base_id") is None and given.get("namespace") is None:
        console.note("no base is named, so these are the bases: give --base-id for the tables of one")
        return _print_bases(base.list_bases(), parsed, console)
    tables = base.tables()
    if parsed.json:
        print(json.dumps([dataclasses.asdict(table) for table in tables], indent=2, ensure_ascii=False))
    elif tables:
        print(aligned([(table.name, table.id) for table in tables]))
    else:
        console.note("the base has no tables that the token sees")
    return codes.DONE

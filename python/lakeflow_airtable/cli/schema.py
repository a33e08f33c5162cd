"""`schema`: a table's columns beside Airtable's fields, or a diagram of a whole base."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import OptionError
from . import access, codes, diagram, flags
from .columns import aligned

if TYPE_CHECKING:
    from .._native import Column
    from .console import Console

EXAMPLES = ("schema Vendors", "schema Vendors --json", "schema --mermaid > base.mmd")


def add(command: ArgumentParser) -> None:
    command.add_argument("table", metavar="TABLE", nargs="?", help="the table's name, its tbl... id or its web address")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, one object a column")
    form.add_argument(
        "--mermaid",
        action="store_true",
        help="the tables of the base, their key fields and links, as Mermaid's erDiagram",
    )
    flags.add_options(command, "connection", "tables", "read")


def run(parsed: Namespace, console: Console) -> int:
    if parsed.mermaid:
        if parsed.table is not None:
            raise OptionError("--mermaid draws the whole base, and TABLE is given, too: leave one of them out")
        print(diagram.mermaid(access.base(access.given(parsed, console)).tables()))
        return codes.DONE
    if parsed.table is None:
        raise OptionError("the argument TABLE is missing: name a table, or give --mermaid for the whole base")
    columns = list(access.connector(parsed, console).plan(parsed.table).schema)
    if parsed.json:
        print(json.dumps([_object(column) for column in columns], indent=2, ensure_ascii=False))
    else:
        print(aligned([("column", "type", "", "field", "id", "Airtable's type", "comment"), *map(_line, columns)]))
    return codes.DONE


def _line(column: Column) -> tuple[str, ...]:
    field = (column.field_name or "", column.field_id or "", column.field_type or "")
    return (column.name, column.type, "" if column.nullable else "NOT NULL", *field, column.comment or "")


def _object(column: Column) -> dict[str, object]:
    return {
        "column": column.name,
        "type": column.type,
        "nullable": column.nullable,
        "field": column.field_name,
        "field_id": column.field_id,
        "field_type": column.field_type,
        "comment": column.comment,
    }

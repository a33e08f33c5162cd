"""`options`: every option of the data source, from its one table."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..options import table
from . import codes

if TYPE_CHECKING:
    from .._native import OptionRow
    from .console import Console

EXAMPLES = ("options", "options --json")


def add(command: ArgumentParser) -> None:
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as a Markdown table")


def run(parsed: Namespace, console: Console) -> int:
    if parsed.json:
        print(json.dumps(table(), indent=2, ensure_ascii=False))
    else:
        print(markdown(table()) if parsed.markdown else "\n".join(map(_described, table())))
    return codes.DONE


def markdown(table: Sequence[OptionRow]) -> str:
    """The options table as the README shows it."""
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for option in table:
        default = f"`{option['default']}`" if option["default"] else _required(option)
        rows.append(f"| `{option['name']}` | {default} | {option['meaning']}{_aliases(option, '`')} |")
    return "\n".join(rows)


def _required(option: OptionRow) -> str:
    return {"": "", "always": "required"}.get(option["required"], f"required {option['required']}")


def _described(option: OptionRow) -> str:
    default = option["default"] or _required(option) or "no default"
    return f"{option['name']} ({default})\n    {option['meaning']}{_aliases(option)}"


def _aliases(option: OptionRow, quote: str = "") -> str:
    names = ", ".join(f"{quote}{name}{quote}" for name in option["aliases"])
    return f". Also accepted: {names}" if names else ""

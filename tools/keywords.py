"""Writes the keywords of `lakeflow_airtable/keywords.py` from the one table of options: `python tools/keywords.py`.

A test says when that is due.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lakeflow_airtable import _native

if TYPE_CHECKING:
    from lakeflow_airtable._native import OptionRow

FILE = Path(__file__).parents[1] / "python" / "lakeflow_airtable" / "keywords.py"

TYPES = {"text": "str", "list": "list[str] | tuple[str, ...] | str", "integer": "int | str", "number": "float | str"}

# The arguments of `Airtable` that stand before its keywords.
ACCESS = ("token", "base_id")

CLASSES: dict[str, Callable[[OptionRow], bool]] = {
    "AccessKeywords": lambda row: row["name"] in ACCESS,
    "ConnectionKeywords": lambda row: row["scope"] == "connection" and row["name"] not in ACCESS,
    # A call has the table as its first argument.
    "TableKeywords": lambda row: row["scope"] in ("tables", "read") and row["name"] != "tableName",
    "StreamKeywords": lambda row: row["scope"] == "stream",
}


def item(row: OptionRow) -> str:
    """One keyword with its type and its comment."""
    kind = row["kind"]
    words = ", ".join(f'"{word}"' for word in kind.split("|"))
    default = f" Default: `{row['default']}`." if row["default"] else ""
    comment = f'"""{row["meaning"][0].upper()}{row["meaning"][1:]}.{default}"""'
    lines = textwrap.wrap(comment, width=116, break_long_words=False, break_on_hyphens=False)
    annotation = f"Literal[{words}]" if "|" in kind else TYPES[kind]
    if row["name"].endswith("_location"):
        annotation += " | PathLike[str]"
    return textwrap.indent("\n".join([f"{row['name']}: {annotation} | None", *lines]), "    ")


def made(text: str) -> str:
    """The module as it should be: what stands between the heads of its classes is its author's."""
    blocks = text.split("\n\n\n")
    for number, block in enumerate(blocks):
        name = block.removeprefix("class ").partition("(")[0]
        if name in CLASSES:
            head = block.partition("\n\n")[0]
            items = [item(row) for row in _native.option_table() if CLASSES[name](row)]
            blocks[number] = "\n\n".join([head, *items])
    return "\n\n\n".join(blocks)


if __name__ == "__main__":
    FILE.write_text(made(FILE.read_text(encoding="utf-8")), encoding="utf-8")

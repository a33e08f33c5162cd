"""The pages of docs/reference that are made from the code: the options, and the commands with their flags.

`python tools/docs.py` writes them anew between their marks; a test says when that is due.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from lakeflow_airtable import _native
from lakeflow_airtable.cli.options import markdown
from lakeflow_airtable.cli.parser import parser

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

# A value for each option, as one writes it in Spark. A test gives each to the code.
EXAMPLES = {
    "token": "patXXXXXXXXXXXXXX",
    "base_id": "appXXXXXXXXXXXXXX",
    "base_url": "https://api.airtable.com",
    "tableName": "Vendors",
    "namespace": '["appXXXXXXXXXXXXXX"]',
    "view": "Board",
    "fields": '["Name", "Country"]',
    "filter_formula": "{Price} > 10",
    "where": "price > 10",
    "max_records": "1000",
    "column_names": "id",
    "nested": "json",
    "links": "names",
    "rescued_data_column": "_misfits",
    "on_bad_value": "fail",
    "part": "attachments",
    "attachments": "stable",
    "attachment_location": "/Volumes/main/airtable/files",
    "ingestion_type": "cdc",
    "max_records_per_batch": "20000",
    "poll_seconds": "300",
    "lookback_seconds": "300",
    "webhook_id": "achXXXXXXXXXXXXXX",
    "on_lost_feed": "reread",
    "schema_change": "fail",
    "state_location": "/Volumes/main/airtable/state/vendors",
    "requests_per_second": "2",
    "budget_location": "/Volumes/main/airtable/budget",
    "airtable_plan": "team",
    "max_retries": "3",
    "timeout_seconds": "30",
    "refresh_token": "oarXXXXXXXXXXXXXX",
    "client_id": "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX",
    "client_secret": "XXXXXXXXXXXXXX",
    "page_size": "50",
}


def options() -> str:
    """The options table: `lakeflow-airtable options --markdown`, with the scope and an example of each."""
    head, rule, *rows = markdown(_native.option_table()).splitlines()
    lines = [f"{head} scope | example |", f"{rule}---|---|"]
    for row, option in zip(rows, _native.option_table(), strict=True):
        lines.append(f"{row} `{option['scope']}` | `{EXAMPLES[option['name']]}` |")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its flags, from the parsers that read them."""
    return "\n\n".join(_pages(parser()))


def _pages(of: argparse.ArgumentParser, above: str = "") -> Iterator[str]:
    """A page for each command, and for each command of a command."""
    for choices in of._actions:
        if not isinstance(choices, argparse._SubParsersAction):
            continue
        summaries = {action.dest: str(action.help) for action in choices._choices_actions}
        for name, command in choices.choices.items():
            summary = f"## {above}{name}\n\n{summaries[name][0].upper()}{summaries[name][1:]}."
            below = list(_pages(command, f"{above}{name} "))
            yield summary if below else f"{summary}\n\n" + "\n".join(_flags(command))
            yield from below


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| argument | meaning |"
    yield "|---|---|"
    for action in parser._actions:
        names = ", ".join(f"`{flag}`" for flag in action.option_strings) or f"`{action.metavar}`"
        default = "" if action.default is None else str(action.default)
        meaning = (action.help or "").replace("%(default)s", default).replace("%%", "%")
        required = ", required" if action.option_strings and action.required else ""
        choices = f": {', '.join(map(str, action.choices))}" if action.choices else ""
        yield f"| {names} | {meaning}{choices}{required} |".replace("|json`", "\\|json`")


PAGES = {"options": ("options.md", options), "commands": ("command-line.md", commands)}


def made(name: str) -> str:
    """A page as it should be."""
    file, content = PAGES[name]
    text = (REFERENCE / file).read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    return re.sub(f"{start}.*?{end}", lambda _: f"{start}{content()}\n{end}", text, flags=re.DOTALL)


def main(arguments: list[str]) -> None:
    """Writes the pages, or says with `--check` which are not as they should be."""
    for page, (target, _) in PAGES.items():
        path = REFERENCE / target
        if arguments == ["--check"]:
            if path.read_text(encoding="utf-8") != made(page):
                raise SystemExit(f"{path} is not as the code is: python tools/docs.py")
        else:
            path.write_text(made(page), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Runs the groups that are named, or all, and prints what they found.

python -m suite                    everything, also into the page
python -m suite whole paced        some groups, also in place of their sections of the page
python -m suite --quick            everything once and tiny: whether it runs, not how fast it is
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .decoder import PROJECT
from .report import made, write_again, write_page
from .settings import Settings

GROUPS = (
    "start",
    "memory",
    "increments",
    "polls",
    "paced",
    "shared",
    "bases",
    "attachments",
    "files",
    "copies",
    "whole",
)
"""What is run by default. The longest comes last."""

MORE = ("sizes",)


def main() -> int:
    """Measures, prints, writes."""
    given = _parser().parse_args()
    settings = _settings(given)
    groups = given.groups or GROUPS
    sections = {}
    with tempfile.TemporaryDirectory() as directory:
        _isolate(directory)
        for name in groups:
            began = time.monotonic()
            sections[name] = importlib.import_module(f"suite.{name}").run(settings)
            print(f"\n{sections[name].text()}\n\n[{name} took {time.monotonic() - began:.0f} s]", flush=True)
    if given.json:
        found = {name: section.to_json() for name, section in sections.items()}
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if given.page and not given.quick:
        found_sections = [section for name, section in sections.items() if name in GROUPS]
        command = _command(sys.argv[1:])
        if given.groups:
            write_again(given.page, found_sections, command)
        else:
            write_page(given.page, made(found_sections, command))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suite", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS + MORE)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round, no decoder")
    parser.add_argument("--rounds", type=int, help="processes of each kind of whole read")
    parser.add_argument("--records", type=int, help="records of the tables of whole reads and of changes")
    parser.add_argument("--paced-records", type=int, help="records of the table that is read under the limit")
    parser.add_argument("--paced-peer-records", type=int, help="the same, for readers page by page")
    parser.add_argument("--response-seconds", type=float, nargs="+", help="how long answers take under the limit")
    parser.add_argument("--shared-records", type=int, help="records of each of the six tables")
    parser.add_argument("--base-records", type=int, help="records of the table of each of the ten bases")
    parser.add_argument("--attachment-files", type=int, help="records of the table whose files are stored")
    parser.add_argument("--memory-records", type=int, nargs="+", help="sizes of the tables whose peak memory is shown")
    parser.add_argument("--changes", type=int, nargs="+", help="numbers of changes")
    parser.add_argument("--sync-changes", type=int, help="changed records between two runs of a copy")
    parser.add_argument("--no-decoder", action="store_true", help="without `cargo bench --bench decode`")
    parser.add_argument("--wheel", help="the release wheel whose size is shown")
    parser.add_argument("--page", type=Path, default=PROJECT / "docs" / "speed.md", help="where what was found goes to")
    parser.add_argument("--json", type=Path, help="a file for what was found")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """The defaults, or the quick ones, and what was given."""
    for name in given.groups:
        if name not in GROUPS + MORE:
            raise SystemExit(f"no group {name!r}: there are {', '.join(GROUPS + MORE)}")
    names = {field.name for field in dataclasses.fields(Settings)}
    changes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(given).items()
        if name in names and value is not None
    }
    if given.no_decoder:
        changes["with_decoder"] = False
    return dataclasses.replace(Settings.quick() if given.quick else Settings(), **changes)


def _command(arguments: list[str]) -> str:
    """What was typed, without the files, of which `make` names some: a page tells no paths."""
    files = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--wheel", "--page", "--json"):
        files.add_argument(name)
    _, others = files.parse_known_args(arguments)
    return f"make bench BENCH_ARGS={shlex.quote(shlex.join(others))}" if others else "make bench"


def _isolate(directory: str) -> None:
    """No reader shares its budget with another program's, no proxy is asked, and every process finds this package."""
    os.environ["TMPDIR"] = tempfile.tempdir = directory
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    os.environ["PYTHONPATH"] = str(PROJECT / "benches")


if __name__ == "__main__":
    sys.exit(main())

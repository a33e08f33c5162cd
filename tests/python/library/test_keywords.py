"""The keywords that type checkers and editors see are the options of the one table."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from lakeflow_airtable import Airtable, _native, keywords
from lakeflow_airtable.keywords import AccessKeywords, AirtableKeywords, ChangeKeywords, ReadKeywords, StreamKeywords
from project import PROJECT

ROWS = {row["name"]: row for row in _native.option_table() if row["name"] != "tableName"}
"""But for the table, which every call that reads has as its first argument."""

KINDS = {
    "text": "str",
    "list": "list[str] | tuple[str, ...] | str",
    "integer": "int | str",
    "number": "float | str",
    "boolean": "bool",
}


def written() -> dict[str, tuple[str, str]]:
    """The type and the comment of every keyword, as the module has them."""
    found: dict[str, tuple[str, str]] = {}
    for kind in ast.parse(inspect.getsource(keywords)).body:
        if isinstance(kind, ast.ClassDef):
            for item, comment in zip(kind.body, kind.body[1:], strict=False):
                if isinstance(item, ast.AnnAssign):
                    assert isinstance(item.target, ast.Name)
                    assert isinstance(comment, ast.Expr)
                    assert isinstance(comment.value, ast.Constant)
                    assert item.target.id not in found
                    found[item.target.id] = ast.unparse(item.annotation), " ".join(comment.value.value.split())
    return found


def test_there_is_a_keyword_for_every_option_and_no_other() -> None:
    assert set(written()) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_keyword_has_the_type_meaning_and_default_of_its_option(name: str) -> None:
    row = ROWS[name]
    annotation, comment = written()[name]
    words = ", ".join(repr(word) for word in row["kind"].split("|"))
    kind = f"Literal[{words}]" if "|" in row["kind"] else KINDS[row["kind"]]
    # A directory may be a path.
    path = " | PathLike[str]" if name.endswith("_location") else ""
    assert annotation == f"{kind}{path} | None"
    default = f" Default: `{row['default']}`." if row["default"] else ""
    assert comment == f"{row['meaning'][0].upper()}{row['meaning'][1:]}.{default}"


def test_the_module_is_as_its_tool_writes_it() -> None:
    path = PROJECT / "tools" / "keywords.py"
    spec = importlib.util.spec_from_file_location("tools_keywords", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.FILE.read_text() == tool.made(tool.FILE.read_text()), "make it anew: python tools/keywords.py"


def of(*scopes: str) -> set[str]:
    return {name for name, row in ROWS.items() if row["scope"] in scopes}


def test_a_call_takes_the_options_of_its_scope() -> None:
    assert set(get_type_hints(AccessKeywords)) == {"token", "base_id"}
    assert set(get_type_hints(AirtableKeywords)) == set(ROWS) - {"token", "base_id"}
    assert set(get_type_hints(ReadKeywords)) == of("connection", "tables", "read")
    assert set(get_type_hints(StreamKeywords)) == of("stream")
    assert set(get_type_hints(ChangeKeywords)) == set(ROWS)


TAKEN = {
    "__init__": "AirtableKeywords",
    "schema": "ReadKeywords",
    "metadata": "ReadKeywords",
    "read": "ReadKeywords",
    "scan_polars": "ReadKeywords",
    "read_async": "ReadKeywords",
    "latest_offset": "ChangeKeywords",
    "changes": "ChangeKeywords",
}


@pytest.mark.parametrize("method", TAKEN)
def test_methods_say_which_they_take(method: str) -> None:
    taken = inspect.signature(getattr(Airtable, method)).parameters["options"]
    assert taken.kind is inspect.Parameter.VAR_KEYWORD
    assert taken.annotation == f"Unpack[{TAKEN[method]}]"


PROGRAM = """
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

base = Airtable(token="patA", base_id="app...", requests_per_second=2, timeout_seconds="5", fields=["Name"], view=None)
base.read("Vendors", fields=("Name",), max_records=5, column_names="id", token="patA")
base.changes("Vendors", ingestion_type="cdc", lookback_seconds=5)
Airtable(**MockAirtable().options())
options: dict[str, str] = MockAirtable().options(view="Board")
base.read("Vendors", max_record=5)  # wrong
Airtable(token="patA", base="app...")  # wrong
base.schema("Vendors", columnNames="id")  # wrong
base.latest_offset("Vendors", webhook="ach1")  # wrong
base.metadata("Vendors", namespaces=[])  # wrong
base.scan_polars("Vendors", limit=5)  # wrong
base.read_async("Vendors", views="Board")  # wrong
base.read("Vendors", max_records=[5])  # wrong
base.read("Vendors", nested="text")  # wrong
base.read("Vendors", fields=[5])  # wrong
for column in base.schema("Vendors"):
    print(column.field_type, column.typ)  # wrong
base.read("Vendors").to_polars().rows()
"""


@pytest.mark.slow
def test_a_type_checker_finds_what_is_misspelt(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    environment = {**os.environ, "MYPYPATH": str(PROJECT / "python")}
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\n[mypy-pyarrow.*]\nignore_missing_imports = True\n")
    ran = subprocess.run(
        [*command, "--config-file", str(settings), "--python-version", "3.10", str(program)],
        capture_output=True, text=True, timeout=250, cwd=tmp_path, env=environment,
    )  # fmt: skip
    told = {int(line.split(":")[1]) for line in ran.stdout.splitlines() if "error:" in line}
    expected = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert told == expected, ran.stdout + ran.stderr

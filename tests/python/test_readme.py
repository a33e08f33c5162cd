"""The README does what it says: its Python runs from top to bottom, its commands run, its links lead somewhere."""

from __future__ import annotations

import inspect
import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import PROJECT
from lakeflow_airtable import cli
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a language: the number of their first line, and their text."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", README, re.MULTILINE | re.DOTALL)
    return [(README.count("\n", 0, match.start(2)) + 1, textwrap.dedent(match[2])) for match in found]


def at_the_mock(text: str, mock: MockAirtable) -> str:
    """The same text for the mock instead of Airtable. Every placeholder must be one that is known here."""
    where = {"token": mock.token, "base_url": mock.url, "requests_per_second": "10000"}
    for written, meant in {
        'token="pat..."': f"**{where}",
        '"token": "pat..."': f"**{where}",
        '.option("token", "pat...")': f".options(**{where})",
        # Unity Catalog puts the connection's options in this place.
        '.option("databricks.connection", "airtable")': f".options(**{mock.options()})",
        "app...": mock.base_id,
        "--base-id": f"--base-url {mock.url} --requests-per-second 10000 --base-id",
    }.items():
        text = text.replace(written, meant)
    assert "..." not in text, text
    return text


def test_python_runs_from_top_to_bottom(
    spark: SparkSession, mock_airtable: MockAirtable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"spark": spark, "__name__": "readme"}
    found = blocks("python")
    assert len(found) > 5
    for line, text in found:
        before = set(names)
        # Empty lines in front, so that a traceback names the README's line.
        program = "\n" * (line - 1) + at_the_mock(text, mock_airtable)
        exec(compile(program, PROJECT / "README.md", "exec"), names)
        for test in sorted(name for name in set(names) - before if name.startswith("test_")):
            assert list(inspect.signature(names[test]).parameters) == ["mock_airtable"]
            names[test](mock_airtable)
            mock_airtable.reset_faults()
    assert names["vendors"].count() == len(mock_airtable.records("Vendors"))
    assert spark.table("vendor_names").columns == ["id", "name", "sku_count"]


def commands() -> list[str]:
    lines = [line for _, text in blocks("shell") for line in text.splitlines()]
    return [line for line in lines if line.startswith("lakeflow-airtable ")]


@pytest.mark.parametrize("command", commands())
def test_commands_run(
    command: str,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRTABLE_TOKEN", mock_airtable.token)
    _, *arguments = shlex.split(at_the_mock(command, mock_airtable), comments=True)
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out or list(tmp_path.iterdir())


def test_make_targets_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert named
    assert named <= targets


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if "://" not in target:
            assert target in anchors or (PROJECT / target).exists(), target


def test_the_options_stand_between_their_marks() -> None:
    found = re.search(r"<!-- options -->\n(.*)\n<!-- /options -->", README, re.DOTALL)
    assert found
    assert "| `token` | required |" in found[1]

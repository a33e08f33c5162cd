"""README and docs do what they say: their Python runs from top to bottom, commands run, links lead somewhere."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry
from lakeflow_airtable import cli
from lakeflow_airtable.mock import MockAirtable
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

README = (PROJECT / "README.md").read_text()
CHANGES = (PROJECT / "docs" / "changes.md").read_text()


def blocks(language: str, document: str = README) -> list[tuple[int, str]]:
    """The fenced blocks of a language: the number of their first line, and their text."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", document, re.MULTILINE | re.DOTALL)
    return [(document.count("\n", 0, match.start(2)) + 1, textwrap.dedent(match[2])) for match in found]


def at_the_mock(text: str, mock: MockAirtable, volume: Path | None = None) -> str:
    """The same text for the mock and a directory of its own. Every placeholder must be one that is known here."""
    where = {"token": mock.token, "base_url": mock.url, "requests_per_second": "10000"}
    for written, meant in {
        'token="pat..."': f"**{where}",
        '"token": "pat..."': f"**{where}",
        '.option("token", "pat...")': f".options(**{where})",
        # Unity Catalog puts the connection's options in this place.
        '.option("databricks.connection", "airtable")': f".options(**{mock.options()})",
        '"connection_name": "airtable"': f'"connection_options": {mock.options()}',
        "/Volumes/main/airtable": str(volume),
        "app...": mock.base_id,
        "--base-id": f"--base-url {mock.url} --requests-per-second 10000 --base-id",
    }.items():
        text = text.replace(written, meant)
    assert "..." not in text, text
    return text


def promises(text: str) -> list[tuple[str, str]]:
    """What a block says of its results: names and types, as in `frame = ...  # a polars.DataFrame`."""
    return re.findall(r"^(\w+) = .*  # an? (\w+(?:\.\w+)+)$", text, re.MULTILINE)


def assert_kept(text: str, names: dict[str, Any]) -> None:
    for name, promised in promises(text):
        module, _, kind = promised.rpartition(".")
        assert isinstance(names[name], getattr(importlib.import_module(module), kind)), f"{name}: {type(names[name])}"


def test_libraries_give_what_the_readme_promises(mock_airtable: MockAirtable) -> None:
    section = README.partition("## Without Spark")[2].partition("\n## ")[0]
    names: dict[str, Any] = {"__name__": "readme"}
    found = [text for _, text in blocks("python", section)]
    for text in found:
        exec(at_the_mock(text, mock_airtable), names)
        assert_kept(text, names)
    assert len(promises("\n".join(found))) == 4
    rows = len(mock_airtable.records("Vendors"))
    # A column for each field, and not one of structs.
    assert names["table"].num_rows == len(names["pandas_frame"]) == rows
    assert list(names["pandas_frame"].columns) == names["table"].column_names
    assert {"id", "createdTime", "price"} <= set(names["frame"].columns)
    assert 0 < len(names["frame"]) <= 50


@pytest.mark.parametrize("line", ["frame = polars.Series([{'a': 1}])  # a polars.DataFrame", "x = 1  # a pathlib.Path"])
def test_a_promise_that_is_not_kept_is_noticed(line: str) -> None:
    names: dict[str, Any] = {"polars": polars}
    exec(line, names)
    with pytest.raises(AssertionError):
        assert_kept(line, names)


def test_python_runs_from_top_to_bottom(
    spark: SparkSession, mock_airtable: MockAirtable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"spark": spark, "__name__": "readme"}
    found = blocks("python")
    assert len(found) > 5
    graph = Registry()
    for line, text in found:
        before = set(names)
        # Empty lines in front, so that a traceback names the README's line.
        program = "\n" * (line - 1) + at_the_mock(text, mock_airtable, tmp_path)
        with graph_element_registration_context(graph):
            exec(compile(program, PROJECT / "README.md", "exec"), names)
        assert_kept(text, names)
        for test in sorted(name for name in set(names) - before if name.startswith("test_")):
            assert list(inspect.signature(names[test]).parameters) == ["mock_airtable"]
            names[test](mock_airtable)
            mock_airtable.reset_faults()
    assert names["vendors"].count() == len(mock_airtable.records("Vendors"))
    assert spark.table("vendor_names").columns == ["id", "name", "sku_count"]
    assert set(graph.auto_cdc) == {"tasks"}
    assert "bronze.vendors" in graph.outputs
    written = spark.table("vendor_changes")
    assert written.count() == len(mock_airtable.records("Vendors"))
    assert written.columns[-2:] == ["_changed_at", "_deleted"]


def test_the_page_on_changes_does_what_it_says(
    spark: SparkSession, mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]
) -> None:
    [(line, text)] = blocks("python", CHANGES)
    # What changes between the two reads, of which the page speaks.
    first, second = (record["id"] for record in mock_airtable.records("Vendors")[:2])
    reading, later = text.split("\nlater = ")
    names: dict[str, Any] = {}
    for number, part in enumerate((reading, f"later = {later}")):
        program = at_the_mock(part, mock_airtable)
        exec(compile(program, f"{PROJECT / 'docs' / 'changes.md'} from line {line}", "exec"), names)
        if number == 0:
            assert len(names["rows"]) == len(mock_airtable.records("Vendors"))
            mock_airtable.update_records("Vendors", {first: {"Name": "Edited"}})
            mock_airtable.delete_records("Vendors", [second])
            mock_airtable.advance_clock(60)
    shown = capsys.readouterr().out
    assert f"changed {first}" in shown
    assert f"gone {second}" in shown


def test_python_that_needs_databricks_is_python() -> None:
    for line, text in blocks("py", CHANGES):
        compile(text, f"changes.md from line {line}", "exec")


def test_sql_is_sql(spark: SparkSession) -> None:
    """Spark has no table of its own that could be merged into, but it knows the statement."""
    [(_, merge)] = blocks("sql", CHANGES)
    parser = spark._jsparkSession.sessionState().sqlParser()
    assert "MergeIntoTable" in parser.parsePlan(merge).toString()
    for name in ("stream_cdc", "stream_cdc_with_deletes", "stream_append"):
        text = (PROJECT / "examples" / f"{name}.py").read_text()
        [shown] = re.findall(r"^    MERGE INTO .*?(?=\n\"\"\")", text, re.MULTILINE | re.DOTALL)
        assert "MergeIntoTable" in parser.parsePlan(textwrap.dedent(shown)).toString(), name


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


def anchors(document: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", ["README.md", "docs/changes.md"])
def test_links_lead_somewhere(path: str) -> None:
    document = PROJECT / path
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if "://" not in target:
            name, mark, anchor = target.partition("#")
            linked = document.parent / name if name else document
            assert linked.exists(), target
            assert not mark or f"#{anchor}" in anchors(linked.read_text()), target


def test_the_options_stand_between_their_marks() -> None:
    found = re.search(r"<!-- options -->\n(.*)\n<!-- /options -->", README, re.DOTALL)
    assert found
    assert "| `token` | required |" in found[1]

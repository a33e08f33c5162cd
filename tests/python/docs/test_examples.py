"""Every example runs as it is, and those of streams leave a table that holds what they say."""

from __future__ import annotations

import ast
import datetime
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lakeflow_airtable.mock import MockAirtable
from project import PROJECT

EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))


def _marked(example: Path) -> Any:
    return pytest.param(example.name, marks=pytest.mark.spark if "pyspark" in example.read_text() else ())


def _environment() -> dict[str, str]:
    """Without a developer's own settings: tests read the mock."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRTABLE_")}


def _run(name: str, directory: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q"] if name.startswith("test_") else [sys.executable]
    ran = subprocess.run(
        [*command, PROJECT / "examples" / name],
        cwd=directory,
        env={**_environment(), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", [_marked(path) for path in EXAMPLES if not path.name.startswith("stream_")])
def test_example(name: str, tmp_path: Path) -> None:
    shown = _run(name, tmp_path)
    assert "rows" in shown or "passed" in shown or "createdTime" in shown, shown


@pytest.mark.spark
@pytest.mark.parametrize("mode", ["append", "cdc", "cdc_with_deletes"])
def test_a_stream_leaves_a_stored_table(mode: str, tmp_path: Path, mock_airtable: MockAirtable) -> None:
    shown = _run(f"stream_{mode}.py", tmp_path)
    assert "the same as in Airtable: True" in shown, shown
    assert "False" not in shown, shown
    # The example's mock is another of the same seed: the same records before anything was edited.
    before = [record["id"] for record in mock_airtable.records("Vendors")]
    stored = DeltaTable(tmp_path / f"airtable_{mode}").to_pyarrow_table()
    ids = stored["id"].to_pylist()
    assert len(set(ids)) == len(ids) == len(before) + {"append": 2, "cdc": 1, "cdc_with_deletes": 0}[mode]
    assert set(before) - set(ids) == ({before[1]} if mode == "cdc_with_deletes" else set())
    names = dict(zip(ids, stored["name"].to_pylist(), strict=True))
    assert (names[before[0]] == "Edited") == (mode != "append")
    assert ("_changed_at" in stored.column_names) == (mode != "append")


class Batch:
    """As much of Spark's DataFrame as the examples' functions look at."""

    def __init__(self, *versions: tuple[str | None, int, bool]) -> None:
        self.versions = versions

    def toArrow(self) -> pa.Table:
        names, hours, deleted = zip(*self.versions, strict=True)
        times = [datetime.datetime(2026, 1, 1, hour, tzinfo=datetime.timezone.utc) for hour in hours]
        return pa.table(
            {
                "id": ["recA"] * len(names),
                "name": pa.array(names, pa.string()),
                "_changed_at": pa.array(times, pa.timestamp("us", "UTC")),
                "_deleted": deleted,
            }
        )


@pytest.mark.parametrize("mode", ["cdc", "cdc_with_deletes"])
def test_an_older_version_never_replaces_a_newer_one(mode: str, tmp_path: Path) -> None:
    source = ast.parse((PROJECT / "examples" / f"stream_{mode}.py").read_text())
    function = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == "upsert")
    example: dict[str, Any] = {"DeltaTable": DeltaTable, "target": tmp_path / "target"}
    exec(compile(ast.Module([function], []), f"stream_{mode}.py", "exec"), example)
    steps: list[tuple[tuple[str | None, int, bool], list[str]]] = [
        (("new", 5, False), ["new"]),
        (("older", 4, False), ["new"]),
        (("read again at the same time", 5, False), ["read again at the same time"]),
        (("newer", 6, False), ["newer"]),
    ]
    deletes: list[tuple[tuple[str | None, int, bool], list[str]]] = [
        ((None, 5, True), ["newer"]),
        ((None, 7, True), []),
        ((None, 7, True), []),
    ]
    for version, names in steps + (deletes if mode == "cdc_with_deletes" else []):
        example["upsert"](Batch(version), 0)
        assert DeltaTable(tmp_path / "target").to_pyarrow_table()["name"].to_pylist() == names, version

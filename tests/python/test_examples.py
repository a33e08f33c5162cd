"""Every example runs as it is, and those of streams leave a table that holds what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable

from conftest import PROJECT
from lakeflow_airtable.mock import MockAirtable

EXAMPLES = sorted(path.name for path in (PROJECT / "examples").glob("*.py"))


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


@pytest.mark.parametrize("name", [name for name in EXAMPLES if not name.startswith("stream_")])
def test_example(name: str, tmp_path: Path) -> None:
    shown = _run(name, tmp_path)
    assert "rows" in shown or "passed" in shown or "createdTime" in shown, shown


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

"""The notebook runs from top to bottom, and what is stored in it is what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from lakeflow_airtable.mock import MockAirtable
from project import PROJECT, places_of_machines

NOTEBOOK = PROJECT / "examples" / "notebook.ipynb"
TEXTS = ("text/plain", "image/svg+xml")


def shown(notebook: Any) -> list[list[str]]:
    """The outputs of each cell as text. HTML is left out: its style is a matter of polars' version."""
    found = []
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        bundles = [output.get("data", {"text/plain": output.get("text", "")}) for output in outputs]
        found.append([str(bundle[kind]) for bundle in bundles for kind in TEXTS if kind in bundle])
    return found


# pyzmq's and the kernel's own.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_it_runs_and_shows_what_is_stored(tmp_path: Path) -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    # From a directory where no sources can be imported, with the kernel of this interpreter.
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(run, timeout=120, kernel_name="python3", resources=resources).execute()
    assert shown(run) == shown(stored), "the notebook shows something else now: run it and store it"
    assert sum(map(len, shown(stored))) >= 8


def test_what_is_stored_is_of_no_machine_and_small() -> None:
    text = NOTEBOOK.read_text()
    assert len(text) < 40_000
    assert places_of_machines(text) == []
    assert not re.search("Traceback|iopub", text)
    with MockAirtable() as mock:
        assert mock.token not in text
    notebook = json.loads(text)
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    kinds = {output["output_type"] for cell in notebook["cells"] for output in cell.get("outputs", [])}
    assert kinds == {"execute_result", "stream"}, "no errors, no warnings"


def test_its_first_cell_says_what_to_install_and_its_links_lead_somewhere() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert "pip install" in cells[0].source
    imported = {name for cell in cells for name in re.findall(r"^(?:import|from) (\w+)", cell.source, re.MULTILINE)}
    assert imported - {"lakeflow_airtable", "IPython"} <= set(re.findall(r"\w+", cells[0].source))
    for cell in cells:
        for target in re.findall(r"\]\(([^)#]+)", cell.source):
            assert (NOTEBOOK.parent / target).exists(), target

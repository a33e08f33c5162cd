"""What users import: where it is, what it needs, and what importing it does not do."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from types import ModuleType

import pytest

from lakeflow_airtable.mock import MockAirtable


def run(program: str, *arguments: str) -> str:
    """What a program prints in an interpreter of its own."""
    ran = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


PATHS = {
    "lakeflow_airtable": [
        *("Airtable", "AirtableDataSource", "AirtableError", "Change", "ColumnChange", "ingest", "register"),
        *("Base", "Batches", "Column", "Field", "IngestedTable", "Schema", "Table", "View"),
    ],
    "lakeflow_airtable.definitions": ["Base", "Field", "Table", "View"],
    "lakeflow_airtable.keywords": ["AirtableKeywords", "ChangeKeywords", "ReadKeywords"],
    "lakeflow_airtable.spark": ["AirtableDataSource", "spark_schema"],
    "lakeflow_airtable.pipeline": ["ingest", "IngestedTable"],
    "lakeflow_airtable.sync": ["SyncReport", "TableReport"],
    "lakeflow_airtable.cli": ["main"],
    "lakeflow_airtable.mock": ["MockAirtable", "main"],
    "lakeflow_airtable.errors": ["AirtableError", "OptionError"],
    "lakeflow_airtable.options": ["Options"],
    "lakeflow_airtable.drift": ["Change", "ColumnChange", "schema_changes"],
    "pyspark_airtable": ["DefaultSource"],
}


@pytest.mark.parametrize("module", PATHS)
def test_what_users_import_stays_where_it_is(module: str) -> None:
    program = f"import json, {module} as m; print(json.dumps([callable(getattr(m, name)) for name in {PATHS[module]}]))"
    assert json.loads(run(program)) == [True] * len(PATHS[module])


@pytest.mark.parametrize(
    ("group", "name"), [("console_scripts", "lakeflow-airtable"), ("pytest11", "lakeflow_airtable")]
)
def test_entry_points_resolve(group: str, name: str) -> None:
    [entry] = importlib.metadata.entry_points(group=group, name=name)
    found = entry.load()
    assert callable(found) if group == "console_scripts" else isinstance(found, ModuleType)


LIGHT = [
    "lakeflow_airtable",
    "lakeflow_airtable.pipeline",
    "lakeflow_airtable.sync",
    "lakeflow_airtable.cli",
    "lakeflow_airtable.pytest_plugin",
]


@pytest.mark.parametrize("module", LIGHT)
def test_it_imports_neither_spark_nor_arrow_nor_the_compiled_module(module: str) -> None:
    program = f"""
import sys, {module}
print(*{{"pyspark", "pyarrow", "polars", "pandas", "asyncio", "lakeflow_airtable._native"}} & set(sys.modules))
"""
    assert run(program) == ""


def test_importing_starts_and_imports_nothing() -> None:
    program = """
import sys, threading
import lakeflow_airtable
heavy = {"pyspark", "pyarrow", "polars", "pandas", "asyncio", "lakeflow_airtable._native"} & set(sys.modules)
assert not heavy, heavy
import lakeflow_airtable._native, os
assert threading.active_count() == 1
tasks = len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 1
assert tasks == 1, tasks
"""
    run(program)


def test_without_pyspark_the_data_source_says_what_to_install() -> None:
    program = """
import sys
sys.modules["pyspark"] = None
sys.modules["pyspark.sql"] = None
try:
    from lakeflow_airtable import AirtableDataSource
except ImportError as error:
    print(error)
import pyspark_airtable
assert not hasattr(pyspark_airtable, "DefaultSource")
"""
    assert "lakeflow-airtable[spark]" in run(program)


def test_without_pyarrow_the_stream_works_and_iterating_says_what_to_install(mock_airtable: MockAirtable) -> None:
    program = """
import json, sys
sys.modules["pyarrow"] = None
import polars
from lakeflow_airtable import Airtable
base = Airtable(**json.loads(sys.argv[1]))
print(polars.DataFrame(base.read("Vendors")).height)
try:
    next(base.read("Vendors"))
except ImportError as error:
    print(error)
"""
    height, message = run(program, json.dumps(mock_airtable.options())).splitlines()
    assert int(height) > 0
    assert "pip install" in message
    assert "pyarrow" in message


@pytest.mark.parametrize(
    ("missing", "call", "said"),
    [
        (
            "pyarrow",
            "next(read)",
            "iterating gives pyarrow.RecordBatch, and pyarrow is not installed: pip install pyarrow",
        ),
        ("pyarrow", "read.to_arrow()", "to_arrow() needs pyarrow, which is not installed: pip install pyarrow"),
        ("pandas", "read.to_pandas()", "to_pandas() needs pandas, which is not installed: pip install pandas"),
        ("polars", "read.to_polars()", "to_polars() needs polars, which is not installed: pip install polars"),
    ],
)
def test_a_library_that_is_missing_is_named_with_how_to_install_it(missing: str, call: str, said: str) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
with MockAirtable() as mock:
    read = Airtable(**mock.options()).read("Vendors")
    try:
        {call}
    except ImportError as error:
        print(error)
"""
    assert run(program).startswith(said)

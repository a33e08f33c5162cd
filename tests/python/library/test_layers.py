"""The layers of the Python code: who may import whom. Nothing imports upwards, and this fails when something does.

An import counts wherever it stands: in a function it only comes later, and under TYPE_CHECKING the file still has to
know what the other one is. What has to come late, such as the compiled module, has its layer as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import PROJECT

PYTHON = PROJECT / "python"
PACKAGE = "lakeflow_airtable"
DATABRICKS = "databricks.labs.community_connector.sources.airtable"

LAYERS = {
    "pyspark_airtable": ["spark"],
    DATABRICKS: [PACKAGE, "options", "_native"],
    "__main__": ["cli"],
    "pytest_plugin": ["mock"],
    PACKAGE: [
        "pipeline",
        "spark",
        "airtable",
        "verify",
        "estimate",
        "definitions",
        "drift",
        "errors",
        "architecture",
        "starting",
        "_native",
    ],
    # Three front ends. A pipeline's flows read with Spark's data source; the command line knows neither.
    "cli": [
        "databricks_kit",
        "mock",
        "airtable",
        "sync",
        "intervals",
        "specification",
        "definitions",
        "environment",
        "options",
        "shown",
        "starting",
        "_native",
        "errors",
    ],
    # The way into a workspace, which the command line takes.
    "databricks_kit": ["environment", "options", "shown", "_native", "errors"],
    "pipeline": ["spark", "estimate", "specification", "options", "drift", "shown", "_native", "errors"],
    "spark": ["costs", "intervals", "options", "shown", "_native", "errors"],
    # What they share, and the library.
    "airtable": ["verify", "sync", "estimate", "frames", "definitions", "keywords", "options", "_native", "errors"],
    "verify": ["sync", "specification", "options", "shown", "_native", "errors"],
    "sync": ["estimate", "intervals", "specification", "keywords", "options", "drift", "shown", "_native", "errors"],
    "estimate": ["costs", "intervals", "specification", "options", "shown", "_native", "errors"],
    "specification": ["environment", "options", "shown", "_native", "errors"],
    "frames": ["predicates", "_native", "errors"],
    "predicates": [],
    "mock": ["_native"],
    "environment": ["options"],
    "options": ["_native", "errors"],
    "drift": ["shown"],
    "costs": ["shown"],
    "definitions": ["shown", "_native"],
    # The ground.
    "shown": ["_native"],
    "intervals": ["errors"],
    "errors": ["_native"],
    "architecture": [],
    "starting": [],
    "_native": [],
    "keywords": [],
}
"""Each part, and what it may import: only parts that stand below it."""

FILES = {
    "cli": [
        "main",
        "completion",
        "parser",
        "check",
        "listing",
        "schema",
        "read",
        "changes",
        "verify",
        "estimate",
        "sync",
        "databricks",
        "connection",
        "options",
        "rows",
        "progress",
        "live",
        "diagram",
        "spec_file",
        "access",
        "names",
        "output",
        "formats",
        "columns",
        "progress_text",
        "users",
        "version",
        "console",
        "ending",
        "flags",
        "nearest",
        "codes",
    ],
    "databricks_kit": [
        *("up", "run", "rights", "template", "facts", "wheels", "connection", "program", "tokens", "cures"),
    ],
    "pipeline": ["ingest", "graph", "source", "tables", "drift"],
    "specification": ["given", "upkeep", "tables", "spec", "faults", "names"],
    "sync": [
        "schedule",
        "run",
        "plan",
        "targets",
        "delta",
        "iceberg",
        "duckdb",
        "parquet",
        "history",
        "report",
        "keywords",
        "delta_progress",
        "pump",
        "iceberg_lists",
        "shape",
        "target",
    ],
    "verify": ["check", "copies", "spark", "compare", "cells", "report"],
    "spark": ["source", "stream", "partition", "worker_log", "virtual_tables", "schemas", "messages"],
}
"""The files of a package in their order: each may import those after it. The `__init__` comes before all of them."""


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """The full names that a source in this package imports, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *filter(None, [node.module])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def module_of(path: Path) -> str:
    parts = path.relative_to(PYTHON).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(name: str) -> str | None:
    """The part that a full name belongs to; `None` for what is not ours."""
    for outside in ("pyspark_airtable", DATABRICKS):
        if name == outside or name.startswith(f"{outside}."):
            return outside
    first, _, rest = name.partition(".")
    if first != PACKAGE:
        return None
    part = rest.partition(".")[0]
    return part if part in LAYERS or (PYTHON / PACKAGE / f"{part}.py").exists() else PACKAGE


def file_of(name: str) -> str | None:
    """The file within a package of ours; `None` for its `__init__`, and for what it exports."""
    _, part, file, *_ = [*name.split("."), "", "", ""]
    return file if file in FILES.get(part, ()) else None


def faults(source: str, module: str, is_package: bool = False) -> list[str]:
    """The imports of a module that its layer does not allow."""
    found = []
    package = module if is_package else module.rpartition(".")[0]
    part, file = part_of(module), file_of(module)
    assert part is not None
    for line, name in imports(source, package):
        other = part_of(name)
        if other is None:
            continue
        if other != part:
            is_allowed = other in LAYERS[part]
        elif file is None:
            is_allowed = True
        else:
            after = FILES[part][FILES[part].index(file) + 1 :]
            is_allowed = file_of(name) in after
        if not is_allowed:
            found.append(f"{module}:{line} imports {name}")
    return found


SOURCES = sorted(
    path for path in PYTHON.rglob("*.py") if part_of(module_of(path)) is not None and "__pycache__" not in path.parts
)


def test_every_source_has_its_layer() -> None:
    parts = {part_of(module_of(path)) for path in SOURCES}
    assert parts | {"_native"} == set(LAYERS)
    assert len(SOURCES) == len(list(PYTHON.rglob("*.py"))), "no source is overlooked"
    for package, files in FILES.items():
        there = {path.stem for path in (PYTHON / PACKAGE / package).glob("*.py")} - {"__init__"}
        assert set(files) == there, package


def test_layers_go_down_only() -> None:
    order = list(LAYERS)
    for number, (part, below) in enumerate(LAYERS.items()):
        assert set(below) <= set(order[number + 1 :]), part


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_nothing_imports_upwards(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8"), module_of(path), path.name == "__init__.py") == []


def test_nothing_is_allowed_that_nobody_imports() -> None:
    used = {
        (part_of(module_of(path)), part_of(name))
        for path in SOURCES
        for _, name in imports(
            path.read_text(encoding="utf-8"),
            module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0],
        )
    }
    allowed = {(part, other) for part, below in LAYERS.items() for other in below}
    assert allowed - used == set()


UPWARDS = {
    "at the top": ("from .airtable import Airtable", f"{PACKAGE}.options"),
    "absolute": (f"import {PACKAGE}.cli.main", f"{PACKAGE}.options"),
    "in a function": ("def f():\n    from .spark import AirtableDataSource", f"{PACKAGE}.airtable"),
    "for a type": ("if TYPE_CHECKING:\n    from ..pipeline import IngestedTable", f"{PACKAGE}.spark.source"),
    "from the front": (f"from {PACKAGE} import Airtable", f"{PACKAGE}.spark.source"),
    "from the front, beside": ("from .. import Airtable", f"{PACKAGE}.cli.main"),
    "a module from the front": ("from .. import cli", f"{PACKAGE}.specification.spec"),
    "one front end from another": ("from ..spark.source import spark_schema", f"{PACKAGE}.cli.main"),
    "within a package": ("from .ingest import ingest", f"{PACKAGE}.pipeline.drift"),
    "the package itself": ("from . import ingest", f"{PACKAGE}.pipeline.drift"),
    "what a package exports": (f"from {PACKAGE}.spark import AirtableDataSource", f"{PACKAGE}.spark.partition"),
}


@pytest.mark.parametrize("where", UPWARDS)
def test_an_import_upwards_is_noticed(where: str) -> None:
    source, module = UPWARDS[where]
    assert len(faults(source, module)) == 1


def test_an_import_downwards_is_none() -> None:
    source = "from .. import environment\nfrom ..errors import OptionError\nfrom . import output\nimport json"
    assert faults(source, f"{PACKAGE}.cli.main") == []

"""What the tests of pipelines share: no option comes from the environment, and what is defined is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry
from lakeflow_airtable import environment
from project import PROJECT


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in environment.variables().values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    with graph_element_registration_context(registry):
        yield registry


@pytest.fixture(scope="session")
def mergeable_catalog() -> dict[str, str]:
    """Settings of a catalog whose tables AUTO CDC can merge into. No released table format can be such a target yet."""
    jars = list((PROJECT / "build" / "jars").glob("spark-catalyst*-tests.jar"))
    if len(jars) != 1:
        pytest.fail("Spark's test catalog is missing: run the tests by `make test-python`")
    catalog = "org.apache.spark.sql.connector.catalog.SharedTablesInMemoryRowLevelOperationTableCatalog"
    return {"spark.jars": str(jars[0]), "spark.sql.catalog.memory": catalog}

"""What the tests of pipelines share: no option comes from the environment, and what is defined is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry
from lakeflow_airtable import environment


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in environment.variables().values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    with graph_element_registration_context(registry):
        yield registry

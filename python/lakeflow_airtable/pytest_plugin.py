"""The pytest fixture ``mock_airtable``.

pytest loads this file in every run of every project that has the wheel installed, so it imports nothing but
pytest; the server and the native module come with the first test that asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def mock_airtable() -> Iterator[MockAirtable]:
    """A fresh mock Airtable with the sample base, for one test."""
    from lakeflow_airtable.mock import MockAirtable

    with MockAirtable() as mock:
        yield mock

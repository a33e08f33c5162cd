"""How to test a pipeline of your own: the fixture `mock_airtable` comes with the package.

pytest examples/test_with_mock.py
"""

from __future__ import annotations

import pyarrow
import pytest

from lakeflow_airtable import Airtable, AuthError
from lakeflow_airtable.mock import MockAirtable


def names_of(base: Airtable) -> list[str]:
    """The code under test."""
    names: list[str] = pyarrow.table(base.read("Vendors", fields=["Name"]))["name"].to_pylist()
    return sorted(name for name in names if name)


def test_names(mock_airtable: MockAirtable) -> None:
    assert names_of(Airtable(**mock_airtable.options()))


def test_a_revoked_token(mock_airtable: MockAirtable) -> None:
    mock_airtable.faults = {"rules": [{"action": "unauthorized"}]}
    with pytest.raises(AuthError):
        names_of(Airtable(**mock_airtable.options()))

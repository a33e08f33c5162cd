"""The mock's base as pyairtable has it."""

from __future__ import annotations

import pyairtable
import pytest

from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def api(mock_airtable: MockAirtable) -> pyairtable.Api:
    return pyairtable.Api(mock_airtable.token, endpoint_url=mock_airtable.url)


@pytest.fixture
def base(api: pyairtable.Api, mock_airtable: MockAirtable) -> pyairtable.Base:
    return api.base(mock_airtable.base_id)


@pytest.fixture
def vendors(base: pyairtable.Base) -> pyairtable.Table:
    return base.table("Vendors")

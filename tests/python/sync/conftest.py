"""What is synced here, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A directory for copies, which is not there yet."""
    return tmp_path / "lake"


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 30 records, and a webhook that is old enough not to be waited for."""
    fields: list[dict[str, Any]] = [
        {"name": "Name"},
        {"name": "Size", "type": "number", "options": {"precision": 1}},
        {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}, {"name": "b"}]}},
    ]
    mock_airtable.create_table(
        "Items", fields, [{"Name": f"item {number}", "Size": number / 2, "Tags": ["a"]} for number in range(30)]
    )
    Airtable(**mock_airtable.options()).latest_offset("Items", ingestion_type="cdc_with_deletes")
    mock_airtable.advance_clock(120)
    mock_airtable.clear_requests()
    return mock_airtable

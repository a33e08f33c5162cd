"""Change feeds that tests do not wait for."""

from __future__ import annotations

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable


def settle(mock: MockAirtable, table: str) -> None:
    """Makes the webhook of the table's base and lets two minutes go by on the mock's clock.

    A first read waits for ten seconds of real time where the webhook has just been made.
    """
    Airtable(**mock.options()).latest_offset(table, ingestion_type="cdc_with_deletes")
    mock.advance_clock(120)
    mock.clear_requests()

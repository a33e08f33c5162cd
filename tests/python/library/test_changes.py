"""Changes without Spark: `Airtable.latest_offset` and `Airtable.changes`."""

from __future__ import annotations

import json
import time
from typing import Any

import polars
import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, AuthError, DataError, NotFoundError, OptionError
from lakeflow_airtable.mock import MockAirtable

MODES = ["append", "cdc", "cdc_with_deletes"]


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 30 records, and a webhook that is old enough not to be waited for."""
    mock_airtable.create_table("Items", [{"name": "Name"}], [{"Name": str(number)} for number in range(30)])
    Airtable(**mock_airtable.options()).latest_offset("Items", ingestion_type="cdc_with_deletes")
    mock_airtable.advance_clock(120)
    mock_airtable.clear_requests()
    return mock_airtable


def ids(mock: MockAirtable) -> list[str]:
    return [record["id"] for record in mock.records("Items")]


def rows(stream: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.table(stream).to_pylist()
    return found


def said(stream: Any) -> list[tuple[str, bool]]:
    return sorted((row["id"], row.get("_deleted", False)) for row in rows(stream))


@pytest.mark.parametrize("mode", MODES)
def test_ranges_follow_one_another(items: MockAirtable, mode: str) -> None:
    base = Airtable(**items.options(), ingestion_type=mode)
    first = base.latest_offset("Items")
    before = ids(items)
    assert [record for record, _ in said(base.changes("Items", end=first))] == sorted(before)
    assert base.latest_offset("Items", start=first) == first

    items.update_records("Items", {before[0]: {"Name": "edited"}})
    items.delete_records("Items", [before[1]])
    [new] = items.create_records("Items", [{"Name": "new"}])
    items.advance_clock(120)
    # Kept somewhere meanwhile.
    first = json.loads(json.dumps(first))
    second = base.latest_offset("Items", start=first)
    expected = {"append": [(new, False)], "cdc": [(before[0], False), (new, False)]}
    expected["cdc_with_deletes"] = [*expected["cdc"], (before[1], True)]
    assert said(base.changes("Items", start=first, end=second)) == sorted(expected[mode])
    # Again, and with the end left to the call.
    assert said(base.changes("Items", start=first, end=second)) == sorted(expected[mode])
    assert said(base.changes("Items", start=first)) == sorted(expected[mode])
    assert said(base.changes("Items", start=second, end=second)) == []


def test_every_consumer_sees_the_same_changes(items: MockAirtable) -> None:
    base = Airtable(**items.options(), ingestion_type="cdc")
    end = base.latest_offset("Items")
    expected = pa.table(base.changes("Items", end=end))
    assert expected.schema == pa.schema(base.schema("Items"))
    assert expected.schema.field("_changed_at").type == pa.timestamp("us", tz="UTC")
    assert [expected.schema.field(name).nullable for name in ("_changed_at", "_deleted")] == [False, False]
    assert pa.Table.from_batches(list(base.changes("Items", end=end))) == expected
    assert polars.DataFrame(base.changes("Items", end=end)).height == 30


def test_a_batch_read_of_a_change_mode_has_its_columns(items: MockAirtable) -> None:
    base = Airtable(**items.options())
    for mode in MODES:
        table = pa.table(base.read("Items", ingestion_type=mode))
        own = [name for name in table.column_names if name in ("_changed_at", "_deleted")]
        assert own == ([] if mode == "append" else ["_changed_at", "_deleted"])
        assert table.num_rows == 30
        assert "_deleted" not in own or set(table["_deleted"].to_pylist()) == {False}


@pytest.mark.parametrize("mode", MODES)
def test_a_range_can_be_bounded(items: MockAirtable, mode: str) -> None:
    base = Airtable(**items.options(), ingestion_type=mode)
    # `{}` is the beginning of the stream. Without any start it is not known where to cut.
    start: dict[str, Any] = {}
    given, sizes = [], []
    while (end := base.latest_offset("Items", start=start, max_records_per_batch=12)) != start:
        batch = said(base.changes("Items", start=start, end=end))
        given += [record for record, _ in batch]
        sizes.append(len(batch))
        start = end
    # By the shares of ids: about so many.
    assert 3 <= len(sizes) <= 8
    assert max(sizes) <= 18
    assert sorted(given) == sorted(ids(items))


def test_what_it_costs(items: MockAirtable) -> None:
    for mode, poll in (("cdc", "list_records"), ("append", "list_records"), ("cdc_with_deletes", "list_webhooks")):
        base = Airtable(**items.options(), ingestion_type=mode)
        offset = base.latest_offset("Items")
        items.clear_requests()
        assert base.latest_offset("Items", start=offset) == offset
        assert items.request_counts() == {"get_schema": 1, poll: 1}, mode


def test_the_first_read_of_a_new_feed_waits_until_it_has_settled(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options(), ingestion_type="cdc_with_deletes")
    offset = base.latest_offset("Vendors")
    mock_airtable.advance_clock(8)
    base.latest_offset("Vendors")  # the client learns the server's time by its answers
    began = time.monotonic()
    assert len(said(base.changes("Vendors", end=offset))) == len(mock_airtable.records("Vendors"))
    assert time.monotonic() - began >= 1, "what is two seconds too young"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, OptionError, "ingestion_type is snapshot"),
        ({"ingestion_type": "cdc", "max_records": 5}, OptionError, "max_records is 5"),
        ({"ingestion_type": "cdc", "lookback_seconds": -1}, OptionError, "lookback_seconds"),
        ({"ingestion_type": "cdc", "max_records_per_batch": 0}, OptionError, "max_records_per_batch"),
        ({"ingestion_type": "cdc_with_deletes", "on_lost_feed": "reread"}, OptionError, "state_location is missing"),
        ({"ingestion_type": "cdc_with_deletes", "webhook_id": "achNone"}, NotFoundError, "achNone"),
        ({"ingestion_type": "cdc_with_deletes", "token": "patReader.0000"}, AuthError, "webhook:manage"),
    ],
)
def test_mistakes(items: MockAirtable, options: dict[str, Any], error: type[Exception], message: str) -> None:
    items.add_token("patReader.0000", scopes=["data.records:read", "schema.bases:read"])
    base = Airtable(**items.options())
    with pytest.raises(error, match=message) as caught:
        base.latest_offset("Items", **options)
    assert items.token not in str(caught.value)
    assert "patReader" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 4}, "of version 4"),
        ({"base": "appNoSuchBase0000"}, "belongs to a stream of base appNoSuchBase0000"),
        ({"table": "tblNoSuchTable000"}, "belongs to a stream of table tblNoSuchTable000"),
        ({"mode": "append"}, "belongs to a stream of mode append"),
        ({"until": "soon"}, "none of this source's"),
        ({"version": None}, "none of this source's"),
    ],
)
def test_offsets_of_others_are_refused(items: MockAirtable, change: dict[str, Any], message: str) -> None:
    base = Airtable(**items.options(), ingestion_type="cdc")
    offset = {**base.latest_offset("Items"), **change}
    with pytest.raises(OptionError, match=message):
        base.latest_offset("Items", start=offset)
    with pytest.raises(OptionError, match=message):
        base.changes("Items", start=offset)


def test_a_lost_feed_is_said(items: MockAirtable) -> None:
    base = Airtable(**items.options(), ingestion_type="cdc_with_deletes")
    offset = base.latest_offset("Items")
    items.advance_clock(8 * 86_400)
    with pytest.raises(DataError, match=r"changes are lost: webhook .* expired at"):
        base.latest_offset("Items", start=offset)

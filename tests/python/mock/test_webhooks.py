"""Webhooks as pyairtable has them: payloads, their limits and ends, and signed notifications."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator

import pyairtable
import pytest
from requests import HTTPError

from lakeflow_airtable.mock import MockAirtable
from refusals import refused

SPEC = {"options": {"filters": {"dataTypes": ["tableData"]}}}


def test_webhook_payloads(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    hook = base.webhook(base.add_webhook(None, SPEC).id)
    record = vendors.create({"Name": "Hooked", "Country": "Examplia"})
    vendors.update(record["id"], {"Name": "Renamed", "Country": None})
    vendors.delete(record["id"])
    created, changed, destroyed = hook.payloads()
    table, schema = vendors.schema().id, vendors.schema()
    cells = created.changed_tables_by_id[table].created_records_by_id[record["id"]].cell_values_by_field_id
    assert cells[schema.field("Name").id] == "Hooked"
    assert cells[schema.field("Country").id]["name"] == "Examplia"
    assert created.action_metadata.source == "publicApi"
    current = changed.changed_tables_by_id[table].changed_records_by_id[record["id"]].current.cell_values_by_field_id
    assert current[schema.field("Name").id] == "Renamed"
    assert current[schema.field("Country").id] is None
    assert destroyed.changed_tables_by_id[table].destroyed_record_ids == [record["id"]]
    assert [payload.cursor for payload in hook.payloads(cursor=2)] == [2, 3]


def test_webhooks_tell_of_computed_changes(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    skus = base.table("SKU Candidates")
    sku = skus.first(formula="AND({Vendors} != '', {Forecast} > 0)")
    hook = base.webhook(base.add_webhook(None, SPEC).id)
    skus.update(sku["id"], {"Forecast": 999_999})
    (payload,) = hook.payloads()
    changed = payload.changed_tables_by_id[vendors.schema().id].changed_records_by_id
    total = vendors.schema().field("Total forecast").id
    for vendor in sku["fields"]["Vendors"]:
        assert total in changed[vendor].current.cell_values_by_field_id


def test_many_payloads_are_paged(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    hook = base.webhook(base.add_webhook(None, SPEC).id)
    record = vendors.first()["id"]
    for number in range(60):
        vendors.update(record, {"Score": number + 1})
    assert len(list(hook.payloads())) == 60
    assert len(list(hook.payloads(limit=7))) == 7


def test_webhook_schema_events_and_limits(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    hooks = [
        base.add_webhook(None, {"options": {"filters": {"dataTypes": ["tableFields", "tableMetadata"]}}})
        for _ in range(10)
    ]
    with pytest.raises(HTTPError) as error:
        base.add_webhook(None, SPEC)
    assert refused(error)[0] == 422
    field = vendors.create_field("Extra", "singleLineText")
    field.name = "More"
    field.save()
    created, renamed = base.webhook(hooks[0].id).payloads()
    table = vendors.schema().id
    assert created.changed_tables_by_id[table].created_fields_by_id[field.id].name == "Extra"
    assert renamed.changed_tables_by_id[table].changed_fields_by_id[field.id].current.name == "More"
    base.webhook(hooks[0].id).delete()
    assert len(base.webhooks()) == 9


def test_webhooks_expire(mock_airtable: MockAirtable, base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    week = 7 * 24 * 3600
    hook = base.webhook(base.add_webhook(None, SPEC).id)
    vendors.create({"Name": "Early"})
    mock_airtable.advance_clock(week - 60)
    assert len(list(hook.payloads())) == 1, "reading extends the life of a webhook"
    mock_airtable.advance_clock(week - 60)
    assert list(hook.payloads()) == [], "payloads are kept for seven days"
    assert base.webhook(hook.id).is_hook_enabled
    mock_airtable.advance_clock(week + 60)
    assert not base.webhook(hook.id).is_hook_enabled
    vendors.create({"Name": "Late"})
    assert list(hook.payloads(cursor=2)) == []
    with pytest.raises(HTTPError):
        base.api.post(base.urls.webhooks / hook.id / "refresh")
    mock_airtable.advance_clock(week)
    assert base.webhooks() == []


@pytest.fixture
def pings() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    received: list[tuple[str, bytes]] = []
    arrived = threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["X-Airtable-Content-MAC"], body))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    class Waiting(list):  # type: ignore[type-arg]
        def wait(self) -> list[tuple[str, bytes]]:
            assert arrived.wait(10), "no notification came"
            return received

    yield f"http://127.0.0.1:{server.server_port}/hook", Waiting()
    server.shutdown()
    server.server_close()


def test_notifications_are_signed(base: pyairtable.Base, vendors: pyairtable.Table, pings) -> None:  # type: ignore[no-untyped-def]
    url, received = pings
    hook = base.add_webhook(url, SPEC)
    vendors.create({"Name": "Ding"})
    mac, body = received.wait()[0]
    expected = hmac.new(base64.b64decode(hook.mac_secret_base64), body, hashlib.sha256).hexdigest()
    assert mac == f"hmac-sha256={expected}"
    assert json.loads(body)["webhook"] == {"id": hook.id}

"""The mock as a client sees it that knows nothing of it: pyairtable, written against the real service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator

import pytest

pyairtable = pytest.importorskip("pyairtable")

from pyairtable import formulas as f  # noqa: E402
from requests import HTTPError  # noqa: E402

from lakeflow_airtable.mock import MockAirtable  # noqa: E402


@pytest.fixture
def api(mock_airtable: MockAirtable) -> pyairtable.Api:
    return pyairtable.Api(mock_airtable.token, endpoint_url=mock_airtable.url)


@pytest.fixture
def base(api: pyairtable.Api, mock_airtable: MockAirtable) -> pyairtable.Base:
    return api.base(mock_airtable.base_id)


@pytest.fixture
def vendors(base: pyairtable.Base) -> pyairtable.Table:
    return base.table("Vendors")


def refused(error: pytest.ExceptionInfo[HTTPError]) -> tuple[int, str]:
    body = error.value.response.json()["error"]
    return error.value.response.status_code, body if isinstance(body, str) else body["type"]


# Account and schema


def test_whoami_and_bases(api: pyairtable.Api, mock_airtable: MockAirtable) -> None:
    assert api.whoami() == {"id": "usrMockPerson0001", "email": "ada.example@example.com"}
    assert {base.id: base.name for base in api.bases()} == mock_airtable.bases


def test_schema_is_readable_and_complete(base: pyairtable.Base) -> None:
    schema = base.schema()
    names = [table.name for table in schema.tables]
    assert names == [
        "SKU Candidates",
        "Launch Milestones",
        "Compliance Records",
        "Packaging Tasks",
        "Marketing Assets",
        "Vendors",
    ]
    skus = schema.table("SKU Candidates")
    assert skus.field("Shelf").type == "hologram"
    assert skus.field("Order in list").type == "manualSort"
    formula = skus.field("Margin").options
    price, cost = skus.field("Price").id, skus.field("Unit Cost").id
    assert formula.formula == f"({{{price}}} - {{{cost}}}) / {{{price}}}"
    assert formula.referenced_field_ids == [price, cost]
    link = skus.field("Vendors").options
    back = schema.table("Vendors").field(link.inverse_link_field_id)
    assert (back.name, back.options.inverse_link_field_id) == ("SKUs", skus.field("Vendors").id)
    assert {view.type for table in schema.tables for view in table.views} >= {
        "grid",
        "form",
        "calendar",
        "gallery",
        "kanban",
        "timeline",
        "block",
    }


def test_schema_writes(base: pyairtable.Base) -> None:
    table = base.create_table(
        "Experiments",
        [
            {"name": "Name", "type": "singleLineText"},
            {"name": "Kind", "type": "singleSelect", "options": {"choices": [{"name": "A"}, {"name": "B"}]}},
        ],
        description="What we try",
    )
    assert base.schema(force=True).table("Experiments").description == "What we try"
    field = table.create_field("Rating", "rating", options={"icon": "star", "max": 3, "color": "redBright"})
    assert field.type == "rating"
    schema = table.schema(force=True)
    schema.name = "Trials"
    schema.description = "Renamed"
    schema.save()
    kind = schema.field("Kind")
    kind.name = "Sort"
    kind.save()
    fresh = base.schema(force=True).table("Trials")
    assert (fresh.description, [field.name for field in fresh.fields]) == ("Renamed", ["Name", "Sort", "Rating"])
    with pytest.raises(HTTPError) as error:
        table.create_field("rating", "singleLineText")
    assert refused(error) == (422, "DUPLICATE_OR_EMPTY_FIELD_NAME")
    assert table.create({"Name": "One", "Rating": 2})["fields"] == {"Name": "One", "Rating": 2}


def test_linking_a_new_field_makes_the_other_side(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    skus = base.table("SKU Candidates").schema().id
    vendors.create_field("Trial SKUs", "multipleRecordLinks", options={"linkedTableId": skus})
    field = base.schema(force=True).table("Vendors").field("Trial SKUs")
    other = base.schema().table("SKU Candidates").field(field.options.inverse_link_field_id)
    assert other.options.linked_table_id == vendors.schema().id


# Listing


def test_all_pages_come_in_one_order(mock_airtable: MockAirtable, base: pyairtable.Base) -> None:
    table = base.table("SKU Candidates")
    pages = list(table.iterate(page_size=50))
    assert [len(page) for page in pages] == [50, 50, 50, 30]
    assert [record["id"] for page in pages for record in page] == [
        record["id"] for record in mock_airtable.records("SKU Candidates")
    ]
    assert len(table.all(max_records=70, page_size=30)) == 70


def test_fields_sort_view_and_ids(base: pyairtable.Base) -> None:
    table = base.table("SKU Candidates")
    approved = table.all(view="Approved, by forecast", fields=["Stage", "Forecast"])
    assert {record["fields"]["Stage"] for record in approved} == {"Approved"}
    forecasts = [record["fields"]["Forecast"] for record in approved]
    assert forecasts == sorted(forecasts, reverse=True)
    prices = [record["fields"].get("Price", -1) for record in table.all(sort=["Price"], fields=["Price"])]
    assert prices == sorted(prices)
    assert prices[0] == -1, "empty cells come first"
    schema = table.schema()
    by_id = table.first(use_field_ids=True, fields=["Price"])
    assert list(by_id["fields"]) == [schema.field("Price").id]
    stages = [record["fields"].get("Stage") for record in table.all(sort=["-Stage"], fields=["Stage"])]
    assert stages[0] == "Dropped"
    assert stages[-1] is None


def test_empty_cells_are_left_out(base: pyairtable.Base) -> None:
    records = {record["id"]: record["fields"] for record in base.table("SKU Candidates").all()}
    values = [value for fields in records.values() for value in fields.values()]
    assert not any(value is None or value is False or value in ("", []) for value in values)
    assert any(fields.get("Forecast") == 0 for fields in records.values()), "zero is a value"
    assert base.table("SKU Candidates").all(fields=["2nd name"])[1]["fields"] == {}


def test_formulas(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    found = vendors.all(formula=f.AND(f.EQ(f.Field("Country"), "Examplia"), f.GT(f.Field("Score"), 2)))
    everyone = vendors.all()
    expected = [
        record["id"]
        for record in everyone
        if record["fields"].get("Country") == "Examplia" and record["fields"].get("Score", 0) > 2
    ]
    assert expected
    assert [record["id"] for record in found] == expected
    wanted = [record["id"] for record in everyone[5:9]]
    assert [r["id"] for r in vendors.all(formula=f.OR(*[f.EQ(f.RECORD_ID(), i) for i in wanted]))] == wanted
    awkward = base.table("SKU Candidates").all(formula=f.NE(f.Field('Says "new" / {draft}'), ""))
    assert len(awkward) == 29
    for formula, message in [
        ("{Nope} = 1", "Unknown field names: nope"),
        ("BAD(1)", "Unknown function names: bad"),
        ("1 +", "Invalid formula. Please check your formula text."),
    ]:
        with pytest.raises(HTTPError) as error:
            vendors.all(formula=formula)
        assert refused(error) == (422, "INVALID_FILTER_BY_FORMULA")
        assert error.value.response.json()["error"]["message"].endswith(message)


def test_long_queries_go_by_post(mock_airtable: MockAirtable, vendors: pyairtable.Table) -> None:
    formula = f.OR(*[f.EQ(f.Field("Name"), f"{number:030}") for number in range(500)])
    assert vendors.all(formula=formula) == []
    assert mock_airtable.requests()[-1]["path"].endswith("/listRecords")


def test_cells_as_text(base: pyairtable.Base) -> None:
    record = base.table("SKU Candidates").first(
        cell_format="string", time_zone="Europe/Berlin", user_locale="en-gb", formula="{SKU Code (#)} = 'SKU-1001'"
    )
    fields = record["fields"]
    assert fields["Price"] == "€5.37"
    assert fields["Vendors"] == "Bluebird Botanicals 1, Kestrel Logistics 1"
    assert fields["Decided at"] == "1/3/2024 09:00"


def test_comment_counts(vendors: pyairtable.Table) -> None:
    record = vendors.first()
    vendors.add_comment(record["id"], "one")
    counts = {r["id"]: r.get("commentCount") for r in vendors.all(count_comments=True)}
    assert counts[record["id"]] == 1


def test_get_searches_the_whole_base(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    sku = base.table("SKU Candidates").first()
    assert vendors.get(sku["id"])["id"] == sku["id"]
    with pytest.raises(HTTPError) as error:
        vendors.get("recDoesNotExist00")
    assert refused(error) == (404, "MODEL_ID_NOT_FOUND")


# Writing


def test_create_update_replace_delete(vendors: pyairtable.Table) -> None:
    record = vendors.create({"Name": "New Vendor", "Score": 4.5, "Preferred?": True})
    assert record["fields"]["SKU count"] == 0
    assert vendors.update(record["id"], {"Score": 0, "Preferred?": False})["fields"].get("Preferred?") is None
    assert vendors.get(record["id"])["fields"]["Score"] == 0
    replaced = vendors.update(record["id"], {"Name": "Only a name"}, replace=True)
    assert "Score" not in replaced["fields"]
    assert vendors.delete(record["id"]) == {"id": record["id"], "deleted": True}
    with pytest.raises(HTTPError):
        vendors.get(record["id"])


def test_batches(vendors: pyairtable.Table) -> None:
    before = len(vendors.all())
    records = vendors.batch_create([{"Name": f"Batch {n}"} for n in range(23)])
    assert len(vendors.all()) == before + 23
    updated = vendors.batch_update([{"id": r["id"], "fields": {"Score": 3}} for r in records])
    assert {r["fields"]["Score"] for r in updated} == {3}
    deleted = vendors.batch_delete([r["id"] for r in records])
    assert all(r["deleted"] for r in deleted)
    assert len(vendors.all()) == before


def test_upsert(vendors: pyairtable.Table) -> None:
    first = vendors.first()
    result = vendors.batch_upsert(
        [{"fields": {"Name": first["fields"]["Name"], "Score": 1.5}}, {"fields": {"Name": "Brand new"}}],
        key_fields=["Name"],
    )
    assert result["updatedRecords"] == [first["id"]]
    assert len(result["createdRecords"]) == 1
    assert vendors.get(first["id"])["fields"]["Score"] == 1.5


def test_typecast_and_refusals(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    cases = [
        ({"Country": "Newland"}, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
        ({"Score": "4"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"SKU count": 4}, "INVALID_VALUE_FOR_COLUMN"),
        ({"SKUs": ["recDoesNotExist00"]}, "ROW_DOES_NOT_EXIST"),
        ({"No such field": 1}, "UNKNOWN_FIELD_NAME"),
    ]
    for fields, kind in cases:
        with pytest.raises(HTTPError) as error:
            vendors.create(fields)
        assert refused(error) == (422, kind), fields
    record = vendors.create(
        {"Name": 7, "Country": "Newland", "Score": "4", "SKUs": ["SKU-1005", "SKU-new"]}, typecast=True
    )
    assert record["fields"]["Name"] == "7"
    assert record["fields"]["Score"] == 4
    assert "Newland" in [
        choice.name for choice in base.schema(force=True).table("Vendors").field("Country").options.choices
    ]
    assert record["fields"]["Codes"] == "SKU-1005, SKU-new"


def test_links_have_two_sides_and_computed_cells_follow(base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    skus = base.table("SKU Candidates")
    sku = skus.create({"SKU Code (#)": "SKU-X", "Product": "Test Balm", "Price": 10, "Unit Cost": 4, "Forecast": 100})
    assert sku["fields"]["Margin"] == 0.6
    assert sku["fields"]["Revenue"] == 1000
    vendor = vendors.create({"Name": "Linker", "Score": 2.5, "SKUs": [sku["id"]]})
    assert vendor["fields"]["Total forecast"] == 100
    assert vendor["fields"]["SKU count"] == 1
    assert skus.get(sku["id"])["fields"]["Vendors"] == [vendor["id"]]
    assert skus.get(sku["id"])["fields"]["Vendor score"] == [2.5]
    skus.update(sku["id"], {"Forecast": 150})
    assert vendors.get(vendor["id"])["fields"]["Total forecast"] == 150
    vendors.delete(vendor["id"])
    assert "Vendors" not in skus.get(sku["id"])["fields"]


def test_modification_times(mock_airtable: MockAirtable, base: pyairtable.Base, vendors: pyairtable.Table) -> None:
    skus = base.table("SKU Candidates")
    before = skus.first(formula="{Vendors} != ''")
    vendor = before["fields"]["Vendors"][0]
    mock_airtable.set_clock("2030-01-02T03:04:05.678Z")
    skus.update(before["id"], {"Appeal": 3})
    after = skus.get(before["id"])["fields"]
    assert after["Last Modified"] == "2030-01-02T03:04:05.000Z"
    assert after["Price changed"] == before["fields"]["Price changed"]
    assert after["Changed by"]["name"] == "Ada Example"
    # A computed change is no modification.
    skus.update(before["id"], {"Forecast": 424242})
    assert vendors.get(vendor)["fields"]["Changed"] < "2030"
    changed = skus.all(formula="IS_AFTER(LAST_MODIFIED_TIME(), '2029-12-31T00:00:00Z')")
    assert [record["id"] for record in changed] == [before["id"]]


# Comments


def test_comments(vendors: pyairtable.Table) -> None:
    record = vendors.first()["id"]
    first = vendors.add_comment(record, "Hello @[usrMockPerson0002]")
    second = vendors.add_comment(record, "Second")
    comments = vendors.comments(record)
    assert [comment.id for comment in comments] == [second.id, first.id]
    assert comments[1].mentioned["usrMockPerson0002"].display_name == "Bruno Sample"
    first.text = "Changed"
    first.save()
    assert vendors.comments(record)[1].last_updated_time is not None
    second.delete()
    assert [comment.text for comment in vendors.comments(record)] == ["Changed"]


# Webhooks


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

"""Schemas and listings as pyairtable sees them, a client that was written against the real service."""

from __future__ import annotations

import pyairtable
import pytest
from pyairtable import formulas as f
from requests import HTTPError

from lakeflow_airtable.mock import MockAirtable
from refusals import refused

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

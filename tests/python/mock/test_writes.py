"""Writes and comments as pyairtable makes them."""

from __future__ import annotations

import pyairtable
import pytest
from requests import HTTPError

from lakeflow_airtable.mock import MockAirtable
from refusals import refused


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

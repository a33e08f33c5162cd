"""Definitions of which one thing is not as Airtable documents it: what can be read all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, AirtableError, DataError
from lakeflow_airtable.mock import MockAirtable

Change = Callable[[dict[str, Any]], object]


def answer(mock: MockAirtable, body: object) -> None:
    """What is asked for a definition is answered by this."""
    respond = {"respond": {"status": 200, "body": body}}
    mock.faults = {"rules": [{"path": "/tables", "action": respond}]}


def change(mock: MockAirtable, table: str, of_table: Change) -> None:
    schema = mock.schema()
    of_table(next(one for one in schema["tables"] if one["name"] == table))
    answer(mock, schema)


HARMLESS: dict[str, Change] = {
    "primaryFieldId": lambda table: table.update(primaryFieldId=None),
    "views": lambda table: table.update(views=None),
    "a view": lambda table: table["views"].append(None),
    "a view's name": lambda table: table["views"][0].update(name=None),
    "a view's id": lambda table: table["views"][0].update(id=7),
    "a table's description": lambda table: table.update(description=7),
    "a field's type": lambda table: table["fields"][1].update(type=None),
    "a field's description": lambda table: table["fields"][1].update(description=7),
    "a field's options": lambda table: table["fields"][1].update(options=[]),
    "choices": lambda table: table["fields"][1].update(options={"choices": None}),
    "a result": lambda table: table["fields"][1].update(options={"result": {"type": 7, "options": None}}),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_no_read_needs_may_be_anything(what: str, mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    names, rows = base.list_tables(), pa.table(base.read("Vendors")).num_rows
    change(mock_airtable, "Vendors", HARMLESS[what])
    assert base.list_tables() == names
    assert pa.table(base.read("Vendors")).num_rows == rows
    assert pa.table(base.read("Vendors", fields=[])).num_rows == rows
    assert pa.table(base.read("Packaging Tasks")).num_rows > 0


NEEDED: dict[str, tuple[Change, str]] = {
    "fields": (lambda table: table.update(fields=None), "fields of its definition is null"),
    "no fields": (lambda table: table.pop("fields"), "fields of its definition is missing"),
    "a field": (lambda table: table["fields"].insert(1, None), r"fields\[1\] of its definition is null"),
    "a field's id": (lambda table: table["fields"][2].update(id=7), r"fields\[2\]\.id of its definition is a number"),
    "a field's name": (
        lambda table: table["fields"][2].update(name=None),
        r"fields\[2\]\.name of its definition is null",
    ),
    "the id": (lambda table: table.update(id=None), "id of its definition is null"),
}


@pytest.mark.parametrize("what", NEEDED)
def test_what_a_read_needs_fails_it_alone(what: str, mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    names = base.list_tables()
    flaw, said = NEEDED[what]
    change(mock_airtable, "Vendors", flaw)
    assert base.list_tables() == names
    assert pa.table(base.read("Packaging Tasks")).num_rows > 0
    with pytest.raises(DataError, match=f'^table "Vendors": {said}'):
        base.read("Vendors")
    if what.startswith("a field"):
        assert pa.table(base.read("Vendors", fields=["Name"])).num_rows > 0
    if what == "a field's id":
        chosen = mock_airtable.schema()["tables"]
        name = next(table for table in chosen if table["name"] == "Vendors")["fields"][2]["name"]
        with pytest.raises(DataError, match=said):
            base.read("Vendors", fields=[name])
    if what == "a field's name":
        assert pa.table(base.read("Vendors", column_names="id")).num_rows > 0


def test_a_view_that_cannot_be_found_is_told_with_what_hides_it(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    view = mock_airtable.schema()["tables"][0]["views"][0]
    table = mock_airtable.schema()["tables"][0]["name"]
    change(mock_airtable, table, lambda table: table["views"][0].update(name=None))
    assert pa.table(base.read(table, view=view["id"])).num_rows > 0
    with pytest.raises(DataError, match=r"views\[0\]\.name of its definition is null"):
        base.read(table, view=view["name"])


def test_a_table_without_a_name_is_listed_by_its_id(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    table_id = next(one["id"] for one in mock_airtable.schema()["tables"] if one["name"] == "Vendors")
    change(mock_airtable, "Vendors", lambda table: table.update(name=None))
    assert table_id in base.list_tables()
    assert pa.table(base.read(table_id)).num_rows > 0


def test_half_a_character_in_a_definition_costs_no_table(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    names = base.list_tables()
    schema = json.dumps(mock_airtable.schema())
    answer(mock_airtable, schema.replace('"Name"', '"Na\\ud83dme"').replace('"Vendors"', '"Vend\\udc00ors"'))
    assert base.list_tables() == [name.replace("Vendors", "Vend\ufffdors") for name in names]
    columns = pa.schema(base.schema("Vend\ufffdors"))
    assert columns.field(2).metadata[b"airtable_field_name"].decode() == "Na\ufffdme"
    assert pa.table(base.read("Vend\ufffdors", fields=["Na\ufffdme"])).num_rows > 0


def test_bases_without_a_name_are_listed(mock_airtable: MockAirtable) -> None:
    options = mock_airtable.options()
    base_id = options.pop("base_id")
    bases = [{"id": base_id, "name": None}, None, {"name": "no id"}]
    respond = {"respond": {"status": 200, "body": {"bases": bases}}}
    mock_airtable.faults = {"rules": [{"path": "/meta/bases", "times": 1, "action": respond}]}
    assert Airtable(**options).list_namespaces() == [base_id]


def test_an_answer_that_is_no_list_of_tables_is_an_error(mock_airtable: MockAirtable) -> None:
    answer(mock_airtable, {"tables": None})
    with pytest.raises(AirtableError, match="undocumented form"):
        Airtable(**mock_airtable.options()).list_tables()

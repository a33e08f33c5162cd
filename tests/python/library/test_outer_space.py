"""Names that differ by outer space, or have some: which table, view, field or base is read."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, NotFoundError, OptionError
from lakeflow_airtable.mock import MockAirtable

TABLES = ["Good", "Good ", "Only ", "\u00a0Hard", "  ", "Twice ", " Twice"]


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    for name in TABLES:
        mock_airtable.create_table(name, [{"name": "Name", "type": "singleLineText"}], [{"Name": f"in {name!r}"}])
    return Airtable(**mock_airtable.options())


def names(base: Airtable, table: str, **options: Any) -> list[str]:
    found: list[str] = pa.table(base.read(table, **options)).column("name").to_pylist()
    return found


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_found_by_its_name_as_it_is(name: str, base: Airtable) -> None:
    assert name in base.list_tables()
    assert names(base, name) == [f"in {name!r}"]
    assert base.metadata(name)["primary_keys"] == ["id"]


@pytest.mark.parametrize(
    ("name", "found"), [("Only", "Only "), (" only", "Only "), ("Hard", "\u00a0Hard"), ("Good\t", None)]
)
def test_outer_space_is_left_away_where_one_fits(name: str, found: str | None, base: Airtable) -> None:
    if found is not None:
        assert names(base, name) == [f"in {found!r}"]
        return
    with pytest.raises(NotFoundError, match=r'did you mean "Good" or "Good "|did you mean "Good " or "Good"'):
        base.read(name)


def test_where_two_fit_none_is_chosen(base: Airtable) -> None:
    with pytest.raises(NotFoundError, match=r'" ?Twice ?"'):
        base.read("Twice")


def test_fields_and_columns(mock_airtable: MockAirtable) -> None:
    fields = [{"name": name, "type": "singleLineText"} for name in ("Key", "Name", "Name ", "\u00a0Cost")]
    mock_airtable.create_table("Fields", fields, [{"Name": "plain", "Name ": "spaced", "\u00a0Cost": "much"}])
    base = Airtable(**mock_airtable.options(), column_names="original")

    def columns(given: object) -> list[str]:
        return base.schema("Fields", fields=given).names[2:-1]

    assert columns(["Name "]) == ["Name "]
    assert columns(["Name"]) == ["Name"]
    assert columns(["Cost"]) == ["\u00a0Cost"]
    assert columns("Key, Name") == ["Key", "Name"]
    assert columns("Name ,Key") == ["Key", "Name "]
    assert columns("Key ,\u00a0Cost, ") == ["Key", "\u00a0Cost"]
    with pytest.raises(NotFoundError, match="option fields has"):
        columns([" Name"])
    # What differs by outer space alone has names of its own, and the same on every run.
    snakes = Airtable(**mock_airtable.options()).schema("Fields").names
    assert len({name.lower() for name in snakes}) == len(snakes)
    assert [name.split("_fld")[0] for name in snakes[3:6]] == ["name", "name", "cost"]


def test_views(mock_airtable: MockAirtable) -> None:
    schema = mock_airtable.schema()
    table = schema["tables"][0]
    first = table["views"][0]
    table["views"] = [{**first, "id": "viwNoSuch00000000", "name": "All"}, {**first, "name": "All "}]
    respond = {"respond": {"status": 200, "body": schema}}
    mock_airtable.faults = {"rules": [{"path": "/tables", "action": respond}]}
    base = Airtable(**mock_airtable.options())

    def view(given: str) -> str:
        plan = base._connector.plan(table["name"], {"view": given})
        found: str = json.loads(plan.to_json())["view_id"]
        return found

    assert view("All ") == first["id"]
    assert view("All") == "viwNoSuch00000000"
    assert view(f" {first['id']} ") == first["id"]
    with pytest.raises(NotFoundError, match="has no such view"):
        view(" All")


def test_bases(mock_airtable: MockAirtable) -> None:
    ids = {
        name: mock_airtable.create_base(name, [{"name": f"T{number}", "fields": [{"name": "Name"}]}])
        for number, name in enumerate(["Stock", "Stock ", "Sole "])
    }
    options = mock_airtable.options()
    options.pop("base_id")
    base = Airtable(**options)
    assert [base.list_tables(name) for name in ids] == [["T0"], ["T1"], ["T2"]]
    assert base.list_tables("Sole") == ["T2"]
    assert base.schema("T1", namespace='["Stock "]').names[0] == "id"
    assert base.schema("T1", namespace="Stock ").names[0] == "id"
    assert base.list_tables(f" {ids['Stock']} ") == ["T0"]
    with pytest.raises(OptionError, match="2 bases have this name"):
        base.list_tables(" Stock")

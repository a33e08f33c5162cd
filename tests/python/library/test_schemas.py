"""What is told of bases, tables, schemas and reads: as values, as texts and in notebooks."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest

import lakeflow_airtable
from lakeflow_airtable import Airtable, Base, Batches, Column, Field, NotFoundError, Schema, Table, View
from lakeflow_airtable.mock import MockAirtable

ODD = "<script>alert('\"&')</script>"


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    return Airtable(**mock_airtable.options())


def paths(mock: MockAirtable) -> list[str]:
    return [request["path"] for request in mock.requests()]


def test_bases_are_those_that_the_token_sees(mock_airtable: MockAirtable, base: Airtable) -> None:
    assert [(one.id, one.name) for one in base.list_bases()] == list(mock_airtable.bases.items())
    assert paths(mock_airtable) == ["/v0/meta/bases"]


@pytest.mark.parametrize("level", ["read", "comment", "edit", "create"])
def test_a_base_tells_what_its_user_may_do(mock_airtable: MockAirtable, base: Airtable, level: str) -> None:
    mock_airtable.set_permission(level)
    assert {one.id: one.permission_level for one in base.list_bases()}[mock_airtable.base_id] == level


def test_a_base_of_which_nothing_can_be_read_is_not_listed(mock_airtable: MockAirtable, base: Airtable) -> None:
    listed = base.list_bases()
    mock_airtable.set_permission("none")
    assert base.list_bases() == [one for one in listed if one.id != mock_airtable.base_id]


def test_tables_are_as_airtable_defines_them(mock_airtable: MockAirtable, base: Airtable) -> None:
    tables = base.tables()
    assert paths(mock_airtable) == [f"/v0/meta/bases/{mock_airtable.base_id}/tables"]
    defined = mock_airtable.schema()["tables"]
    assert [(table.id, table.name, table.description) for table in tables] == [
        (table["id"], table["name"], table.get("description")) for table in defined
    ]
    for table, one in zip(tables, defined, strict=True):
        assert list(table.views) == [View(v["id"], v["name"], v["type"]) for v in one["views"]]
        assert [(f.id, f.name, f.type, f.options, f.description) for f in table.fields] == [
            (f["id"], f["name"], f["type"], f.get("options"), f.get("description")) for f in one["fields"]
        ]
        assert table.primary_field is not None
        assert table.primary_field.id == one["primaryFieldId"]
        assert table.primary_field in table.fields


@pytest.mark.parametrize("column_names", [None, "snake", "original", "id"])
def test_a_field_names_its_column(base: Airtable, column_names: Any) -> None:
    for table in base.tables(column_names=column_names):
        schema = base.schema(table.name, column_names=column_names)
        columns = [column.name for column in schema if column.field_id]
        assert [field.column for field in table.fields] == columns
        assert columns


def test_columns_are_named_as_the_options_of_the_base_say(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options(), column_names="id")
    assert all(field.column == field.id for table in base.tables() for field in table.fields)


def test_tables_of_a_namespace(mock_airtable: MockAirtable) -> None:
    options = {name: value for name, value in mock_airtable.options().items() if name != "base_id"}
    base: Any = Airtable(**options)
    for id, name in mock_airtable.bases.items():
        assert [table.name for table in base.tables(id)] == base.list_tables(id) == base.list_tables(name)
    with pytest.raises(lakeflow_airtable.OptionError, match="base_id"):
        base.tables()
    with pytest.raises(NotFoundError, match="no such base"):
        base.tables("nowhere")


def test_a_definition_of_which_one_thing_is_odd_is_told_all_the_same(
    mock_airtable: MockAirtable, base: Airtable
) -> None:
    schema = mock_airtable.schema()
    schema["tables"][0]["fields"][1]["name"] = None
    schema["tables"][0]["views"][0]["type"] = 7
    schema["tables"][0]["description"] = []
    respond = {"respond": {"status": 200, "body": schema}}
    mock_airtable.faults = {"rules": [{"path": "/tables", "action": respond}]}
    table = base.tables()[0]
    assert table.description is None
    assert table.views[0].type == ""
    assert (table.fields[1].column, table.fields[1].name) == (None, table.fields[1].id)
    assert table.fields[0].column


def test_definitions_are_values() -> None:
    field = Field("fld1", "Name", "singleLineText", "name", None, None)
    table = Table("tbl1", "T", None, field, (field,), (View("viw1", "Grid", "grid"),))
    assert repr(table) == "Table(id='tbl1', name='T', 1 fields, 1 views)"
    assert repr(Base("app1", "B", "read")) == "Base(id='app1', name='B', permission_level='read')"
    assert table == Table("tbl1", "T", None, field, (field,), (View("viw1", "Grid", "grid"),))
    for one in (field, table, View("viw1", "Grid", "grid"), Base("app1", "B", "read")):
        assert not hasattr(one, "__dict__")
        with pytest.raises(AttributeError):
            one.name = "other"  # type: ignore[misc]


def test_a_schema_is_a_sequence_of_columns(mock_airtable: MockAirtable, base: Airtable) -> None:
    schema = base.schema("Vendors")
    arrow = pa.schema(schema)
    assert [column.name for column in schema] == schema.names == arrow.names
    assert [schema[place] for place in range(len(schema))] == list(schema)
    assert [schema[name] for name in schema.names] == list(schema)
    assert schema[-1] == list(schema)[-1]
    assert schema[0] != schema[1]
    assert [column.nullable for column in schema] == [field.nullable for field in arrow]
    table = next(table for table in mock_airtable.schema()["tables"] if table["name"] == "Vendors")
    fields = {field["id"]: field for field in table["fields"]}
    told = [column for column in schema if column.field_id]
    assert len(told) == len(fields)
    for column in told:
        field = fields[str(column.field_id)]
        assert (column.field_name, column.field_type) == (field["name"], field["type"])
        assert column.comment == field.get("description")


def test_types_are_told_in_the_words_of_sql_and_of_arrow(base: Airtable) -> None:
    schema = base.schema("Vendors")
    assert (schema["id"].type, schema["id"].arrow_type, schema["id"].nullable) == ("STRING", "Utf8", False)
    assert schema["createdTime"].type == "TIMESTAMP"
    assert (schema["id"].field_id, schema["id"].comment) == (None, "Airtable record id")
    types = {column.type for table in base.list_tables() for column in base.schema(table)}
    assert {"DOUBLE", "BIGINT", "BOOLEAN", "DATE", "ARRAY<STRING>"} <= types
    assert any(one.startswith("ARRAY<STRUCT<id: STRING, url: STRING") for one in types)


@pytest.mark.parametrize("wanted", [100, -100])
def test_a_place_that_is_none(base: Airtable, wanted: int) -> None:
    with pytest.raises(IndexError, match=f"column {wanted} of a schema of"):
        base.schema("Vendors")[wanted]


def test_a_name_that_is_none_and_what_is_neither(base: Airtable) -> None:
    schema: Any = base.schema("Vendors")
    with pytest.raises(KeyError, match="did you mean"):
        schema["nmae"]
    with pytest.raises(TypeError, match="not by a float"):
        schema[1.5]


def test_what_is_in_a_schema(base: Airtable) -> None:
    schema, other = base.schema("Vendors"), base.schema("SKU Candidates")
    assert "name" in schema
    assert "Name" not in schema
    assert schema[2] in schema
    assert other[-2] not in schema
    assert 2 not in schema


def test_schemas_are_equal_when_their_columns_are(base: Airtable) -> None:
    schema = base.schema("Vendors")
    assert schema == base.schema("Vendors") == base.read("Vendors").schema
    assert schema != base.schema("SKU Candidates")
    assert schema != base.schema("Vendors", fields=schema.names[2:4])
    assert schema != schema.names


def test_a_schema_shows_its_columns(base: Airtable) -> None:
    schema = base.schema("Vendors", fields=["Name"])
    assert repr(schema) == (
        "<lakeflow_airtable.Schema id: STRING NOT NULL, createdTime: TIMESTAMP, name: STRING, _rescued_data: STRING>"
    )
    assert re.fullmatch(r'<Column "name" STRING of fld\w+ "Name", singleLineText>', repr(schema["name"]))


def test_a_read_says_how_far_it_is(mock_airtable: MockAirtable, base: Airtable) -> None:
    rows = len(mock_airtable.records("Vendors"))
    stream = base.read("Vendors", fields=["Name"])
    begin = '<lakeflow_airtable.Batches of "Vendors": 4 columns, '
    assert repr(stream) == f"{begin}0 rows so far, not begun (id, createdTime, name, _rescued_data)>"
    first = next(stream).num_rows
    assert repr(stream).startswith(f"{begin}{first} rows so far, reading")
    list(stream)
    assert repr(stream).startswith(f"{begin}{rows} rows so far, read to its end")
    closed = base.read("Vendors", fields=["Name"])
    closed.close()
    assert repr(closed).startswith(f"{begin}0 rows so far, closed")
    handed = base.read("Vendors", fields=["Name"])
    reader = pa.RecordBatchReader.from_stream(handed)
    assert repr(handed).startswith(f"{begin}0 rows so far, handed to another library")
    reader.read_all()
    assert repr(handed).startswith(f"{begin}{rows} rows so far, handed to another library")


def test_a_read_that_failed_says_so(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "monthly_block"}]}
    stream = base.read("Vendors")
    with pytest.raises(lakeflow_airtable.RateLimitError):
        next(stream)
    assert "0 rows so far, ended by an error" in repr(stream)


def test_a_wide_read_shows_some_of_its_columns(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.generate_table("Wide", 1, fields=40)
    assert re.search(r"\(id, createdTime, .* and \d+ more\)>$", repr(base.read("Wide")))


class Page(HTMLParser):
    """What stands in a page: the names of its elements, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert not attrs
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


SHOWN: dict[str, Any] = {
    "a schema": lambda base, table: base.schema(table),
    "a read": lambda base, table: base.read(table),
    "tables": lambda base, table: base.tables(),
    "a table": lambda base, table: next(one for one in base.tables() if one.name == table),
}


@pytest.mark.parametrize("what", SHOWN)
@pytest.mark.parametrize("name", [ODD, "plain", "$x^2$", "a & b"])
def test_a_notebook_shows_names_as_they_are(mock_airtable: MockAirtable, base: Airtable, what: str, name: str) -> None:
    fields = [
        {"name": "Name", "type": "singleLineText"},
        {"name": f"{name} of it", "type": "number", "description": name},
    ]
    mock_airtable.create_table(name, fields, description=name)
    page = SHOWN[what](base, name)._repr_html_()
    shown = Page(page)
    assert set(shown.elements) <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert name in shown.text
    assert "$" not in page


def test_what_is_shown_holds_no_token(mock_airtable: MockAirtable, base: Airtable) -> None:
    token = f"patAbCdEfGhIjKlM1.{'0123456789abcdef' * 4}"
    fields = [{"name": token, "type": "singleLineText", "description": token}]
    mock_airtable.create_table(token, fields, description=token)
    mock_airtable.create_base(token)
    named = [one for one in base.tables() if one.name == token]
    for shown in (
        base.schema(token),
        base.schema(token)[2],
        base.read(token),
        base.list_bases(),
        named,
        named[0].fields,
    ):
        assert token.lower() not in repr(shown).lower()
    for page in (base.schema(token), base.read(token), base.list_bases(), base.tables(), named[0]):
        assert token.lower() not in page._repr_html_().lower()


def test_a_notebook_shows_bases_and_where_a_base_is(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.create_base(ODD)
    shown = Page(base.list_bases()._repr_html_())
    assert ODD in shown.text
    assert "script" not in shown.elements
    page = base._repr_html_()
    assert mock_airtable.base_id in Page(page).text
    assert mock_airtable.token not in page


@pytest.mark.parametrize("kind", [Batches, Schema, Column, Base, Table, Field, View, Airtable])
def test_whatever_users_are_given_is_told_about(kind: type) -> None:
    assert kind.__name__ in lakeflow_airtable.__all__
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")
    for name, member in vars(kind).items():
        if not name.startswith("_") and callable(member):
            assert member.__doc__, name


def test_a_schema_is_printed_as_a_table(base: Airtable) -> None:
    heads, first, *_ = lines = str(base.schema("Vendors", fields=["Name", "Country"])).splitlines()
    assert heads.split() == ["column", "type", "field", "Airtable's", "type", "field", "id"]
    assert first.split() == ["id", "STRING", "NOT", "NULL"]
    assert lines[3].split() == ["name", "STRING", "Name", "singleLineText", "fldVendorName0001"]
    assert len(lines) == 1 + 5
    assert len({line.index("STRING") for line in (first, *lines[3:])}) == 1


def test_a_schema_is_read_from_its_end(base: Airtable) -> None:
    schema = base.schema("Vendors")
    assert list(reversed(schema)) == list(schema)[::-1]
    assert next(reversed(schema)) == schema[-1]


def test_definitions_have_a_hash(base: Airtable) -> None:
    tables, same = base.tables(), base.tables()
    assert {hash(field) for table in tables for field in table.fields} == {
        hash(field) for table in same for field in table.fields
    }
    assert len({field for table in tables for field in table.fields}) == sum(len(table.fields) for table in tables)
    assert set(tables) == set(same)


@pytest.mark.parametrize(
    ("option", "call"), [("tableName", {}), ("view", {"view": "x"}), ("fields", {"fields": ["x"]})]
)
def test_what_is_not_found_names_its_option(base: Airtable, option: str, call: Any) -> None:
    with pytest.raises(NotFoundError) as raised:
        base.schema("Vendors" if call else "x", **call)
    assert raised.value.option == option


@pytest.mark.parametrize("target", [True, False])
@pytest.mark.parametrize("file_format", ["csv", None])
def test_a_bool_is_no_descriptor(base: Airtable, target: bool, file_format: Any) -> None:
    batches = base.read("Vendors")
    with pytest.raises(TypeError, match=f"a path or a file descriptor, not the bool {target}"):
        batches.write(target, file_format)
    assert batches.to_arrow().num_rows == 60

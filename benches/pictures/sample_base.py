"""The mock's sample base as an entity diagram for Mermaid: tables, key columns, links.

Names and types are those of the columns that a read gives. Of a table its id, its primary field and its links are
shown, and how many other columns it has.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable


def draw() -> dict[str, str]:
    """The one file of this picture; Mermaid's own themes serve light and dark."""
    with MockAirtable() as mock:
        base = Airtable(**mock.options())
        tables = mock.schema()["tables"]
        names = {table["id"]: table["name"] for table in tables}
        lines = ["erDiagram"]
        for table in tables:
            lines += _entity(table, names, pa.schema(base.schema(table["name"])))
        for table in tables:
            lines += _links(table, names)
    return {"sample-base.mmd": "\n".join([*lines, ""])}


def _entity(table: dict[str, Any], names: dict[str, str], columns: pa.Schema) -> list[str]:
    """A table with the columns that say how it hangs together with others."""
    fields = {field["id"]: field for field in table["fields"]}
    rows = ['string id PK "record id"']
    for column in columns:
        of_field = (column.metadata or {}).get(b"airtable_field_id", b"").decode()
        if of_field not in fields:
            continue
        field = fields[of_field]
        if of_field == table["primaryFieldId"]:
            rows.append(f"{_type(column.type)} {_word(column.name)} {_quoted('primary field ' + field['name'])}")
        elif field["type"] == "multipleRecordLinks":
            target = names[field["options"]["linkedTableId"]]
            rows.append(f"{_type(column.type)} {_word(column.name)} FK {_quoted('ids of ' + target)}")
    rest = len(columns) - len(rows)
    rows.append(f'and_{rest}_more columns "see lakeflow-airtable schema"')
    entity = f"    {_entity_name(table['name'])}[{_quoted(table['name'])}] {{"
    return [entity, *(f"        {row}" for row in rows), "    }"]


def _links(table: dict[str, Any], names: dict[str, str]) -> list[str]:
    """The links that were made in this table; their other sides are the same links."""
    found = []
    for field in table["fields"]:
        options = field.get("options") or {}
        if field["type"] == "multipleRecordLinks" and not options.get("isReversed"):
            target = _entity_name(names[options["linkedTableId"]])
            most = "o|" if options.get("prefersSingleRecordLink") else "o{"
            found.append(f"    {_entity_name(table['name'])} }}o--{most} {target} : {_quoted(field['name'])}")
    return found


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_list(arrow):
        return f"{_type(arrow.value_type)}[]"
    return str(arrow)


def _entity_name(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)


def _word(name: str) -> str:
    """Mermaid takes no name that begins with a digit."""
    return name if not name[:1].isdigit() else f"_{name}"


def _quoted(text: str) -> str:
    return json.dumps(text.replace('"', "'"), ensure_ascii=False)

"""What a token sees: bases, and the tables, fields and views that Airtable defines in them.

Plain values. They hold what was told when they were asked for, and ask nothing themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .shown import scrubbed


@scrubbed
@dataclass(frozen=True, slots=True)
class Base:
    """A base that the token sees.

    Attributes:
        id: `app...`.
        name: The name, which several bases may share.
        permission_level: What the token's user may do there: `read`, `comment`, `edit` or `create`; empty where
            Airtable does not tell.
    """

    id: str
    name: str
    permission_level: str


@scrubbed
@dataclass(frozen=True, slots=True)
class Field:
    """A field of a table, and the column that a read makes of it.

    Attributes:
        id: `fld...`. It survives renaming.
        name: The name, unique in the table without regard to case.
        type: Airtable's word for the type, such as `singleSelect`.
        column: What a read calls its column; None where Airtable's definition lacks what a column needs.
        options: As Airtable tells them, such as `{"choices": [...]}`; they depend on the type. None where it has none.
        description: What the base's makers wrote about it, or None.
    """

    id: str
    name: str
    type: str
    column: str | None
    # It may be a dict, which has no hash.
    options: Any = field(hash=False)
    description: str | None


@scrubbed
@dataclass(frozen=True, slots=True)
class View:
    """A view of a table.

    Attributes:
        id: `viw...`. It survives renaming.
        name: The name, unique in the table.
        type: Airtable's word for the type, such as `grid` or `kanban`.
    """

    id: str
    name: str
    type: str


@scrubbed
@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """A table of a base.

    Attributes:
        id: `tbl...`. It survives renaming.
        name: The name, unique in the base without regard to case.
        description: What the base's makers wrote about it, or None.
        primary_field: The field whose texts stand for a record in links; None where Airtable defines none.
        fields: The fields, in the table's order.
        views: The views, in the table's order.
    """

    id: str
    name: str
    description: str | None
    primary_field: Field | None
    fields: tuple[Field, ...]
    views: tuple[View, ...]

    def __repr__(self) -> str:
        return f"Table(id={self.id!r}, name={self.name!r}, {len(self.fields)} fields, {len(self.views)} views)"

    def _repr_html_(self) -> str:
        from ._native import html_table

        rows = [
            [field.column or "", field.name, field.type, field.id, field.description or ""] for field in self.fields
        ]
        caption = f"{self.name} ({self.id}): {len(self.fields)} fields, {len(self.views)} views"
        return html_table(caption, ["column", "field", "type", "field id", "description"], rows)


class Bases(list[Base]):
    """Bases, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from ._native import html_table

        rows = [[base.name, base.id, base.permission_level] for base in self]
        return html_table(f"{len(self)} bases", ["base", "id", "permission"], rows)


class Tables(list[Table]):
    """Tables, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from ._native import html_table

        rows = [
            [
                table.name,
                table.id,
                table.primary_field.name if table.primary_field else "",
                str(len(table.fields)),
                str(len(table.views)),
                table.description or "",
            ]
            for table in self
        ]
        header = ["table", "id", "primary field", "fields", "views", "description"]
        return html_table(f"{len(self)} tables", header, rows)


def bases_from_json(text: str) -> Bases:
    """The bases that the compiled module tells."""
    return Bases(Base(*told) for told in json.loads(text))


def tables_from_json(text: str) -> Tables:
    """The tables that the compiled module tells."""
    return Tables(_table(told) for told in json.loads(text))


def _table(told: dict[str, Any]) -> Table:
    fields = tuple(Field(**field) for field in told["fields"])
    return Table(
        id=told["id"],
        name=told["name"],
        description=told["description"],
        primary_field=_first(field for field in fields if field.id and field.id == told["primary_field_id"]),
        fields=fields,
        views=tuple(View(**view) for view in told["views"]),
    )


def _first(fields: Iterable[Field]) -> Field | None:
    return next(iter(fields), None)

"""A base as a picture: Mermaid's `erDiagram` of its tables, their key fields and the links between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..definitions import Field, Table

_LINK = "multipleRecordLinks"


def mermaid(tables: Sequence[Table]) -> str:
    """The diagram. A link that both tables have as fields is one line."""
    lines = ["erDiagram"]
    for table in tables:
        lines.append(f"    {table.id}[{_entity(table.name)}] {{")
        lines.extend(f"        {line}" for line in _fields(table))
        lines.append("    }")
    lines.extend(f"    {line}" for line in _links(tables))
    return "\n".join(lines)


def _fields(table: Table) -> Iterator[str]:
    yield 'recordId id PK "id"'
    primary = table.primary_field
    if primary is not None:
        yield f"{_word(primary.type)} {_word(primary.column or primary.id)} {_quoted(primary.name)}"
    for field in table.fields:
        if field.type == _LINK and field is not primary:
            yield f"{_word(field.type)} {_word(field.column or field.id)} FK {_quoted(field.name)}"


def _links(tables: Sequence[Table]) -> Iterator[str]:
    known = {table.id for table in tables}
    drawn: set[str] = set()
    for table in tables:
        for field in table.fields:
            target = _option(field, "linkedTableId")
            inverse = _option(field, "inverseLinkFieldId")
            if field.type != _LINK or target not in known or inverse in drawn:
                continue
            drawn.add(field.id)
            # Where only one record is wanted, Airtable says so; its API does not hold anybody to it.
            one = isinstance(field.options, dict) and field.options.get("prefersSingleRecordLink") is True
            yield f"{table.id} }}o--{'o|' if one else 'o{'} {target} : {_quoted(field.name)}"


def _option(field: Field, name: str) -> str:
    value = field.options.get(name) if isinstance(field.options, dict) else None
    return value if isinstance(value, str) else ""


def _word(text: str) -> str:
    """A word as Mermaid takes it: it begins with a letter, and holds letters, digits and underscores."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    return kept if kept[:1].isalpha() else f"c_{kept}"


def _entity(name: str) -> str:
    """A table's name in quotes. Mermaid takes no `%`, no backslash, no empty one: wide forms stand for them."""
    return _quoted(
        name.replace("%", "\N{FULLWIDTH PERCENT SIGN}").replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}") or "-"
    )


def _quoted(text: str) -> str:
    """A text in quotes, which Mermaid cannot escape inside."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + shown.replace('"', "'") + '"'

"""A table of odd cells, and arbitrary conditions about it: for whoever compares two ways of deciding them."""

from __future__ import annotations

import random
from typing import Any

from lakeflow_airtable.mock import MockAirtable

TABLE = "Odd"

_TEXTS = [
    "",
    "Launch",
    "launch",
    "it's",
    'say "so"',
    "a\\b",
    "{Stage}",
    "%",
    "50%",
    "a_b",
    "Größe",
    "語",
    "😀",
    "مرحبا",
    "e\u0301",
    "\u00e9",
    " Launch",
    "Launch ",
    "x'),TRUE(),('",
    "0",
    "null",
    "line\nbreak",
    "tab\t",
]
_NUMBERS = [0, -0.0, 1, -1, 2.5, 0.1, 0.30000000000000004, 1e-9, 1e12, -2.5, 9007199254740993, 3]
_DAYS = ["2024-02-29", "2024-05-31", "2024-06-01", "1999-12-31", "2000-01-01", "1901-01-01"]
_TIMES = [
    "2024-05-31T00:00:00.000Z",
    "2024-05-31T23:59:59.000Z",
    "2024-05-30T22:00:00.000Z",
    "2024-06-01T00:00:00.000Z",
    "2024-02-29T12:30:00.000Z",
    "1999-12-31T23:59:59.000Z",
]
_MISFITS: list[Any] = [
    {"error": "#ERROR!"},
    {"specialValue": "NaN"},
    {"specialValue": "Infinity"},
    {"specialValue": "-Infinity"},
]

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "singleLineText"},
    {"name": "Notes", "type": "multilineText"},
    {"name": "Stage", "type": "singleSelect", "options": {"choices": [{"name": "Launch"}, {"name": "it's"}]}},
    {"name": "Price", "type": "number", "options": {"precision": 8}},
    {"name": "Stars", "type": "rating", "options": {"max": 5, "icon": "star", "color": "yellowBright"}},
    {"name": "Done", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
    {"name": "Due", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
    {
        "name": "Seen",
        "type": "dateTime",
        "options": {"dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}, "timeZone": "utc"},
    },
    {"name": "Half", "type": "formula", "options": {"formula": "{Price}/{Stars}", "result": {"type": "number"}}},
    {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}]}},
]


def fill(mock: MockAirtable, chance: random.Random, count: int) -> None:
    """Makes the table, with so many records."""
    mock.create_table(TABLE, FIELDS, [_cells(chance) for _ in range(count)])
    for record in mock.records(TABLE):
        # What Airtable computes, and what it would never send of a field that somebody fills in.
        for field in ("Half", "Price", "Stars", "Name", "Due"):
            if chance.random() < (0.3 if field == "Half" else 0.04):
                mock.set_raw_cell(TABLE, record["id"], field, chance.choice(_MISFITS))


def _cells(chance: random.Random) -> dict[str, Any]:
    given = {
        "Name": chance.choice(_TEXTS),
        "Notes": chance.choice(_TEXTS),
        "Stage": chance.choice(["Launch", "it's"]),
        "Price": chance.choice(_NUMBERS),
        "Stars": chance.randint(1, 5),
        "Done": chance.random() < 0.5,
        "Due": chance.choice(_DAYS),
        "Seen": chance.choice(_TIMES),
        "Tags": ["a"],
    }
    return {name: value for name, value in given.items() if chance.random() < 0.8 and value != ""}


def condition(chance: random.Random, ids: list[str], depth: int = 2) -> str:
    """A condition, as Spark and the option `where` read it."""
    kind = chance.random()
    if depth and kind < 0.25:
        return f"({condition(chance, ids, depth - 1)} AND {condition(chance, ids, depth - 1)})"
    if depth and kind < 0.5:
        return f"({condition(chance, ids, depth - 1)} OR {condition(chance, ids, depth - 1)})"
    if depth and kind < 0.6:
        return f"NOT ({condition(chance, ids, depth - 1)})"
    return chance.choice([_text, _number, _time, _other])(chance, ids)


def _text(chance: random.Random, ids: list[str]) -> str:
    column = chance.choice(["name", "notes", "stage", "`Name`"])
    some = [quoted(chance.choice(_TEXTS)) for _ in range(3)]
    pattern = quoted(
        chance.choice(["L%", "%a%", "%n", "50\\%", "a\\_b", "_", "%😀%", "%'%", "x%", "%e", "Lau_ch", "語"])
    )
    return chance.choice(
        [
            f"{column} {_sign(chance)} {some[0]}",
            f"{column} {chance.choice(['IN', 'NOT IN'])} ({', '.join(some)})",
            f"{column} IN ({some[0]}, NULL)",
            f"{column} {chance.choice(['LIKE', 'NOT LIKE'])} {pattern}",
            f"{column} IS {chance.choice(['', 'NOT '])}NULL",
            f"{some[0]} {_sign(chance)} {column}",
            "name = notes",
        ]
    )


def _number(chance: random.Random, ids: list[str]) -> str:
    column = chance.choice(["price", "stars", "half", "PRICE"])
    forms = ["0", "1", "2.5", "-1", "0.1", "3L", "2.5e0", "-2.5D", "9007199254740993", "1e12", "0.30", "5.0", ".1"]
    some = [chance.choice(forms) for _ in range(2)]
    return chance.choice(
        [
            f"{column} {_sign(chance)} {some[0]}",
            f"{column} {chance.choice(['', 'NOT '])}BETWEEN {some[0]} AND {some[1]}",
            f"{column} {chance.choice(['IN', 'NOT IN'])} ({', '.join(some)})",
            f"{column} IS {chance.choice(['', 'NOT '])}NULL",
            f"price {_sign(chance)} stars",
            f"half {_sign(chance)} price",
        ]
    )


def _time(chance: random.Random, ids: list[str]) -> str:
    day = f"DATE '{chance.choice(_DAYS)}'"
    time = chance.choice(_TIMES).replace("T", " ").replace(".000Z", "")
    zone = chance.choice(["", "Z", "+02:00", " UTC", "-05:30"])
    moment = f"TIMESTAMP '{time}{zone}'"
    return chance.choice(
        [
            f"due {_sign(chance)} {day}",
            f"due {_sign(chance)} '{chance.choice(_DAYS)}'",
            f"seen {_sign(chance)} {moment}",
            f"seen {_sign(chance)} {day}",
            f"seen {_sign(chance)} '{time}'",
            f"due {_sign(chance)} {moment}",
            f"due {_sign(chance)} seen",
            f"due IN ({day}, DATE '2024-05-31')",
            f"due IS {chance.choice(['', 'NOT '])}NULL",
            f"createdTime {_sign(chance)} {moment}",
        ]
    )


def _other(chance: random.Random, ids: list[str]) -> str:
    some = ", ".join(quoted(chance.choice(ids)) for _ in range(4))
    return chance.choice(
        [
            "done",
            "NOT done",
            "done = TRUE",
            "done <> FALSE",
            "done IS NULL",
            "tags IS NULL",
            "_rescued_data IS NOT NULL",
            f"id IN ({some})",
            f"id = {quoted(chance.choice(ids))}",
            "1 = 1",
            "price = NULL",
            "NULL",
        ]
    )


def _sign(chance: random.Random) -> str:
    return chance.choice(["=", "<>", "!=", "<", "<=", ">", ">=", "=="])


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

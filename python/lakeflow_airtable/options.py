"""Options on their way to the compiled module: names in lower case, values as text, secrets not in `repr`.

The one table that says which options exist is in Rust, and nothing here knows their names, but the credentials'.
Whoever needs some of them asks for those of a scope: where Airtable is, which tables there are, what of one is read,
how its changes are followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal

from .errors import OptionError

if TYPE_CHECKING:
    from typing import TypeAlias

    from ._native import OptionRow

    Scope: TypeAlias = Literal["connection", "tables", "read", "stream"]


CREDENTIALS = ("token", "refresh_token", "client_id", "client_secret")
"""Who reads. Where others are written down or shown, such as in a plan or a definition, these are left out."""

_PLACE = "_location"
"""What the names of directories end with: there a path is as good as its text."""

TABLE = "tablename"
"""Under which name a table's name is found, however its option was spelt: some tables are known here alone."""


@cache
def table() -> list[OptionRow]:
    """Every option there is, in the order in which help texts show them."""
    from ._native import option_table

    return option_table()


def in_scope(*scopes: Scope) -> tuple[str, ...]:
    """The names of the options of these scopes, in the table's order.

    Those of the scope `connection` belong to a connection of Unity Catalog alone: a read that could set `base_url`
    could have the token sent anywhere.
    """
    return tuple(row["name"] for row in table() if row["scope"] in scopes)


@cache
def _shown() -> frozenset[str]:
    # Not the other way round: a connection's options may hold secrets under names that nobody here has heard of.
    return frozenset(row["name"].lower() for row in table() if row["is_shown"])


@cache
def _names(*scopes: Scope) -> frozenset[str]:
    rows = [row for row in table() if row["scope"] in scopes]
    return frozenset(name.lower() for row in rows for name in (row["name"], *row["aliases"]))


@cache
def _names_of_the_table() -> frozenset[str]:
    row = next(row for row in table() if row["name"].lower() == TABLE)
    return frozenset(name.lower() for name in (row["name"], *row["aliases"]))


class Options(dict[str, str]):
    """What the compiled module takes. A plain, picklable dict whose `repr` is safe to log.

    Spark may print a worker's local variables with a traceback, and notebooks print whatever ends a cell.
    """

    def __repr__(self) -> str:
        from ._native import scrub

        shown = {name: value if name in _shown() else "***" for name, value in self.items()}
        return scrub(f"Options({shown})")

    def known(self, *scopes: Scope) -> Options:
        """Those of these scopes, by whichever of their names. A stream of deletes alone is another read."""
        names = {"isdeleteflow", *_names(*scopes)}
        return Options({name: value for name, value in self.items() if name in names})

    @classmethod
    def from_spark(cls, options: Mapping[str, str]) -> Options:
        """Spark's own mapping hands out lower-cased keys; other callers' need not. `load` names the table."""
        given = cls(once(_with_the_table(options.items())))
        loaded = given.pop("path", "")
        # Spark gives tables in SQL a place in its warehouse.
        if loaded and not loaded.startswith("/") and (":/" not in loaded or loaded.startswith("http")):
            named = given.get(TABLE, loaded)
            if named != loaded:
                raise OptionError(
                    f"option tableName is {named!r}, and load() was given {loaded!r}: leave one of them out",
                    option="tableName",
                )
            given[TABLE] = loaded
        return given

    @classmethod
    def from_values(cls, options: Mapping[str, object]) -> Options:
        """Python values in the form in which Spark would carry them. `None` means not given."""
        texts = ((name, _text(name, value)) for name, value in options.items() if value is not None)
        return cls(once(_with_the_table(texts)))


def number(options: Mapping[str, str], name: str) -> float:
    """An option that was checked before, or its default."""
    default = next(row["default"] for row in table() if row["name"] == name)
    return float(options.get(name, "").strip() or default)


def _with_the_table(given: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Options by their names as they were written and in lower case; that of the table by the one name. An empty one
    names none."""
    for spelling, value in given:
        if spelling.lower() not in _names_of_the_table():
            yield spelling, spelling.lower(), value
        elif value:
            yield spelling, TABLE, value


def once(given: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Values by the names of their options, given with the names as they were written. An option has one value."""
    values: dict[str, str] = {}
    written: dict[str, str] = {}
    for spelling, name, value in given:
        if values.get(name, value) != value:
            # The values are not quoted: one of them may be a secret.
            raise OptionError(
                f"options {written[name]} and {spelling} are one option with two values: give one of them",
                option=spelling,
            )
        values[name], written[name] = value, spelling
    return values


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, PathLike) and name.lower().endswith(_PLACE) and isinstance(path := fspath(value), str):
        return path
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple | dict):
        # As it is: an escape would hide that a text is no valid Unicode.
        return json.dumps(value, ensure_ascii=False)
    # The type, never the value: it might be a secret in some wrapper.
    raise OptionError(
        f"option {name} is a {type(value).__name__}: give a string, number, boolean, list or dict of these",
        option=name,
    )

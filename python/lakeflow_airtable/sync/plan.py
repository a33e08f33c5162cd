"""What `sync` was given, as entries that its format can have. Nothing is written before all of it is known."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import NotFoundError
from ..options import Options
from ..specification import given as specification
from ..specification.spec import Entry
from ..specification.tables import LibraryTables
from .targets import check_apart, check_entry


def entries_of(
    spec: object, connection: Options, given: Mapping[str, object], format: str, tables: LibraryTables
) -> tuple[list[Entry], dict[str, NotFoundError]]:
    """The tables of a specification with their plans, and of those that are not there why, by their places.

    Raises all else that is wrong with it at once, and also what is not there where that is everything.
    """
    missing: dict[str, NotFoundError] = {}
    entries = specification.entries_of(
        spec, connection, given, tables, lambda entry: check_entry(entry, format), missing
    )
    check_apart(entries, format)
    return entries, missing

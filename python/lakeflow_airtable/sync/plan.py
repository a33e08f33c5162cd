"""What `sync` was given, as entries that its format can have. Nothing is written before all of it is known."""

from __future__ import annotations

from collections.abc import Mapping

from ..options import Options
from ..specification import given as specification
from ..specification.spec import Entry
from ..specification.tables import LibraryTables
from .targets import check_apart, check_entry


def entries_of(
    spec: object, connection: Options, given: Mapping[str, object], format: str, tables: LibraryTables
) -> list[Entry]:
    """The tables of a specification, with their plans. Raises all that is wrong with it at once."""
    entries = specification.entries_of(spec, connection, given, tables, lambda entry: check_entry(entry, format))
    check_apart(entries, format)
    return entries

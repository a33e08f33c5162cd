"""Names of files for tables, which may be called anything: no directory, no device, no two alike on any disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..specification.names import digest, file_name, identifier


def files(tables: Sequence[tuple[str, str]], ending: str) -> list[str]:
    """A file's name for each table, given by id and name: `Sales Orders (EU)` is `sales_orders_eu.csv`.

    Names are small letters, digits and underscores of ASCII, so that they differ on every disk. Of tables whose names
    would be equal each has the digest of its id in it, on every run the same.
    """
    short = [file_name(identifier(name)) for _, name in tables]
    count = Counter(short)
    return [
        f"{name}_{digest(table)}.{ending}" if count[name] > 1 else f"{name}.{ending}"
        for name, (table, _) in zip(short, tables, strict=True)
    ]

"""Copies that `sync` has made, as rows, and how they compare with what the base holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]

FORMATS = ("delta", "duckdb", "iceberg", "parquet")
OWN = ("_changed_at", "_deleted", "__START_AT", "__END_AT")


def target(format: str, directory: Path) -> dict[str, Any]:
    """Where copies of this format go in a directory: the arguments of `sync`."""
    how: dict[str, Any] = {"format": format, "to": str(directory)}
    if format == "duckdb":
        how["to"] = str(directory / "copies.duckdb")
    if format == "iceberg":
        how |= {"to": "lake.copies", "storage_options": catalog(directory)}
    return how


def catalog(directory: Path) -> dict[str, str]:
    """A catalog of Iceberg tables in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    return {"type": "sql", "uri": f"sqlite:///{directory}/catalog.db", "warehouse": f"file://{directory}/warehouse"}


def table(format: str, directory: Path, name: str) -> pa.Table:
    """A copy as it is now."""
    if format == "delta":
        from deltalake import DeltaTable

        return DeltaTable(directory / name).to_pyarrow_table()
    if format == "duckdb":
        import duckdb

        with duckdb.connect(directory / "copies.duckdb", read_only=True) as database:
            return database.sql(f'SELECT * FROM "{name}"').to_arrow_table()
    if format == "iceberg":
        from pyiceberg.catalog import load_catalog

        return load_catalog("lake", **catalog(directory)).load_table(("copies", name)).scan().to_arrow()
    return pq.ParquetFile(directory / f"{name}.parquet").read()


def rows(format: str, directory: Path, name: str) -> list[Row]:
    return [plain(row) for row in table(format, directory, name).to_pylist()]


def plain(value: Any) -> Any:
    """The same value whatever format it came from: moments in one time zone."""
    if isinstance(value, dict):
        return {name: plain(cell) for name, cell in value.items()}
    if isinstance(value, list):
        return [plain(cell) for cell in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc)
    return value


def base_rows(options: dict[str, str], name: str, **read: Any) -> dict[str, Row]:
    """What the base holds, by id."""
    from lakeflow_airtable import Airtable

    found = [plain(row) for row in pa.table(Airtable(**options).read(name, **read)).to_pylist()]
    return {row["id"]: row for row in found}


def assert_equal(copied: Iterable[Row], base: dict[str, Row], leave_out: Collection[str] = ()) -> None:
    """Each record of the base once, with its cells, and no other."""
    copied = list(copied)
    times = Counter(row["id"] for row in copied)
    more = {record: number for record, number in times.items() if number != 1}
    assert not more, f"there more than once: {more}"
    ours = {row["id"]: row for row in copied}
    assert not base.keys() - ours.keys(), f"missing: {sorted(base.keys() - ours.keys())[:5]}"
    assert not ours.keys() - base.keys(), f"surplus: {sorted(ours.keys() - base.keys())[:5]}"
    for record, cells in base.items():
        there = {name: value for name, value in ours[record].items() if name not in OWN}
        assert there.keys() == cells.keys()
        # As text, where a NaN is equal to a NaN.
        wrong = [name for name in cells if name not in leave_out and repr(there[name]) != repr(cells[name])]
        told = {name: (there[name], cells[name]) for name in wrong}
        assert not wrong, f"{record} differs, in the copy and in the base: {told}"


def current(versions: Iterable[Row]) -> list[Row]:
    return [row for row in versions if row["__END_AT"] is None]


def assert_history(versions: Iterable[Row]) -> int:
    """Versions of a record follow one another, and only the last has no end. Gives how many there are in all."""
    of_each: dict[str, list[Row]] = defaultdict(list)
    for row in versions:
        of_each[row["id"]].append(row)
    for record, history in of_each.items():
        history.sort(key=lambda row: row["__START_AT"])
        for row, following in pairwise(history):
            assert row["__END_AT"] is not None, f"{record}: two versions at once: {history}"
            assert row["__START_AT"] < row["__END_AT"] <= following["__START_AT"], f"{record}: {history}"
    return sum(map(len, of_each.values()))

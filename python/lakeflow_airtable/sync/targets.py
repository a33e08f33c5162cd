"""Where the copies of a run go: one for each entry, by the run's format."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import OptionError
from ..specification.names import file_name
from ..specification.spec import Entry
from ..specification.upkeep import Upkeep, upkeep
from .duckdb import OFFSETS
from .target import Copy

FORMATS = ("delta", "iceberg", "duckdb", "parquet")


def check_format(format: str, to: object) -> str:
    """The address, where format and address can be; what they cannot be is said before Airtable is asked."""
    if format not in FORMATS:
        from .._native import nearest_names

        near = nearest_names(str(format), list(FORMATS))
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FORMATS)}"
        raise OptionError(f"format is {format!r}: {hint}")
    address = str(to) if isinstance(to, str | Path) else ""
    if not address.strip() or "\0" in address:
        raise OptionError(f"to is {to!r}: give {_WANTED[format]}")
    if format != "delta" and "://" in address:
        raise OptionError(f"to is {address!r}, and {format} takes {_WANTED[format]}")
    if format != "iceberg" and "://" not in address:
        try:
            _check_path(Path(address), address, format)
        except OSError as error:  # a directory on the way that may not be entered, a name that is too long
            raise OptionError(
                f"to is {address!r}, which cannot be looked at: {error.strerror}: give another place, or the right"
            ) from error
    return address


def _check_path(path: Path, address: str, format: str) -> None:
    """What a place on this machine cannot be: found out before Airtable is asked."""
    is_file = format == "duckdb"
    if path.exists() and not (path.is_file() if is_file else path.is_dir()):
        there = "a directory" if path.is_dir() else "a file" if path.is_file() else "neither a file nor a directory"
        raise OptionError(f"to is {address!r}, which is {there}, and {format} takes {_WANTED[format]}")
    # What is there already, or the directory in which it is to be made.
    nearest = next((place for place in (path, *path.parents) if place.exists()), path)
    if nearest != path and not nearest.is_dir():
        raise OptionError(f"to is {address!r}, and {nearest} is no directory: give another place")
    if not os.access(nearest, os.W_OK):
        raise OptionError(f"to is {address!r}, and {nearest} cannot be written to: give another place, or the right")
    _check_outside(path.parent if is_file else path, address)


def _check_outside(directory: Path, what: str) -> None:
    """Raises where a directory lies within a Delta table: a VACUUM of that table removes what is not its own."""
    for place in (directory, *directory.parents):
        if (place / "_delta_log").is_dir():
            raise OptionError(
                f"{what!r} is within {place}, a Delta table, whose VACUUM removes the files of others: "
                "give a directory outside"
            )


def check_apart(entries: Sequence[Entry], format: str) -> None:
    """Raises where the directory of one copy would be within that of another: see `_check_outside`."""
    if format != "delta":
        return
    places = {tuple(file_name(part).lower() for part in entry.destination): entry for entry in entries}
    for place, entry in places.items():
        outer = next((places[place[:length]] for length in range(1, len(place)) if place[:length] in places), None)
        if outer is not None:
            raise OptionError(
                f"{entry.where} writes to {'/'.join(place)}, within the copy of {outer.where}, whose VACUUM removes "
                "the files of others: give one of them another destination_table or destination_schema"
            )


_WANTED = {
    "delta": "a directory, or an address such as s3://bucket/folder",
    "iceberg": "a catalog's name and a namespace, such as lake.airtable",
    "duckdb": "the name of a file",
    "parquet": "a directory",
}


def check_entry(entry: Entry, format: str) -> None:
    """Raises what an entry asks of a format and cannot have."""
    kept = upkeep(entry)
    if entry.scd_type == "SCD_TYPE_2" and kept is Upkeep.SNAPSHOT:
        raise OptionError(
            "SCD_TYPE_2 of snapshots is for AUTO CDC of Databricks: set ingestion_type to cdc or cdc_with_deletes"
        )
    if format == "parquet" and kept is not Upkeep.SNAPSHOT:
        raise OptionError(
            f"parquet holds snapshots only, and ingestion_type is {entry.ingestion_type}: leave it out, or take delta, "
            "iceberg or duckdb"
        )
    if format in ("duckdb", "iceberg") and entry.catalog is not None:
        raise OptionError(f"destination_catalog is not for {format}, where `to` names the catalog: leave it out")
    if format == "duckdb" and entry.destination[-1].lower() == OFFSETS:
        raise OptionError(f"{OFFSETS} is where sync keeps how far copies have come: give another destination_table")
    if format == "iceberg" and len(entry.primary_keys or ()) > 1:
        raise OptionError("primary_keys can only be one column with iceberg: give one, or take delta or duckdb")
    if format == "iceberg" and kept is Upkeep.APPEND and entry.ingestion_type in ("cdc", "cdc_with_deletes"):
        raise OptionError("APPEND_ONLY would need a column _deleted, a name that Iceberg keeps for itself: take delta")


def copy_of(entry: Entry, format: str, address: str, storage_options: Mapping[str, str] | None) -> Copy:
    """The copy of one entry's table. Nothing is opened yet."""
    parts = [file_name(part) for part in entry.destination]
    if format == "delta":
        from .delta import DeltaCopy

        if "://" in address:
            return DeltaCopy("/".join([address.rstrip("/"), *parts]), storage_options)
        _check_outside(Path(address, *parts[:-1]), str(Path(address, *parts)))
        return DeltaCopy(str(Path(address, *parts)), storage_options)
    if format == "parquet":
        from .parquet import ParquetCopy

        _check_outside(Path(address, *parts[:-1]), str(Path(address, *parts)))
        return ParquetCopy(str(Path(address, *parts[:-1], f"{parts[-1]}.parquet")))
    if format == "duckdb":
        from .duckdb import DuckDBCopy

        return DuckDBCopy(address, entry.schema, entry.destination[-1])
    from .iceberg import IcebergCopy

    return IcebergCopy(address, entry.schema, entry.destination[-1], storage_options)

"""Where the copies of a run go: one for each entry, by the run's format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import OptionError
from ..specification.names import file_name
from ..specification.spec import Entry
from ..specification.upkeep import Upkeep, upkeep
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
    path = Path(address)
    if format == "duckdb" and path.is_dir():
        raise OptionError(f"to is {address!r}, which is a directory, and duckdb takes {_WANTED[format]}")
    if format in ("delta", "parquet") and "://" not in address and path.exists() and not path.is_dir():
        raise OptionError(f"to is {address!r}, which is a file, and {format} takes {_WANTED[format]}")
    return address


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
    if format == "iceberg" and len(entry.primary_keys or ()) > 1:
        raise OptionError("primary_keys can only be one column with iceberg: give one, or take delta or duckdb")
    if format == "iceberg" and kept is Upkeep.APPEND and entry.ingestion_type != "append":
        raise OptionError("APPEND_ONLY would need a column _deleted, a name that Iceberg keeps for itself: take delta")


def copy_of(entry: Entry, format: str, address: str, storage_options: Mapping[str, str] | None) -> Copy:
    """The copy of one entry's table. Nothing is opened yet."""
    parts = [file_name(part) for part in entry.destination]
    if format == "delta":
        from .delta import DeltaCopy

        if "://" in address:
            return DeltaCopy("/".join([address.rstrip("/"), *parts]), storage_options)
        return DeltaCopy(str(Path(address, *parts)), storage_options)
    if format == "parquet":
        from .parquet import ParquetCopy

        return ParquetCopy(str(Path(address, *parts[:-1], f"{parts[-1]}.parquet")))
    if format == "duckdb":
        from .duckdb import DuckDBCopy

        return DuckDBCopy(address, entry.schema, entry.destination[-1])
    from .iceberg import IcebergCopy

    return IcebergCopy(address, entry.schema, entry.destination[-1], storage_options)

"""How an entry is kept up to date: what its ingestion type and its scd_type mean together, whoever carries it out."""

from __future__ import annotations

from enum import Enum

from ..errors import OptionError
from .spec import Entry
from .tables import CURSOR, PRIMARY_KEYS

LOG = "change_log"
"""The ingestion type of a log of changes. What such a copy holds is nowhere else: it is never loaded anew."""


class Upkeep(Enum):
    """What becomes of a copy when its table is read again."""

    SNAPSHOT = "snapshot"
    """The whole is replaced."""

    CHANGES = "changes"
    """What has changed is merged by key."""

    APPEND = "append"
    """What is new is added."""


def upkeep(entry: Entry) -> Upkeep:
    """How an entry is kept. Raises OptionError where its settings contradict one another, and says what can be."""
    kind = entry.ingestion_type
    if kind != "snapshot" and entry.options.get("max_records"):
        raise OptionError(
            f"max_records would leave changes out of a stream of {kind}: leave it out; max_records_per_batch "
            "bounds its batches"
        )
    if kind in ("cdc", "cdc_with_deletes") and entry.scd_type != "APPEND_ONLY":
        _check_keys(entry)
        return Upkeep.CHANGES
    if entry.sequence_by is not None:
        raise OptionError("sequence_by has an effect on changes only: leave it out, or set ingestion_type to cdc")
    if kind == "snapshot":
        if entry.scd_type == "APPEND_ONLY":
            raise OptionError(
                "APPEND_ONLY needs a stream: set ingestion_type to append, cdc, cdc_with_deletes or change_log"
            )
        return Upkeep.SNAPSHOT
    if kind == LOG and entry.scd_type not in (None, "APPEND_ONLY"):
        raise OptionError(
            f"{entry.scd_type} keeps the records of a table, and change_log is a log to which rows are appended: leave "
            "scd_type out, or set ingestion_type to cdc or cdc_with_deletes"
        )
    if entry.scd_type == "SCD_TYPE_2":
        raise OptionError(
            f"SCD_TYPE_2 keeps the versions of a record, and {kind} gives each record once: set ingestion_type to "
            "cdc or cdc_with_deletes"
        )
    return Upkeep.APPEND


def _check_keys(entry: Entry) -> None:
    if entry.ingestion_type != "cdc_with_deletes":
        return
    if entry.primary_keys not in (None, PRIMARY_KEYS):
        raise OptionError("primary_keys can only be id with cdc_with_deletes: of a deleted record no more is known")
    if entry.sequence_by not in (None, CURSOR):
        raise OptionError(
            f"sequence_by can only be {CURSOR} with cdc_with_deletes: of a deleted record no more is known"
        )

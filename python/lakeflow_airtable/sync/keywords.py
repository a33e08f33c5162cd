"""The keywords of `Airtable.sync` with types, for type checkers and editors: the options of a read, and what is said of
copies."""

from __future__ import annotations

from typing import Literal

from ..keywords import ChangeKeywords


class SyncKeywords(ChangeKeywords, total=False):
    """What `sync` takes for all entries that do not say it themselves."""

    scd_type: Literal["SCD_TYPE_1", "SCD_TYPE_2", "APPEND_ONLY"] | None
    """Whether changes replace rows, keep their versions, or are only appended. Default: `SCD_TYPE_1`."""

    primary_keys: list[str] | tuple[str, ...] | None
    """The columns that name a row. Default: `id`."""

    sequence_by: str | None
    """The column that orders the changes of a row. Default: `_changed_at`."""

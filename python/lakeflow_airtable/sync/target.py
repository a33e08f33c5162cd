"""What a copy is to `sync`, whatever its format: something found, and written in commits that hold how far it has come.

Each format is a file of its own that has a class of these methods. A commit holds the rows and the `Progress` together,
or nothing at all. What is written is refused with `Conflict` where another run has written since `find`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import AirtableError, OptionError
from ..shown import scrubbed

if TYPE_CHECKING:
    import pyarrow as pa

START, END = "__START_AT", "__END_AT"
"""From when to when a version of a record counts, the end not included. Of the current version there is no end."""


@scrubbed
@dataclass(frozen=True)
class Progress:
    """As what a copy is kept, and how far it has come. In the copy it is a JSON text."""

    base: str
    table: str
    """The ids of what is copied."""
    mode: str
    """The ingestion type."""
    scd: str
    """`1`, `2`, or empty where rows are not merged."""
    keys: tuple[str, ...] = ()
    sequence_by: str = ""
    records: str = ""
    """Which of the table's records, as the digest of view and formula. Empty of all records, and of a snapshot."""
    offset: str = ""
    """Up to where changes have been read, as the stream writes it. Empty of a snapshot."""

    VERSION = 1

    def to_text(self) -> str:
        named = {name: value for name, value in self.__dict__.items() if value}
        return json.dumps({"version": self.VERSION, **named}, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str, where: str) -> Progress:
        try:
            known = json.loads(text)
            version = known.pop("version")
            if version == cls.VERSION:
                return cls(**{**known, "keys": tuple(known.get("keys", ())), "scd": known.get("scd", "")})
        except (ValueError, TypeError, KeyError, AttributeError):
            version = None
        if isinstance(version, int) and version > cls.VERSION:
            raise OptionError(f"{where} was written by a newer version of this package: update it here, too")
        raise OptionError(
            f"{where} does not say how far it has come: it holds {text[:60]!r}; remove it, or give another destination"
        )


@scrubbed
@dataclass(frozen=True)
class Found:
    """What is there before a run."""

    schema: pa.Schema
    progress: Progress | None
    """None where a table is there that `sync` did not write."""


@scrubbed
@dataclass(frozen=True)
class Counts:
    """What a commit has done to the rows of a copy."""

    changed: int = 0
    deleted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.changed + other.changed, self.deleted + other.deleted)


@scrubbed
@dataclass(frozen=True)
class Merging:
    """How changes find their rows."""

    keys: tuple[str, ...]
    sequence_by: str
    deletes: str | None
    """The column that tells a deleted record, where changes have one. It is no column of the copy."""
    read_until: str | None = None
    """The column that tells up to when a record was read, where it tells no edit. A row that differs in nothing else
    was read again, and is equal."""

    def compared(self, names: Iterable[str]) -> list[str]:
        """The columns, of those of the changes, in which a row has to differ to count as another."""
        return [name for name in names if name not in (*self.keys, self.deletes, self.read_until)]


class Conflict(Exception):
    """Somebody else has written since the copy was looked at. Nothing was written here."""


class Copy(Protocol):
    """One table's copy. A schema that is given has all columns of the copy, old and new."""

    name: str
    """Where it is, as the report shows it."""
    comment: str | None
    """What is written beside the table where it is made, in formats that have a place for that."""

    def find(self) -> Found | None:
        """What is there now; None where nothing is."""

    def replace(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        """Rows in place of all that is there, in one commit. Makes the copy where there is none."""

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress) -> None:
        """Rows beside those that are there, in one commit."""

    def merge(self, changes: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress) -> Counts:
        """Changes in place of older rows with their keys, in one commit. Each key is there once.

        Rows that are equal stay, and do not count."""

    def versions(self, changes: pa.Table, merging: Merging) -> pa.Table:
        """The versions that the copy has of the keys of these changes."""

    def merge_versions(
        self, ended: pa.Table, begun: pa.Table, schema: pa.Schema, merging: Merging, progress: Progress
    ) -> None:
        """Versions that end, by key and start, and versions that begin, in one commit."""

    def close(self) -> None:
        """Lets go of files and connections."""


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def one_line(error: BaseException) -> str:
    """What another library says, in one line, without colours and frames."""
    from .._native import scrub

    text = _COLOURS.sub("", str(error)) or type(error).__name__
    text = text.partition("Traceback (most recent call last)")[0]
    text = " ".join(text.replace("\u21b3", " ").split())
    return text if isinstance(error, AirtableError) else scrub(text)


def missing(module: str, error: ImportError) -> ModuleNotFoundError:
    """What to install, where a format's library is not there."""
    return ModuleNotFoundError(
        f"sync needs the package {module}: pip install 'lakeflow-airtable[sync]'", name=error.name or module
    )


def without(schema: pa.Schema, columns: Iterable[str]) -> pa.Schema:
    """A schema that lacks some columns."""
    import pyarrow as pa

    left_out = set(columns)
    return pa.schema([field for field in schema if field.name not in left_out])


def empty(schema: pa.Schema) -> Any:
    return schema.empty_table()

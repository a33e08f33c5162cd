"""The formats of files: by name, by the ending of a file's name, and what a format needs of the read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import OptionError

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Format: TypeAlias = Literal["jsonl", "csv", "arrow", "parquet"]

FORMATS: tuple[Format, ...] = ("jsonl", "csv", "arrow", "parquet")
TEXTS: tuple[Format, ...] = ("jsonl", "csv")
"""Those that a terminal shows."""

COMPRESSIONS = ("zstd", "snappy", "gzip", "none")

_ENDINGS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".parquet": "parquet",
}


def is_of_file(name: str) -> bool:
    """Whether a name ends as a file's of one of the formats does."""
    return os.path.splitext(name)[1].lower() in _ENDINGS


def format_of(name: str) -> Format:
    """The format that a file's name tells."""
    ending = os.path.splitext(name)[1].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if ending == ".json":
        hint = "JSON comes as lines, one object a row: name it *.jsonl, or give --format jsonl"
    else:
        hint = f"name it {', '.join('*.' + name for name in FORMATS)}, or give --format"
    raise OptionError(f"cannot tell the format of {name}: {hint}")


def check(name: str, compression: str | None, row_group_size: int | None) -> None:
    """Raises what a format does not take."""
    from .._native import check_format

    check_format(name, compression, row_group_size)


def forced(name: str) -> dict[str, object]:
    """The options that a format needs: CSV has no place for lists and structs."""
    return {"nested": "json"} if name == "csv" else {}

"""The formats of files: by name, by the ending of a file's name, and what a format needs of the read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import OptionError

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Format: TypeAlias = Literal["jsonl", "csv", "arrow", "parquet"]

FORMATS: tuple[Format, ...] = ("jsonl", "csv", "arrow", "parquet")
TEXTS: tuple[Format, ...] = ("jsonl", "csv")
"""Those that a terminal shows."""

# Messages name these as arguments of Python's.
_NAMED = re.compile(r'\b(format|compression|row_group_size)\b(?:="?(-?\w*)"?)?')

COMPRESSIONS = ("zstd", "snappy", "gzip", "none")


def _flag(found: re.Match[str]) -> str:
    return " ".join(filter(None, ["--" + found[1].replace("_", "-"), found[2]]))


def is_of_file(name: str) -> bool:
    """Whether a name ends as a file's of one of the formats does."""
    from .._native import format_of_file

    return format_of_file(name) is not None


def format_of(name: str) -> Format:
    """The format that a file's name tells."""
    from .._native import format_of_file

    if (told := format_of_file(name)) is not None:
        return told
    if name.lower().endswith(".json"):
        hint = "JSON comes as lines, one object a row: name it *.jsonl, or give --format jsonl"
    else:
        hint = f"name it {', '.join('*.' + name for name in FORMATS)}, or give --format"
    raise OptionError(f"cannot tell the format of {name}: {hint}")


def check(name: str, compression: str | None, row_group_size: int | None) -> None:
    """Raises what a format does not take."""
    from .._native import check_format

    try:
        check_format(name, compression, row_group_size)
    except OptionError as error:
        raise OptionError(_NAMED.sub(_flag, str(error))) from None


def forced(name: str) -> dict[str, object]:
    """The options that a format needs: CSV has no place for lists and structs."""
    return {"nested": "json"} if name == "csv" else {}

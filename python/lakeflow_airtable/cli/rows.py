"""Rows on their way to a place: what `read` and `changes` do alike."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..shown import scrubbed
from . import formats
from .output import Descriptor
from .progress import Progress

if TYPE_CHECKING:
    from typing import Literal

    from .._native import Batches
    from .console import Console
    from .formats import Format
    from .output import Place


@scrubbed
@dataclass(frozen=True)
class Form:
    """What a file is to be."""

    format: Format
    compression: Literal["zstd", "snappy", "gzip", "none"] | None
    row_group_size: int | None


def add_form(command: ArgumentParser) -> None:
    """The flags that say what a file is to be."""
    command.add_argument(
        "--format", choices=formats.FORMATS, help="default: what the file's name ends with; jsonl on stdout"
    )
    command.add_argument(
        "--compression", choices=formats.COMPRESSIONS, help="default: zstd for parquet, none for the others"
    )
    command.add_argument("--row-group-size", metavar="ROWS", type=int, help="rows of a row group of parquet")


def form_of(parsed: Namespace, name: str | None) -> Form:
    """The form for a file of this name; None stands for what has none."""
    chosen: Format = parsed.format or ("jsonl" if name is None else formats.format_of(name))
    formats.check(chosen, parsed.compression, parsed.row_group_size)
    return Form(chosen, parsed.compression, parsed.row_group_size)


def check_place(form: Form, where: Place) -> None:
    """Raises where a format's bytes would go to a terminal, which takes them for its own commands."""
    if isinstance(where, Descriptor) and form.format not in formats.TEXTS and os.isatty(where.number):
        raise OptionError(
            f"--format {form.format} is no text, and {where.shown} is a terminal: give --output FILE, or pipe it"
        )


def write(batches: Batches, table: str, form: Form, where: Place, console: Console) -> int:
    """Writes all rows, tells how far it is, and gives their number."""
    # Rows that go by on the same terminal are progress enough.
    is_seen = isinstance(where, Descriptor) and os.isatty(where.number)
    with Progress(console, table, batches, is_live=not is_seen), batches, where.opened() as descriptor:
        return batches.write(descriptor, form.format, compression=form.compression, row_group_size=form.row_group_size)

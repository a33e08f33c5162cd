"""A text in the commit of a Delta table, in a form that outlives the commit's own file.

A commit's metadata are gone once the log is cleaned up, and another writer's commits may do that long before the next
run. What checkpoints keep for ever is the version of each application, a whole number. So the text stands in such
numbers, seven bytes in each. The names are the same in every commit, so they do not become more. The number of the
first is that of the commit among ours; Delta refuses a commit where another one has written the same names since.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

APP = "lakeflow_airtable"
_BYTES = f"{APP}.bytes"
_PART = 7

# What the texts have in common. Never to be changed: texts that were written with it are read with it.
_KNOWN = (
    b'"changed_from":"known_until":"known_next":"unread":{"webhook":"ach","next":,"at":"2026-01-01T00:00:00.000000Z"'
    b'"since":"20","after":"rec","until":"2026-01-01T00:00:00.000Z""fields":{"all":"some":"mode":"deletes""append"'
    b'{"version":1,"base":"app","table":"tbl","mode":"cdc_with_deletes","scd":"1","keys":["id"],'
    b'"sequence_by":"_changed_at","offset":"{\\"version\\":2,\\"base\\":\\"app\\",\\"table\\":\\"tbl\\",'
    b'\\"mode\\":\\"cdc\\",\\"until\\":\\"2026-'
)


def numbers_of(text: str, commit: int) -> dict[str, int]:
    """The numbers that hold a text, by the names of their applications."""
    squeeze = zlib.compressobj(9, zdict=_KNOWN)
    data = squeeze.compress(text.encode()) + squeeze.flush()
    parts = [data[at : at + _PART] for at in range(0, len(data), _PART)]
    numbers = {f"{APP}.{number}": int.from_bytes(part, "big") for number, part in enumerate(parts)}
    return {APP: commit, _BYTES: len(data), **numbers}


def commit_of(number: Callable[[str], int | None]) -> int | None:
    """How many commits are ours; None in a table without any."""
    return number(APP)


def text_of(number: Callable[[str], int | None]) -> str | None:
    """The text of the last commit of ours."""
    length = number(_BYTES)
    if length is None:
        return None
    data = b""
    for at in range(0, length, _PART):
        part = number(f"{APP}.{at // _PART}")
        if part is None:
            return None
        data += part.to_bytes(min(_PART, length - at), "big")
    return zlib.decompressobj(zdict=_KNOWN).decompress(data).decode()

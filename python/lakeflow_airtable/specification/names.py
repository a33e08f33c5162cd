"""Names in a pipeline: what a table is called by default, how a name is written, what its view is called.

Airtable's names may hold anything. A default name is ASCII letters, digits and underscores only, which every catalog
takes: Spark's own refuses letters beyond these even between back-quotes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

_MARKS = re.compile("[\u0300-\u036f]")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# What begins with a dot or an underscore is hidden from readers of lakes.
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?", re.ASCII)
# Names that Windows takes for devices, with any ending.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}

LONGEST = 100
"""Of a default name. Hive's metastore takes 128 characters, and a suffix may follow."""

LONGEST_GIVEN = 255
"""Of a name that is given. Unity Catalog takes no longer one."""


def identifier(name: str) -> str:
    """A table's default name: `SKU Code (#)` is `sku_code_num`, as a column would be.

    Accents are dropped. Where letters of other scripts are, too, or the end of a long name, the digest of the whole
    name stands for them, so that the same name gives the same identifier on every run and in every pipeline.
    """
    from .._native import snake_name

    folded = _MARKS.sub("", unicodedata.normalize("NFKD", name.casefold()))
    # Capitals are left of letters such as the script L, which have no small form before they are taken apart. Tables
    # that were written without them keep their names.
    short = re.sub(r"[^a-z0-9]+", "_", snake_name(re.sub("[A-Z]", " ", folded))).strip("_")
    is_whole = all(character.isascii() or not character.isalnum() for character in folded)
    if is_whole and short and len(short) <= LONGEST:
        return short
    return f"{short[:LONGEST].strip('_') or 'table'}_{digest(name)}"


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """The default names of several tables of one base. Of those that would be equal each gets its digest."""
    chosen = {name: identifier(name) for name in names}
    count = Counter(chosen.values())
    return {name: f"{short}_{digest(name)}" if count[short] > 1 else short for name, short in chosen.items()}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def file_name(name: str) -> str:
    """A name as a folder or file may have it, on any disk and in any object store.

    Names of ASCII letters, digits, `_`, `-` and inner dots stay as they are. Of others a digest is part, so that two of
    them are two files. Whether two names differ in capitals alone is for `planned` to see.
    """
    if _SAFE.fullmatch(name) and len(name) <= LONGEST and name.partition(".")[0].lower() not in _DEVICES:
        return name
    short = re.sub(r"[^A-Za-z0-9_]+", "_", _MARKS.sub("", unicodedata.normalize("NFKD", name))).strip("_")
    return f"{short[:LONGEST].strip('_') or 'table'}_{digest(name)}"


def quoted(parts: Sequence[str]) -> str:
    """A name of one to three parts as Spark reads it."""
    return ".".join(part if _PLAIN.fullmatch(part) else "`" + part.replace("`", "``") + "`" for part in parts)


def view_name(destination: Sequence[str], kind: str) -> str:
    """The view that feeds a table. It depends on that table alone, so that no other entry can rename it."""
    return f"source_{_plain(destination)}_{kind}"


def format_name(destination: Sequence[str]) -> str:
    """The data source that is registered for a table, in place of the one of the run before."""
    return f"airtable_to_{_plain(destination)}"


def _plain(destination: Sequence[str]) -> str:
    whole = ".".join(destination).lower()
    short = re.sub(r"[^a-z0-9]+", "_", whole)
    # With what stands before and behind it, a name is to stay within what catalogs take.
    return short if short == whole and len(short) <= 2 * LONGEST else f"{short[:LONGEST]}_{digest(whole)}"

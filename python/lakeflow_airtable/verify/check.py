"""A verification from its begin to its end: the copy is read first, and then the table, so that the table is newer.

By ids and times a read asks for one field of each record at most: what Airtable knows of it besides, its id and when it
was made, comes with every record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..options import Options
from ..shown import scrubbed
from ..specification.tables import CURSOR, DELETED
from ..sync.target import END, START
from . import cells as cell_numbers
from .compare import Comparison
from .copies import Copy, find
from .report import Verification

if TYPE_CHECKING:
    import pyarrow as pa

    from .._native import Scan

CREATED = "createdTime"
BASE = "_base_id"

_OF_THE_COPY = (CURSOR, DELETED, START, END)
_WITH_ADDRESSES = ("multipleAttachments", "multipleLookupValues")


@scrubbed
@dataclass(frozen=True)
class _Compared:
    """Columns that are set against one another, by the names of both sides."""

    key: tuple[str, str]
    bases: tuple[str, str] | None
    """The columns of the bases, of which each has ids of its own; none where one base is read."""
    columns: tuple[tuple[str, str], ...]
    """What goes into a row's number."""
    base_times: tuple[str, ...]
    copy_times: tuple[str, ...]
    """When a row was changed: the latest of these."""
    json: frozenset[str]
    """The table's columns whose texts are nested cells with addresses."""

    @property
    def words(self) -> str:
        return "ids and times" if self.columns or self.base_times else "ids"


def verify(
    options: Options,
    table: str,
    target: object,
    *,
    cells: bool,
    key: str | None,
    format: str | None,
    spark: object | None,
    storage_options: Mapping[str, str] | None,
) -> Verification:
    """See `Airtable.verify`. The options are all of the read, those of the connection among them."""
    from .._native import Connector

    given = _as_read(options)
    copy = find(target, format=format, spark=spark, storage_options=storage_options)
    connector = Connector(given)
    whole = connector.plan(table, given)
    plan = json.loads(whole.to_json())
    key = key or _key(plan)
    there = {name.lower(): name for name in copy.columns}
    compared = _compared(whole, copy, there, key, cells=cells)
    comparison = Comparison()
    _read_copy(copy, there, compared, comparison)
    keys = [compared.key[0], *(compared.bases or ())[:1]]
    scan = _only(whole, [*keys, *(name for name, _ in compared.columns), *compared.base_times])
    with connector.read(scan, given) as batches:
        for batch in batches:
            _take_base(batch, compared, comparison)
        stats = getattr(batches, "stats", None)
    comparison.end()
    own = [column for column in whole.schema.names if column not in _OF_THE_COPY]
    return Verification(
        table=plan["table_name"],
        target=copy.name,
        compared="cells" if cells else compared.words,
        base_rows=comparison.base_rows,
        target_rows=comparison.target_rows,
        missing=comparison.missing.rows(),
        surplus=comparison.surplus.rows(),
        double=comparison.double.rows(),
        stale=comparison.stale.rows(),
        different=comparison.different.rows(),
        missing_columns=tuple(name for name in own if name.lower() not in there) if cells else (),
        surplus_columns=_surplus(copy.columns, own) if cells else (),
        requests=None if stats is None else stats.requests + 1,
    )


def _key(plan: Mapping[str, Any]) -> str:
    """What names a row, where nobody says it: the last of the keys, which differs wherever the others do."""
    from .._native import primary_keys

    return primary_keys(plan["table_id"], plan.get("part", "records"))[-1]


def _as_read(given: Options) -> Options:
    """The options of the read that a copy is set against. Nothing is stored by it."""
    by_name = {name.lower(): value for name, value in given.items()}
    part = by_name.get("part", "").strip().lower()
    if part in ("links", "attachments"):
        raise OptionError(f"verify compares rows by one key, and {part} have several: leave part out", option="part")
    if by_name.get("ingestion_type", "").strip().lower() == "change_log":
        raise OptionError(
            "verify sets the rows of a copy against the records of a table, and a log of changes has a row for each "
            "change: leave ingestion_type out, and verify a copy of the records",
            option="ingestion_type",
        )
    read = {name: value for name, value in given.items() if name.lower() != "attachment_location"}
    if by_name.get("attachments", "").strip().lower() == "download":
        read = {name: value for name, value in read.items() if name.lower() != "attachments"} | {
            "attachments": "stable"
        }
    return Options({**read, "ingestion_type": "snapshot"})


def _compared(scan: Scan, copy: Copy, there: Mapping[str, str], key: str, *, cells: bool) -> _Compared:
    own = {column.name: column for column in scan.schema}
    for place, known, wanted in (
        ("the table", list(own), key),
        (copy.name, list(copy.columns), there.get(key.lower())),
    ):
        if wanted not in known:
            from .._native import nearest_names

            near = ", ".join(nearest_names(key, known)[:3] or known[:20])
            raise OptionError(f"key is {key!r}, and {place} has no such column: there are {near}")
    # Ids of records are of one base. Another key is the user's own.
    bases = (BASE, there.get(BASE)) if key == "id" and own.get(BASE) and own[BASE].field_id is None else None
    if bases is not None and bases[1] is None:
        raise OptionError(f"{copy.name} has no column {BASE!r}: copy the table of several bases with it, or name a key")
    edited = [name for name, column in own.items() if column.field_type == "lastModifiedTime"]
    edited = [name for name in edited if own[name].type == "TIMESTAMP"]
    both = [name for name in edited if name.lower() in there]
    base_times, copy_times = both, [there[name.lower()] for name in both]
    if not both and CURSOR in there and edited:
        base_times, copy_times = edited, [there[CURSOR]]
    wanted_columns = own if cells else {CREATED: own.get(CREATED)}
    names = [
        name
        for name in wanted_columns
        if name not in (key, BASE if bases else None) and name in own and name not in _OF_THE_COPY
    ]
    return _Compared(
        key=(key, there[key.lower()]),
        bases=(bases[0], bases[1]) if bases and bases[1] else None,
        columns=tuple((name, there[name.lower()]) for name in names if name.lower() in there),
        base_times=tuple(base_times),
        copy_times=tuple(copy_times),
        json=frozenset(
            name for name, column in own.items() if column.field_type in _WITH_ADDRESSES and column.type == "STRING"
        ),
    )


def _read_copy(copy: Copy, there: Mapping[str, str], compared: _Compared, comparison: Comparison) -> None:
    """Takes in the rows that count: of a history the current versions, and none that tell of a deleted record."""
    end, deleted = there.get(END.lower()), there.get(DELETED)
    wanted = [
        compared.key[1],
        *(compared.bases or ())[1:],
        *(name for _, name in compared.columns),
        *compared.copy_times,
        end,
        deleted,
    ]
    is_json = {theirs for ours, theirs in compared.columns if ours in compared.json}
    for batch in copy.batches(list(dict.fromkeys(name for name in wanted if name is not None))):
        counts = _counting(batch, end, deleted)
        numbers = _numbers(batch, [name for _, name in compared.columns], is_json)
        keys, times = _keys(batch, compared, 1), _latest(batch, compared.copy_times)
        comparison.copied(compress(keys, counts), compress(times, counts), compress(numbers, counts))


def _take_base(batch: pa.RecordBatch, compared: _Compared, comparison: Comparison) -> None:
    numbers = _numbers(batch, [name for name, _ in compared.columns], compared.json)
    keys = ["NULL" if text is None else text for text in _keys(batch, compared, 0)]
    comparison.read(keys, _latest(batch, compared.base_times), numbers)


def _counting(batch: pa.RecordBatch, end: str | None, deleted: str | None) -> list[bool]:
    """Which rows count. Not left out by Arrow, which cannot filter every type that a library gives."""
    ended = [False] * len(batch) if end is None else [at is not None for at in cell_numbers.values(batch.column(end))]
    gone = [False] * len(batch) if deleted is None else batch.column(deleted).to_pylist()
    return [not (is_ended or is_gone) for is_ended, is_gone in zip(ended, gone, strict=True)]


def _numbers(rows: pa.RecordBatch, names: Sequence[str], is_json: frozenset[str] | set[str]) -> Iterator[int]:
    columns = (cell_numbers.values(rows.column(name), is_json=name in is_json) for name in names)
    return cell_numbers.numbers(columns, len(rows))


def _keys(rows: pa.RecordBatch, compared: _Compared, side: int) -> list[str | None]:
    """What names each row, of the base (side 0) or of the copy (1): the key, after its base where there are several."""
    keys = _texts(rows, compared.key[side])
    if compared.bases is None:
        return keys
    bases = _texts(rows, compared.bases[side])
    return [None if key is None else f"{base}/{key}" for base, key in zip(bases, keys, strict=True)]


def _texts(rows: pa.RecordBatch, key: str) -> list[str | None]:
    found = cell_numbers.values(rows.column(key))
    return [cell if cell is None or isinstance(cell, str) else str(cell) for cell in found]


def _latest(rows: pa.RecordBatch, names: Sequence[str]) -> list[int | None]:
    """The latest moment of each row, where it has one."""
    columns = [cell_numbers.micros(rows.column(name)) for name in names]
    return [max((at for at in row if at is not None), default=None) for row in zip(*columns, strict=True)] or [
        None for _ in range(len(rows))
    ]


def _only(scan: Scan, names: Sequence[str]) -> Scan:
    """The plan with these columns alone, in its own order."""
    schema = json.loads(scan.spark_schema())
    kept = [field for field in schema["fields"] if field["name"] in names]
    return scan.select(json.dumps({**schema, "fields": kept}))


def _surplus(columns: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    known = {name.lower() for name in (*own, *_OF_THE_COPY)}
    return tuple(name for name in columns if name.lower() not in known)

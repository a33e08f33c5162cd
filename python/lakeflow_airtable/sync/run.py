"""One table after the other: read from Airtable, and committed with the place up to which it was read.

Tables of one base share its budget of requests, which one read alone can use up; so they are synced one after the
other. One that fails leaves the others alone.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import AirtableError, DataError, NotFoundError, OptionError
from ..shown import scrubbed
from ..specification.names import digest
from ..specification.spec import Entry
from ..specification.tables import CURSOR, DELETED, excluded_columns, primary_keys
from ..specification.upkeep import LOG, Upkeep, upkeep
from . import history, shape
from .report import TableReport
from .target import END, START, Conflict, Copy, Counts, Found, Merging, Progress, without

if TYPE_CHECKING:
    import pyarrow as pa

    from .._native import Batches, Connector, Scan, Stream

MERGED_ROWS = 50_000
"""What a merge holds in memory at most, but for one batch of a read."""

PLAN_SECONDS = 600.0
"""How old the plan of a specification may be when its table is read by it."""

ATTEMPTS = 5
"""How often a table is begun again where others write into its copy at the same time."""

_NEW_CHECKPOINT = "start with a new checkpoint and an empty target"
"""What a stream that has lost its changes advises, in the words of Spark's streams."""

_NEW_LOG = "start with a new checkpoint, and the log goes on from then"
"""What a log of changes that has a gap advises likewise."""

_AS_PLANNED = ("planned anew", "start the read again")
"""What reads advise whose table is no longer as it was when the run began."""

_log = logging.getLogger("lakeflow_airtable")


@scrubbed
@dataclass(frozen=True)
class RunBegan:
    """When a run began. What Airtable has told since then about a base is shared by all of its tables.

    A table's run ends where its source was then or later, so everything is in it that was there when the run began.
    What came later may be left to the next run, as it may be wherever a run ends.
    """

    wall: float = field(default_factory=time.time)
    """In seconds since 1970, as other processes of the machine count."""
    monotonic: float = field(default_factory=time.monotonic)


def mode_of(entry: Entry) -> str:
    scd = _scd(entry)
    return f"{entry.ingestion_type} SCD {scd}" if scd else entry.ingestion_type


def _scd(entry: Entry) -> str:
    if upkeep(entry) is not Upkeep.CHANGES:
        return ""
    return "2" if entry.scd_type == "SCD_TYPE_2" else "1"


class TableSync:
    """One table on its way into its copy."""

    def __init__(
        self,
        entry: Entry,
        copy: Copy,
        connector: Connector,
        report: TableReport,
        *,
        is_refreshed: bool,
        run_began: RunBegan,
    ) -> None:
        self._entry = entry
        self._copy = copy
        self._connector = connector
        self._report = report
        self._kept = upkeep(entry)
        self._is_refreshed = is_refreshed
        self._run_began = run_began
        self._plans_anew = False
        self._committed = (0, 0, 0)
        self._read_until: str | None = None

    def run(self) -> None:
        """Syncs the table, and begins again from where the copy then is where somebody else wrote meanwhile."""
        before: Progress | None = None
        for attempt in range(ATTEMPTS):
            found = self._copy.find()
            progress = found.progress if found is not None else None
            if attempt and self._kept is Upkeep.SNAPSHOT and progress != before:
                break  # another run has just replaced it
            before = progress
            try:
                self._sync(found)
                return
            except (DataError, NotFoundError) as error:
                if not self._plans_anew and any(words in str(error) for words in _AS_PLANNED):
                    _log.info("%s: %s; planned anew", self._copy.name, error)
                    self._plans_anew = True
                    self._report.rows, self._report.changed, self._report.deleted = self._committed
                    continue
                if isinstance(error, NotFoundError) or not (said := _advised(str(error))):
                    raise
                raise DataError(said) from None
            except Conflict as conflict:
                self._report.rows, self._report.changed, self._report.deleted = self._committed
                _log.info("%s: %s; looked at again", self._copy.name, conflict)
        raise AirtableError(
            f"{self._copy.name} is written by another run at the same time: this one has left it to that one"
        )

    def _sync(self, found: Found | None) -> None:
        scan = self._planned(found)
        self._copy.comment = json.loads(scan.to_json()).get("description") if self._entry.part == "records" else None
        known = self._told(found, scan)
        if self._kept is Upkeep.SNAPSHOT:
            self._snapshot(scan, known)
            return
        now = self._columns(scan)
        if known is not None and not self._is_refreshed:
            shape.check(known.schema, now)
        self._read_until = None if self._tells_deletes or _tells_edits(scan) else CURSOR
        stream = self._connector.stream(scan, self._entry.read_options)
        stream.stop_at_latest(self._run_began.wall)
        self._changes(stream, scan, None if self._is_refreshed else known, now, replaces=found is not None)

    def _planned(self, found: Found | None) -> Scan:
        """The plan of the specification where it is young, else a new one.

        A field that is added between plan and read is in the next snapshot. Offsets of `cdc` say since when the table
        may have had others than the plan's, and the next run reads again from there. A change feed tells of a field
        that is added after its offset, and the table is planned anew. Its first load is planned as late as can be,
        because the feed never tells what came before it.
        """
        from .._native import Scan

        goes_on = found is not None and found.progress is not None and bool(found.progress.offset)
        is_told = self._entry.ingestion_type != "cdc_with_deletes" or (goes_on and not self._is_refreshed)
        is_young = time.monotonic() - self._run_began.monotonic < PLAN_SECONDS
        if self._entry.plan is not None and is_told and is_young and not self._plans_anew:
            return Scan.from_json(self._entry.plan)
        return self._connector.plan(self._entry.source_table, self._entry.read_options)

    def _told(self, found: Found | None, scan: Scan) -> Found | None:
        """What is there, where it is this table's copy. Notes what has changed in Airtable since."""
        if found is None:
            return None
        wanted = self._progress(scan)
        if found.progress is None:
            raise OptionError(f"{self._copy.name} is there, and sync did not write it: give another destination")
        if (found.progress.base, found.progress.table) != (wanted.base, wanted.table):
            raise OptionError(
                f"{self._copy.name} is the copy of table {found.progress.table} of base {found.progress.base}, "
                f"and not of {wanted.table} of {wanted.base}: give another destination"
            )
        is_other = replace(found.progress, offset="") != wanted
        # What a log holds is nowhere else, and no log is loaded.
        is_log = LOG in (found.progress.mode, wanted.mode)
        if is_other and (is_log or not self._is_refreshed):
            way_out = "give another destination" if is_log else "load it anew by refresh, or give another destination"
            raise OptionError(
                f"{self._copy.name} was kept as {_described(found.progress)}, and is to be kept as "
                f"{_described(wanted)}: {way_out}"
            )
        self._report.drift = shape.drift(found.schema, self._columns(scan))
        for change in self._report.drift:
            level = logging.WARNING if change.breaks else logging.INFO
            _log.log(level, "%s: since it was written, %s", self._copy.name, change)
        return found

    # Whole tables

    def _snapshot(self, scan: Scan, known: Found | None) -> None:
        now = self._columns(scan)
        schema = shape.evolved(None if self._is_refreshed else known and known.schema, now, self._keys, retype=True)
        with self._connector.read(scan, self._entry.read_options) as batches:
            rows = shape.conformed(self._counted(batches), schema)
            self._copy.replace(rows, schema, self._progress(scan))
        self._report.changed = self._report.rows

    # Changes

    def _changes(self, stream: Stream, scan: Scan, known: Found | None, now: pa.Schema, *, replaces: bool) -> None:
        """Range by range, each committed with its end."""
        start = known.progress.offset if known is not None and known.progress is not None else ""
        limit = self._entry.options.get("max_records_per_batch")
        most = int(limit) if limit else None
        begin = start or stream.initial_offset()
        schema = shape.evolved(known and known.schema, now, self._keys)
        is_first = not start
        while True:
            end, _ = stream.latest(begin, most)
            if end == begin and not is_first:
                return
            with self._connector.read(stream.scan(begin, end), self._entry.read_options) as batches:
                if is_first:
                    self._first(batches, schema, self._progress(scan, end), replaces=replaces)
                else:
                    self._next(batches, schema, self._progress(scan, begin), self._progress(scan, end))
            self._committed = (self._report.rows, self._report.changed, self._report.deleted)
            stream.commit(end)
            begin, is_first = end, False

    def _first(self, batches: Batches, schema: pa.Schema, progress: Progress, *, replaces: bool) -> None:
        """A copy that holds nothing yet takes the rows as they come."""
        rows = shape.conformed(self._begun(batches), schema)
        write = self._copy.replace if replaces else self._copy.append
        write(rows, schema, progress)

    def _begun(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.compute as pc

        for batch in self._counted(batches):
            rows = batch
            if self._kept is Upkeep.CHANGES:
                rows = rows.filter(pc.invert(rows.column(DELETED)))
            if self._is_history:
                rows = pa.RecordBatch.from_arrays(
                    [*rows.columns, rows.column(self._sequence_by), pa.nulls(len(rows), self._time(rows.schema))],
                    names=[*rows.schema.names, START, END],
                )
            self._report.changed += len(rows)
            yield rows

    def _next(self, batches: Batches, schema: pa.Schema, before: Progress, after: Progress) -> None:
        if self._kept is Upkeep.APPEND:
            self._copy.append(shape.conformed(self._begun(batches), schema), schema, after)
            return
        # A merge that is done twice changes nothing. So a large range is merged in parts that leave the copy where it
        # was, and the last part takes it on.
        counted = self._counted(batches)
        read = batches_schema(batches)
        parts = shape.gathered(counted, read, MERGED_ROWS)
        part = next(parts, None)
        while True:
            following = None if part is None else next(parts, None)
            progress = after if following is None else before
            counts = self._merged(read.empty_table() if part is None else part, schema, progress)
            self._report.changed += counts.changed
            self._report.deleted += counts.deleted
            if following is None:
                return
            part = following

    def _merged(self, changes: pa.Table, schema: pa.Schema, progress: Progress) -> Counts:
        import pyarrow as pa

        deletes = DELETED if self._tells_deletes else None
        merging = Merging(self._keys, self._sequence_by, deletes, self._read_until)
        if not self._tells_deletes and DELETED in changes.column_names:
            changes = changes.drop_columns([DELETED])
        if self._is_history:
            done = history.steps(changes, self._copy.versions(changes, merging), schema, merging)
            self._copy.merge_versions(done.ended, done.begun, schema, merging, progress)
            return Counts(done.changed, done.deleted)
        changes = shape.last_of_each(changes, merging.keys, merging.sequence_by)
        columns = list(schema)
        if merging.deletes is not None:
            columns.append(changes.schema.field(merging.deletes))
        target = pa.schema(columns)
        conformed = shape.conformed(changes.to_batches(), target)
        return self._copy.merge(pa.Table.from_batches(list(conformed), target), schema, merging, progress)

    # What a table is

    @property
    def _is_history(self) -> bool:
        return _scd(self._entry) == "2"

    @property
    def _tells_deletes(self) -> bool:
        return self._entry.ingestion_type == "cdc_with_deletes"

    @property
    def _keys(self) -> tuple[str, ...]:
        ours = primary_keys(self._entry)
        return (self._entry.primary_keys or ours) if self._kept is Upkeep.CHANGES else ours

    @property
    def _sequence_by(self) -> str:
        return self._entry.sequence_by or CURSOR

    def _time(self, read: pa.Schema) -> pa.DataType:
        return read.field(self._sequence_by).type

    def _columns(self, scan: Scan) -> pa.Schema:
        """The columns that a copy gets from a read as it is planned now."""
        import pyarrow as pa

        read = pa.schema(scan.schema)
        if self._kept is not Upkeep.CHANGES:
            return read
        columns = without(read, excluded_columns(self._entry))
        if not self._is_history:
            return columns
        time = self._time(read)
        return pa.schema([*columns, pa.field(START, time), pa.field(END, time)])

    def _progress(self, scan: Scan, offset: str = "") -> Progress:
        plan = json.loads(scan.to_json())
        scd = _scd(self._entry)
        is_of_several = self._entry.is_of_several_bases
        return Progress(
            # Bases may join and leave, and each has an id of its own for the table.
            base="several" if is_of_several else plan["base_id"],
            table=_of_part(plan["table_name"] if is_of_several else plan["table_id"], self._entry.part),
            mode=self._entry.ingestion_type,
            scd=scd,
            keys=self._keys if scd else (),
            sequence_by=self._sequence_by if scd else "",
            records="" if self._kept is Upkeep.SNAPSHOT else _records(plan),
            offset=offset,
        )

    def _counted(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self._report.rows += len(batch)
            yield batch


def batches_schema(batches: Batches) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(batches.schema)


def _tells_edits(scan: Scan) -> bool:
    """Whether the cursor is the time of a record's last edit, as a field of the table tells it."""
    [source] = [column["source"] for column in json.loads(scan.to_json())["columns"] if column["name"] == CURSOR] or [
        {}
    ]
    return isinstance(source, dict) and source.get("changed_at", {}).get("field_id") is not None


def _of_part(table: str, part: str) -> str:
    """What is copied, as a copy names it: no copy of comments is that of the records."""
    return table if part == "records" else f"{table} {part}"


def _records(plan: dict[str, Any]) -> str:
    """What a stream of changes reads of is decided once: of records that fit another view it is never told."""
    chosen = [plan.get("view_id"), plan.get("filter_formula"), *_conditions(plan)]
    return digest(json.dumps(chosen)) if any(chosen) else ""


def _advised(said: str) -> str | None:
    """What a stream says that has lost its changes, with what is to be done here; None of another error."""
    if _NEW_LOG in said:
        return said.replace(_NEW_LOG, "give another destination, where a log begins; this one keeps what it has")
    return said.replace(_NEW_CHECKPOINT, "load the table anew by refresh") if _NEW_CHECKPOINT in said else None


def _conditions(plan: dict[str, Any]) -> list[str]:
    # Of records, and of rows that are none.
    return [plan[kind]["text"] for kind in ("where", "choice") if plan.get(kind)]


def _described(progress: Progress) -> str:
    scd = f" SCD {progress.scd}" if progress.scd else ""
    keys = f" by {', '.join(progress.keys)} in the order of {progress.sequence_by}" if progress.keys else ""
    # Which records these are is known by a digest, which tells two choices apart.
    chosen = f"option view, option filter_formula and option where choose ({progress.records})"
    records = f" of the records that {chosen}" if progress.records else ""
    return f"{progress.mode}{scd}{keys}{records}"

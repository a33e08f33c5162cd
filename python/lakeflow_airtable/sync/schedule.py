"""A run of `sync` over all tables, once or again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import AirtableError, OptionError
from ..estimate import warn_of_cap
from ..intervals import in_words, seconds
from ..options import Options
from ..specification.spec import Entry
from ..specification.tables import LibraryTables
from ..specification.upkeep import LOG
from .plan import entries_of
from .report import SyncReport, TableReport
from .run import RunBegan, TableSync, mode_of
from .target import Copy, one_line
from .targets import check_format, copy_of

if TYPE_CHECKING:
    from .._native import Connector

_log = logging.getLogger("lakeflow_airtable")


def sync(
    connection: Options,
    spec: object,
    *,
    to: object,
    format: str,
    every: str | float | None = None,
    refresh: bool | Collection[str] = False,
    storage_options: Mapping[str, str] | None = None,
    on_report: Callable[[SyncReport], object] | None = None,
    given: Mapping[str, object] | None = None,
) -> SyncReport:
    """See `Airtable.sync`."""
    run = _Run(connection, spec, check_format(format, to), format, storage_options, given or {})
    pause = None if every is None else seconds(every)
    is_first = True
    while True:
        began = time.monotonic()
        try:
            report = run.all(refresh if is_first else None, warns_of=pause if is_first else None, is_first=is_first)
        except AirtableError as error:
            if is_first:  # nothing was ever right with it
                raise
            _log.error("this run has not begun: %s; the next is tried in %s", error, in_words(pause or 0))
        else:
            for table in report:
                _tell(table)
            if on_report is not None:
                on_report(report)
            if pause is None:
                return report
        is_first = False
        sleep(max(0.0, began + (pause or 0) - time.monotonic()))


def sleep(seconds: float) -> None:
    # An event, because Ctrl-C ends its wait at once everywhere.
    threading.Event().wait(seconds)


class _Run:
    """What a run does, again and again. It remembers which copies were to be loaded anew, and could not be yet."""

    def __init__(
        self,
        connection: Options,
        spec: object,
        address: str,
        format: str,
        storage_options: Mapping[str, str] | None,
        given: Mapping[str, object],
    ) -> None:
        self._connection = connection
        self._spec = spec
        self._address = address
        self._format = format
        self._storage_options = storage_options
        self._given = given
        self._left: set[str] = set()

    def all(
        self, refresh: bool | Collection[str] | None, *, warns_of: float | None = None, is_first: bool
    ) -> SyncReport:
        """All tables. Without `refresh` those are loaded anew of which an earlier run could not do so."""
        tables = LibraryTables()
        run_began = RunBegan()
        entries, missing = entries_of(self._spec, self._connection, self._given, self._format, tables)
        if refresh is not None:
            self._left = _refreshed(refresh, entries)
        # Made before anything is read: a library that is missing is missing for all of them.
        copies = [copy_of(entry, self._format, self._address, self._storage_options) for entry in entries]
        if is_first:
            of_each = {entry.where: copy for entry, copy in zip(entries, copies, strict=True)}
            warn_of_cap(
                [entry for entry in entries if entry.where not in missing],
                tables,
                every=warns_of,
                is_loaded=lambda entry: entry.source_table not in self._left and _is_loaded(of_each[entry.where]),
            )
        report = SyncReport(began=datetime.fromtimestamp(run_began.wall).astimezone())
        anew, self._left = self._left, set()
        before: Copy | None = None
        try:
            for entry, copy in zip(entries, copies, strict=True):
                table = TableReport(tables.name(entry), copy.name, mode_of(entry))
                report.tables.append(table)
                is_refreshed = entry.source_table in anew and entry.ingestion_type != LOG
                if entry.where in missing:
                    table.error = missing[entry.where]
                else:
                    connector = tables.connector(entry.options)
                    sync = TableSync(entry, copy, connector, table, is_refreshed=is_refreshed, run_began=run_began)
                    _sync_table(sync, connector, copy, table)
                report.requests = tables.requests
                if is_refreshed and table.error is not None:
                    self._left.add(entry.source_table)
                # DuckDB reads its whole file when it is opened. So the copy before stays open until this one is done,
                # as long as all goes well.
                for done in (before, *([] if table.error is None else [copy])):
                    if done is not None:
                        done.close()
                before = copy if table.error is None else None
        finally:  # also where a user's patience ends
            if before is not None:
                before.close()
        return report


def _sync_table(sync: TableSync, connector: Connector, copy: Copy, table: TableReport) -> None:
    began, requests = time.monotonic(), connector.requests
    try:
        sync.run()
    except AirtableError as error:
        table.error = error
    except Exception as error:  # a library's own: it must not keep the other tables from being synced
        table.error = AirtableError(f"{copy.name} could not be synced: {type(error).__name__}: {one_line(error)}")
        table.error.__cause__ = error
    except BaseException:
        copy.close()
        raise
    finally:
        table.requests = connector.requests - requests
        table.seconds = time.monotonic() - began


def _is_loaded(copy: Copy) -> bool:
    """Whether the copy is there, for a warning alone: what is wrong with it is for its run to say."""
    try:
        return copy.find() is not None
    except Exception:
        return False
    finally:
        copy.close()


def _refreshed(refresh: bool | Collection[str], entries: list[Entry]) -> set[str]:
    """The tables that are loaded anew, as the specification names them."""
    if isinstance(refresh, bool):
        return {entry.source_table for entry in entries if entry.ingestion_type != LOG} if refresh else set()
    names = [refresh] if isinstance(refresh, str) else list(refresh)
    known = {entry.source_table for entry in entries}
    for name in names:
        if name not in known:
            from .._native import nearest_names

            near = nearest_names(str(name), sorted(known))
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise OptionError(f"refresh names {name!r}, which is none of the tables that are synced: {hint}")
        if all(entry.ingestion_type == LOG for entry in entries if entry.source_table == name):
            raise OptionError(
                f"refresh names {name!r}, which is kept as a log of changes: what it holds is nowhere else; for a new "
                "log give another destination"
            )
    return set(names)


def _tell(table: TableReport) -> None:
    if table.error is not None:
        said = str(table.error)
        _log.error("%s", said if said.startswith(table.target) else f"{table.target}: {said}")
        return
    _log.info(
        "%s: %d rows of %s, %d changed, %d deleted, in %.1f s",
        table.target,
        table.rows,
        table.name,
        table.changed,
        table.deleted,
        table.seconds,
    )

"""A run of `sync` over all tables, once or again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping

from ..errors import AirtableError, OptionError
from ..estimate import warn_of_cap
from ..intervals import seconds
from ..options import Options
from ..specification.spec import Entry
from ..specification.tables import LibraryTables
from .plan import entries_of
from .report import SyncReport, TableReport
from .run import RunBegan, TableSync, mode_of
from .target import Copy, one_line
from .targets import check_format, copy_of

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
    given: Mapping[str, object] | None = None,
) -> SyncReport:
    """See `Airtable.sync`."""
    address = check_format(format, to)
    pause = None if every is None else seconds(every)
    warns = True
    while True:
        began = time.monotonic()
        report = _run(connection, spec, address, format, refresh, storage_options, given or {}, pause, warns=warns)
        for table in report:
            _tell(table)
        if pause is None:
            return report
        refresh = warns = False
        sleep(max(0.0, began + pause - time.monotonic()))


def sleep(seconds: float) -> None:
    # An event, because Ctrl-C ends its wait at once everywhere.
    threading.Event().wait(seconds)


def _run(
    connection: Options,
    spec: object,
    address: str,
    format: str,
    refresh: bool | Collection[str],
    storage_options: Mapping[str, str] | None,
    given: Mapping[str, object],
    every: float | None,
    *,
    warns: bool,
) -> SyncReport:
    tables = LibraryTables()
    run_began = RunBegan()
    entries = entries_of(spec, connection, given, format, tables)
    refreshed = _refreshed(refresh, entries)
    # Made before anything is read: a library that is missing is missing for all of them.
    copies = [copy_of(entry, format, address, storage_options) for entry in entries]
    if warns:
        of_each = {entry.where: copy for entry, copy in zip(entries, copies, strict=True)}
        warn_of_cap(
            entries,
            tables,
            every=every,
            is_loaded=lambda entry: entry.where not in refreshed and _is_loaded(of_each[entry.where]),
        )
    report = SyncReport()
    for entry, copy in zip(entries, copies, strict=True):
        table = TableReport(tables.name(entry), copy.name, mode_of(entry))
        report.tables.append(table)
        began = time.monotonic()
        connector = tables.connector(entry.options)
        sent = connector.requests
        try:
            TableSync(entry, copy, connector, table, is_refreshed=entry.where in refreshed, run_began=run_began).run()
        except AirtableError as error:
            table.error = error
        except Exception as error:  # a library's own: it must not keep the other tables from being synced
            table.error = AirtableError(f"{copy.name} could not be synced: {type(error).__name__}: {one_line(error)}")
            table.error.__cause__ = error
        finally:
            copy.close()
            table.seconds = time.monotonic() - began
            table.requests = connector.requests - sent
            report.requests = tables.requests
    return report


def _is_loaded(copy: Copy) -> bool:
    """Whether the copy is there, for a warning alone: what is wrong with it is for its run to say."""
    try:
        return copy.find() is not None
    except Exception:
        return False
    finally:
        copy.close()


def _refreshed(refresh: bool | Collection[str], entries: list[Entry]) -> set[str]:
    """The entries that are loaded anew, by their places in the specification."""
    if isinstance(refresh, bool):
        return {entry.where for entry in entries} if refresh else set()
    names = [refresh] if isinstance(refresh, str) else list(refresh)
    known = {entry.source_table for entry in entries}
    for name in names:
        if name not in known:
            from .._native import nearest_names

            near = nearest_names(str(name), sorted(known))
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise OptionError(f"refresh names {name!r}, which is none of the tables that are synced: {hint}")
    return {entry.where for entry in entries if entry.source_table in names}


def _tell(table: TableReport) -> None:
    if table.error is not None:
        _log.error("%s: %s", table.target, table.error)
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

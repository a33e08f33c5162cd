"""Runs of `sync` in processes of their own, which can be killed at any time or at a moment of their choice.

The processes are forked from one that has imported the formats' libraries and started none of them, so that a run does
not take seconds to begin.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

MOMENTS = ("before", "after")
"""Of a commit: all is written and nothing counts yet; it counts, and the run does not know it yet."""


def start(options: dict[str, str], spec: Any, *, moment: tuple[str, int] | None = None, **how: Any) -> BaseProcess:
    """A run in a process. With `moment` it kills itself before or after its nth commit."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sync_job", "sync_libraries"])
    process = context.Process(target=_run, args=(options, spec, how, moment), daemon=True)
    process.start()
    return process


def run(options: dict[str, str], spec: Any, **how: Any) -> int | None:
    """A run to its end, and the exit code of its process."""
    process = start(options, spec, **how)
    process.join(120)
    assert process.exitcode is not None, "a run does not end"
    return process.exitcode


def _run(options: dict[str, str], spec: Any, how: dict[str, Any], moment: tuple[str, int] | None) -> None:
    from lakeflow_airtable import Airtable

    most = how.pop("largest_file", None)
    if most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with _dying(*moment) if moment else contextlib.nullcontext():
        report = Airtable(**options).sync(spec, **how)
    if report.failed:
        print(report, flush=True)
    os._exit(len(report.failed))


@contextlib.contextmanager
def _dying(when: str, number: int) -> Iterator[None]:
    """Kills this process before or after a commit, in whichever format."""
    import deltalake
    from deltalake.table import TableMerger
    from pyiceberg.table import Transaction

    from lakeflow_airtable.sync import duckdb, parquet

    left = [number]

    def fatal(commit: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            made = commit(*args, **named)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return made

        return wrapped

    deltalake.write_deltalake = fatal(deltalake.write_deltalake)
    TableMerger.execute = fatal(TableMerger.execute)  # type: ignore[method-assign]
    Transaction.commit_transaction = fatal(Transaction.commit_transaction)  # type: ignore[method-assign]
    statement = duckdb.DuckDBCopy._run
    commit = fatal(statement)
    duckdb.DuckDBCopy._run = lambda copy, text, values=None: (  # type: ignore[method-assign]
        (commit if text == "COMMIT" else statement)(copy, text, values)
    )
    parquet.os.replace = fatal(os.replace)  # type: ignore[attr-defined]
    yield

"""Several machines that read one base at once: with a place that all see, and by refusals alone.

A machine is a process with a directory for temporary files of its own. So it shares nothing but the base and, where it
is given, the place. All cases run side by side, each with a mock of its own.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from .limit import LIMIT, Log
from .process import Timed, finished, started
from .readers import Place, our_base
from .report import Bar, Section, Table, percent
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
RECORDS = 5_000
ALONE = 4.5
"""Requests a second of one machine that has the base to itself."""

RESPONSE_SECONDS = 0.2
ENTRY_SECONDS = 10
"""In the first seconds of a place machines may meet; nobody is refused after that."""

START_SECONDS = 10
"""By then all processes are there, on a busy machine as well."""

NOTE = (
    f"Answers take {RESPONSE_SECONDS:g} s. The mock grants {LIMIT} requests a second, and refuses everything for 30 "
    f"seconds when there are more. One machine alone sends {ALONE} a second. Each machine reads the table again and "
    "again until the time is over. Requests without records are refused ones and those for definitions and sizes. By "
    "refusals alone runs differ, because each lock-out takes 30 seconds. So several go on side by side, and the row is "
    "the one in the middle."
)


@dataclass(frozen=True)
class Case:
    """So many machines for so many seconds."""

    machines: int
    with_place: bool
    seconds: int
    runs: int = 1
    """So many of them at once, of which the one in the middle counts."""

    @property
    def title(self) -> str:
        """What the row is about."""
        how = "a place that all see" if self.with_place else "by refusals alone"
        runs = f", median of {self.runs}" if self.runs > 1 else ""
        return f"{self.machines} machines, {how}, {self.seconds} s{runs}"

    @property
    def bar(self) -> float:
        """The least share of what one machine alone would get."""
        if self.with_place:
            return 0.9
        return 0.8 if self.machines <= 3 else 0.4 if self.machines <= 6 else 0.2


@dataclass(frozen=True)
class Came:
    """What a case came to."""

    served: int
    share: float
    slowest: float
    log: Log

    def row(self, case: Case) -> tuple[str, ...]:
        """As a row of the table."""
        idle = len(self.log.requests) - len(self.log.pages())
        shares = (percent(self.share), percent(self.slowest))
        return (case.title, f"{self.served:,}", *shares, f"{self.log.lock_outs()}", f"{self.log.refused}", f"{idle}")


def run(settings: Settings) -> Section:
    """A row for each case."""
    cases = [Case(number, True, settings.place_seconds) for number in settings.place_machines]
    cases += [
        Case(number, False, settings.refusal_seconds, settings.refusal_runs) for number in settings.refusal_machines
    ]
    with ExitStack() as stack:
        runs = [case for case in cases for _ in range(case.runs)]
        begun = [(case, *_begun(case, seed, stack)) for seed, case in enumerate(runs, start=1)]
        came = [(case, _came(case, server, reads)) for case, server, reads in begun]
    found = {case: _middle([run for of, run in came if of == case]) for case in cases}
    heading = (
        "one base, read at once",
        "pages served",
        "of one machine's",
        "slowest, of its fair share",
        "lock-outs",
        "429s",
        "requests without records",
    )
    rows = [came.row(case) for case, came in found.items()]
    return Section("Several machines and one base", [Table(heading, rows)], list(_bars(found)), NOTE, "machines")


def _begun(case: Case, seed: int, stack: ExitStack) -> tuple[Server, list[Any]]:
    table = {"records": RECORDS, "fields": 5, "scalars": True}
    faults = {"requests_per_second": LIMIT, "penalty_seconds": 30, "delay_ms": round(RESPONSE_SECONDS * 1000)}
    server = stack.enter_context(serving({NAME: table}, seed=seed, **faults))
    place = stack.enter_context(tempfile.TemporaryDirectory()) if case.with_place else None
    more = {"location": place, "begin": time.time() + START_SECONDS, "seconds": case.seconds}
    return server, [started("machines.machine", place=server.place, **more) for _ in range(case.machines)]


def _came(case: Case, server: Server, reads: list[Any]) -> Came:
    rows = [finished(read)["rows"] for read in reads]
    log = Log(server.requests())
    served = len(log.pages())
    slowest = min(rows) * case.machines / max(sum(rows), 1)
    return Came(served, served / (ALONE * case.seconds), slowest, log)


def _middle(runs: list[Came]) -> Came:
    return sorted(runs, key=lambda run: run.share)[len(runs) // 2]


def _bars(found: dict[Case, Came]) -> Iterator[Bar]:
    for case, came in found.items():
        yield Bar(f"{case.title}: of one machine's requests", came.share, case.bar, "%")
        if case.with_place:
            yield Bar(f"{case.title}: the slowest beside its fair share", came.slowest, 0.6, "%")
            late = came.log.lock_outs(after=ENTRY_SECONDS)
            yield Bar(f"{case.title}: lock-outs after {ENTRY_SECONDS} s", late, 0, "", is_most=True)


# --- in the process that is measured -------------------------------------------------------------------------------


def machine(place: Place, location: str | None, begin: float, seconds: int) -> Timed:
    """Reads the table again and again until the time is over."""
    # Before anything asks for it.
    os.environ["TMPDIR"] = tempfile.mkdtemp()
    import pyarrow  # noqa: F401

    more = {} if location is None else {"budget_location": location}
    base = our_base(place, requests_per_second=ALONE, max_retries=1000, **more)

    def read() -> int:
        time.sleep(max(0.0, begin - time.time()))
        rows: int = 0
        while True:
            for batch in base.read(NAME):
                rows += int(batch.num_rows)
                if time.time() > begin + seconds:
                    return rows

    return read

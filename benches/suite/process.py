"""One measurement in a fresh process: what it read, how long it took, what it cost the processor and the memory.

What is measured is a function of `readers.py` or `sparks.py` that does the imports and other preparations first and
gives back what is to be timed. Processor time and memory are those of the process and of all that it started, by /proc.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).resolve().parent.parent
"""Where the package `suite` is found; every process runs there."""

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What one measurement found."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mib: float

    @classmethod
    def median(cls, several: list[Measured]) -> Measured:
        """The median of each figure."""

        def of(name: str) -> float:
            middle: float = statistics.median(getattr(one, name) for one in several)
            return middle

        return cls(several[0].rows, of("seconds"), of("cpu_seconds"), of("peak_mib"))


Timed = Callable[[], int]
"""What is timed; gives the number of rows that it read."""


def command(module: str, *arguments: str) -> list[str]:
    """How a process of this package is started."""
    return [sys.executable, "-m", module, *arguments]


def started(reader: str, **arguments: Any) -> subprocess.Popen[str]:
    """Begins a measurement: `reader` is `module.function` in this package."""
    line = command("suite.process", reader, json.dumps(arguments))
    return subprocess.Popen(line, cwd=PLACE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> dict[str, Any] | str:
    """What a process found, or what it said when it failed."""
    said, complaints = process.communicate()
    if process.returncode != 0:
        return complaints
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a process found; the run ends if it failed."""
    found = ended(process)
    if isinstance(found, str):
        raise SystemExit(f"{found}\na measurement failed")
    return found


def measure(reader: str, rows: int, **arguments: Any) -> Measured:
    """Measures once. Another number of rows is an error."""
    return checked(reader, Measured(**finished(started(reader, **arguments))), rows)


def checked(reader: str, measured: Measured, rows: int) -> Measured:
    """The same, if the rows are as many as there are."""
    if measured.rows != rows:
        raise SystemExit(f"{reader} read {measured.rows} rows of {rows}")
    return measured


def in_turns(rounds: int, readers: dict[str, Callable[[], Measured]]) -> dict[str, Measured]:
    """The medians of several rounds, in each of which every reader has its turn."""
    found: dict[str, list[Measured]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            found[name].append(read())
    return {name: Measured.median(several) for name, several in found.items()}


# --- in the process that is measured -------------------------------------------------------------------------------


def weigh(timed: Timed, repeats: int) -> Measured:
    """Runs it so many times; the figures of the median run, and the peak of all."""
    several = []
    for _ in range(repeats):
        cpu, began = cpu_seconds(), time.perf_counter()
        rows = timed()
        several.append(Measured(rows, time.perf_counter() - began, cpu_seconds() - cpu, 0))
    median = Measured.median(several)
    if {one.rows for one in several} != {median.rows}:
        raise SystemExit(f"rows differ from run to run: {several}")
    return Measured(median.rows, median.seconds, median.cpu_seconds, peak_mib())


def family() -> list[int]:
    """This process and all that come from it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        if fields := _stat(path):
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [os.getpid()]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def cpu_seconds() -> float:
    """Processor time of the family so far, with that of its members that are gone."""
    if len(pids := family()) == 1:
        return time.process_time()
    # utime, stime, cutime, cstime
    ticks = sum(sum(map(int, _stat(Path(f"/proc/{pid}/stat"))[11:15])) for pid in pids)
    return ticks / TICK


def peak_mib() -> float:
    """The sum of what each of the family had at its highest."""
    return sum(_status_kib(pid, "VmHWM") for pid in family()) / 1024


def _stat(path: Path) -> list[str]:
    """The fields after the name, which may hold anything; none of a process that is gone."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status_kib(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def main(reader: str, arguments: str) -> None:
    """Prepares, measures, and prints what was found; what measures itself gives its figures back at once."""
    module, _, name = reader.partition(".")
    given = json.loads(arguments)
    repeats = given.pop("repeats", 1)
    prepared = getattr(importlib.import_module(f"suite.{module}"), name)(**given)
    print(json.dumps(asdict(weigh(prepared, repeats)) if callable(prepared) else prepared))


if __name__ == "__main__":
    main(*sys.argv[1:])

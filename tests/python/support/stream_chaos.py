"""Streams under blows: processes killed at bad moments, and a server that fails, while the base changes.

What is killed is killed by SIGKILL, and started again from the checkpoint.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lakeflow_airtable.mock import MockAirtable
from mutations import Script
from stream_driver import Job, Stream
from stream_processes import FragileCluster, executors, kill_session, python_workers, session
from weather import Weather

DRIVER = Path(__file__).with_name("stream_driver.py")
# A busy machine starts Spark slowly. What takes longer than this stands still.
PATIENCE_SECONDS = 90

SPARKS_RACE = "java.io.OptionalDataException"
"""How a task fails that Spark 4.3 sends out while another stream begins: it is written out with the environment of the
registered data source, a Java map that nothing guards, into which the other stream writes. The next driver goes on."""


@dataclass(frozen=True)
class Blow:
    """Who is killed, and when.

    Moments: `begun`, a session is there; `planned`, a batch's offsets are stored and the batch is not done; `written`,
    the batch's rows are kept, and Spark does not know yet.
    """

    victim: str
    """`driver`, with all that it started; `python`, one of Spark's Python workers; `executor`; `worker`."""
    moment: str
    stream: int
    """The stream whose moment it is. The others are met wherever they are."""
    after_batches: int = 0
    """How many batches of this stream this driver has done before."""


class Chaos:
    """Streams of changing bases, driven by processes that are killed.

    Args:
        streams: What is streamed. Each driver runs all of them.
        settings: The drivers' sessions.
        directory: Where the drivers' logs are.
        python: Spark's Python workers.
    """

    def __init__(
        self,
        mock: MockAirtable,
        scripts: Sequence[Script],
        streams: Sequence[Stream],
        rng: random.Random,
        *,
        settings: dict[str, str],
        directory: Path,
        python: Path | str = sys.executable,
        cluster: FragileCluster | None = None,
    ) -> None:
        self._scripts = scripts
        self._streams = streams
        self._rng = rng
        self._weather = Weather(mock, rng)
        self._settings = settings
        self._directory = directory
        self._python = str(python)
        self._cluster = cluster
        self._driver: subprocess.Popen[bytes] | None = None
        self._drivers = 0
        self._was_hurt = False
        self._done_before: list[int] = []
        self._born = time.monotonic()

    def __enter__(self) -> Chaos:
        return self

    def __exit__(self, *_: object) -> None:
        if self._driver is not None:
            kill_session(self._driver.pid)

    def _note(self, what: str) -> None:
        """For whoever reads of a failure: pytest shows what was printed."""
        batches = [f"{done} of {planned}" for planned, done in map(_batches, self._streams)]
        changes = sum(script.done for script in self._scripts)
        print(f"{time.monotonic() - self._born:6.2f} s, {changes} changes, batches {', '.join(batches)}: {what}")

    def run(self, changes: int, blows: Sequence[Blow]) -> None:
        """Makes so many changes of each base and strikes all the blows in between; leaves all as a kill leaves it."""
        for number, blow in enumerate(blows):
            enough = changes * (number + 1) // len(blows)
            while any(script.done < enough for script in self._scripts):
                self._go_on()
            self._await(blow)
        if self._driver is not None:
            # What the last blow did is seen by a batch that comes after it.
            self._await(Blow("driver", "planned", self._rng.randrange(len(self._streams)), after_batches=1))
        self._weather.clear()

    def _go_on(self) -> None:
        """Some changes, and some time for the streams."""
        self._burst()
        if self._rng.random() < 0.3:
            self._weather.change()
        # While a driver starts there is little to disturb.
        self._tend(self._rng.uniform(0.1, 0.6) if self._is_begun else 1.0, until=lambda: False)

    def _burst(self) -> None:
        for script in self._scripts:
            script.burst()

    def _await(self, blow: Blow) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self._tend(self._rng.uniform(0.2, 0.6), until=lambda: self._is_due(blow)):
                # Not always at once: in the middle of a batch as well.
                time.sleep(self._rng.choice((0.0, 0.0, 0.05, 0.2, 0.5)))
                if self._strike(blow):
                    return
            self._burst()
        raise AssertionError(f"a stream stands still: {blow} did not come about\n{self._log_end()}")

    def _is_due(self, blow: Blow) -> bool:
        stream = self._streams[blow.stream]
        planned, done = _batches(stream)
        if not self._is_begun or done < self._done_before[blow.stream] + blow.after_batches:
            return False
        if blow.moment == "written":
            return planned > done and (stream.batches / f"batch={planned}" / "_SUCCESS").exists()
        return blow.moment == "begun" or planned > done

    def _strike(self, blow: Blow) -> bool:
        """Kills, if there is whom to kill."""
        self._note(f"kill {blow}")
        victim = blow.victim
        if victim == "driver":
            self._kill_driver()
            return True
        assert self._driver is not None
        if victim == "worker":
            assert self._cluster is not None
            self._cluster.lose_worker(self._rng.randrange(2))
        else:
            sessions = [self._driver.pid] if self._cluster is None else self._cluster.sessions
            processes = [process for sid in sessions for process in session(sid)]
            chosen = python_workers(processes) if victim == "python" else executors(processes)
            if not chosen:
                return False
            with suppress(ProcessLookupError):
                os.kill(self._rng.choice(chosen), signal.SIGKILL)
        self._was_hurt = True
        return True

    # The driver's process

    def _tend(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Waits, with a driver running all the while; tells whether it happened before the time was over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._driver is None:
                self._start_driver()
            assert self._driver is not None
            if self._driver.poll() is not None:
                # A query may fail when a process of its own is taken from it. Nothing else of ours may make it fail.
                if not self._was_hurt and SPARKS_RACE not in self._file("log").read_text(errors="replace"):
                    raise AssertionError(f"a stream failed by itself:\n{self._log_end()}")
                self._note("the driver ended")
                self._kill_driver()
            elif until():
                return True
            time.sleep(0.005)
        return False

    @property
    def _is_begun(self) -> bool:
        return self._driver is not None and self._file("started").exists()

    def _file(self, what: str) -> Path:
        return self._directory / f"{what}-{self._drivers}"

    def _start_driver(self) -> None:
        self._drivers += 1
        self._was_hurt = False
        self._done_before = [done for _, done in map(_batches, self._streams)]
        self._note(f"start driver {self._drivers}")
        streams = [replace(stream, available_now=self._rng.random() < 0.6) for stream in self._streams]
        job = Job(streams, self._settings, str(self._file("started")))
        with self._file("log").open("wb") as log:
            self._driver = subprocess.Popen(
                [sys.executable, DRIVER],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYSPARK_PYTHON": self._python},
                cwd=self._directory,
                start_new_session=True,
            )
        assert self._driver.stdin is not None
        self._driver.stdin.write(job.to_json().encode() + b"\n")
        self._driver.stdin.flush()

    def _kill_driver(self) -> None:
        if self._driver is not None:
            kill_session(self._driver.pid)
            self._driver.wait()
            assert self._driver.stdin is not None
            with suppress(BrokenPipeError):
                self._driver.stdin.close()
            self._driver = None
            # Nor does a task fail, to be tried again, over what the server does: the weather is never that bad.
            if "lakeflow_airtable.errors" in self._file("log").read_text(errors="replace"):
                raise AssertionError(f"a task failed by itself:\n{self._log_end()}")

    def _log_end(self) -> str:
        log = self._file("log")
        if not log.exists():
            return "no driver ran"
        lines = log.read_text(errors="replace").splitlines()
        # Spark's traces are longer than what they are about.
        told = [line for line in lines if not line.lstrip().startswith("at ")]
        return "\n".join([f"driver {self._drivers}:", *told])[-12_000:]


def _batches(stream: Stream) -> tuple[int, int]:
    """The newest batch that is planned, and the newest that is done."""
    return _newest(stream.checkpoint / "offsets"), _newest(stream.checkpoint / "commits")


def _newest(directory: Path) -> int:
    """The highest number among the files; -1 where there is none."""
    names = (entry.name for entry in _entries(directory))
    return max((int(name) for name in names if name.isdigit()), default=-1)


def _entries(directory: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from directory.iterdir()

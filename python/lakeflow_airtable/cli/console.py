"""stderr: one place for messages, log lines and the live line, so that none is written into another.

stdout belongs to rows and listings alone.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable

_LOGGER = "lakeflow_airtable"

_SO_FAR = " rows so far"
"""What a read says of itself in the log every half minute, and nothing else does."""


class Console:
    """What a command says besides its result."""

    def __init__(self, *, is_quiet: bool = False, is_verbose: bool = False) -> None:
        self.is_quiet = is_quiet
        self.is_verbose = is_verbose
        self._lock = threading.RLock()
        self._live = ""
        self.above: Callable[[str], None] | None = None
        """Writes a line above what somebody else keeps on the terminal."""

    @property
    def is_terminal(self) -> bool:
        return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def has_colour(self) -> bool:
        return self.is_terminal and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """A line that stays, without secrets."""
        from .._native import scrub

        if self.above is not None:
            self.above(scrub(text))
            return
        with self._lock:
            live, self._live = self._live, ""
            self._write("\r\x1b[2K" if live else "", scrub(text), "\n")
            if live:
                self.show(live)

    def note(self, text: str) -> None:
        """The same for what `--quiet` leaves out."""
        if not self.is_quiet:
            self.say(text)

    def show(self, text: str) -> None:
        """The line that the next one replaces, on a terminal; an empty one removes it."""
        with self._lock:
            width = max(shutil.get_terminal_size().columns - 1, 1)
            shown = text[:width]
            if shown or self._live:
                self._write("\r\x1b[2K", shown)
            self._live = text

    def _write(self, *parts: str) -> None:
        if sys.stderr is None:
            return
        try:
            sys.stderr.write("".join(parts))
            sys.stderr.flush()
        except (OSError, ValueError):
            # Nobody is there to be told.
            return


class _Lines(logging.Handler):
    """Log lines as lines of the console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        from .flags import spelled

        is_more = record.levelno < logging.WARNING and not self._console.is_verbose
        if is_more and _SO_FAR not in record.getMessage():
            return
        self._console.say(f"lakeflow-airtable: {spelled(record.getMessage())}")


class Logging:
    """While it is entered, this package's log goes to the console: warnings, everything with `--verbose`, errors alone
    with `--quiet`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._handler = _Lines(console)
        self._logger = logging.getLogger(_LOGGER)

    def __enter__(self) -> None:
        self._before = self._logger.level
        if self._console.is_verbose:
            self._logger.setLevel(logging.DEBUG)
        self._handler.setLevel(logging.ERROR if self._console.is_quiet else logging.NOTSET)
        self._logger.addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._before)


def tell_reads(console: Console) -> None:
    """From here on reads that show no line of their own say every half minute how far they are, as the log has it."""
    logger = logging.getLogger(_LOGGER)
    if not console.is_quiet and logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)  # `Logging` takes it back

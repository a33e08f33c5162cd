"""How a command is ended from outside: Ctrl-C, SIGTERM, a terminal that is closed.

Each becomes an exception, so that what is half-done is removed on the way out.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .. import starting

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler, starting.end)
"""How signals are answered before a command runs."""


class Ended(BaseException):
    """A signal ends the command. No `Exception`, so that no library takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


@contextmanager
def signals() -> Iterator[None]:
    """Signals that end a process raise `Ended` in the main thread. Those that the process ignores stay ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}

    def end(number: int, _frame: FrameType | None) -> None:
        # A second one must not stop the cleaning up that the first has begun.
        if not _is_on_its_way():
            raise Ended(number)

    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in _DEFAULTS:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_on_its_way() -> bool:
    """Whether what runs now cleans up after a signal. Where somebody has swallowed that one, the next one counts."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Ended):
            return True
        error = error.__context__
    return False

"""How often something is done: seconds as a number, or a text with its unit, such as `15m`."""

from __future__ import annotations

import re
import threading

from .errors import OptionError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_NAMES = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def seconds(every: str | float) -> float:
    """How long from the begin of one run to that of the next: seconds, or a text such as `15m`.

    A text without a unit is refused: who writes `15` may mean minutes, and would spend 60 times the calls.
    """
    if isinstance(every, int | float) and not isinstance(every, bool):
        pause = float(every)
    else:
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(every))
        number, unit = match.groups() if match else ("0", "s")
        if not unit:
            raise OptionError(
                f"every is {every!r}, without a unit: give {number}s for seconds or {number}m for minutes"
            )
        pause = float(number) * _UNITS[unit]
    if not 0 < pause <= threading.TIMEOUT_MAX:
        raise OptionError(f"every is {every!r}: give seconds as a number, or a time such as 30s, 15m, 2h or 1d")
    return pause


def in_words(every: float) -> str:
    """The time as people say it: `15 minutes`."""
    for size, name in _NAMES:
        if every >= size and every % size == 0:
            number = int(every // size)
            return name if number == 1 else f"{number} {name}s"
    return f"{every:g} seconds"

"""The exit codes, and which failure ends with which."""

from __future__ import annotations

from ..errors import (
    AuthError,
    DataError,
    NotFoundError,
    OptionError,
    RateLimitError,
    TransportError,
)

DONE = 0
OTHER = 1
USAGE = 2
LIMITS = 5
INTERRUPTED = 130
TERMINATED = 143

CODES = (
    (DONE, "done, also where a program such as `head` closes the output before its end"),
    (OTHER, "any failure except those below"),
    (USAGE, "an option, an argument or the usage is wrong"),
    (3, "authentication: the token is not accepted, or may not do this"),
    (4, "not found: there is no such base, table, view or field"),
    (LIMITS, "limits: too many requests after all retries, or the month's calls are used up"),
    (6, "connection: no answer, or failures of the service after all retries"),
    (7, "data: a value or an answer is not as it should be"),
    (INTERRUPTED, "Ctrl-C"),
    (TERMINATED, "SIGTERM"),
)
"""Every code that a command returns, and when."""

_OF_ERRORS = (
    (OptionError, USAGE),
    (AuthError, 3),
    (NotFoundError, 4),
    (RateLimitError, LIMITS),
    (TransportError, 6),
    (DataError, 7),
)


def code_of(error: BaseException) -> int:
    """With what a command ends that fails so."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), OTHER)


def said() -> str:
    """The codes in a line, for help texts."""
    short = (f"{code} {meaning.partition(':')[0].partition(',')[0]}" for code, meaning in CODES)
    names = {OTHER: f"{OTHER} other", USAGE: f"{USAGE} options and usage"}
    return ", ".join(names.get(int(text.partition(" ")[0]), text) for text in short)

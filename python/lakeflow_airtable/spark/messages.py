"""Errors as Spark shows them: the message close to the beginning.

Spark puts a worker's whole traceback into the exception that its user sees, with the message at its end, and lets a
source decide only how long that traceback is. Our errors say what to do without one: they leave for Spark with a single
frame. Errors of other kinds, which are faults of this package, keep theirs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..errors import AirtableError

_Class = TypeVar("_Class", bound=type)


def short_tracebacks(cls: _Class) -> _Class:
    """Makes every method of a class raise our errors with a short traceback."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method):
            setattr(cls, name, _wrapped(method))
    return cls


def _wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            answer = method(*arguments, **named)
        except AirtableError as error:
            raise error.with_traceback(None) from None
        return _iterated(answer) if inspect.isgenerator(answer) else answer

    return call


def _iterated(items: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from items
    except AirtableError as error:
        raise error.with_traceback(None) from None

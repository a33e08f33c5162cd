"""What is shown of a value: no secret, wherever in it somebody has put one by mistake."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def scrubbed(shown: type[T]) -> type[T]:
    """A class whose `repr` is the one that it has, without secrets."""
    own = shown.__repr__

    def __repr__(self: T) -> str:
        from ._native import scrub

        return scrub(own(self))

    shown.__repr__ = __repr__  # type: ignore[assignment]
    return shown

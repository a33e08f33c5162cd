"""What is wrong with a specification, collected, so that one of many tables is corrected at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import AirtableError, NotFoundError, OptionError


class Faults:
    """What is wrong with a specification, each with the place where it is."""

    def __init__(self, what: str = "pipeline_spec", named: Sequence[str] = ()) -> None:
        """`named` are the tables that were named where nobody has written a specification: then it has no places."""
        self._what = what
        self._named = named
        self._found: list[tuple[str, AirtableError]] = []

    def add(self, where: str, message: str) -> None:
        self._found.append((where, OptionError(message)))

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Notes the errors that a correction of the specification would mend; others are raised."""
        try:
            yield
        except (OptionError, NotFoundError) as error:
            self._found.append((where, error))

    def set_aside(self, places: Sequence[str]) -> dict[str, NotFoundError]:
        """Places with no other fault than that something is not there, and why; none where no other place is left.

        They are no faults any more: who asks tells them by themselves.
        """
        found = {where: error for where, error in self._found if isinstance(error, NotFoundError) and where in places}
        wrong = {where for where, error in self._found if found.get(where) is not error}
        missing = {where: error for where, error in found.items() if where not in wrong}
        if len(missing) == len(places):
            return {}
        self._found = [(where, error) for where, error in self._found if missing.get(where) is not error]
        return missing

    def raise_any(self) -> None:
        if not self._found:
            return
        lines = [f"{self._place(where)}{error}" for where, error in self._found]
        all_missing = all(isinstance(error, NotFoundError) for _, error in self._found)
        kind = NotFoundError if all_missing else OptionError
        if len(lines) == 1:
            [(_, only)] = self._found
            raise kind(lines[0], status=only.status, kind=only.kind, option=only.option, request=only.request)
        raise kind("\n  ".join([f"{self._what} has {len(lines)} faults", *lines]))

    def _place(self, where: str) -> str:
        """How a line begins. The only table that was named needs not be told."""
        is_only = len(self._named) == 1 and not where.endswith(")")
        return "" if is_only else f"{self.place_of(where)}: "

    def place_of(self, where: str) -> str:
        """What messages call a place: itself in a specification, else the table."""
        if matched := self._named and re.search(r"\((.*)\)$", where):  # one of those that a pattern stands for
            return repr(matched[1])
        number = re.match(r"objects\[(\d+)\]", where) if self._named else None
        return repr(self._named[int(number[1])]) if number else where

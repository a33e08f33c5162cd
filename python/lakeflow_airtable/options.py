"""Options on their way to the compiled module: names in lower case, values as text, secrets not in `repr`.

The one table that says which options exist is in Rust (`_native.option_table()`); nothing here knows their names but
the few whose values may be shown, and those that belong to a connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .errors import OptionError

# Not the other way round: a connection's options may hold secrets under names that nobody here has heard of.
_SHOWN = frozenset({"base_id", "tablename", "namespace", "ingestion_type"})

OF_CONNECTION = ("token", "base_id", "base_url", "requests_per_second", "max_retries", "timeout_seconds")
"""Options that belong to a connection of Unity Catalog alone. A read that could set `base_url` could have the token
sent anywhere. They stand here, because the command line defines connections and pipelines read by them."""


class Options(dict[str, str]):
    """What the compiled module takes. A plain, picklable dict whose `repr` is safe to log.

    Spark may print a worker's local variables with a traceback, and notebooks print whatever ends a cell.
    """

    def __repr__(self) -> str:
        shown = {name: value if name in _SHOWN else "***" for name, value in self.items()}
        return f"Options({shown})"

    @classmethod
    def from_spark(cls, options: Mapping[str, str]) -> Options:
        """Spark's own mapping hands out lower-cased keys; other callers' need not."""
        return cls({name.lower(): value for name, value in options.items()})

    @classmethod
    def from_values(cls, options: Mapping[str, object]) -> Options:
        """Python values in the form in which Spark would carry them. `None` means not given."""
        return cls({name.lower(): _text(name, value) for name, value in options.items() if value is not None})


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    # The type, never the value: it might be a secret in some wrapper.
    raise OptionError(
        f"option {name} is a {type(value).__name__}: give a string, number, boolean, list or dict of these"
    )

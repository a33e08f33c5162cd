"""Options that may be left to the environment: by the command line and by `ingest`, in the same way.

`Airtable` and reads of Spark take none from there. What a program gives is all that they know, and on a cluster the
environment of the driver is not that of the workers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from .options import CREDENTIALS, table


@cache
def variables() -> dict[str, str]:
    """The options that have a variable, and the names of these."""
    return {row["name"]: row["variable"] for row in table() if row["variable"]}


def with_environment(given: Mapping[str, object]) -> dict[str, object]:
    """Options by their own names, with the environment's for those that are not given. An empty variable is none.

    A namespace names the base as `base_id` does, so it takes the place of that variable, too. A token that is given
    takes the place of all credentials: what the environment would renew is somebody else's.
    """
    found = {option: os.environ.get(name) for option, name in variables().items() if option not in given}
    if given.get("namespace") is not None:
        found.pop("base_id", None)
    if given.get("token"):
        found = {option: value for option, value in found.items() if option not in CREDENTIALS}
    return {**{option: value for option, value in found.items() if value}, **given}


def used(given: Mapping[str, object]) -> dict[str, str]:
    """The options that the environment gives beside these, and the names of their variables."""
    added = with_environment(given)
    return {option: name for option, name in variables().items() if option in added and option not in given}


def said() -> str:
    """What a user may leave to the environment, for help texts."""
    *first, last = variables().values()
    return f"Where they are not given, {', '.join(first)} and {last} are taken from the environment."

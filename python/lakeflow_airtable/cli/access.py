"""As whom, and to which base: the options of a command, with those that files and the environment give."""

from __future__ import annotations

import os
import stat
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import environment
from ..errors import OptionError
from ..options import CREDENTIALS, Options
from . import flags

if TYPE_CHECKING:
    from .._native import Connector
    from ..airtable import Airtable
    from .console import Console

NO_TOKEN = (
    "no token is given: put one into a file and name it by --token-file FILE, or into the environment as "
    "AIRTABLE_TOKEN; https://airtable.com/create/tokens makes one, with the scopes data.records:read and "
    "schema.bases:read and access to the base"
)

SECRETS = tuple(name for name in CREDENTIALS if name not in ("token", "client_id"))
"""What belongs on no command line, beside the token."""

LONGEST_TOKEN_FILE = 64 * 1024
"""Bytes. What is longer holds no token."""


def given(parsed: Namespace, console: Console) -> dict[str, object]:
    """The options of a command, by their own names."""
    found = flags.given(parsed)
    if getattr(parsed, "token_file", None) is not None:
        if "token" in found:
            raise OptionError("--token and --token-file are given: leave one of them out")
        found["token"] = _token_in(parsed.token_file, console)
    elif "token" in found:
        console.note(
            "lakeflow-airtable: other users of this machine can see a token on the command line: put it into a file "
            "and give --token-file FILE, or into the environment as AIRTABLE_TOKEN"
        )
    for name in SECRETS:
        if name in found:
            console.note(
                f"lakeflow-airtable: other users of this machine can see {flags.flag(name)} on the command line: put "
                f"it into the environment as {environment.variables()[name]}"
            )
    every = environment.with_environment(found)
    if not every.get("token"):
        raise OptionError(NO_TOKEN, option="token")
    return every


def options(parsed: Namespace, console: Console, **forced: object) -> Options:
    """The same as the compiled module takes them; `forced` go before what was given."""
    return Options.from_values({**given(parsed, console), **forced})


def connector(parsed: Namespace, console: Console, **forced: object) -> Connector:
    from .._native import Connector

    return Connector(options(parsed, console, **forced))


def base(given: Mapping[str, Any]) -> Airtable:
    """The library's object for these options."""
    from ..airtable import Airtable

    return Airtable(**given)


def _token_in(name: str, console: Console) -> str:
    try:
        with open(name, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(LONGEST_TOKEN_FILE + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is not the name of a file"
        raise OptionError(f"--token-file {name}: {why}: give a file that holds the token alone") from error
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        console.note(f"lakeflow-airtable: every user of this machine can read {name}: chmod 600 {name}")
    try:
        lines = text.decode("utf-8-sig").split() if len(text) <= LONGEST_TOKEN_FILE else []
    except UnicodeDecodeError:
        lines = []
    # What else stands around a token is taken off with the options.
    is_bearer = len(lines) == 2 and lines[0].strip("\"'").lower() == "bearer"
    if len(lines) != 1 and not is_bearer:
        said = "is empty" if not text.strip() else "holds more than a token"
        raise OptionError(f"--token-file {name} {said}: give a file that holds the token alone")
    return " ".join(lines)

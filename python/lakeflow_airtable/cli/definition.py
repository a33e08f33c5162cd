"""`connection`: prints the definition of a Unity Catalog connection, which `connection.py` makes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..options import Options, table
from . import codes, connection, flags

if TYPE_CHECKING:
    from .console import Console

EXAMPLES = (
    "connection --name airtable --base-id appXXXXXXXXXXXXXX",
    "connection --name airtable --format sql --secret airtable/token",
)


def add(command: ArgumentParser) -> None:
    command.description = (
        "Prints the definition of a Unity Catalog connection for this source, without a token. In the place of the\n"
        "token, JSON has the shell variable AIRTABLE_TOKEN, and SQL has a reference to a secret. The options of the\n"
        "connection are stored in it for every read."
    )
    command.add_argument("--name", required=True, help="the connection's name")
    command.add_argument(
        "--type",
        choices=connection.TYPES,
        default=connection.TYPES[0],
        help="type of the connection (default %(default)s)",
    )
    command.add_argument(
        "--format", choices=("json", "sql"), default="json", help="form of the definition (default %(default)s)"
    )
    command.add_argument(
        "--secret",
        metavar="SCOPE/KEY",
        default="airtable/token",
        help="where SQL finds the token (default %(default)s)",
    )
    for option in table():
        if option["scope"] == "connection" and option["name"] != "token":
            flags.add_option(command, option)


def run(parsed: Namespace, console: Console) -> int:
    from .._native import Connector, scrub

    for flag, value in (("--name", parsed.name), ("--secret", parsed.secret)):
        if scrub(value) != value:
            raise OptionError(
                f"{flag} holds what looks like a token, which no definition may show: keep it in a secret"
            )
    stored = {name: str(value) for name, value in flags.given(parsed).items()}
    Connector(Options({"token": "none", **stored}))  # bad values fail here, and not in every later read
    made = connection.ConnectionDefinition(parsed.name, parsed.type, stored)
    if parsed.format == "json":
        print(made.to_json())
    else:
        print(made.to_sql(*connection.secret_reference(parsed.secret)))
    return codes.DONE

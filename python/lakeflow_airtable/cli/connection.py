"""`connection`: prints the definition of a Unity Catalog connection, or creates or updates the connection itself.

The token comes from a prompt, a file or the environment, and goes to the standard input of Databricks' command line.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..databricks_kit import program, up
from ..databricks_kit.connection import TYPES, ConnectionDefinition, Verb, secret_reference
from ..errors import OptionError
from ..options import CREDENTIALS, Options, table
from . import codes, flags

if TYPE_CHECKING:
    from .console import Console

EXAMPLES = (
    "connection --name airtable --base-id appXXXXXXXXXXXXXX --create --dry-run",
    "connection --name airtable --format sql --secret airtable/token",
)


def add(command: argparse.ArgumentParser) -> None:
    command.description = (
        "Creates or updates the Unity Catalog connection of this source by Databricks' command line, with a token of\n"
        "--token-file, of AIRTABLE_TOKEN, or of a prompt. Without --create and --update it prints the definition,\n"
        "without a token. The options of the connection are stored in it for every read."
    )
    command.add_argument("--name", required=True, help="the connection's name")
    verbs = command.add_mutually_exclusive_group()
    verbs.add_argument("--create", action="store_true", help="create it")
    verbs.add_argument("--update", action="store_true", help="write its options anew, as for another token")
    command.add_argument("--dry-run", action="store_true", help="print the line that does it, and run nothing")
    add_access(command)
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
        if option["scope"] == "connection" and option["name"] not in CREDENTIALS:
            flags.add_option(command, option, option["default"])


def add_access(command: argparse.ArgumentParser) -> None:
    """The flags of whatever makes a connection."""
    command.add_argument("--token-file", metavar="FILE", help="a file that holds the token and nothing else")
    command.add_argument("--profile", help="the profile of Databricks' command line")
    command.add_argument(
        "--type",
        choices=TYPES,
        default=TYPES[0],
        help="type of the connection (default %(default)s)",
    )


def run(parsed: argparse.Namespace, console: Console) -> int:
    from .._native import Connector

    program.names(name=parsed.name, secret=parsed.secret, profile=parsed.profile)
    stored = {name: str(value) for name, value in flags.given(parsed).items()}
    Connector(Options({"token": "none", **stored}))  # bad values fail here, and not in every later read
    definition = ConnectionDefinition(parsed.name, parsed.type, stored)
    verb: Verb = "update" if parsed.update else "create"
    if parsed.format == "sql":
        if parsed.create or parsed.dry_run:
            raise OptionError("--format sql prints a statement: run it in a SQL warehouse, or leave --format out")
        print(definition.to_sql(verb, *secret_reference(parsed.secret)))
    elif parsed.create or parsed.update:
        _send(definition, verb, parsed)
    elif parsed.dry_run:
        raise OptionError("--dry-run is about --create or --update: give one of them")
    else:
        print(definition.to_json())
        print("The definition holds no token. --create sends it with one.", file=sys.stderr)
    return codes.DONE


def _send(definition: ConnectionDefinition, verb: Verb, parsed: argparse.Namespace) -> None:
    by_hand = program.Program(print, parsed.profile)
    line = definition.by_hand(verb, by_hand.line(definition.arguments(verb)))
    if parsed.dry_run:
        print(line)
        return
    try:
        found = program.Program.found(print, parsed.profile)
    except program.DatabricksError:
        print(line)
        raise
    up.store(found, definition, verb, parsed.token_file, print)

"""The parser of each command, and what it says of what it cannot read.

Only the command that is called has its flags made and its module imported: the others give no more than their names.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from .. import environment
from ..shown import scrubbed
from . import codes, flags
from .nearest import nearest

PROGRAM = "lakeflow-airtable"


@scrubbed
@dataclass(frozen=True)
class Command:
    """A command: where its code is, and what it does."""

    name: str
    module: str
    help: str
    # The options may come from the environment.
    asks_airtable: bool = True

    def load(self) -> ModuleType:
        return import_module(f".{self.module}", __package__)


COMMANDS = (
    Command("check", "check", "test address, token, base and table one by one, and say what to do"),
    Command("bases", "listing", "list the bases that the token sees"),
    Command("tables", "listing", "list the tables of a base"),
    Command("schema", "schema", "show the columns and types of a table, or a diagram of a base"),
    Command("read", "read", "read tables, as JSON lines or into files"),
    Command("changes", "changes", "read what has changed in a table since the last time"),
    Command("sync", "sync", "bring copies of tables up to date, as Delta, Iceberg, DuckDB or Parquet"),
    Command("verify", "verify", "compare a copy of a table with the table"),
    Command("estimate", "estimate", "say what keeping copies costs in requests, before anything is read"),
    Command("connection", "connection", "create, update or print a Unity Catalog connection", asks_airtable=False),
    Command("databricks", "databricks", "bring the tables of a base into a Databricks workspace", asks_airtable=False),
    Command("options", "options", "show every option of the data source", asks_airtable=False),
    Command("mock", "mock", "run a local Airtable with sample data, for tests and first steps", asks_airtable=False),
    Command(
        "completion", "completion", "print a script that completes commands and flags in a shell", asks_airtable=False
    ),
)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints do not repeat arguments: one of them may be a token.

    It takes no abbreviations: `--filter` is another source's word, and whoever writes it should learn ours.
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", _Help)
        super().__init__(**{**settings, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        from .._native import scrub

        kind, _, fault = message.partition(": ")
        if fault.startswith("invalid choice"):
            message = f"{kind}: {self._no_choice(kind.removeprefix('argument '), fault)}"
        super().error(scrub(message))

    def _no_choice(self, argument: str, fault: str) -> str:
        """Which command or value may be meant by what stands in argparse's complaint."""
        [choices] = [
            list(map(str, action.choices))
            for action in self._actions
            if action.choices and argument in ("/".join(action.option_strings), str(action.metavar), action.dest)
        ][:1] or [[]]
        what = "command" if argument == "COMMAND" else "value"
        given = re.match(r"invalid choice: (['\"])(.*?)\1", fault)
        near = nearest(given[2], choices) if given else None
        if near:
            return f'no such {what}; did you mean "{near}"?'
        return f"no such {what}: there are {', '.join(choices)}"


class _Help(argparse.RawDescriptionHelpFormatter):
    """Names and what they mean stand side by side, as long as the longest command is."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, max_help_position=28, **settings)
        # argparse forgets that commands are indented once more.
        self._action_max_length = 14


def parser(arguments: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser for these arguments: of the other commands it knows the names. Without arguments it knows all."""
    whole = Parser(
        prog=PROGRAM,
        description="Read Airtable as typed columns.",
        epilog=f"{PROGRAM} COMMAND --help shows a command's arguments.\n\nExit codes: {codes.said()}.",
    )
    whole.add_argument("--version", action=_Version, help="show version, features and build, and exit")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    called = None if arguments is None else next((word for word in arguments if not word.startswith("-")), "")
    for command in COMMANDS:
        if called is None or command.name == called:
            _add(commands, command)
        else:
            commands.add_parser(command.name, help=command.help)
    return whole


def _add(commands: Any, command: Command) -> None:
    if command.name == "mock":
        from ..mock import parser as of_mock

        parent = of_mock()
        made = commands.add_parser(
            command.name, help=command.help, parents=[parent], add_help=False, description=parent.description
        )
    else:
        made = commands.add_parser(command.name, help=command.help)
        module = command.load()
        add = getattr(module, f"add_{command.name}", None) or module.add
        add(made)
        made.description = made.description or f"{command.help[0].upper()}{command.help[1:]}."
        made.epilog = _epilog(module, command)
        made.usage = f"%(prog)s {' '.join([*_positionals(made), '[options]'])}"


def _positionals(made: argparse.ArgumentParser) -> list[str]:
    shown = {"*": "[{} ...]", "?": "[{}]"}
    own = [action for action in made._actions if not action.option_strings]
    return [shown.get(str(action.nargs), "{}").format(action.metavar) for action in own]


def _epilog(module: ModuleType, command: Command) -> str:
    parts = []
    examples = [line for line in getattr(module, "EXAMPLES", ()) if line.partition(" ")[0] == command.name]
    if examples:
        parts.append("\n".join(["examples:", *(f"  {PROGRAM} {line}" for line in examples)]))
    if command.asks_airtable:
        parts.append(environment.said())
    parts.append(f"Exit codes: {codes.said()}.")
    return "\n\n".join(parts)


def refuse(whole: argparse.ArgumentParser, left: Sequence[str], parsed: argparse.Namespace) -> NoReturn:
    """Ends with what the command that was called does not take, and with that command's usage."""
    [commands] = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    command: argparse.ArgumentParser = commands.choices[parsed.command]
    known = [flag for action in command._actions for flag in action.option_strings]
    own = [str(action.metavar) for action in command._actions if not action.option_strings]
    command.error(flags.unrecognized(left, parsed, known, own))


def find(name: str) -> Command:
    return next(command for command in COMMANDS if command.name == name)


class _Version(argparse.Action):
    """Prints the version when it is met."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(nargs=0, default=argparse.SUPPRESS, **{"dest": argparse.SUPPRESS, **settings})

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .version import said

        print(said())
        parser.exit()

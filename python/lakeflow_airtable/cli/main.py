"""The commands and their flags.

One line on stderr and an exit code for what goes wrong: 2 for options, 1 for the rest. The flags are the options table.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import environment
from ..errors import AirtableError, OptionError
from ..options import CREDENTIALS, Options, table
from . import connection, flags, output

if TYPE_CHECKING:
    from .._native import Connector, OptionRow
    from ..options import Scope

# A command has the options that apply to it, and refuses others.
_OF_TABLES: tuple[Scope, ...] = ("connection", "tables")
_OF_READS: tuple[Scope, ...] = ("connection", "tables", "read")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["mock"]:
        from ..mock import main as run_mock

        return run_mock(arguments[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names and cells hold any character, and a console or pipe may know few.
        sys.stdout.reconfigure(encoding="utf-8")
    parsed = argparse.Namespace()
    try:
        _refuse_a_token(arguments)
        parser = _parser()
        parsed, left = parser.parse_known_args(arguments)
        if left:
            parser.error(flags.unrecognized(left, parsed))
        parsed.run(parsed)
        sys.stdout.flush()
        return 0
    except OptionError as error:
        return _complain(error, 2, parsed)
    except (AirtableError, ImportError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # `... | head`: the reader has what it wants
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _complain(error, 1, parsed)
    except KeyboardInterrupt:
        return 130


def _complain(error: Exception, code: int, parsed: argparse.Namespace) -> int:
    from .._native import scrub

    # Not all errors are ours, and some name a file as the user did.
    said = str(error)
    if isinstance(error, AirtableError):
        said = flags.spelled(said, environment.used(flags.given(parsed)))
    print(scrub(f"lakeflow-airtable: {said}"), file=sys.stderr)
    return code


def _refuse_a_token(arguments: Sequence[str]) -> None:
    """A token that stands by itself, where a command or a table's name belongs."""
    from .._native import scrub

    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not before.startswith("-") and not argument.startswith("-") and scrub(argument) == "[token]":
            raise OptionError(
                "a token stands where a command or a table's name belongs: put it into the environment as "
                "AIRTABLE_TOKEN, or give it as --token"
            )


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints do not repeat arguments: one of them may be a token.

    It takes no abbreviations: `--filter` is another source's word, and whoever writes it should learn ours.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        from .._native import scrub

        kind, _, fault = message.partition(": ")
        if fault.startswith("invalid choice"):
            message = f"{kind}: {self._no_command(fault) if kind == 'argument COMMAND' else 'no such choice'}"
        super().error(scrub(message))

    def _no_command(self, fault: str) -> str:
        """Which command may be meant by what stands in argparse's complaint."""
        from .._native import nearest_names

        [commands] = (action.choices or () for action in self._actions if action.metavar == "COMMAND")
        given = re.match(r"invalid choice: (['\"])(.*?)\1", fault)
        nearest = nearest_names(given[2], list(commands)) if given else []
        if nearest:
            return f'no such command; did you mean "{nearest[0]}"?'
        return f"no such command: there are {', '.join(commands)}"


def _parser() -> argparse.ArgumentParser:
    from .._native import __version__

    parser = _Parser(prog="lakeflow-airtable", description="Read Airtable as typed columns.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    commands.add_parser("mock", help="run a local Airtable with sample data, for tests and first steps")
    tables = commands.add_parser("tables", help="list tables, or bases where no base id is given")
    tables.set_defaults(run=_tables)
    schema = commands.add_parser("schema", help="show a table's columns and types")
    schema.set_defaults(run=_schema)
    read = commands.add_parser("read", help="read a table, as JSON lines or into a file")
    read.set_defaults(run=_read)
    read.add_argument(
        "--output", metavar="FILE", help="FILE.parquet, .arrow, .csv or .jsonl; without it JSON lines on stdout"
    )
    for command in (schema, read):
        command.add_argument("table", metavar="TABLE", help="the table's name or its tbl... id")
    for command, scopes in ((tables, _OF_TABLES), (schema, _OF_READS), (read, _OF_READS)):
        group = command.add_argument_group("options", environment.said())
        for option in table():
            if option["scope"] in scopes and option["name"] != flags.POSITIONAL:
                names = [option["name"], *option["aliases"]]
                group.add_argument(*map(flags.flag, names), **_flag_settings(option))

    options = commands.add_parser("options", help="show every option of the data source")
    options.add_argument("--markdown", action="store_true", help="as a Markdown table")
    options.set_defaults(run=_options)
    _add_connection(commands)
    return parser


def _add_connection(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "connection",
        help="print the definition of a Unity Catalog connection",
        description="Prints the definition of a Unity Catalog connection for this source, without a token. In the "
        "place of the token, JSON has the shell variable AIRTABLE_TOKEN, and SQL has a reference to a secret.",
    )
    command.set_defaults(run=_connection)
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
    group = command.add_argument_group("options", "Stored in the connection for every read.")
    for option in table():
        if option["scope"] == "connection" and option["name"] not in CREDENTIALS:
            group.add_argument(flags.flag(option["name"]), **_flag_settings(option))


def _flag_settings(option: OptionRow) -> dict[str, Any]:
    default = f" (default {option['default']})" if option["default"] else ""
    return {
        "dest": flags.dest(option["name"]),
        "metavar": option["kind"].upper(),
        # argparse formats help texts with %.
        "help": (option["meaning"] + default).replace("%", "%%"),
    }


def _connector(parsed: argparse.Namespace, forced: dict[str, object] | None = None) -> Connector:
    from .._native import Connector

    return Connector(Options.from_values({**environment.with_environment(flags.given(parsed)), **(forced or {})}))


def _connection(parsed: argparse.Namespace) -> None:
    from .._native import Connector, scrub

    for flag, value in (("--name", parsed.name), ("--secret", parsed.secret)):
        if scrub(value) != value:
            raise OptionError(
                f"{flag} holds what looks like a token, which no definition may show: keep it in a secret"
            )
    stored = {name: str(value) for name, value in flags.given(parsed).items()}
    Connector(Options({"token": "none", **stored}))  # bad values fail here, and not in every later read
    definition = connection.ConnectionDefinition(parsed.name, parsed.type, stored)
    if parsed.format == "json":
        print(definition.to_json())
    else:
        print(definition.to_sql(*connection.secret_reference(parsed.secret)))


def _tables(parsed: argparse.Namespace) -> None:
    connector = _connector(parsed)
    namespaces = connector.list_namespaces()
    names = namespaces if namespaces and parsed.option_namespace is None else connector.list_tables()
    print(*names, sep="\n")


def _schema(parsed: argparse.Namespace) -> None:
    from .._native import sql_type

    columns = json.loads(_connector(parsed).plan(parsed.table).spark_schema())["fields"]
    width = max(len(column["name"]) for column in columns)
    for column in columns:
        line = f"{column['name']:<{width}}  {sql_type(json.dumps(column['type']))}"
        if not column["nullable"]:
            line += " NOT NULL"
        if comment := column["metadata"].get("comment"):
            line += f"  -- {comment}"
        print(line)


def _read(parsed: argparse.Namespace) -> None:
    if parsed.output is None:
        connector = _connector(parsed)
        output.write_json_lines(connector.read(connector.plan(parsed.table)), sys.stdout)
    else:
        path = Path(parsed.output)
        connector = _connector(parsed, output.options_for(path))
        output.write_file(connector.read(connector.plan(parsed.table)), path)


def _options(parsed: argparse.Namespace) -> None:
    print(markdown(table()) if parsed.markdown else "\n".join(map(_described, table())))


def markdown(table: Sequence[OptionRow]) -> str:
    """The options table as the README shows it."""
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for option in table:
        default = f"`{option['default']}`" if option["default"] else _required(option)
        aliases = (
            f". Also accepted: {', '.join(f'`{name}`' for name in option['aliases'])}" if option["aliases"] else ""
        )
        rows.append(f"| `{option['name']}` | {default} | {option['meaning']}{aliases} |")
    return "\n".join(rows)


def _required(option: OptionRow) -> str:
    return {"": "", "always": "required"}.get(option["required"], f"required {option['required']}")


def _described(option: OptionRow) -> str:
    default = option["default"] or _required(option) or "no default"
    return f"{option['name']} ({default})\n    {option['meaning']}"

"""`databricks init` and `databricks up`: a kit's folder from the template, and the way from there to rows."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import environment
from ..databricks_kit import program, template, up, wheels
from ..errors import OptionError
from . import codes, connection

if TYPE_CHECKING:
    from .console import Console

    Commands = argparse._SubParsersAction[Any]


EXAMPLES = (
    "databricks init airtable-kit --base-id appXXXXXXXXXXXXXX --wheels dist",
    "databricks up airtable-kit --dry-run",
)


def add(command: argparse.ArgumentParser) -> None:
    command.description = (
        "From nothing to tables: init writes a bundle into a folder, and up brings it into a workspace."
    )
    verbs = command.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_init(verbs)
    _add_up(verbs)


def _add_init(verbs: Commands) -> None:
    command = verbs.add_parser(
        "init",
        help="write a bundle into a folder",
        description="Writes a bundle into a folder. On a terminal it asks for what is not given.",
    )
    command.set_defaults(verb=_init)
    command.add_argument("folder", metavar="DIR", help="the folder; files that are there are not replaced")
    command.add_argument(
        "--base-id",
        action="append",
        metavar="ID",
        help="the base (default AIRTABLE_BASE_ID); several times for several bases",
    )
    command.add_argument("--catalog", help="the catalog of the tables (default main)")
    command.add_argument("--schema", help="the schema of the tables (default airtable)")
    command.add_argument("--connection", help="name of the connection (default airtable)")
    source = command.add_mutually_exclusive_group()
    source.add_argument("--wheels", metavar="FOLDER", help="a folder with the wheels, which are copied into dist/")
    source.add_argument(
        "--index",
        metavar="URL",
        nargs="?",
        const="",
        help="take the wheels by name from a package index: that of the workspace, or of an address",
    )
    command.add_argument("--prod-catalog", help="the catalog of the target prod (default that of --catalog)")
    command.add_argument("--prod-schema", help="the schema of the target prod (default that of --schema with _prod)")
    command.add_argument("--run-as", metavar="ID", help="application id of the service principal that prod runs as")
    command.add_argument("--notify", action="append", metavar="ADDRESS", help="who is told of failures; several times")


def _add_up(verbs: Commands) -> None:
    command = verbs.add_parser(
        "up",
        help="make the connection, deploy, run, and show the tables",
        description="Checks login and rights, makes or updates the connection, deploys the bundle, runs the pipeline, "
        "and prints the tables with their rows, or the first error with its cure. Needs Databricks' command line.",
    )
    command.set_defaults(verb=_up)
    command.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="the bundle's folder (default %(default)s)"
    )
    command.add_argument("--target", help="the bundle's target (default its own)")
    command.add_argument(
        "--var", action="append", default=[], metavar="NAME=VALUE", help="a variable of the bundle; several times"
    )
    connection.add_access(command)
    command.add_argument("--warehouse", metavar="ID", help="a SQL warehouse that counts the rows of the tables")
    command.add_argument("--dry-run", action="store_true", help="print the commands, and run none")


def run(parsed: argparse.Namespace, console: Console) -> int:
    parsed.verb(parsed)
    return codes.DONE


def _init(parsed: argparse.Namespace) -> None:
    from .._native import __version__

    _ask(parsed)
    program.names(
        catalog=parsed.catalog,
        schema=parsed.schema,
        connection=parsed.connection,
        index=parsed.index,
        **{f"base_id_{number}": base for number, base in enumerate(parsed.base_id)},
    )
    source = Path(parsed.wheels) if parsed.wheels else None
    given: dict[str, Any] = {
        name: getattr(parsed, name)
        for name in ("catalog", "schema", "connection", "prod_catalog", "prod_schema", "run_as", "notify")
        if getattr(parsed, name)
    }
    version = wheels.version_in(source) if source is not None else __version__
    if source is not None and (platform := wheels.cluster_platform(source, version)):
        given["cluster_platform"] = platform
    index = template.Index(parsed.index) if parsed.index is not None else None
    answers = template.Answers(version=version, bases=parsed.base_id, index=index, **given)
    folder = Path(parsed.folder)
    new = template.write(folder, answers, source)
    for path in new:
        print(folder / path)
    if source is None and index is None:
        print(f"Put the wheels of version {version} into {folder / 'dist'}.", file=sys.stderr)
    print(f"Next: lakeflow-airtable databricks up {parsed.folder}", file=sys.stderr)


def _ask(parsed: argparse.Namespace) -> None:
    """Fills in what is not given: by questions on a terminal, else by defaults. There is none for the base."""
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if not parsed.base_id and (base := environment.with_environment({}).get("base_id")):
        parsed.base_id = [str(base)]
    if not parsed.base_id:
        if not asks:
            raise OptionError(
                "no base is given: give --base-id, the app... in the web address of the base, or set AIRTABLE_BASE_ID"
            )
        parsed.base_id = _answer("Base id, the app... in its web address (several with commas)", "").split(",")
        parsed.base_id = [base.strip() for base in parsed.base_id]
    for name, question, default in (
        ("catalog", "Catalog of the tables", "main"),
        ("schema", "Schema of the tables", "airtable"),
        ("connection", "Name of the connection", "airtable"),
    ):
        if not getattr(parsed, name):
            setattr(parsed, name, _answer(question, default) if asks else default)
    if asks and parsed.wheels is None and parsed.index is None:
        answer = _answer("Folder with the wheels, or `index` to take them by name from the package index", "index")
        parsed.wheels, parsed.index = (None, "") if answer == "index" else (answer, None)


def _answer(question: str, default: str) -> str:
    print(f"{question}{f' [{default}]' if default else ''}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or default


def _up(parsed: argparse.Namespace) -> None:
    program.names(profile=parsed.profile, target=parsed.target, warehouse=parsed.warehouse)
    variables = {}
    for given in parsed.var:
        name, equals, value = given.partition("=")
        program.names(var=value)
        if not name or not equals:
            raise OptionError("--var takes NAME=VALUE")
        variables[name] = value
    settings = up.Settings(
        folder=Path(parsed.folder),
        tell=_tell,
        target=parsed.target,
        profile=parsed.profile,
        variables=variables,
        token_file=parsed.token_file and str(Path(parsed.token_file).resolve()),
        type=parsed.type,
        warehouse=parsed.warehouse,
    )
    (up.lines if parsed.dry_run else up.up)(settings)


def _tell(line: str) -> None:
    from .._native import scrub

    # What other programs print goes through here.
    print(scrub(line), flush=True)

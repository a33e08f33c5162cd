"""From a kit's folder to rows in a workspace: login, rights, connection, wheels, deployment, run.

Each step is shown as the command that does it by hand. What is there as it should be is left as it is, so that a second
time changes nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import environment
from ..errors import TransportError
from ..options import Options
from ..shown import scrubbed
from . import cures, facts, rights, run, tokens, wheels
from .connection import TYPES, ConnectionDefinition, Verb, quoted
from .program import DatabricksError, Program

PIPELINE = "airtable"
"""The pipeline's key in the bundle."""

_PAGES = 20


@scrubbed
@dataclass(frozen=True)
class Settings:
    """What the user says of the way. `tell` is given each line of what happens."""

    folder: Path
    tell: Callable[[str], None]
    target: str | None = None
    profile: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    token_file: str | None = None
    type: str = TYPES[0]
    warehouse: str | None = None

    @property
    def bundle(self) -> list[str]:
        """What every call about the bundle is given."""
        target = ["--target", self.target] if self.target else []
        return [*target, *(f"--var={name}={value}" for name, value in self.variables.items())]

    def definition(self, known: facts.Facts) -> ConnectionDefinition:
        stored = {"base_id": known.base_id} if known.base_id else {}
        return ConnectionDefinition(known.connection, self.type, stored)


def lines(settings: Settings) -> None:
    """Tells every command of the way, and runs none."""
    known = facts.Facts.of_folder(settings.folder, settings.target, settings.variables)
    tell, program = settings.tell, Program(settings.tell, settings.profile)
    definition = settings.definition(known)
    tell(f"cd {shlex.quote(str(settings.folder))}")
    tell("# Who is logged in, and what the bundle says")
    tell(program.line(["current-user", "me"]))
    tell(program.line(["bundle", "validate", *settings.bundle]))
    tell("# The rights, where somebody else has to grant them")
    for right in rights.needed(known.connection, known.catalog, known.schema):
        tell(f"#   {right.grant('YOU')}   {right.purpose}")
    tell(program.line(["catalogs", "get", known.catalog]))
    tell("# The connection: it is created where it is missing, and updated where it is another")
    tell(program.line(["connections", "get", known.connection]))
    tell(definition.by_hand("create", program.line(definition.arguments("create"))))
    tell(f"# or: {definition.by_hand('update', program.line(definition.arguments('update')))}")
    tell("# The deployment, and the run")
    tell(program.line(["bundle", "deploy", *settings.bundle]))
    tell(program.line(["bundle", "run", PIPELINE, *settings.bundle]))
    tell("# The tables; in development the schema's name begins with dev_YOU_")
    tell(program.line(["tables", "list", known.catalog, known.schema]))


def up(settings: Settings) -> None:
    """Takes the whole way. Raises the first error with its cure."""
    facts.Facts.of_folder(settings.folder, settings.target, settings.variables)  # no kit: nothing is asked
    program = Program.found(settings.tell, settings.profile, str(settings.folder))
    settings.tell(f"cd {shlex.quote(str(settings.folder))}")
    me = program.json(["current-user", "me"])
    principals = [me.get("userName", ""), *(group.get("display", "") for group in me.get("groups", []))]
    settings.tell(f"# logged in as {principals[0]}")
    known = facts.Facts.of_bundle(program.json(["bundle", "validate", *settings.bundle]))
    try:
        _bring(settings, program, known, principals)
    except DatabricksError as error:
        raise _with_grant(error, known, principals[0]) from None


def _with_grant(error: DatabricksError, known: facts.Facts, principal: str) -> DatabricksError:
    """The error, with the statement that grants the privilege that it names."""
    wanted = cures.privilege(error.answer)
    for right in rights.needed(known.connection, known.catalog, known.schema):
        if wanted in right.privileges:
            return DatabricksError(f"{error}; the statement is: {right.grant(principal)}", error.answer)
    return error


def _bring(settings: Settings, program: Program, known: facts.Facts, principals: Sequence[str]) -> None:
    facts.check_specification(settings.folder, known.connection)
    if known.takes_folder:
        for told in wheels.chosen(settings.folder / "dist", known.wheel_version)[1]:
            settings.tell(f"# note: {told}")
    _look_at_rights(settings, program, known, principals)
    _connect(settings, program, known)
    program.followed(["bundle", "deploy", *settings.bundle], settings.tell)
    _run(settings, program, known)


def _look_at_rights(settings: Settings, program: Program, known: facts.Facts, principals: Sequence[str]) -> None:
    """Whether the catalog is to be seen, and a note of what no grant gives. Administrators and owners need none, so
    only a refusal ends the way."""
    catalog = program.json(["catalogs", "get", known.catalog])
    if catalog.get("owner") in principals:
        return
    for right in rights.needed(known.connection, known.catalog, known.schema):
        if right.kind != "CATALOG":
            continue  # the metastore's are not shown to all, and the others are there only later
        effective = program.json(["grants", "get-effective", "catalog", known.catalog])
        if missing := right.missing(effective, (*principals, "account users")):
            settings.tell(
                f"# note: no grant gives {', '.join(missing)} on the catalog {known.catalog}, {right.purpose}; unless "
                f"you administrate it, ask for: {right.grant(principals[0])}"
            )


def _connect(settings: Settings, program: Program, known: facts.Facts) -> None:
    definition = settings.definition(known)
    try:
        stored = program.json(["connections", "get", known.connection])
    except DatabricksError as error:
        if not error.is_missing:
            raise
        store(program, definition, "create", settings.token_file, settings.tell)
        return
    kind = stored.get("connection_type", "")
    if kind not in TYPES:
        raise DatabricksError(
            f"the connection {known.connection} is of the type {kind}, which holds no token of Airtable's: give "
            f"another name by --var connection=NAME, or delete it by `databricks connections delete {known.connection}`"
        )
    options = stored.get("options") or {}
    differences = definition.differences(options)
    if not options:
        settings.tell(
            "# note: Databricks does not show the connection's options, so they are not compared; "
            f"`lakeflow-airtable connection --name {known.connection} --update` writes them anew"
        )
    elif differences:
        settings.tell(f"# the connection {known.connection} is brought up to date: {'; '.join(differences)}")
        store(program, definition, "update", settings.token_file, settings.tell)
    else:
        settings.tell(f"# the connection {known.connection} is as it should be")


def store(
    program: Program, definition: ConnectionDefinition, verb: Verb, token_file: str | None, tell: Callable[[str], None]
) -> None:
    """Creates or updates the connection, with a token that Airtable accepts."""
    token = tokens.token(token_file)
    check(definition, token, tell)
    arguments = definition.arguments(verb)
    try:
        program.text(
            arguments,
            stdin=definition.request(verb, token),
            shown=definition.by_hand(verb, program.line(arguments)),
        )
    except DatabricksError as error:
        if verb == "create" and error.is_there_already:
            raise DatabricksError(
                f"a connection {definition.name} is there already: bring it up to date by `lakeflow-airtable "
                f"connection --name {definition.name} --update`; where it is somebody else's, ask its owner for "
                f"GRANT USE CONNECTION ON CONNECTION {quoted(definition.name)}, or give another name",
                error.answer,
            ) from None
        raise
    tell(f"# the connection {definition.name} is {verb}d")


def check(definition: ConnectionDefinition, token: str, tell: Callable[[str], None]) -> None:
    """Asks Airtable for the names that the connection will see, so that no wrong token is stored."""
    from .._native import Connector

    options = Options.from_values(environment.with_environment({**definition.stored, "token": token, "max_retries": 0}))
    if "base_id" not in definition.stored:
        options.pop("base_id", None)
    connector = Connector(options)
    try:
        seen = connector.list_tables() if "base_id" in options else connector.list_namespaces()
    except TransportError as error:
        tell(f"# note: Airtable was not asked whether it accepts the token: {error}")
        return
    kind = "tables" if "base_id" in options else "bases"
    tell(f"# Airtable accepts the token, which sees {len(seen)} {kind}")


def _run(settings: Settings, program: Program, known: facts.Facts) -> None:
    refused = None
    try:
        program.followed(["bundle", "run", PIPELINE, *settings.bundle], settings.tell)
    except DatabricksError as error:
        refused = error
    summary = program.json(["bundle", "summary", *settings.bundle])
    pipeline = summary.get("resources", {}).get("pipelines", {}).get(PIPELINE, {}).get("id")
    if not pipeline:
        raise refused or DatabricksError(f"the bundle has no pipeline {PIPELINE}: deploy it first")
    updates = program.json(["pipelines", "get", pipeline]).get("latest_updates", [])
    if not updates:
        raise refused or DatabricksError(f"the pipeline {PIPELINE} has not run: run it by hand")
    events = run.of_update(_events(program, pipeline, updates[0]["update_id"]), updates[0]["update_id"])
    if refused is not None:
        first = run.first_error(events)
        raise DatabricksError(f"the run failed: {first}", refused.answer) if first else refused
    _tell_tables(settings, program, known, run.rows(events))


def _events(program: Program, pipeline: str, update: str) -> list[Mapping[str, Any]]:
    """The newest events, as far back as the run began."""
    found: list[Mapping[str, Any]] = []
    page = ""
    for _ in range(_PAGES):
        more = f"&page_token={quote(page)}" if page else ""
        answer = program.json(["api", "get", f"/api/2.0/pipelines/{pipeline}/events?max_results=250{more}"])
        events = answer.get("events", [])
        found.extend(events)
        page = answer.get("next_page_token", "")
        if not page or not run.of_update(events, update):
            break
    return found


def _tell_tables(settings: Settings, program: Program, known: facts.Facts, written: Mapping[str, int]) -> None:
    listed = program.json(["tables", "list", known.catalog, known.schema])
    names = sorted(table["name"] for table in listed)
    if not names:
        raise DatabricksError(
            f"the run made no table in {known.catalog}.{known.schema}: see pipeline_spec.json, and whether the base "
            "has tables"
        )
    counts: Mapping[str, int] = written
    what = "rows written"
    if settings.warehouse is not None:
        counts, what = _counted(program, known, names, settings.warehouse), "rows"
    width = max(len(name) for name in names)
    for name in names:
        settings.tell(f"{name:<{width}}  {counts.get(name, 0):>12} {what}")


def _counted(program: Program, known: facts.Facts, names: Sequence[str], warehouse: str) -> dict[str, int]:
    where = f"{quoted(known.catalog)}.{quoted(known.schema)}"
    statement = " UNION ALL ".join(
        f"SELECT {number} AS number, count(*) AS n FROM {where}.{quoted(name)}" for number, name in enumerate(names)
    )
    body = {"warehouse_id": warehouse, "statement": statement, "wait_timeout": "50s"}
    answer = program.json(["api", "post", "/api/2.0/sql/statements", "--json", json.dumps(body)])
    state = answer.get("status", {})
    if state.get("state") != "SUCCEEDED":
        said = state.get("error", {}).get("message") or state.get("state")
        raise DatabricksError(
            f"the warehouse {warehouse} did not count the rows: {said}: leave --warehouse out, or wait"
        )
    return {names[int(number)]: int(count) for number, count in answer["result"]["data_array"]}

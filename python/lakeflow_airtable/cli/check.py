"""`check`: what a first user wonders, and a support person asks for. Each line says passed, or what to do.

A check that depends on one that failed is left out. Nothing is written anywhere, and no webhook is made.
"""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..errors import AirtableError, AuthError, NotFoundError, OptionError, TransportError
from ..options import Options, table
from ..shown import scrubbed
from . import access, codes, flags, users
from .progress_text import duration, one_line

if TYPE_CHECKING:
    from .._native import Connector
    from .console import Console

EXAMPLES = ("check", "check Vendors --base-id appXXXXXXXXXXXXXX", "check --json")

MOST_WEBHOOKS = 10
"""Of a base."""

LONGEST_WAIT = 5.0
"""Seconds for which a check waits until a base may be asked again."""

# It is to be quick: who waits for Airtable to come back reads instead.
_QUICK = {"max_retries": "1", "timeout_seconds": "20"}

_COLOURS = {"passed": "\x1b[32m", "failed": "\x1b[31m", "unknown": "\x1b[33m", "left out": "\x1b[2m"}


@scrubbed
@dataclass(frozen=True)
class Line:
    """What one check has found."""

    check: str
    state: str
    """`passed`, `failed`, `unknown` or `left out`."""
    said: str
    code: int = codes.DONE


def add(command: ArgumentParser) -> None:
    command.add_argument(
        "table",
        metavar="TABLE",
        nargs="?",
        help="the table's name, its tbl... id or its web address; default: the first one",
    )
    command.add_argument("--json", action="store_true", help="as JSON: check, state, said")
    flags.add_options(command, "connection", "tables")


def run(parsed: Namespace, console: Console) -> int:
    options = Options({**_QUICK, **access.options(parsed, console)})
    lines = []
    for line in Checks(options, parsed.table).lines():
        lines.append(line)
        if not parsed.json:
            print(_shown(line, console.has_colour and os.isatty(1)), flush=True)
    if parsed.json:
        told = [{name: value for name, value in asdict(line).items() if name != "code"} for line in lines]
        print(json.dumps(told, indent=2, ensure_ascii=False))
    return next((line.code for line in lines if line.code), codes.DONE)


def _shown(line: Line, has_colour: bool) -> str:
    state = f"{line.state:<8}"
    if has_colour:
        state = f"{_COLOURS[line.state]}{state}\x1b[0m"
    return f"{state}  {line.check:<10}  {one_line(line.said)}"


class Checks:
    """The checks in their order, and what later ones need of those before."""

    def __init__(self, options: Options, table: str | None) -> None:
        from .._native import Connector

        self._options = options
        self._connector: Connector = Connector(options)
        self._table = table
        self._base = ""
        self._permission = ""

    def lines(self) -> Iterator[Line]:
        """Every line, as soon as it is known."""
        address = _address(self._options)
        try:
            account = json.loads(self._connector.account())
        except TransportError as error:
            yield _failed("address", error)
            yield from _left_out("token", "base", "table", "page", "webhooks", "budget")
            return
        except AirtableError as error:
            yield Line("address", "passed", address)
            yield _failed("token", error)
            yield from _left_out("base", "table", "page", "webhooks", "budget")
            return
        yield Line("address", "passed", address)
        yield Line("token", "passed", _token(account))
        yield self._line("base", self._find_base)
        if not self._base:
            yield from _left_out("table", "page", "webhooks", "budget")
            return
        budget = json.loads(self._connector.budget(self._base))
        if budget["blocked_seconds"] > LONGEST_WAIT:
            yield from _left_out("table", "page", "webhooks", why="would wait: see the budget")
            yield Line("budget", "failed", f"{_budget(self._base, budget)}: try again then", codes.LIMITS)
            return
        found = self._line("table", self._find_table)
        yield found
        if found.state == "passed":
            yield self._line("page", self._read_page)
        else:
            yield from _left_out("page")
        yield self._webhooks()
        yield Line("budget", "passed", _budget(self._base, budget))

    def _line(self, check: str, run: Callable[[], str]) -> Line:
        try:
            return Line(check, "passed", run())
        except AirtableError as error:
            return _failed(check, error)

    def _find_base(self) -> str:
        bases = json.loads(self._connector.list_bases())
        wanted = self._place()
        if not wanted and self._options.get("namespace"):
            names = json.loads(self._options["namespace"])
            wanted = next((str(name) for name in names), None) if isinstance(names, list) else None
        if not wanted:
            if not bases:
                raise NotFoundError(
                    "the token sees no base: give it access to one at https://airtable.com/create/tokens"
                )
            first = ", ".join(f"{base[0]} is {base[1]!r}" for base in bases[:3])
            raise OptionError(f"no base is named, and the token sees {len(bases)}: give --base-id ({first})")
        for base, name, permission in bases:
            if wanted in (base, name):
                self._base, self._permission = base, permission
                role = f"role {permission}" if permission else "the role is not told"
                return f"{name!r} ({base}), {role}; the scope schema.bases:read is there"
        raise NotFoundError(
            f"the token sees no base {wanted}: correct --base-id, or give the token access to it at "
            "https://airtable.com/create/tokens"
        )

    def _place(self) -> str | None:
        """The base that is named, by its id or by the web address of a page in it, which may name the table, too."""
        from .._native import web_place

        given = self._options.get("base_id")
        if given:
            place = web_place("base_id", given)
            if place and self._table is None:
                self._table = place[1]
        else:
            place = web_place("tableName", self._table) if self._table else None
        return place[0] if place else given

    def _find_table(self) -> str:
        is_named = self._options.get("base_id") or self._options.get("namespace")
        tables = json.loads(self._connector.definitions(None if is_named else self._base))
        if not tables:
            raise NotFoundError("the base has no tables that the token sees: make one")
        wanted = self._table if self._table is not None else tables[0]["id"]
        plan = self._connector.plan_cached(wanted)
        name = json.loads(plan.to_json())["table_name"]
        which = "" if self._table is not None else f", the first of {len(tables)} tables"
        self._table = wanted
        return f"{name!r}{which}: {len(plan.schema)} columns"

    def _read_page(self) -> str:
        began = time.monotonic()
        scan = self._connector.plan_cached(self._table, {"max_records": "100"})
        read = self._connector.read(scan).write(os.devnull, "jsonl")
        took = duration(time.monotonic() - began)
        return f"{read} records in {took}; the scope data.records:read is there"

    def _webhooks(self) -> Line:
        """Whether one may be made: the list shows the scope, and the role is that of the base."""
        of_what = "only the ingestion types cdc_with_deletes and change_log need them"
        try:
            there = self._connector.webhook_count(self._base)
        except AuthError:
            said = f"the token lacks the scope webhook:manage; {of_what}"
            return Line("webhooks", "unknown", said)
        except AirtableError as error:
            return _failed("webhooks", error)
        if self._permission and self._permission != "create":
            said = f"none may be made: the role is {self._permission}, and it takes that of a creator; {of_what}"
            return Line("webhooks", "unknown", said)
        if there >= MOST_WEBHOOKS:
            said = f"all {there} that a base holds are there: delete one that nobody reads, or name one by --webhook-id"
            return Line("webhooks", "unknown", said)
        if not self._permission:
            said = (
                f"{there} are there, and so is the scope webhook:manage; the role, which is to be creator, is not told"
            )
            return Line("webhooks", "unknown", said)
        return Line("webhooks", "passed", f"may be made; {there} of {MOST_WEBHOOKS} are there")


def _failed(check: str, error: AirtableError) -> Line:
    return Line(check, "failed", flags.spelled(str(error)), codes.code_of(error))


def _left_out(*checks: str, why: str = "needs what failed above") -> Iterator[Line]:
    for check in checks:
        yield Line(check, "left out", why)


def _address(options: Options) -> str:
    url = options.get("base_url") or next(row["default"] for row in table() if row["name"] == "base_url")
    if url.startswith("http://"):
        return f"{url} answers, on this machine and without a certificate"
    return f"{url} answers, and its certificate is accepted"


def _token(account: dict[str, object]) -> str:
    scopes = account["scopes"]
    if isinstance(scopes, list):
        return f"accepted, an OAuth access token of user {account['id']} with the scopes {', '.join(scopes) or 'none'}"
    return f"accepted, a personal access token of user {account['id']}; Airtable does not tell its scopes"


def _budget(base: str, budget: dict[str, object]) -> str:
    rate = f"{budget['requests_per_second']:g} requests a second for {base} on this machine"
    blocked, wait = float(str(budget["blocked_seconds"])), float(str(budget["wait_seconds"]))
    if blocked > 0:
        now = f"left alone for {duration(blocked)} after too many requests"
    elif wait > 0:
        now = f"the next request waits {duration(wait)}"
    else:
        now = "free now"
    if budget["is_eased"] and blocked <= 0:
        now += ", at a share of the pace, because others were seen"
    others = users.of_file(str(budget["path"]))
    if others is None:
        by = "who else uses it cannot be told here"
    elif others:
        by = f"also used by {', '.join(others)}"
    else:
        by = "used by no other process of yours"
    return f"{rate}: {now}; {by}"

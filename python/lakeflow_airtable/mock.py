"""A mock Airtable for tests: a real HTTP server on loopback, started and stopped by a ``with`` block.

Examples:
    >>> import json, urllib.request
    >>> with MockAirtable() as mock:
    ...     request = urllib.request.Request(
    ...         f"{mock.url}/v0/{mock.base_id}/Vendors?maxRecords=2",
    ...         headers={"Authorization": f"Bearer {mock.token}"},
    ...     )
    ...     with urllib.request.urlopen(request) as answer:
    ...         page = json.load(answer)
    >>> len(page["records"])
    2

It can misbehave on request. A rule spoils single answers, a switch changes the server as a whole:

Examples:
    >>> with MockAirtable() as mock:
    ...     mock.set_faults(requests_per_second=5, rules=[{"times": 2, "action": {"retriable": {}}}])
    ...     mock.faults["penalty_seconds"]
    30.0
"""

from __future__ import annotations

import argparse
import errno
import json
import math
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn, TypedDict, overload

__all__ = ["MockAirtable", "main"]

_LARGEST_PORT = 65_535
_LARGEST = 2**64 - 1


class MockOptions(TypedDict):
    """What leads to a mock."""

    token: str
    base_url: str
    base_id: str
    requests_per_second: str


class MockAirtable:
    """A running mock Airtable.

    Bases, tables and fields are named by id or by name. Without ``base`` a call is about the first base. That is the
    sample base, unless the mock was started with ``sample=False``.

    Args:
        token: The token that may do everything. By default, an obviously fake one.
        sample: Whether the two sample bases are there.
        port: The port. 0 takes a free one.
        host: The IP address to listen on.
        faults: The faults to start with, see :meth:`set_faults`.
        seed: The seed of all ids: the same seed and calls give the same ids.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        sample: bool = True,
        port: int = 0,
        host: str = "127.0.0.1",
        faults: Mapping[str, Any] | None = None,
        seed: int = 1,
    ) -> None:
        from lakeflow_airtable import _native

        _check("port", port, _LARGEST_PORT)
        _check("seed", seed, _LARGEST)
        self._native = _native.Mock(
            host=host, port=port, token=token, sample=sample, faults=json.dumps(dict(faults or {})), seed=seed
        )

    def __enter__(self) -> MockAirtable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MockAirtable({self._native!r})"

    def stop(self) -> None:
        """Stops the server. Stopping again is fine."""
        self._native.stop()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without ``/v0``."""
        return self._native.url

    @property
    def base_url(self) -> str:
        """The same as :attr:`url`, by the name of the connector's option."""
        return self.url

    @property
    def token(self) -> str:
        """The token that may do everything."""
        return self._native.token

    @property
    def base_id(self) -> str:
        """The id of the first base."""
        return self._native.base_id

    @property
    def bases(self) -> dict[str, str]:
        """The names of all bases by their ids."""
        return dict(self._native.bases())

    @overload
    def options(self) -> MockOptions: ...

    @overload
    def options(self, **more: str) -> dict[str, str]: ...

    def options(self, **more: str) -> MockOptions | dict[str, str]:
        """Options for ``spark.read.options(**mock.options())`` and ``Airtable(**mock.options())``.

        Examples:
            >>> with MockAirtable() as mock:
            ...     sorted(mock.options(tableName="Vendors"))
            ['base_id', 'base_url', 'requests_per_second', 'tableName', 'token']
        """
        return {
            "token": self.token,
            "base_url": self.url,
            "base_id": self.base_id,
            "requests_per_second": "10000",
            **more,
        }

    # Faults, requests, clock, tokens

    @property
    def faults(self) -> dict[str, Any]:
        """The faults in force. Assign a dict to replace them all."""
        faults: dict[str, Any] = json.loads(self._native.faults())
        return faults

    @faults.setter
    def faults(self, faults: Mapping[str, Any]) -> None:
        self._native.set_faults(json.dumps(dict(faults)))

    def set_faults(self, **faults: Any) -> None:
        """Changes the named faults and keeps the others. Rules and limits begin to count anew.

        :attr:`faults` lists the switches. A rule is ``{"after": n, "times": n, "path": text, "action": ...}``. All but
        the action are optional. An action is a name, or a name with settings:
        ``"close"``, ``"stall"``, ``"bad_gateway"``, ``{"truncate": {"bytes": 100}}``,
        ``{"respond": {"status": 200, "body": {"records": []}}}`` and so on.
        """
        self.faults = {**self.faults, **faults}

    def reset_faults(self) -> None:
        """Goes back to the faults that the mock was started with."""
        self._native.reset_faults()

    def requests(self) -> list[dict[str, Any]]:
        """The last requests, oldest first: method, path, query, body, time, status, endpoint, ..."""
        requests: list[dict[str, Any]] = json.loads(self._native.requests())
        return requests

    def request_counts(self) -> dict[str, int]:
        """How many requests each endpoint had.

        Examples:
            >>> with MockAirtable() as mock:
            ...     mock.request_counts()
            {}
        """
        counts: dict[str, int] = json.loads(self._native.request_counts())
        return counts

    def clear_requests(self) -> None:
        """Forgets all requests and counts."""
        self._native.clear_requests()

    @property
    def now(self) -> str:
        """The server's time, ISO 8601."""
        return self._native.now()

    def advance_clock(self, seconds: float) -> None:
        """Moves the server's clock. Negative seconds move it back."""
        self._native.advance_clock(seconds)

    def set_clock(self, now: str) -> None:
        """Sets the server's clock, which runs on from there."""
        self._native.set_clock(now)

    def add_token(
        self,
        token: str,
        *,
        scopes: Iterable[str] | None = None,
        bases: Iterable[str] | None = None,
    ) -> None:
        """Adds a token that has only these scopes and sees only these bases. ``None`` means all."""
        grant = {
            "scopes": None if scopes is None else sorted(scopes),
            "bases": None if bases is None else sorted(bases),
        }
        self._native.add_token(token, json.dumps(grant))

    def authorize(self, client_id: str, client_secret: str | None = None) -> tuple[str, str]:
        """Authorizes an integration of OAuth: gives its access token and its refresh token.

        The access token lasts an hour of the server's clock. The refresh token is good for one renewal, and `base_url`
        with `/oauth2/v1/token` is where.
        """
        return self._native.authorize(client_id, client_secret, "{}")

    def remove_token(self, token: str) -> None:
        """Makes a token invalid."""
        self._native.remove_token(token)

    def set_permission(self, level: str, *, base: str | None = None) -> None:
        """Sets the user's role on a base: ``none``, ``read``, ``comment``, ``edit`` or ``create``."""
        self._native.set_permission(self._base(base), level)

    # Data

    def _base(self, base: str | None) -> str:
        return self.base_id if base is None else base

    def create_base(self, name: str, tables: Sequence[Mapping[str, Any]] = (), **keys: Any) -> str:
        """Makes a base and gives its id.

        Tables are as in Airtable's schema calls, with names wherever ids are wanted, and with ``records``.

        Examples:
            >>> with MockAirtable(sample=False) as mock:
            ...     base = mock.create_base("Shop", [{
            ...         "name": "Items",
            ...         "fields": [{"name": "Name"}, {"name": "Price", "type": "number", "options": {"precision": 0}}],
            ...         "records": [{"fields": {"Name": "Soap", "Price": 3}}],
            ...     }])
            ...     [record["fields"] for record in mock.records("Items")]
            [{'Name': 'Soap', 'Price': 3}]
        """
        return self._native.create_base(json.dumps({"name": name, "tables": list(tables), **keys}))

    def create_table(
        self,
        name: str,
        fields: Sequence[Mapping[str, Any]],
        records: Sequence[Mapping[str, Any]] = (),
        *,
        base: str | None = None,
        **keys: Any,
    ) -> dict[str, Any]:
        """Makes a table, with records given as their fields, and gives its schema."""
        rows = [{"fields": dict(record)} for record in records]
        definition = {"name": name, "fields": list(fields), "records": rows, **keys}
        schema: dict[str, Any] = json.loads(self._native.create_table(self._base(base), json.dumps(definition)))
        return schema

    def generate_table(
        self,
        name: str,
        records: int,
        fields: int | Sequence[tuple[str, str]] = 20,
        *,
        scalars: bool = False,
        seed: int = 1,
        base: str | None = None,
    ) -> str:
        """Makes a table of generated records and gives its id.

        ``fields`` is how many fields of mixed types (of scalar types only, if asked), or their names and types.
        """
        count = fields if isinstance(fields, int) else 0
        _check("records", records, _LARGEST)
        _check("fields", count, _LARGEST)
        _check("seed", seed, _LARGEST)
        types = None if isinstance(fields, int) else list(fields)
        return self._native.generate_table(self._base(base), name, records, count, types, scalars, seed)

    def schema(self, *, base: str | None = None) -> dict[str, Any]:
        """The schema of a base, as Airtable gives it."""
        schema: dict[str, Any] = json.loads(self._native.schema(self._base(base)))
        return schema

    def records(self, table: str, *, base: str | None = None) -> list[dict[str, Any]]:
        """All records of a table, as a listing gives them, in order of creation."""
        records: list[dict[str, Any]] = json.loads(self._native.records(self._base(base), table))
        return records

    def create_records(self, table: str, records: Sequence[Mapping[str, Any]], *, base: str | None = None) -> list[str]:
        """Creates records from their fields, with typecast, and gives their ids."""
        return self._native.create_records(self._base(base), table, json.dumps([dict(record) for record in records]))

    def update_records(
        self, table: str, records: Mapping[str, Mapping[str, Any]], *, base: str | None = None
    ) -> list[str]:
        """Updates records given as ``{id: fields}``. Cells that are not named stay.

        Examples:
            >>> with MockAirtable() as mock:
            ...     vendor = mock.records("Vendors")[0]["id"]
            ...     mock.update_records("Vendors", {vendor: {"Name": "Renamed"}}) == [vendor]
            True
        """
        changes = [{"id": record, "fields": dict(fields)} for record, fields in records.items()]
        return self._native.update_records(self._base(base), table, json.dumps(changes))

    def delete_records(self, table: str, ids: Sequence[str], *, base: str | None = None) -> None:
        """Deletes records."""
        self._native.delete_records(self._base(base), table, list(ids))

    def add_attachment(
        self,
        table: str,
        record: str,
        field: str,
        filename: str,
        content: bytes,
        *,
        type: str | None = None,
        base: str | None = None,
    ) -> str:
        """Adds a file to a cell of attachments, after those that are there, and gives the attachment's id.

        The file's media type is told by its name, or given. Attachments that are written without their bytes have files
        of the size that their cells tell.

        Examples:
            >>> with MockAirtable() as mock:
            ...     asset = mock.records("Marketing Assets")[0]["id"]
            ...     attachment = mock.add_attachment("Marketing Assets", asset, "Files", "list.csv", b"a,b")
            ...     mock.records("Marketing Assets")[0]["fields"]["Files"][-1]["size"]
            3
        """
        return self._native.add_attachment(self._base(base), table, record, field, filename, content, type)

    def set_raw_cell(self, table: str, record: str, field: str, value: Any, *, base: str | None = None) -> None:
        """Puts any JSON into a cell, computed or not. It stays until the cell is edited. ``None`` empties it."""
        self._native.set_raw_cell(self._base(base), table, record, field, json.dumps(value))

    def set_raw_field(
        self, table: str, field: str, definition: Mapping[str, Any] | None, *, base: str | None = None
    ) -> None:
        """Replaces keys of a field's shown definition, such as ``{"type": "hologram"}`` or ``{"options": None}``.

        The field itself goes on working. ``None`` takes all replacements back.
        """
        shown = None if definition is None else dict(definition)
        self._native.set_raw_field(self._base(base), table, field, json.dumps(shown))

    def create_field(self, table: str, definition: Mapping[str, Any], *, base: str | None = None) -> dict[str, Any]:
        """Adds a field, and gives its definition."""
        shown: dict[str, Any] = json.loads(
            self._native.create_field(self._base(base), table, json.dumps(dict(definition)))
        )
        return shown

    def update_field(self, table: str, field: str, *, base: str | None = None, **change: Any) -> dict[str, Any]:
        """Changes a field's ``name``, ``description``, ``type`` or ``options``."""
        shown: dict[str, Any] = json.loads(
            self._native.update_field(self._base(base), table, field, json.dumps(change))
        )
        return shown

    def rename_field(self, table: str, field: str, name: str, *, base: str | None = None) -> None:
        """Renames a field."""
        self.update_field(table, field, base=base, name=name)

    def remove_field(self, table: str, field: str, *, base: str | None = None) -> None:
        """Removes a field. Fields that were computed from it become invalid."""
        self._native.remove_field(self._base(base), table, field)

    def update_table(self, table: str, *, base: str | None = None, **change: Any) -> dict[str, Any]:
        """Changes a table's ``name`` or ``description``."""
        shown: dict[str, Any] = json.loads(self._native.update_table(self._base(base), table, json.dumps(change)))
        return shown

    def remove_table(self, table: str, *, base: str | None = None) -> None:
        """Removes a table and the links to it."""
        self._native.remove_table(self._base(base), table)

    def add_comment(
        self,
        table: str,
        record: str,
        text: str,
        *,
        author: int = 0,
        parent: str | None = None,
        reactions: Sequence[tuple[str, int]] = (),
        base: str | None = None,
    ) -> str:
        """Writes a comment on a record, and gives its id.

        People are numbered from 0, and a text mentions one as ``@[usr...]``. ``parent`` is the id of the comment that
        this one answers. ``reactions`` are pairs of an emoji's code points, such as ``1f44d``, and who reacted. A token
        reads comments by the scope ``data.recordComments:read``, see :meth:`add_token`.

        Examples:
            >>> with MockAirtable() as mock:
            ...     vendor = mock.records("Vendors")[0]["id"]
            ...     mock.add_comment("Vendors", vendor, "Call them", reactions=[("1f44d", 1)])[:3]
            'com'
        """
        comment: dict[str, Any] = {"text": text, "author": author, "parentCommentId": parent}
        comment["reactions"] = [{"emoji": emoji, "person": person} for emoji, person in reactions]
        return self._native.add_comment(self._base(base), table, record, json.dumps(comment))

    def last_modified(self, table: str, record: str, *, base: str | None = None) -> str | None:
        """When a record was last edited, or ``None`` if never."""
        modified: str | None = self._native.last_modified(self._base(base), table, record)
        return modified


def _check(name: str, number: int, most: int) -> None:
    if not 0 <= number <= most:
        raise ValueError(f"{name} is {number}: it takes a whole number from 0 to {most}")


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints do not show a token that was put in the wrong place."""

    def error(self, message: str) -> NoReturn:
        from lakeflow_airtable._native import scrub

        super().error(scrub(message))


PROGRAM = "lakeflow-airtable mock"


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    parser = _Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Runs a mock Airtable until Ctrl-C, and prints lines that point a shell at it.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="IP address to listen on (default: %(default)s)")
    port = _whole_number(0, _LARGEST_PORT)
    parser.add_argument("--port", type=port, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--token", help="token that may do everything (default: a fake one)")
    rate = _whole_number(1, 2**32 - 1)
    parser.add_argument(
        "--rate-limit", type=rate, metavar="N", help="requests a second that a base grants, such as Airtable's 5"
    )
    penalty = _number(0, 86_400)
    parser.add_argument(
        "--penalty",
        type=penalty,
        metavar="SECONDS",
        help="seconds of refusals after the limit is exceeded (default: 30)",
    )
    delay = _whole_number(0, 86_400_000)
    parser.add_argument("--delay", type=delay, metavar="MS", help="milliseconds to wait before each answer")
    parser.add_argument("--no-gzip", action="store_true", help="never compress answers")
    parser.add_argument("--empty", action="store_true", help="start without the sample bases")
    records = _whole_number(0, 100_000_000)
    parser.add_argument("--records", type=records, metavar="N", help="add a table 'Generated' with this many records")
    seed = _whole_number(0, _LARGEST)
    parser.add_argument("--seed", type=seed, default=1, help="seed of ids and generated records (default: %(default)s)")
    return parser


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    """Reads a flag's value, and says what it takes where that is another."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"takes a whole number from {least} to {most}")
        return number

    return read


def _number(least: float, most: float) -> Callable[[str], float]:
    """The same for numbers with a fraction; what is no number is in no range."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"takes a number from {least} to {most}")
        return number

    return read


def main(argv: list[str] | None = None) -> int:
    """Runs the server until Ctrl-C or SIGTERM; the command ``lakeflow-airtable mock``."""
    given = parser().parse_args(argv)
    faults: dict[str, Any] = {"gzip": not given.no_gzip}
    if given.rate_limit is not None:
        faults["requests_per_second"] = given.rate_limit
    if given.penalty is not None:
        faults["penalty_seconds"] = given.penalty
    if given.delay is not None:
        faults["delay_ms"] = given.delay
    with _until_a_signal() as stopped:
        return _serve(given, faults, stopped)


@contextmanager
def _until_a_signal() -> Iterator[threading.Event]:
    """What Ctrl-C and SIGTERM set. Afterwards they do again what they did before."""
    stopped = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _serve(given: argparse.Namespace, faults: dict[str, Any], stopped: threading.Event) -> int:
    try:
        mock = MockAirtable(
            host=given.host, port=given.port, token=given.token, sample=not given.empty, faults=faults, seed=given.seed
        )
    except (OSError, ValueError, OverflowError) as error:
        from lakeflow_airtable._native import scrub

        print(scrub(f"cannot listen on {given.host}:{given.port}: {error}{_cure(given, error)}"), file=sys.stderr)
        return 1
    with mock:
        if given.empty:
            mock.create_base("Base")
        if given.records:
            mock.generate_table("Generated", given.records, seed=given.seed)
        _greet(mock)
        while not stopped.wait(0.5):
            pass
    return 0


def _cure(given: argparse.Namespace, error: Exception) -> str:
    """What to do where the system does not let a server listen. The error has the system's number in its text."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    cures = {
        "EADDRINUSE": f"another program, such as an older mock, has port {given.port}: end it, give another --port, or "
        "leave --port out for a free one",
        "EADDRNOTAVAIL": "this machine has no such address: give --host one of its own, such as 127.0.0.1",
        "EACCES": f"port {given.port} is not for every user: give a --port above 1023, or leave it out for a free one",
    }
    # On Windows sockets have numbers of their own.
    names = (f"{prefix}{name}" for name in cures for prefix in ("", "WSA"))
    found = [name for name in names if number and getattr(errno, name, None) == int(number[1])]
    return f": {cures[found[0].removeprefix('WSA')]}" if found else ""


def _greet(mock: MockAirtable) -> None:
    tables = mock.schema()["tables"]
    table = tables[0]["name"] if tables else "Table"
    lines = [
        "# A mock Airtable is running. Ctrl-C stops it. Paste these lines into another shell:",
        f"export AIRTABLE_BASE_URL={shlex.quote(mock.url)}",
        f"export AIRTABLE_TOKEN={shlex.quote(mock.token)}",
        f"export AIRTABLE_BASE_ID={shlex.quote(mock.base_id)}",
        f"lakeflow-airtable read {shlex.quote(table)}",
        "",
        "# Or in Python:",
        "#   from lakeflow_airtable import Airtable",
        f"#   base = Airtable(token={mock.token!r}, base_id={mock.base_id!r}, base_url={mock.url!r})",
        f"#   base.read({table!r})",
    ]
    print("\n".join(lines), flush=True)

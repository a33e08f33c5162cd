"""The mock Airtable in a process of its own, and the one that talks to it from outside.

Separate from what reads, so that the processor time and the memory of a reader are its own. A line of JSON on standard
input is a call, a line on standard output its result; the end of the input ends the server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .process import PLACE, command

if TYPE_CHECKING:
    from lakeflow_airtable.mock import MockAirtable

# Enough never to wait for.
UNPACED = 1_000_000


@dataclass(frozen=True)
class Server:
    """A running mock: where it is, and its methods by name."""

    url: str
    token: str
    base_id: str
    _process: subprocess.Popen[str]

    @property
    def place(self) -> dict[str, str]:
        """What a reader needs to know."""
        return {"url": self.url, "token": self.token, "base_id": self.base_id}

    def call(self, name: str, *arguments: Any, **more: Any) -> Any:
        """The result of a method of `MockAirtable`, or of a function below."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([name, arguments, more]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the mock died of {name}")
        return json.loads(line)

    def requests(self) -> list[dict[str, Any]]:
        """What was asked since this was called last."""
        requests: list[dict[str, Any]] = self.call("requests")
        self.call("clear_requests")
        return requests


@contextmanager
def serving(tables: dict[str, dict[str, Any]], *, seed: int = 1, **faults: Any) -> Iterator[Server]:
    """A mock with a base of such generated tables: `{"Bench": {"records": 100, "fields": 20, "scalars": True}}`."""
    arguments = json.dumps({"tables": tables, "seed": seed, "faults": {"gzip": False, **faults}})
    with subprocess.Popen(
        command("suite.server", arguments), cwd=PLACE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Server(**json.loads(process.stdout.readline()), _process=process)
        finally:
            process.stdin.close()


def serve(tables: dict[str, dict[str, Any]], seed: int, faults: dict[str, Any]) -> None:
    """Serves until standard input ends."""
    from lakeflow_airtable.mock import MockAirtable

    with MockAirtable(sample=False, seed=seed, faults=faults) as mock:
        mock.create_base("Bench")
        for number, (name, table) in enumerate(tables.items()):
            mock.generate_table(name, seed=seed + number, **table)
        print(json.dumps({"url": mock.url, "token": mock.token, "base_id": mock.base_id}), flush=True)
        for line in sys.stdin:
            name, arguments, more = json.loads(line)
            call = partial(edit, mock) if name == "edit" else getattr(mock, name)
            done = call(*arguments, **more)
            print(json.dumps(done), flush=True)


def edit(mock: MockAirtable, table: str, field: str, ids: list[str], text: str) -> None:
    """Edits a cell of each record, in transactions of ten, as the Web API has them."""
    for start in range(0, len(ids), 10):
        mock.update_records(table, {record: {field: text} for record in ids[start : start + 10]})


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))

"""The definition of a Unity Catalog connection: what Databricks stores of our options, and what a read may add to them.

Made from the options table, so that no option is forgotten: Unity Catalog hands a read only what the connection holds
and what its allow list names. A definition holds no token. The token comes in where the body of a request is made, and
where a shell or Databricks puts it in.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..errors import OptionError
from ..options import in_scope, table
from ..shown import scrubbed

TYPES = ("COMMUNITY", "GENERIC_LAKEFLOW_CONNECT")
"""What Databricks calls such connections: today, and in workspaces that do not know the first name yet."""

# The framework's own options of a read; they are no rows of the options table.
_FRAMEWORK = ("tableNameList", "tableConfigs", "isDeleteFlow")
_BROWSING = "namespacePrefix"

SOURCE = "airtable"
"""`sourceName`, which Databricks requires."""

Verb = Literal["create", "update"]

_ALLOW_LIST = "externalOptionsAllowList"
# Where the token belongs, until the text around it is quoted. A character of no script, which JSON leaves as it is.
_MARK = "\ue000"

_TOKEN = "${AIRTABLE_TOKEN:?set it by: read -rs AIRTABLE_TOKEN}"
"""The token, for a line of the shell: its value stands in no history, and no process has it as an argument."""


def allow_list() -> list[str]:
    """`externalOptionsAllowList`: every option that a read may give besides what the connection holds."""
    names: list[str] = []
    aliases = {row["name"]: row["aliases"] for row in table()}
    for name in in_scope("tables", "read", "stream"):
        names.extend((name, *aliases[name]))
        if name == "tableName":
            names.extend(_FRAMEWORK)
        elif name == "namespace":
            names.append(_BROWSING)
    return names


@scrubbed
@dataclass(frozen=True)
class ConnectionDefinition:
    """A connection by name, its type, and the options that it stores besides the token."""

    name: str
    type: str = TYPES[0]
    stored: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The body of Databricks' request that creates it, without the token: nothing in it would be stored that is
        not meant to be."""
        return json.dumps(self._body("create", None), indent=2)

    def request(self, verb: Verb, token: str) -> str:
        """The whole body of the request, for the standard input of Databricks' command line."""
        return json.dumps(self._body(verb, token))

    def arguments(self, verb: Verb) -> list[str]:
        """The arguments of `databricks` that send the body from its standard input."""
        named = [self.name] if verb == "update" else []
        return ["connections", verb, *named, "--json", "@/dev/stdin"]

    def by_hand(self, verb: Verb, program: str) -> str:
        """A line of the shell that does the same. `program` is the command line that reads the body.

        `printf` belongs to the shell, so that the token becomes the argument of no process.
        """
        body = json.dumps(self._body(verb, _MARK), ensure_ascii=False).replace("\\", "\\\\").replace("%", "%%")
        return f'printf {shlex.quote(body.replace(_MARK, "%s"))} "{_TOKEN}" | {program}'

    def to_sql(self, verb: Verb, scope: str, key: str) -> str:
        """The statement that creates or changes it, with the token looked up in a secret scope."""
        options = {name: _literal(value) for name, value in self._options(_MARK).items()}
        options["token"] = f"secret({_literal(scope)}, {_literal(key)})"
        lines = ",\n".join(f"  {name} {value}" for name, value in options.items())
        start = f"ALTER CONNECTION {quoted(self.name)}"
        if verb == "create":
            start = f"CREATE CONNECTION IF NOT EXISTS {quoted(self.name)} TYPE {self.type}"
        return f"{start} OPTIONS (\n{lines}\n);"

    def differences(self, stored: Mapping[str, str]) -> list[str]:
        """What a stored connection's options lack or have otherwise, each as a sentence's part. The token is not shown
        by Databricks, so it is not compared."""
        lowered = {name.lower(): value for name, value in stored.items()}
        found = []
        for name, value in self._options("").items():
            there = lowered.get(name.lower())
            if name == "token":
                continue
            if name == _ALLOW_LIST:
                names = {entry.strip() for entry in (there or "").split(",")}
                missing = [entry for entry in allow_list() if entry not in names]
                if there is None:
                    found.append(f"it has no {_ALLOW_LIST}")
                elif missing:
                    found.append(f"its {_ALLOW_LIST} lacks {', '.join(missing)}")
            elif there != value:
                found.append(f"its {name} is {there or 'not there'}, not {value}")
        if "base_id" in lowered and "base_id" not in self.stored:
            found.append(f"it is bound to the base {lowered['base_id']}")
        return found

    def _body(self, verb: Verb, token: str | None) -> dict[str, object]:
        options = self._options(token)
        # An update is refused with a name or a type.
        if verb == "update":
            return {"options": options}
        return {"name": self.name, "connection_type": self.type, "options": options}

    def _options(self, token: str | None) -> dict[str, str]:
        return {
            "sourceName": SOURCE,
            **({} if token is None else {"token": token}),
            **self.stored,
            _ALLOW_LIST: ",".join(allow_list()),
        }


def quoted(name: str) -> str:
    """A name as SQL reads it."""
    return "`" + name.replace("`", "``") + "`"


def secret_reference(text: str) -> tuple[str, str]:
    """Scope and key of `SCOPE/KEY`."""
    scope, _, key = text.partition("/")
    if not scope or not key:
        # Not the text: somebody may have put the token itself here.
        raise OptionError("--secret must be SCOPE/KEY: the scope and the key under which Databricks keeps the token")
    return scope, key


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

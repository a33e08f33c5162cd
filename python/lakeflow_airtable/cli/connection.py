"""The definition of a Unity Catalog connection: what Databricks stores of our options, and what a read may add to them.

Made from the options table, so that no option is forgotten: Unity Catalog hands a read only what the connection holds
and what its allow list names. A definition never holds a token, only where the token comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import OptionError
from ..options import in_scope
from ..shown import scrubbed

TYPES = ("COMMUNITY", "GENERIC_LAKEFLOW_CONNECT")
"""What Databricks calls such connections: today, and in workspaces that do not know the first name yet."""

# The framework's own options of a read; they are no rows of the options table.
_FRAMEWORK = ("tableNameList", "tableConfigs", "isDeleteFlow")
_BROWSING = "namespacePrefix"

TOKEN_VARIABLE = "${AIRTABLE_TOKEN}"
"""Stands for the token where a definition cannot refer to a secret: the shell puts it in."""


def allow_list() -> list[str]:
    """`externalOptionsAllowList`: every option that a read may give besides what the connection holds."""
    names: list[str] = []
    for name in in_scope("tables", "read", "stream"):
        names.append(name)
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
        """The body of Databricks' request that creates it, with a shell variable where the token belongs."""
        options = self._options(TOKEN_VARIABLE)
        return json.dumps({"name": self.name, "connection_type": self.type, "options": options}, indent=2)

    def to_sql(self, scope: str, key: str) -> str:
        """The statement that creates it, with the token looked up in a secret scope."""
        options = {name: _literal(value) for name, value in self._options("").items()}
        options["token"] = f"secret({_literal(scope)}, {_literal(key)})"
        lines = ",\n".join(f"  {name} {value}" for name, value in options.items())
        name = self.name.replace("`", "``")
        return f"CREATE CONNECTION IF NOT EXISTS `{name}` TYPE {self.type} OPTIONS (\n{lines}\n);"

    def _options(self, token: str) -> dict[str, str]:
        return {
            "sourceName": "airtable",
            "token": token,
            **self.stored,
            "externalOptionsAllowList": ",".join(allow_list()),
        }


def secret_reference(text: str) -> tuple[str, str]:
    """Scope and key of `SCOPE/KEY`."""
    scope, _, key = text.partition("/")
    if not scope or not key:
        # Not the text: somebody may have put the token itself here.
        raise OptionError("--secret must be SCOPE/KEY: the scope and the key under which Databricks keeps the token")
    return scope, key


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""The privileges of Unity Catalog that the kit needs, each with the statement that grants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..shown import scrubbed
from .connection import quoted


@scrubbed
@dataclass(frozen=True)
class Right:
    """Privileges on one thing, and what they are for."""

    privileges: tuple[str, ...]
    kind: str
    name: str
    purpose: str

    def grant(self, principal: str) -> str:
        """The statement, for somebody who may grant."""
        # There is one metastore, and it has no name here.
        on = self.kind if self.kind == "METASTORE" else f"{self.kind} {self.name}"
        return f"GRANT {', '.join(self.privileges)} ON {on} TO {quoted(principal)};"

    def missing(self, effective: Mapping[str, Any], principals: Iterable[str]) -> tuple[str, ...]:
        """Which of the privileges no grant gives to any of these principals."""
        held = {
            str(privilege.get("privilege", "")).replace("_", " ")
            for assignment in effective.get("privilege_assignments", [])
            if assignment.get("principal") in set(principals)
            for privilege in assignment.get("privileges", [])
        }
        if {"ALL PRIVILEGES", "MANAGE"} & held:
            return ()
        return tuple(privilege for privilege in self.privileges if privilege not in held)


def needed(connection: str, catalog: str, schema: str) -> Iterator[Right]:
    """All of them. Whoever makes something owns it and needs no grant on it."""
    yield Right(("CREATE CONNECTION",), "METASTORE", "", "to make the connection")
    yield Right(("USE CONNECTION",), "CONNECTION", quoted(connection), "to read by a connection of somebody else's")
    yield Right(("USE CATALOG", "CREATE SCHEMA"), "CATALOG", quoted(catalog), "to deploy, which makes the schema")
    yield Right(
        ("USE SCHEMA", "CREATE TABLE", "CREATE MATERIALIZED VIEW"),
        "SCHEMA",
        f"{quoted(catalog)}.{quoted(schema)}",
        "to run in a schema of somebody else's",
    )

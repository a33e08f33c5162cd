"""What a kit's folder says: the variables of its bundle, and its specification.

Databricks' command line knows the variables best, with their overrides. Where nothing may be run, they are read from
`databricks.yml`, which the template has written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..shown import scrubbed

_TARGET = re.compile(r"^  (\S+):[^\n]*\n((?:    .*\n|\n)*)", re.MULTILINE)
_VARIABLE = re.compile(r"^  (\w+):\n((?:    .*\n)+)", re.MULTILINE)
_NEEDED = ("connection", "catalog", "schema")


@scrubbed
@dataclass(frozen=True)
class Facts:
    """The variables that the way into a workspace needs. `schema` is as the bundle names it, where that is known."""

    connection: str
    catalog: str
    schema: str
    base_id: str = ""
    wheel_version: str = ""
    takes_folder: bool = True
    """The wheels come from dist/, and not from a package index."""

    @classmethod
    def of_bundle(cls, bundle: Mapping[str, Any]) -> Facts:
        """From `databricks bundle validate --output json`."""
        variables = {
            name: variable.get("value", variable.get("default"))
            for name, variable in bundle.get("variables", {}).items()
        }
        resources = bundle.get("resources", {})
        schema = resources.get("schemas", {}).get("bronze", {}).get("name")
        lines = resources.get("pipelines", {}).get("airtable", {}).get("environment", {}).get("dependencies", [])
        return cls._of({**variables, **({"schema": schema} if schema else {})}, "\n".join(lines))

    @classmethod
    def of_folder(cls, folder: Path, target: str | None, given: Mapping[str, str]) -> Facts:
        """From the files, as they are written."""
        path = folder / "databricks.yml"
        if not path.is_file():
            raise OptionError(
                f"{folder} holds no databricks.yml: make a kit there by `lakeflow-airtable databricks init`"
            )
        text = path.read_text(encoding="utf-8")
        variables: dict[str, str] = {}
        for name, block in _VARIABLE.findall(_section(text, "variables")):
            if found := re.search(r"^    default: *(.*)$", block, re.MULTILINE):
                variables[name] = _value(found[1])
        of_target = re.search(
            r"^    variables:\n((?:      .*\n)+)", _target(_section(text, "targets"), target), re.MULTILINE
        )
        for name, value in re.findall(r"^      (\w+): *(.*)$", of_target[1] if of_target else "", re.MULTILINE):
            variables[name] = _value(value)
        return cls._of({**variables, **given}, text if "dist/*.whl" in text else "")

    @classmethod
    def _of(cls, variables: Mapping[str, Any], about_wheels: str) -> Facts:
        missing = [name for name in _NEEDED if not variables.get(name)]
        if missing:
            raise OptionError(
                f"the bundle has no variable {' and no variable '.join(missing)}: make the kit anew by "
                "`lakeflow-airtable databricks init`, or give it the variable"
            )
        texts = {name: str(variables.get(name) or "") for name in (*_NEEDED, "base_id", "wheel_version")}
        return cls(**texts, takes_folder="dist" in about_wheels)


def check_specification(folder: Path, connection: str) -> None:
    """Refuses a specification that is none, and one of another connection."""
    path = folder / "pipeline_spec.json"
    try:
        specification = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise OptionError(f"{path} is no JSON: {error.msg} at line {error.lineno}: correct it") from None
    if not isinstance(specification, dict):
        raise OptionError(f'{path} holds no JSON object: it takes {{"objects": "*"}}')
    named = specification.get("connection_name", connection)
    if named != connection:
        raise OptionError(
            f'{path} names the connection "{named}", and the bundle\'s variable connection is "{connection}": leave '
            f"connection_name out of the specification, or give --var connection={named}"
        )


def _target(section: str, wanted: str | None) -> str:
    """What the bundle says of a target; without a name, of its default one."""
    targets: dict[str, str] = {name.strip("\"'"): block for name, block in _TARGET.findall(section)}
    default = next((name for name, block in targets.items() if re.search(r"^    default: *true\b", block, re.M)), "dev")
    name = default if wanted is None else wanted
    if name not in targets:
        there = f"it has {', '.join(targets)}" if targets else "it has none"
        raise OptionError(f"--target is {name!r}, and databricks.yml has no such target: {there}")
    return targets[name]


def _section(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\n((?:(?:  .*)?\n)+)", text + "\n", re.MULTILINE)
    return found[1] if found else ""


def _value(written: str) -> str:
    return written.partition(" #")[0].strip().strip("\"'")

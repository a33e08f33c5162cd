"""The bundle of `examples/databricks` as Databricks' command line puts it together, and which keys it may have.

The forms say what the published schema says of the keys that are used here, and of no others: whoever adds a key to the
bundle looks it up there and adds it here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from project import PROJECT

KIT = PROJECT / "examples" / "databricks"

REFERENCE = re.compile(r"\$\{([^}]*)\}")

# A type; a set of words; a list of one form; a mapping of keys to forms, where `!` marks what must be there and `*`
# stands for names of the user's own.
Form = Any

_ENVIRONMENT = {"dependencies": [str]}

_PIPELINE = {
    "name": str,
    "catalog": str,
    "schema": str,
    "serverless": bool,
    # Not an enumeration in the schema; these two are what its description knows.
    "channel": {"CURRENT", "PREVIEW"},
    "root_path": str,
    "libraries": [{"glob": {"include": str}}],
    "configuration": {"*": str},
    # Not the version: administrators can switch it off, and with it definitions cannot set anything.
    "environment": _ENVIRONMENT,
}

_CLUSTER = {
    "spark_version": str,
    "node_type_id": str,
    "num_workers": int,
    "data_security_mode": {
        "NONE",
        "SINGLE_USER",
        "USER_ISOLATION",
        "DATA_SECURITY_MODE_STANDARD",
        "DATA_SECURITY_MODE_DEDICATED",
        "DATA_SECURITY_MODE_AUTO",
    },
    "spark_conf": {"*": str},
}

_JOB = {
    "name": str,
    "max_concurrent_runs": int,
    "trigger": {
        "periodic": {"interval!": int, "unit!": {"HOURS", "DAYS", "WEEKS"}},
    },
    # A variable stands for a list.
    "email_notifications": {"on_failure": str},
    "tasks": [
        {
            "task_key!": str,
            "environment_key": str,
            "job_cluster_key": str,
            "libraries": [{"whl": str}],
            "spark_python_task": {"python_file!": str, "parameters": [str]},
            "pipeline_task": {"pipeline_id!": str},
            "notebook_task": {"notebook_path!": str, "base_parameters": {"*": str}},
        }
    ],
    "environments": [{"environment_key!": str, "spec": {**_ENVIRONMENT, "environment_version": str}}],
    "job_clusters": [{"job_cluster_key!": str, "new_cluster": _CLUSTER}],
}

_LIST = {"description": str, "type": {"complex"}, "default": list}
_TEXT = {"description": str, "default": str}

BUNDLE = {
    "bundle!": {"name!": str, "databricks_cli_version": str},
    "include": [str],
    "sync": {"include": [str], "exclude": [str]},
    "variables": {"notify": _LIST, "permissions": _LIST, "*": _TEXT},
    "permissions": str,
    "resources!": {
        "schemas": {"*": {"catalog_name!": str, "name!": str, "comment": str}},
        "pipelines": {"*": _PIPELINE},
        "jobs": {"*": _JOB},
    },
    "targets": {
        "*": {
            "mode": {"development", "production"},
            "default": bool,
            "workspace": {"root_path": str},
            "run_as": {"service_principal_name": str},
            "variables": {"*": str},
        },
    },
}


def faults(value: Any, form: Form, path: str = "") -> Iterator[str]:
    """What does not have its form, each with its path."""
    if isinstance(form, dict):
        yield from _mapping_faults(value, form, path)
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for index, item in enumerate(value):
            yield from faults(item, form[0], f"{path}[{index}]")
    elif isinstance(form, set):
        if value not in form:
            yield f"{path}: {value!r} is none of {sorted(form)}"
    elif type(value) is not form:
        # Also a bool where an int belongs, and 1.0 where "1.0" does.
        yield f"{path}: {value!r} is a {type(value).__name__}, not a {form.__name__}"


def _mapping_faults(value: Any, form: Mapping[str, Form], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not a mapping"
        return
    forms = {name.rstrip("!"): below for name, below in form.items()}
    for name in form:
        if name.endswith("!") and name[:-1] not in value:
            yield f"{path}.{name[:-1]}: missing"
    for name, below in value.items():
        if name in forms or "*" in forms:
            yield from faults(below, forms.get(name, forms.get("*")), f"{path}.{name}")
        else:
            yield f"{path}.{name}: unknown"


def written_files(kit: Path = KIT) -> dict[Path, Any]:
    """`databricks.yml` and the files that it includes, as they are written."""
    root = kit / "databricks.yml"
    found = {root: yaml.safe_load(root.read_text())}
    for pattern in found[root]["include"]:
        paths = sorted(kit.glob(pattern))
        assert paths, pattern
        found.update({path: yaml.safe_load(path.read_text()) for path in paths})
    return found


def merged(kit: Path = KIT) -> dict[str, Any]:
    """All files in one, references as written."""
    whole: dict[str, Any] = {}
    for written in written_files(kit).values():
        _merge(whole, written)
    return whole


def _merge(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(name, {}), value)
        else:
            assert name not in whole, f"{name} is written twice"
            whole[name] = value


def texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in it, with the keys that lead there."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from texts(below, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, path)
    elif isinstance(value, str):
        yield path, value


def resolved(text: str) -> str:
    """The text with the defaults of the bundle's variables in place, and the names of its schemas as in production."""
    bundle = merged()
    known = {f"var.{name}": variable["default"] for name, variable in bundle["variables"].items()}
    for key, schema in bundle["resources"]["schemas"].items():
        name = REFERENCE.sub(lambda found: str(known[found[1]]), schema["name"])
        known[f"resources.schemas.{key}.name"] = name
    return REFERENCE.sub(lambda found: str(known.get(found[1], found[0])), text)

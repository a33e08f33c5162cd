"""A stand-in for Databricks' command line, a program of its own: as much of it as the kit calls.

It asks the workspace whose address is in DATABRICKS_HOST, and writes down what it was given: `log(...)` makes it known
to a test. It refuses what the real one refuses, in its words: an update of a connection takes no name and no type. It
sends a body as it is written.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

UC = "/api/2.1/unity-catalog"


class Refused(Exception):
    """What the program complains of."""


def install(folder: Path) -> Path:
    """Puts the program into a folder, for a PATH. It runs in this interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "databricks"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"\n')
    program.chmod(0o755)
    return folder


def log(path: Path) -> list[dict[str, Any]]:
    """Every call: its arguments, its standard input, and the environment that it had of Airtable."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main(given: Sequence[str]) -> int:
    arguments, flags = _parsed(given)
    stdin = sys.stdin.read() if flags.get("json") == "@/dev/stdin" else ""
    if path := os.environ.get("STANDIN_LOG"):
        airtable = {name: value for name, value in os.environ.items() if name.startswith("AIRTABLE_")}
        with Path(path).open("a") as written:
            written.write(json.dumps({"arguments": list(given), "stdin": stdin, "environment": airtable}) + "\n")
    if flags.get("json", "").startswith("@"):
        flags["json"] = stdin
    try:
        answer = _answer(arguments, flags)
    except Refused as refused:
        print(f"Error: {refused}", file=sys.stderr)
        return 1
    if answer is not None:
        print(json.dumps(answer))
    return 0


def _parsed(given: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    arguments, flags = [], {"var": ""}
    rest = list(given)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            arguments.append(word)
        elif name == "var":
            flags["var"] += (value if equals else rest.pop(0)) + "\n"
        else:
            flags[name] = value if equals else rest.pop(0)
    return arguments, flags


def _answer(arguments: list[str], flags: dict[str, str]) -> Any:
    body = json.loads(flags["json"]) if "json" in flags else None
    match arguments:
        case ["current-user", "me"]:
            return _asked("GET", "/api/2.0/preview/scim/v2/Me")
        case ["catalogs", "get", name]:
            return _asked("GET", f"{UC}/catalogs/{name}")
        case ["grants", "get-effective", kind, name]:
            return _asked("GET", f"{UC}/effective-permissions/{kind}/{name}")
        case ["connections", "get", name]:
            return _asked("GET", f"{UC}/connections/{name}")
        case ["connections", "create"]:
            return _asked("POST", f"{UC}/connections", body)
        case ["connections", "update", name]:
            for key in body.keys() - {"options", "new_name", "owner"}:
                raise Refused(f"unknown field: {key}")
            return _asked("PATCH", f"{UC}/connections/{name}", body)
        case ["tables", "list", catalog, schema]:
            return _asked("GET", f"{UC}/tables?catalog_name={catalog}&schema_name={schema}")["tables"]
        case ["pipelines", "get", key]:
            return _asked("GET", f"/api/2.0/pipelines/{key}")
        case ["api", "get" | "post" as method, path]:
            return _asked(method.upper(), path, body)
        case ["bundle", "validate"]:
            return _bundle(flags)
        case ["bundle", "summary"]:
            return _summary(flags)
        case ["bundle", "deploy"]:
            return _deploy(flags)
        case ["bundle", "run", key]:
            return _run(key, flags)
    raise Refused(f'unknown command "{" ".join(arguments)}" for "databricks"')


def _asked(method: str, path: str, body: object = None) -> Any:
    request = urllib.request.Request(
        os.environ["DATABRICKS_HOST"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(json.loads(error.read())["message"]) from None
    except urllib.error.URLError as error:
        raise Refused(f"{method} {path}: dial tcp: {error.reason}") from None


# The bundle.


def _bundle(flags: Mapping[str, str]) -> dict[str, Any]:
    """What the files say, put together, with every reference resolved."""
    if not Path("databricks.yml").exists():
        raise Refused("unable to locate bundle root: databricks.yml not found")
    whole = yaml.safe_load(Path("databricks.yml").read_text())
    for pattern in whole["include"]:
        for path in sorted(Path.cwd().glob(pattern)):
            for kind, resources in yaml.safe_load(path.read_text())["resources"].items():
                whole.setdefault("resources", {}).setdefault(kind, {}).update(resources)
    target = flags.get("target", "dev")
    values = {name: variable.get("default") for name, variable in whole["variables"].items()}
    values.update(whole["targets"][target].get("variables", {}))
    values.update(line.split("=", 1) for line in flags["var"].splitlines())
    schemas = whole["resources"]["schemas"]
    for schema in schemas.values():
        schema["name"] = ("dev_somebody_" if target == "dev" else "") + _resolved(schema["name"], values, {})
    known = {f"resources.schemas.{key}.name": schema["name"] for key, schema in schemas.items()}
    known["workspace.file_path"] = f"/Workspace/Users/somebody@example.com/.bundle/airtable/{target}/files"
    resolved = json.loads(json.dumps(whole["resources"]), object_hook=None)
    return {
        "variables": {name: {"value": value} for name, value in values.items()},
        "resources": _each(resolved, lambda text: _resolved(text, values, known)),
        "file_path": known["workspace.file_path"],
    }


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {name: _each(below, change) for name, below in value.items()}
    if isinstance(value, list):
        return [_each(below, change) for below in value]
    return change(value) if isinstance(value, str) else value


def _resolved(text: str, variables: Mapping[str, Any], known: Mapping[str, str]) -> Any:
    whole = re.fullmatch(r"\$\{var\.(\w+)\}", text)
    if whole:
        return variables[whole[1]]
    places = {**{f"var.{name}": str(value) for name, value in variables.items()}, **known}
    return _put(text, places)


def _put(text: str, places: Mapping[str, str]) -> str:
    """The text with what is known in its place, and the rest as it is written."""
    return re.sub(r"\$\{([^}]*)\}", lambda found: places.get(found[1], found[0]), text)


def _state() -> Path:
    return Path(".databricks") / "stand-in.json"


def _deployed() -> dict[str, Any]:
    return dict(json.loads(_state().read_text())) if _state().exists() else {}


def _summary(flags: Mapping[str, str]) -> dict[str, Any]:
    bundle = _bundle(flags)
    for key, pipeline in bundle["resources"]["pipelines"].items():
        if key in _deployed():
            pipeline["id"] = _deployed()[key]["id"]
    return bundle


def _deploy(flags: Mapping[str, str]) -> None:
    bundle = _bundle(flags)
    state = _deployed()
    print(f"Uploading bundle files to {bundle['file_path']}...")
    _asked("POST", "/api/2.0/workspace/mkdirs", {"path": f"{bundle['file_path']}/dist"})
    for wheel in sorted(Path("dist").glob("*.whl")):
        path = urllib.parse.quote(f"{bundle['file_path']}/dist/{wheel.name}")
        _asked("POST", f"/api/2.0/workspace-files/import-file{path}?overwrite=true", {})
    made = {"schemas": f"{UC}/schemas", "pipelines": "/api/2.0/pipelines", "jobs": "/api/2.2/jobs/create"}
    for kind, path in made.items():
        # Jobs name pipelines that this deployment has made.
        numbers = {f"resources.pipelines.{name}.id": str(one["id"]) for name, one in state.items()}
        for key, resource in _each(bundle["resources"][kind], partial(_put, places=numbers)).items():
            if state.get(key, {}).get("resource") == resource:
                continue
            try:
                answer = _asked("POST", path, resource)
            except Refused as refused:
                raise Refused(f"cannot create resources.{kind}.{key}: {refused}") from None
            state[key] = {"resource": resource, "id": answer.get("pipeline_id", answer.get("job_id"))}
            _state().parent.mkdir(exist_ok=True)
            _state().write_text(json.dumps(state))
    print("Deployment complete!", file=sys.stderr)


def _run(key: str, flags: Mapping[str, str]) -> None:
    kinds = [kind for kind, resources in _bundle(flags)["resources"].items() if key in resources and kind != "schemas"]
    if not kinds:
        raise Refused(f'resource with key "{key}" not found')
    (_run_job if kinds == ["jobs"] else _run_pipeline)(_deployed()[key]["id"])


def _run_pipeline(pipeline: str) -> None:
    update = _asked("POST", f"/api/2.0/pipelines/{pipeline}/updates", {})["update_id"]
    state = _asked("GET", f"/api/2.0/pipelines/{pipeline}/updates/{update}")["update"]["state"]
    if state != "COMPLETED":
        raise Refused("update failed")
    print(f"Update ID: {update}")


def _run_job(job: int) -> None:
    number = _asked("POST", "/api/2.2/jobs/run-now", {"job_id": job})["run_id"]
    run = _asked("GET", f"/api/2.2/jobs/runs/get?run_id={number}")
    state = run["state"]
    print(f"Run URL: {run['run_page_url']}\n", file=sys.stderr)
    ended = f'"{run["run_name"]}" {state["life_cycle_state"]} {state["result_state"]} {state["state_message"]}'
    print(f"2026-01-01 00:00:00 {ended.rstrip()}", file=sys.stderr)
    # Of a run that has failed it tells no task's error: that is on the run's page.
    if state["result_state"] != "SUCCESS":
        raise Refused(f"run failed: {state['state_message']}")
    for task in run["tasks"]:
        _asked("GET", f"/api/2.2/jobs/runs/get-output?run_id={task['run_id']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A stand-in for a Databricks workspace: as much of its REST API as a command line asks when it brings the kit there.

It keeps what it is sent, and answers as Databricks does, refusals included. Nothing of it computes: a run of a pipeline
writes the events that the test has put there, and a run of a job ends as the test has said.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

USER = "somebody@example.com"
TOKEN = "dapi-of-the-workspace"


@dataclass
class Refusal(Exception):
    """An answer that is no success."""

    status: int
    code: str
    message: str


def missing(what: str) -> Refusal:
    return Refusal(404, "RESOURCE_DOES_NOT_EXIST", f"{what} does not exist.")


@dataclass
class Workspace:
    """The workspace behind an address. Use it as a context manager."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {"/Workspace"})
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    catalogs: dict[str, dict[str, Any]] = field(default_factory=lambda: {"main": {"name": "main", "owner": USER}})
    grants: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    """The tables that a run makes, and the rows that it writes."""
    error: str | None = None
    """With what a run fails."""
    updates: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The runs of jobs, and of each of their tasks, by their numbers."""
    events: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """By `METHOD path`, as a pattern."""
    shows_options: bool = True
    """Connections are shown with their options, those without secrets."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    """What it was asked: method, path, body."""
    unknown: list[str] = field(default_factory=list)

    def __enter__(self) -> Workspace:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def changes(self) -> list[str]:
        """The calls that change something, but for runs and for files."""
        reading = ("GET", "HEAD")
        aside = r"/workspace|/import-file|/updates|/run-now|telemetry|/locks|/snapshots|sql/statements"
        return [
            f"{method} {path}" for method, path, _ in self.calls if method not in reading and not re.search(aside, path)
        ]

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Any:
        """What the API answers, as JSON or as bytes."""
        for pattern, refusal in self.refusals.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                raise refusal
        given = _json(body)
        for (wanted, pattern), answer in _ROUTES.items():
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                parts = [urllib.parse.unquote(part) for part in found.groups()]
                return answer(self, *parts, query=query, given=given, body=body)
        self.unknown.append(f"{method} {path}")
        raise Refusal(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path}'.")

    # Who and where.

    def me(self, **_: Any) -> Any:
        return {"userName": USER, "id": "1", "groups": [{"display": "engineers"}], "active": True}

    def get_catalog(self, name: str, **_: Any) -> Any:
        if name not in self.catalogs:
            raise Refusal(404, "CATALOG_DOES_NOT_EXIST", f"Catalog '{name}' does not exist.")
        return self.catalogs[name]

    def get_grants(self, _kind: str, name: str, **_: Any) -> Any:
        return {"privilege_assignments": self.grants.get(name, [])}

    # Connections.

    def _shown(self, connection: Mapping[str, Any]) -> dict[str, Any]:
        options = {name: value for name, value in connection["options"].items() if name != "token"}
        return {**connection, "options": options if self.shows_options else {}}

    def get_connection(self, name: str, **_: Any) -> Any:
        if name not in self.connections:
            raise Refusal(404, "CONNECTION_DOES_NOT_EXIST", f"Connection '{name}' does not exist.")
        return self._shown(self.connections[name])

    def create_connection(self, given: Any, **_: Any) -> Any:
        if given["name"] in self.connections:
            raise Refusal(409, "CONNECTION_ALREADY_EXISTS", f"Connection '{given['name']}' already exists.")
        self.connections[given["name"]] = {**given, "owner": USER}
        return self._shown(self.connections[given["name"]])

    def update_connection(self, name: str, given: Any, **_: Any) -> Any:
        self.get_connection(name)
        self.connections[name].update(given)
        return self._shown(self.connections[name])

    # What a bundle makes.

    def get_schema(self, name: str, **_: Any) -> Any:
        if name not in self.schemas:
            raise Refusal(404, "SCHEMA_DOES_NOT_EXIST", f"Schema '{name}' does not exist.")
        return self.schemas[name]

    def create_schema(self, given: Any, **_: Any) -> Any:
        name = f"{given['catalog_name']}.{given['name']}"
        if name in self.schemas:
            raise Refusal(409, "SCHEMA_ALREADY_EXISTS", f"Schema '{name}' already exists")
        self.schemas[name] = {**given, "full_name": name, "owner": USER}
        return self.schemas[name]

    def update_schema(self, name: str, given: Any, **_: Any) -> Any:
        self.schemas[name].update(given)
        return self.schemas[name]

    def create_pipeline(self, given: Any, **_: Any) -> Any:
        key = f"pipeline-{len(self.pipelines) + 1}"
        self.pipelines[key] = given
        return {"pipeline_id": key}

    def get_pipeline(self, key: str, **_: Any) -> Any:
        if key not in self.pipelines:
            raise missing(f"The specified pipeline {key}")
        spec = {"id": key, **self.pipelines[key]}
        latest = [{"update_id": update["update_id"], "state": update["state"]} for update in self.updates[::-1]]
        return {
            "pipeline_id": key,
            "name": spec["name"],
            "spec": spec,
            "state": "IDLE",
            "creator_user_name": USER,
            "run_as_user_name": USER,
            "latest_updates": latest,
        }

    def edit_pipeline(self, key: str, given: Any, **_: Any) -> Any:
        self.pipelines[key] = given
        return {}

    def create_job(self, given: Any, **_: Any) -> Any:
        key = len(self.jobs) + 1
        self.jobs[key] = given
        return {"job_id": key}

    def get_job(self, query: Mapping[str, str], **_: Any) -> Any:
        key = int(query["job_id"])
        return {"job_id": key, "creator_user_name": USER, "run_as_user_name": USER, "settings": self.jobs[key]}

    def reset_job(self, given: Any, **_: Any) -> Any:
        self.jobs[given["job_id"]] = given["new_settings"]
        return {}

    def get_permissions(self, kind: str, key: str, **_: Any) -> Any:
        return {"object_id": f"/{kind}/{key}", "access_control_list": []}

    # Runs.

    def start_update(self, key: str, **_: Any) -> Any:
        number = len(self.updates) + 1
        update = {"update_id": f"update-{number}", "pipeline_id": key}
        self.updates.append({**update, "state": "FAILED" if self.error else "COMPLETED"})
        written: list[dict[str, Any]] = []
        schema = f"{self.pipelines[key]['catalog']}.{self.pipelines[key]['schema']}"
        if self.error:
            failed = {"exceptions": [{"class_name": "org.apache.spark.sql.AnalysisException", "message": self.error}]}
            written.append({"level": "ERROR", "message": "Update failed to start.", "error": failed})
            written.append({"level": "ERROR", "message": "The update has ended."})
        else:
            for table, rows in self.tables.items():
                # In two batches, as flows tell it.
                for count in (rows - 1, 1):
                    flow = {"flow_progress": {"status": "RUNNING", "metrics": {"num_output_rows": count}}}
                    at = {"flow_name": f"{schema}.{table}"}
                    written.append({"level": "INFO", "message": f"Flow {table} ran.", "details": flow, "origin": at})
        for event in written:
            event["origin"] = {**event.get("origin", {}), **update}
            event.update(id=f"event-{len(self.events)}", event_type="flow_progress", timestamp="2026-01-01T00:00:00Z")
            self.events.insert(0, event)
        return update

    def run_job(self, given: Any, **_: Any) -> Any:
        """A run is over at once. That of a pipeline's task starts an update, as Databricks' does."""
        job = int(given["job_id"])
        if job not in self.jobs:
            raise Refusal(400, "INVALID_PARAMETER_VALUE", f"Job {job} does not exist.")
        tasks = [self._run(task["task_key"], task) for task in self.jobs[job]["tasks"]]
        whole = self._run(self.jobs[job]["name"], {"job_id": job, "tasks": tasks})
        for task in tasks:
            if "pipeline_task" in task:
                self.start_update(task["pipeline_task"]["pipeline_id"])
        return {"run_id": whole["run_id"], "number_in_job": whole["run_id"]}

    def _run(self, name: str, of: Mapping[str, Any]) -> dict[str, Any]:
        number = len(self.runs) + 1
        said = "Workload failed, see run output for details" if self.error else ""
        state = {"result_state": "FAILED" if self.error else "SUCCESS", "state_message": said}
        shown = {"run_name": name, "run_page_url": f"{self.address}/#job/run/{number}"}
        self.runs[number] = {**of, **shown, "run_id": number, "state": {"life_cycle_state": "TERMINATED", **state}}
        return self.runs[number]

    def get_run(self, query: Mapping[str, str], **_: Any) -> Any:
        number = int(query["run_id"])
        if number not in self.runs:
            raise Refusal(400, "INVALID_PARAMETER_VALUE", f"Run {number} does not exist.")
        return self.runs[number]

    def get_run_output(self, query: Mapping[str, str], **_: Any) -> Any:
        if "tasks" in (found := self.get_run(query)):
            raise Refusal(400, "INVALID_PARAMETER_VALUE", "Retrieving the output of runs with tasks is not supported.")
        return {"metadata": found}

    def get_update(self, _key: str, update: str, **_: Any) -> Any:
        return {"update": next(one for one in self.updates if one["update_id"] == update)}

    def list_events(self, _key: str, query: Mapping[str, str], **_: Any) -> Any:
        # A small page, so that there are several.
        start, size = int(query.get("page_token", "0")), min(int(query.get("max_results", "25")), 4)
        page = {"events": self.events[start : start + size]}
        return {**page, "next_page_token": str(start + size)} if start + size < len(self.events) else page

    def list_tables(self, query: Mapping[str, str], **_: Any) -> Any:
        where = {"catalog_name": query["catalog_name"], "schema_name": query["schema_name"]}
        return {"tables": [{"name": name, **where} for name in self.tables] if self.updates else []}

    def run_statement(self, given: Any, **_: Any) -> Any:
        counted = re.findall(
            r"SELECT (\d+) AS number, count\(\*\) AS n FROM `[^`]+`\.`[^`]+`\.`([^`]+)`", given["statement"]
        )
        rows = [[number, str(self.tables[table])] for number, table in counted]
        return {"statement_id": "s", "status": {"state": "SUCCEEDED"}, "result": {"data_array": rows}}

    # Files.

    def status(self, query: Mapping[str, str], **_: Any) -> Any:
        path = _path(query["path"])
        if path in self.files:
            kind = "NOTEBOOK" if self.files[path].startswith(b"# Databricks notebook source") else "FILE"
            return {"path": path, "object_type": kind, "object_id": 2, "language": "PYTHON", "size": 1}
        if path in self.folders:
            return {"path": path, "object_type": "DIRECTORY", "object_id": 1}
        raise missing(f"Path ({path})")

    def make_folder(self, given: Any, **_: Any) -> Any:
        parts = _path(given["path"]).split("/")
        self.folders.update("/".join(parts[:end]) for end in range(2, len(parts) + 1))
        return {}

    def import_file(self, path: str, body: bytes, query: Mapping[str, str], **_: Any) -> Any:
        path = _path("/" + path)
        if path.rpartition("/")[0] not in self.folders:
            raise missing(f"The parent folder ({path.rpartition('/')[0]})")
        if path in self.files and query.get("overwrite") != "true":
            raise Refusal(409, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
        self.files[path] = body
        return {}

    def export(self, query: Mapping[str, str], **_: Any) -> Any:
        path = _path(query["path"])
        if path not in self.files:
            raise missing(f"Path ({path})")
        content = self.files[path]
        if query.get("direct_download") == "true":
            return content
        return {"content": base64.b64encode(content).decode()}

    def delete(self, given: Any, **_: Any) -> Any:
        path = _path(given["path"])
        if path not in self.files and path not in self.folders:
            raise missing(f"Path ({path})")
        self.files = {
            name: text for name, text in self.files.items() if name != path and not name.startswith(path + "/")
        }
        self.folders = {name for name in self.folders if name != path and not name.startswith(path + "/")}
        return {}

    def nothing(self, *_parts: str, **_: Any) -> Any:
        return {}


def _path(path: str) -> str:
    """Both spellings are one place."""
    return path if path.startswith("/Workspace") else f"/Workspace{path}"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


_UC = "/api/2.1/unity-catalog"
_ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", "/api/2.0/preview/scim/v2/Me"): Workspace.me,
    ("GET", f"{_UC}/catalogs/([^/]+)"): Workspace.get_catalog,
    ("GET", f"{_UC}/effective-permissions/([^/]+)/([^/]+)"): Workspace.get_grants,
    ("GET", f"{_UC}/connections/([^/]+)"): Workspace.get_connection,
    ("POST", f"{_UC}/connections"): Workspace.create_connection,
    ("PATCH", f"{_UC}/connections/([^/]+)"): Workspace.update_connection,
    ("GET", f"{_UC}/schemas/([^/]+)"): Workspace.get_schema,
    ("POST", f"{_UC}/schemas"): Workspace.create_schema,
    ("PATCH", f"{_UC}/schemas/([^/]+)"): Workspace.update_schema,
    ("GET", f"{_UC}/tables"): Workspace.list_tables,
    ("POST", "/api/2.0/pipelines"): Workspace.create_pipeline,
    ("GET", "/api/2.0/pipelines/([^/]+)"): Workspace.get_pipeline,
    ("PUT", "/api/2.0/pipelines/([^/]+)"): Workspace.edit_pipeline,
    ("POST", "/api/2.0/pipelines/([^/]+)/updates"): Workspace.start_update,
    ("GET", "/api/2.0/pipelines/([^/]+)/updates/([^/]+)"): Workspace.get_update,
    ("GET", "/api/2.0/pipelines/([^/]+)/events"): Workspace.list_events,
    ("POST", r"/api/2\.\d/jobs/create"): Workspace.create_job,
    ("GET", r"/api/2\.\d/jobs/get"): Workspace.get_job,
    ("POST", r"/api/2\.\d/jobs/reset"): Workspace.reset_job,
    ("POST", r"/api/2\.\d/jobs/run-now"): Workspace.run_job,
    ("GET", r"/api/2\.\d/jobs/runs/get"): Workspace.get_run,
    ("GET", r"/api/2\.\d/jobs/runs/get-output"): Workspace.get_run_output,
    ("GET", "/api/2.0/permissions/([^/]+)/([^/]+)"): Workspace.get_permissions,
    ("PUT", "/api/2.0/permissions/([^/]+)/([^/]+)"): Workspace.get_permissions,
    ("POST", "/api/2.0/sql/statements"): Workspace.run_statement,
    ("GET", "/api/2.0/workspace/get-status"): Workspace.status,
    ("POST", "/api/2.0/workspace/mkdirs"): Workspace.make_folder,
    ("POST", "/api/2.0/workspace-files/import-file/(.+)"): Workspace.import_file,
    ("GET", "/api/2.0/workspace/export"): Workspace.export,
    ("POST", "/api/2.0/workspace/delete"): Workspace.delete,
    ("POST", "/telemetry-ext"): Workspace.nothing,
    ("GET", "/.well-known/databricks-config"): Workspace.nothing,
}


def _handler(workspace: Workspace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, asked = self.path.partition("?")
            query = dict(urllib.parse.parse_qsl(asked))
            workspace.calls.append((self.command, urllib.parse.unquote(path), _json(body)))
            status, answer = 200, None
            try:
                answer = workspace.answer(self.command, path, query, body)
            except Refusal as refusal:
                status, answer = refusal.status, {"error_code": refusal.code, "message": refusal.message}
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Databricks-Org-Id", "1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler

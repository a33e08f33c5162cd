"""TLS and proxies, as companies have them: certificates from a file, and a way out that is a proxy."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import trustme

from lakeflow_airtable.mock import MockAirtable

HOST = "airtable.example"  # resolved by nobody: only the proxy knows the way

PROGRAM = """
import sys
from lakeflow_airtable import Airtable, AirtableError
base = Airtable(token="patSECRET", base_id="appX", base_url=sys.argv[1], max_retries=0)
try:
    print(base.list_tables())
except AirtableError as error:
    print(type(error).__name__, error)
"""


class Tables(BaseHTTPRequestHandler):
    """Answers every request with a base of one table."""

    def do_GET(self) -> None:
        body = json.dumps({"tables": [{"id": "tbl1", "name": "Behind TLS", "fields": []}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Tunnel(BaseHTTPRequestHandler):
    """A proxy: CONNECT, and then bytes both ways, to the one server there is."""

    asked: list[tuple[str, str | None]]
    port: int

    def do_CONNECT(self) -> None:
        self.asked.append((self.path, self.headers["Proxy-Authorization"]))
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(server, self.connection))
            back.start()
            _pump(self.connection, server)
            back.join()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side has what it wanted


def _serve(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tables)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from _serve(server)


@pytest.fixture
def proxy(server: int) -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    handler = type("ThisTunnel", (Tunnel,), {"asked": [], "port": server})
    for port in _serve(ThreadingHTTPServer(("127.0.0.1", 0), handler)):
        yield port, handler.asked  # type: ignore[attr-defined]


@pytest.fixture
def certificates(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def _ask(url: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, url], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_certificates_come_from_ssl_cert_file(server: int, certificates: str) -> None:
    assert _ask(f"https://localhost:{server}", SSL_CERT_FILE=certificates) == "['Behind TLS']"


def test_files_come_by_https_where_the_api_is_a_gateway_on_this_machine(
    server: int, certificates: str, mock_airtable: MockAirtable, tmp_path: Path
) -> None:
    mock_airtable.create_table("Papers", [{"name": "Name"}, {"name": "Files", "type": "multipleAttachments"}], [{}])
    record = mock_airtable.records("Papers")[0]["id"]
    file = {
        "id": "attElsewhere00000",
        "url": f"https://localhost:{server}/x",
        "filename": "f.json",
        "type": "text/json",
    }
    mock_airtable.set_raw_cell("Papers", record, "Files", [file])
    mock_airtable.advance_clock(60)
    program = "\n".join(
        [
            "import json, sys",
            "from lakeflow_airtable import Airtable",
            "options, location = json.loads(sys.argv[1])",
            "how = {'attachments': 'download', 'attachment_location': location}",
            "row = Airtable(**options).read('Papers', **how).to_arrow().to_pylist()[0]",
            "print(row['files'][0]['path'] or row['_rescued_data'])",
        ]
    )
    empty = tmp_path / "empty.pem"
    empty.touch()
    said = {}
    for name in (str(empty), certificates):
        arguments = json.dumps([mock_airtable.options(max_retries="0"), str(tmp_path)])
        ran = subprocess.run(
            [sys.executable, "-c", program, arguments],
            env={"SSL_CERT_FILE": name},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        said[name] = ran.stdout.strip()
    assert "no connection to the file host" in said[str(empty)]
    assert json.loads(Path(said[certificates]).read_text())["tables"][0]["name"] == "Behind TLS"


def test_a_certificate_that_nobody_vouches_for_is_refused(server: int, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    said = _ask(f"https://localhost:{server}", SSL_CERT_FILE=str(other))
    assert said.startswith("TransportError GET https://localhost")
    assert "certificate" in said
    assert "SECRET" not in said


def _server(authority: trustme.CA, *names: str, **validity: datetime) -> Iterator[int]:
    """A server whose certificate is for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **validity).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tables)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from _serve(server)


DAY = timedelta(days=1)
NOW = datetime.now(timezone.utc)


@pytest.mark.parametrize(
    ("name", "validity", "said"),
    [
        ("localhost", {"not_before": NOW - 3 * DAY, "not_after": NOW - DAY}, "check the date of this machine"),
        # As where this machine's clock is slow.
        ("localhost", {"not_before": NOW + DAY, "not_after": NOW + 3 * DAY}, "check the date of this machine"),
        ("other.example", {}, "check --base-url; where it is right, something between here and there"),
    ],
    ids=["expired", "not yet valid", "of another host"],
)
def test_check_says_what_is_wrong_with_a_certificate(
    authority: trustme.CA, certificates: str, name: str, validity: dict[str, datetime], said: str
) -> None:
    for port in _server(authority, name, **validity):
        line = _check(f"https://localhost:{port}", SSL_CERT_FILE=certificates)
    assert line.startswith("failed    address     GET https://localhost:")
    assert "certificate" in line
    assert said in line


def test_check_says_how_to_trust_a_certificate(server: int, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    line = _check(f"https://localhost:{server}", SSL_CERT_FILE=str(tmp_path / "other.pem"))
    assert "set SSL_CERT_FILE to a file that has its CA certificate, too" in line


def _check(url: str, **environment: str) -> str:
    """The first line of `check`, which asks for no more."""
    told = {"AIRTABLE_TOKEN": "patSECRET", "AIRTABLE_BASE_ID": "appX", "AIRTABLE_BASE_URL": url, **environment}
    command = [sys.executable, "-m", "lakeflow_airtable", "check", "--max-retries", "0"]
    ran = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 6, ran
    assert "SECRET" not in ran.stdout + ran.stderr
    return ran.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HTTPS_PROXY": "http://userx:w0rd@127.0.0.1:1"}, "cannot connect by 127.0.0.1:1, the proxy of HTTPS_PROXY: "),
        ({"https_proxy": "127.0.0.1:1"}, "cannot connect by 127.0.0.1:1, the proxy of https_proxy: "),
        ({"all_proxy": "http://userx:w0rd@127.0.0.1:1"}, "cannot connect by 127.0.0.1:1, the proxy of all_proxy: "),
        ({"HTTP_PROXY": "http://127.0.0.1:1"}, "cannot connect: "),
        ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "example"}, "cannot connect: "),
    ],
)
def test_a_proxy_that_is_dead_is_named(certificates: str, environment: dict[str, str], said: str) -> None:
    line = _check(f"https://{HOST}", SSL_CERT_FILE=certificates, **environment)
    assert f"/v0/meta/whoami: {said}" in line
    assert ("NO_PROXY" in line) is ("cannot connect by" in line)
    assert ("proxy" in line) is ("cannot connect by" in line)
    assert "userx" not in line
    assert "w0rd" not in line


def test_without_any_certificates_the_error_says_where_they_come_from(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    assert "set SSL_CERT_FILE" in _ask("https://localhost:1", SSL_CERT_FILE=str(empty))


def test_https_proxy_is_the_way_out(proxy: tuple[int, list[tuple[str, str | None]]], certificates: str) -> None:
    port, asked = proxy
    address = f"http://user:word@127.0.0.1:{port}"
    assert _ask(f"https://{HOST}", SSL_CERT_FILE=certificates, HTTPS_PROXY=address) == "['Behind TLS']"
    assert asked == [(f"{HOST}:443", "Basic dXNlcjp3b3Jk")]


def test_loopback_needs_no_proxy(server: int, certificates: str) -> None:
    nowhere = "http://127.0.0.1:1"
    assert _ask(f"https://localhost:{server}", SSL_CERT_FILE=certificates, HTTPS_PROXY=nowhere) == "['Behind TLS']"


class SlowHandshake(BaseRequestHandler):
    """Takes connections at once, and says the first word of TLS some time later, as over a long way."""

    context: ssl.SSLContext
    port: int

    def handle(self) -> None:
        time.sleep(0.25)
        client = self.context.wrap_socket(self.request, server_side=True)
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            back = threading.Thread(target=_pump, args=(server, client))
            back.start()
            _pump(client, server)
            back.join()


READS = """
import sys, threading, time
from lakeflow_airtable import Airtable
def read():
    while time.monotonic() < end:
        base = Airtable(token=sys.argv[2], base_id=sys.argv[3], base_url=sys.argv[1], requests_per_second=5)
        assert sum(batch.num_rows for batch in base.read("Items", page_size=50)) == 150
end = time.monotonic() + 6
threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.slow
def test_no_six_requests_arrive_within_a_second_over_new_connections(
    authority: trustme.CA, certificates: str, mock_airtable: MockAirtable
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    mock = mock_airtable
    base = mock.create_base("Stock", [{"name": "Items", "fields": [{"name": "Name", "type": "singleLineText"}]}])
    mock.create_records("Items", [{"Name": str(n)} for n in range(150)], base=base)
    mock.set_faults(requests_per_second=5, penalty_seconds=2, delay_ms=300)
    handler = type("ThisHandshake", (SlowHandshake,), {"context": context, "port": int(mock.url.rsplit(":", 1)[1])})
    for port in _serve(ThreadingTCPServer(("127.0.0.1", 0), handler)):
        url = f"https://localhost:{port}"
        ran = subprocess.run(
            [sys.executable, "-c", READS, url, mock.token, base],
            env={"SSL_CERT_FILE": certificates},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    assert len(mock.requests()) > 20
    assert [request for request in mock.requests() if request["status"] == 429] == []

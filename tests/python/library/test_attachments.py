"""Attachments from Python: files that are stored, what is sent to their host, and what ends a read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from command_line import run
from lakeflow_airtable import Airtable, DataError, OptionError
from lakeflow_airtable.mock import MockAirtable

FILES = {"name": "Files", "type": "multipleAttachments"}


@pytest.fixture
def papers(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of three records, of which two have files."""
    mock_airtable.create_table("Papers", [{"name": "Name"}, FILES], [{"Name": name} for name in "abc"])
    first, _, last = (record["id"] for record in mock_airtable.records("Papers"))
    mock_airtable.add_attachment("Papers", first, "Files", "one.txt", b"one")
    mock_airtable.add_attachment("Papers", first, "Files", "two.bin", bytes(range(256)) * 4000)
    mock_airtable.add_attachment("Papers", last, "Files", "empty.csv", b"")
    mock_airtable.advance_clock(60)
    mock_airtable.clear_requests()
    return mock_airtable


def stored(location: Path, **more: Any) -> dict[str, Any]:
    return {"attachments": "download", "attachment_location": str(location), **more}


def unfinished(location: Path) -> list[str]:
    return [path.name for path in location.rglob("*") if path.name.startswith(".")]


def test_files_are_stored_with_their_bytes(papers: MockAirtable, tmp_path: Path) -> None:
    read = Airtable(**papers.options()).read("Papers", **stored(tmp_path))
    rows = read.to_arrow().to_pylist()
    assert [list(file) for file in rows[0]["files"]] == [
        ["id", "path", "filename", "size", "type", "width", "height"]
    ] * 2
    paths = [Path(file["path"]) for row in rows for file in row["files"] or []]
    assert [path.read_bytes() for path in paths] == [b"one", bytes(range(256)) * 4000, b""]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)
    stats = read.stats
    assert (stats.files_fetched, stats.file_bytes, stats.files_there, stats.files_missed) == (3, 1_024_003, 0, 0)
    assert "files_fetched=3, file_bytes=1024003" in repr(stats)
    assert stats.as_dict()["files_there"] == 0
    again = Airtable(**papers.options()).read("Papers", **stored(tmp_path))
    assert again.to_arrow().to_pylist() == rows
    assert (again.stats.files_fetched, again.stats.files_there) == (0, 3)


def test_each_attachment_is_a_row_of_the_part(papers: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**papers.options())
    table = base.read("Papers", part="attachments", **stored(tmp_path)).to_arrow()
    assert table.column("filename").to_pylist() == ["one.txt", "two.bin", "empty.csv"]
    assert table.column("position").to_pylist() == [0, 1, 0]
    assert all(Path(path).exists() for path in table.column("path").to_pylist())
    assert not any(table.schema.field(name).nullable for name in ("id", "field_id", "field", "position"))
    assert pa.schema(base.schema("Papers", part="attachments")).names[-1] == "url"
    assert base.metadata("Papers", part="attachments")["primary_keys"] == ["id", "field_id", "position"]


def test_a_lazy_frame_of_the_part_has_as_many_rows_as_are_asked_for(papers: MockAirtable) -> None:
    frame = Airtable(**papers.options()).scan_polars("Papers", part="attachments", attachments="stable")
    assert frame.collect().height == 3
    # The second record has none: three rows are not the first three records' only.
    assert frame.head(3).collect()["filename"].to_list() == ["one.txt", "two.bin", "empty.csv"]
    assert frame.head(1).collect()["filename"].to_list() == ["one.txt"]
    assert frame.head(2).select("size").collect()["size"].to_list() == [3, 1_024_000]


class Host(BaseHTTPRequestHandler):
    """A host of files that wants to know its visitors."""

    asked: list[dict[str, str]]
    elsewhere: str = ""

    def do_GET(self) -> None:
        self.asked.append(dict(self.headers))
        if self.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.elsewhere)
        else:
            self.send_response(200)
        self.send_header("Set-Cookie", "visitor=1; Path=/")
        self.send_header("Content-Length", "0" if self.elsewhere else "4")
        self.end_headers()
        if not self.elsewhere:
            self.wfile.write(b"file")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def host(elsewhere: str = "") -> Iterator[tuple[str, list[dict[str, str]]]]:
    handler = type("Handler", (Host,), {"asked": [], "elsewhere": elsewhere})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-address", handler.asked  # type: ignore[attr-defined]
        server.shutdown()


def attach(mock: MockAirtable, *urls: str) -> None:
    record = mock.records("Papers")[1]["id"]
    files = [
        {"id": f"attElsewhere{number:05}", "url": url, "filename": "f.txt", "size": 4, "type": "text/plain"}
        for number, url in enumerate(urls)
    ]
    mock.set_raw_cell("Papers", record, "Files", files)
    mock.advance_clock(60)


def test_the_host_of_files_learns_nothing(papers: MockAirtable, tmp_path: Path) -> None:
    with host() as (address, asked), host(address) as (redirecting, also_asked):
        attach(papers, address, f"{address}/2", redirecting)
        read = Airtable(**papers.options()).read("Papers", **stored(tmp_path))
        rows = read.to_arrow().to_pylist()
    assert [Path(file["path"]).read_bytes() for file in rows[1]["files"]] == [b"file"] * 3
    assert len(asked) == 3
    assert len(also_asked) == 1
    for headers in [*asked, *also_asked]:
        assert not {"authorization", "cookie", "referer"} & {name.lower() for name in headers}
        assert papers.token not in str(headers)


def test_an_address_is_in_no_message(papers: MockAirtable, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "lakeflow_airtable")
    attach(papers, "http://127.0.0.1:1/secret-address", "http://files.example.com/secret-address", "secret-address")
    base = Airtable(**papers.options(), max_retries=0)
    rows = base.read("Papers", **stored(tmp_path)).to_arrow().to_pylist()
    assert [file["path"] for file in rows[1]["files"]] == [None] * 3
    reasons = [told["reason"] for told in json.loads(rows[1]["_rescued_data"])]
    assert [
        expected in reason
        for expected, reason in zip(
            ("no connection to the file host", "plain http, at files.example.com", "it has no address"),
            reasons,
            strict=True,
        )
    ] == [True] * 3, reasons
    with pytest.raises(DataError, match=r'the file "f\.txt"') as raised:
        base.read("Papers", **stored(tmp_path, on_bad_value="fail")).to_arrow()
    for text in (caplog.text, str(rows), str(raised.value)):
        assert "secret-address" not in text
    assert "3 files of attachments cannot be had" in caplog.text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"attachments": "download"}, "option attachment_location is missing"),
        ({"attachment_location": "/files"}, "option attachment_location is for attachments=download"),
        ({"attachments": "download", "attachment_location": "files"}, "it takes an absolute path"),
        ({"attachments": "download", "attachment_location": "/no/such/place"}, "/no/such/place: No such file"),
        ({"part": "attachments", "ingestion_type": "cdc"}, "parts are read as snapshots only"),
        ({"part": "attachments", "fields": ["Name"]}, "name fields that hold attachments"),
    ],
)
def test_options_that_make_no_sense(papers: MockAirtable, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(OptionError, match=expected):
        Airtable(**papers.options()).read("Papers", **options).to_arrow()


def test_conditions_ask_no_text_that_is_made_of_another(papers: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**papers.options())
    how: list[dict[str, Any]] = [{"attachments": "stable"}, stored(tmp_path)]
    for options in how:
        with pytest.raises(OptionError, match=r'column "files".*attachments=urls'):
            base.read("Papers", nested="json", where="files LIKE '%url%'", **options)
        with pytest.raises(OptionError, match='column "_rescued_data"'):
            base.read("Papers", where="_rescued_data LIKE '%url%'", **options)
        frame = base.scan_polars("Papers", nested="json", **options)
        assert frame.filter(pl.col("files").str.contains('"url"', literal=True)).collect().height == 0
        assert frame.filter(pl.col("files").is_null()).collect().height == 1
    assert base.read("Papers", nested="json", where="files LIKE '%url%'").to_arrow().num_rows == 2
    assert base.read("Papers", where="_rescued_data IS NULL", **how[0]).to_arrow().num_rows == 3
    with pytest.raises(OptionError, match='"_rescued_data" tells of files, too'):
        base.read("Papers", where="_rescued_data IS NULL", **how[1])
    papers.set_faults(rules=[{"path": "/_mock/attachments/", "action": "forbidden"}])
    frame = base.scan_polars("Papers", **stored(tmp_path))
    for path in tmp_path.rglob("*.*"):
        path.unlink()
    assert frame.filter(pl.col("_rescued_data").is_not_null()).collect().height == 2


def test_addresses_that_die_again_and_again_are_asked_for_as_often(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    mock_airtable.create_table("Papers", [{"name": "Name"}, FILES], [{"Name": str(number)} for number in range(90)])
    for record in mock_airtable.records("Papers"):
        for name in ("one.txt", "two.txt"):
            mock_airtable.add_attachment("Papers", record["id"], "Files", name, name.encode())
    [broken] = mock_airtable.create_records("Papers", [{"Name": "broken"}])
    lost = {"id": "attLost0000000000", "url": f"{mock_airtable.url}/_mock/attachments/lost", "filename": "l", "size": 1}
    mock_airtable.set_raw_cell("Papers", broken, "Files", [lost])
    mock_airtable.advance_clock(60)
    mock_airtable.set_faults(attachment_urls_change=True)
    ended = Event()

    def age() -> None:
        """Lets three hours go by for each fifty files that are stored."""
        told = 0
        while not ended.wait(0.001):
            files = len(list(tmp_path.rglob("*.txt")))
            if files >= told + 50:
                told = files
                mock_airtable.advance_clock(3 * 3600)

    mock_airtable.set_faults(rules=[{"path": "/_mock/attachments/", "action": {"slow": {"chunk": 1, "ms": 5}}}])
    watcher = Thread(target=age)
    watcher.start()
    try:
        read = Airtable(**mock_airtable.options()).read("Papers", **stored(tmp_path))
        rows = read.to_arrow().to_pylist()
    finally:
        ended.set()
        watcher.join()
    assert read.stats.files_fetched == 180
    assert [row["name"] for row in rows if row["_rescued_data"]] == ["broken"]
    assert all(Path(file["path"]).read_text() == file["filename"] for row in rows[:-1] for file in row["files"])


PROGRAM = """
import json, sys
from lakeflow_airtable import Airtable
options, read, limits = json.loads(sys.argv[1])
if limits:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
base = Airtable(**options)
try:
    print(base.read("Papers", **read).to_arrow().num_rows, flush=True)
except KeyboardInterrupt:
    print("KeyboardInterrupt")
except Exception as error:
    print(type(error).__name__, error)
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def program(mock: MockAirtable, location: Path, *, limits: bool = False) -> subprocess.Popen[str]:
    arguments = json.dumps([mock.options(), stored(location), limits])
    return subprocess.Popen([sys.executable, "-c", PROGRAM, arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_full_disk_ends_the_read_and_leaves_nothing_half(papers: MockAirtable, tmp_path: Path) -> None:
    # A limit of the size of files, as any other error of a disk.
    said, _ = program(papers, tmp_path, limits=True).communicate(timeout=60)
    assert said.startswith(f"OptionError option attachment_location: {tmp_path}: File too large"), said
    assert "make room, and read again" in said
    assert not unfinished(tmp_path)
    assert Airtable(**papers.options()).read("Papers", **stored(tmp_path)).to_arrow().num_rows == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_a_read_that_waits_for_files(papers: MockAirtable, tmp_path: Path) -> None:
    slow = {"path": "/_mock/attachments/", "action": {"slow": {"chunk": 300_000, "ms": 60_000}}}
    papers.set_faults(rules=[slow])
    process = program(papers, tmp_path)
    while not unfinished(tmp_path):
        assert process.poll() is None
        time.sleep(0.01)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < 1
    assert said.startswith("KeyboardInterrupt")
    assert not unfinished(tmp_path)


def test_large_files_go_through_little_memory(papers: MockAirtable, tmp_path: Path) -> None:
    small, _ = program(papers, tmp_path).communicate(timeout=60)
    size = 150_000_000
    record = papers.create_records(
        "Papers", [{"Files": [{"url": "https://files.example.com/x", "filename": "film.mp4", "size": size}]}]
    )[0]
    papers.advance_clock(60)
    large, _ = program(papers, tmp_path).communicate(timeout=120)
    [film] = (path for path in tmp_path.rglob("film.mp4"))
    assert film.stat().st_size == size
    assert record
    more = int(large.split()[-1]) - int(small.split()[-1])
    assert more < 40_000, f"{more} KiB more than for small files"


def test_the_command_line_stores_files(papers: MockAirtable, tmp_path: Path) -> None:
    done = run(
        papers,
        "read",
        "Papers",
        "--attachments",
        "download",
        "--attachment-location",
        str(tmp_path),
        "--format",
        "jsonl",
    )
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout.splitlines()[0])
    assert Path(first["files"][0]["path"]).read_bytes() == b"one"
    done = run(papers, "read", "Papers", "--part", "attachments", "--attachments", "stable", "--format", "csv")
    assert done.stdout.splitlines()[0].startswith("id,field_id,field,position,attachment_id,filename,size,type")
    assert len(done.stdout.splitlines()) == 4
    done = run(papers, "read", "Papers", "--attachments", "download")
    assert done.returncode == 2
    assert "--attachment-location is missing" in done.stderr


def test_copies_compare_without_files(papers: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**papers.options())
    copy = base.read("Papers", **stored(tmp_path)).to_arrow()
    for path in tmp_path.rglob("*.*"):
        path.unlink()
    assert base.verify("Papers", copy, cells=True, **stored(tmp_path)).is_equal
    assert base.verify("Papers", copy, cells=True).is_equal
    assert not list(tmp_path.rglob("*.*")), "nothing is fetched by it"
    with pytest.raises(OptionError, match="leave part out"):
        base.verify("Papers", copy, part="attachments")

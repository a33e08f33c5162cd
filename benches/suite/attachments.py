"""The files of a table's attachments: stored by a read, and one after the other by a loop of requests."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from .limit import LIMIT
from .process import Measured, Timed, measure
from .readers import Place, our_base
from .report import Bar, Section, Table
from .server import Server, serving
from .settings import Settings

BYTES = 50_000
"""Of each file."""

RESPONSE_SECONDS = 0.1
TABLE = "Papers"
NOTE = (
    f"Each record has one file of {BYTES // 1000} kB. Answers take {RESPONSE_SECONDS:g} s, of files and pages. "
    f"A base gives {LIMIT} requests a second, and files are outside of that. The loop is a session of `requests`, "
    "which keeps its connection. A read again finds all files there."
)


def run(settings: Settings) -> Section:
    """A program for each way, and one for a read of what is there."""
    files = settings.attachment_files
    found: dict[str, Measured] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        serving({}, requests_per_second=LIMIT, delay_ms=round(RESPONSE_SECONDS * 1000)) as server,
    ):
        _fill(server, files)
        for title, reader, place in (
            ("a loop of requests", "attachments.loop", "loop"),
            ("attachments=download", "attachments.stored", "ours"),
            ("the same again", "attachments.stored", "ours"),
        ):
            location = Path(directory) / place
            location.mkdir(exist_ok=True)
            found[title] = measure(reader, files, place=server.place, location=str(location))
            _check(location, files)
    heading = (f"{files:,} files of {BYTES // 1000} kB", "seconds", "files/s", "processor seconds", "peak MiB")
    rows = [
        (title, f"{one.seconds:.1f}", f"{files / one.seconds:,.0f}", f"{one.cpu_seconds:.2f}", f"{one.peak_mib:.0f}")
        for title, one in found.items()
    ]
    loop, ours, again = found.values()
    bars = [
        Bar("files, beside a loop of requests", loop.seconds / ours.seconds, 5),
        Bar("what is there, beside fetching it", ours.seconds / again.seconds, 2),
    ]
    return Section("Files of attachments", [Table(heading, rows)], bars, NOTE, "attachments")


def _fill(server: Server, files: int) -> None:
    fields = [{"name": "Name"}, {"name": "Files", "type": "multipleAttachments"}]
    server.call("create_table", TABLE, fields)
    for start in range(0, files, 500):
        records = [{"Name": f"{number}", "Files": [_file(number)]} for number in range(start, min(start + 500, files))]
        server.call("create_records", TABLE, records)


def _file(number: int) -> dict[str, Any]:
    return {"url": "https://files.example.com/x", "filename": f"{number}.pdf", "size": BYTES}


def _check(location: Path, files: int) -> None:
    sizes = [path.stat().st_size for path in location.rglob("*") if path.is_file()]
    if sizes != [BYTES] * files:
        raise SystemExit(f"{location.name}: {len(sizes)} files, of {set(sizes)} bytes")


# --- in the process that is measured -------------------------------------------------------------------------------


def stored(place: Place, location: str) -> Timed:
    """One read, which stores the files."""
    import pyarrow  # noqa: F401

    base = our_base(place, requests_per_second=4.5)
    return lambda: sum(
        batch.num_rows for batch in base.read(TABLE, attachments="download", attachment_location=location)
    )


def loop(place: Place, location: str) -> Timed:
    """Page by page, and file by file of each."""
    import requests

    api, files = requests.Session(), requests.Session()
    api.headers["Authorization"] = f"Bearer {place['token']}"

    def read() -> int:
        count, offset = 0, None
        while True:
            began = time.monotonic()
            page = api.get(
                f"{place['url']}/v0/{place['base_id']}/{TABLE}", params={"offset": offset} if offset else {}
            ).json()
            for record in page["records"]:
                for file in record["fields"]["Files"]:
                    path = Path(location) / file["id"] / file["filename"]
                    path.parent.mkdir()
                    path.write_bytes(files.get(file["url"]).content)
                    count += 1
            offset = page.get("offset")
            if offset is None:
                return count
            time.sleep(max(0.0, 1 / LIMIT - (time.monotonic() - began)))

    return read

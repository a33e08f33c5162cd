"""Those that read, but for Spark: this package, pyairtable, and the least that a client can do.

Each function prepares a read in the process that it is measured in, and gives back what is timed.
"""

from __future__ import annotations

import json
import socket
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from .process import Timed
from .server import UNPACED
from .typed import typed_table

Place = dict[str, str]
"""Where the mock is: url, token, base_id."""


# --- this package ---------------------------------------------------------------------------------------------------


def our_base(place: Place, **options: Any) -> Any:
    """An `Airtable` of the mock; not paced, unless `options` say so."""
    from lakeflow_airtable import Airtable

    given = {"requests_per_second": UNPACED, **options}
    return Airtable(token=place["token"], base_id=place["base_id"], base_url=place["url"], **given)


def our_batches(place: Place, table: str, options: dict[str, Any] | None = None) -> Timed:
    """Batch by batch, each dropped when the next comes."""
    import pyarrow  # noqa: F401

    base = our_base(place, **options or {})
    _load_ours()
    return lambda: sum(batch.num_rows for batch in base.read(table))


def our_table(place: Place, table: str) -> Timed:
    """One Arrow table."""
    import pyarrow as pa

    base = our_base(place)
    _load_ours()
    # The first table from foreign objects makes pyarrow look for pandas, which takes a second where there is one.
    pa.table(pa.RecordBatchReader.from_batches(pa.schema([]), []))
    return lambda: int(pa.table(base.read(table)).num_rows)


def our_changes(place: Place, table: str, mode: str, start: dict[str, Any]) -> Timed:
    """What changed after `start`, as a stream asks for it: how far the changes go, then the changes."""
    import pyarrow  # noqa: F401

    base = our_base(place, ingestion_type=mode)
    _load_ours()

    def read() -> int:
        end = base.latest_offset(table, start=start)
        return sum(batch.num_rows for batch in base.changes(table, start=start, end=end))

    return read


def our_polls(
    place: Place,
    table: str,
    mode: str,
    start: dict[str, Any],
    begin: float,
    seconds: float,
    poll_seconds: float,
    shares: bool,
) -> Timed:
    """Asks again and again what is new, which is nothing: as a stream, or each time itself. Gives how often."""
    from lakeflow_airtable._native import Connector

    options = {"token": place["token"], "base_id": place["base_id"], "base_url": place["url"]}
    more = {"requests_per_second": str(UNPACED), "ingestion_type": mode, "poll_seconds": str(poll_seconds)}
    connector = Connector({**options, **more})
    stream = connector.stream(connector.plan(table))
    offset = json.dumps(start, separators=(",", ":"))

    def ask() -> int:
        time.sleep(max(0.0, begin - time.time()))
        asked = 0
        while time.time() < begin + seconds:
            rest = poll_seconds
            if shares:
                latest, _, rest = stream.poll(offset)
            else:
                latest, _ = stream.latest(offset)
            if latest != offset:
                raise SystemExit(f"{latest} is new after {offset}")
            asked += 1
            time.sleep(rest)
        return asked

    return ask


def _load_ours() -> None:
    import lakeflow_airtable._native  # noqa: F401


# --- pyairtable -----------------------------------------------------------------------------------------------------


def their_table(place: Place, table: str) -> Any:
    """pyairtable's table."""
    import pyairtable

    return pyairtable.Api(place["token"], endpoint_url=place["url"]).table(place["base_id"], table)


def their_list(place: Place, table: str) -> Timed:
    """A list of dicts."""
    theirs = their_table(place, table)
    return lambda: len(theirs.all())


def their_pages(place: Place, table: str) -> Timed:
    """Page by page, each dropped when the next comes."""
    theirs = their_table(place, table)
    return lambda: sum(map(len, theirs.iterate()))


def their_arrow(place: Place, table: str) -> Timed:
    """One Arrow table of the types that this package gives."""
    import pyarrow as pa

    theirs = their_table(place, table)
    pa.Table.from_pylist([{"a": 1}])  # as above: pandas
    return lambda: int(typed_table(theirs).num_rows)


def equal_tables(place: Place, table: str) -> Timed:
    """Both Arrow tables must hold the same, or their times could not be compared."""
    import pyarrow as pa

    def compare() -> int:
        ours = pa.table(our_base(place).read(table)).drop_columns(["_rescued_data"])
        theirs = typed_table(their_table(place, table))
        for own, other in zip(ours.columns, theirs.columns, strict=True):
            if not _equal(own.combine_chunks(), other.combine_chunks()):
                raise SystemExit(f"a column of {table} differs: {own.type} {own[:3]} and {other.type} {other[:3]}")
        return int(ours.num_rows)

    return compare


def _equal(own: Any, other: Any) -> bool:
    import pyarrow.compute as pc

    if str(own.type) == "double" and own.type == other.type:
        # No NaN equals another.
        holes, others = pc.is_nan(own), pc.is_nan(other)
        return bool(holes.equals(others)) and bool(pc.if_else(holes, None, own).equals(pc.if_else(others, None, other)))
    return bool(own.equals(other))


# --- the least ------------------------------------------------------------------------------------------------------


def download(place: Place, table: str) -> Timed:
    """Bytes of all pages over one connection into one buffer, and nothing done with them.

    A bare socket, because `http.client` spends more on the headers of a page than the rest of the loop takes.
    """
    address, buffer = urlsplit(place["url"]), bytearray(1 << 22)
    path = f"/v0/{place['base_id']}/{quote(table)}?pageSize=100&returnFieldsByFieldId=true"
    rest = f" HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {place['token']}\r\n\r\n"

    def read() -> int:
        rows, offset = 0, ""
        with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                connection.sendall(f"GET {path}{offset}{rest}".encode())
                body = _answer(connection, buffer)
                rows += body.count(b'"createdTime":')
                # Of a page the offset comes last.
                mark = body.rfind(b',"offset":"', -200)
                if mark < 0:
                    return rows
                offset = "&offset=" + quote(body[mark + 11 : body.index(b'"', mark + 11)])

    return read


def _answer(connection: socket.socket, buffer: bytearray) -> bytes:
    """The body of an answer that names its length."""
    view, have, end = memoryview(buffer), 0, -1
    while end < 0:
        have += connection.recv_into(view[have:])
        end = buffer.find(b"\r\n\r\n", 0, have)
    head = bytes(view[:end]).lower()
    if not head.startswith(b"http/1.1 200"):
        raise SystemExit(head.decode())
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while have < end + 4 + length:
        have += connection.recv_into(view[have:])
    return bytes(view[end + 4 : have])


def one_by_one(place: Place, table: str) -> Timed:
    """Page after page, 0.2 s from start to start, as 5 requests a second suggest; 30 seconds' rest after a 429."""
    address = urlsplit(place["url"])
    headers = {"Authorization": f"Bearer {place['token']}"}

    def read() -> int:
        connection = HTTPConnection(str(address.hostname), address.port)
        rows, offset = 0, ""
        while True:
            began = time.monotonic()
            connection.request("GET", f"/v0/{place['base_id']}/{quote(table)}?pageSize=100{offset}", headers=headers)
            answer = connection.getresponse()
            page = json.loads(answer.read())
            if answer.status == 429:
                time.sleep(30)
                continue
            rows += len(page["records"])
            if "offset" not in page:
                connection.close()
                return rows
            offset = "&offset=" + quote(page["offset"])
            time.sleep(max(0.0, began + 0.2 - time.monotonic()))

    return read

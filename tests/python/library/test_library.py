"""`Airtable` without Spark: the consumers of its batches, and what it must not do at import."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars
import pyairtable
import pyarrow as pa
import pytest

import lakeflow_airtable
from lakeflow_airtable import Airtable, AirtableDataSource, OptionError
from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    return Airtable(**mock_airtable.options())


def shown(stream: Any) -> list[str]:
    """The rows as text, in which NaN equals NaN."""
    return [repr(row) for row in pa.table(stream).to_pylist()]


def test_reads_what_pyairtable_reads(mock_airtable: MockAirtable, base: Airtable) -> None:
    reference = pyairtable.Api(mock_airtable.token, endpoint_url=mock_airtable.url).base(mock_airtable.base_id)
    tables = [table["name"] for table in mock_airtable.schema()["tables"]]
    assert base.list_tables() == tables
    for table in tables:
        records = reference.table(table).all()
        rows = pa.table(base.read(table)).to_pylist()
        assert [row["id"] for row in rows] == [record["id"] for record in records]
        assert [f"{row['createdTime']:%Y-%m-%dT%H:%M:%S.000Z}" for row in rows] == [
            record["createdTime"] for record in records
        ]


def test_every_consumer_sees_the_same_rows(base: Airtable) -> None:
    expected = pa.table(base.read("Vendors"))
    assert expected.num_rows > 0
    assert expected.schema == pa.schema(base.schema("Vendors"))
    assert shown(pa.Table.from_batches(list(base.read("Vendors")))) == shown(expected)
    assert repr(polars.DataFrame(base.read("Vendors")).rows()) == repr(polars.from_arrow(expected).rows())
    stream = base.read("Vendors")  # noqa: F841  # duckdb finds it by its name
    assert duckdb.sql("select id from stream").fetchall() == [(row,) for row in expected["id"].to_pylist()]


def test_options_of_a_call_override_those_of_the_base(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options(), max_records=3, fields=["Name"])
    assert pa.table(base.read("Vendors")).num_rows == 3
    assert pa.table(base.read("Vendors", max_records=2)).num_rows == 2
    assert pa.table(base.read("Vendors")).column_names == ["id", "createdTime", "name", "_rescued_data"]
    assert pa.table(base.read("Vendors", rescued_data_column="")).column_names == ["id", "createdTime", "name"]


def test_a_read_can_be_closed_half_way(base: Airtable, mock_airtable: MockAirtable) -> None:
    batches = base.read("Vendors", page_size=1)
    assert next(batches).num_rows >= 1
    batches.close()
    assert list(batches) == []

    def pages() -> int:
        return sum("pageSize=1" in request["query"].split("&") for request in mock_airtable.requests())

    asked = pages()
    assert 1 <= asked < 60, "sixty pages are the whole table"
    for _ in range(5):
        pa.table(base.read("Vendors"))  # and nothing goes on beside it
    assert pages() <= asked + 1, "the one under way, and no other"


@pytest.mark.parametrize("wait", ["a 30 s penalty", "a server that never answers"])
def test_ctrl_c_is_answered_while_waiting(mock_airtable: MockAirtable, wait: str) -> None:
    action = {"rate_limited": {}} if "penalty" in wait else "stall"
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": action}]}
    program = """
import json, os, signal, sys, threading, time
from lakeflow_airtable import Airtable
batches = Airtable(**json.loads(sys.argv[1])).read("Vendors")
ticks, sent = [], []
def interrupt():
    for _ in range(20):
        time.sleep(0.05)
        ticks.append(1)  # only while the waiting thread has let go of the interpreter
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    next(batches)
except KeyboardInterrupt:
    print(len(ticks), time.monotonic() - sent[0])
"""
    ticks, seconds = _python(program, json.dumps(mock_airtable.options())).split()
    assert int(ticks) == 20
    assert float(seconds) < 1


def test_errors_have_their_type_and_a_stream_has_their_text(mock_airtable: MockAirtable, base: Airtable) -> None:
    with pytest.raises(lakeflow_airtable.NotFoundError, match='did you mean "Vendors"'):
        base.read("Vendor")
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "monthly_block"}]}
    batches = base.read("Vendors")
    with pytest.raises(lakeflow_airtable.RateLimitError, match="API calls of this month") as caught:
        next(batches)
    assert "\n" not in str(caught.value)
    assert list(batches) == []
    for consume in (pa.table, polars.DataFrame):
        with pytest.raises(Exception, match="API calls of this month"):
            consume(base.read("Vendors"))
    spent = base.read("Vendors")
    spent.close()
    with pytest.raises(ValueError, match="this read was closed: begin another"):
        pa.table(spent)


def test_log_lines_of_retries_reach_logging(
    mock_airtable: MockAirtable, base: Airtable, caplog: pytest.LogCaptureFixture
) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "times": 1, "action": "bad_gateway"}]}
    with caplog.at_level("INFO", "lakeflow_airtable"):
        pa.table(base.read("Vendors"))
        AirtableDataSource({**mock_airtable.options(), "something_of_spark": "x"})
    assert any("502" in line and "retry 1 of 8" in line for line in caplog.messages)
    assert any("something_of_spark" in line for line in caplog.messages)
    assert mock_airtable.token not in caplog.text


def test_log_lines_of_retries_reach_logging_while_a_library_reads(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path
) -> None:
    consumers = {
        "this thread": pa.table,
        # It takes batches on a thread of its own.
        "another thread": lambda stream: deltalake.write_deltalake(tmp_path / "vendors", stream),
    }
    asked: list[int] = []

    class Count(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "502" in record.getMessage():
                asked.append(len(mock_airtable.requests()))

    count = Count()
    logging.getLogger("lakeflow_airtable").addHandler(count)
    try:
        for consumer in consumers.values():
            asked.clear()
            mock_airtable.faults = {"rules": [{"path": "/tbl", "times": 3, "action": "bad_gateway"}]}
            mock_airtable.clear_requests()
            consumer(base.read("Vendors"))
            assert len(asked) == 3
            assert asked[0] < len(mock_airtable.requests()), "while the read goes on"
    finally:
        logging.getLogger("lakeflow_airtable").removeHandler(count)


def test_lines_of_debug_are_there_when_they_are_wanted(base: Airtable, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "lakeflow_airtable"):
        pa.table(base.read("Vendors"))
    assert not any(": 200 OK" in line for line in caplog.messages)
    with caplog.at_level("DEBUG", "lakeflow_airtable"):
        pa.table(base.read("Vendors"))
    told = [record for record in caplog.records if ": 200 OK" in record.getMessage()]
    assert {record.levelname for record in told} == {"DEBUG"}
    assert any("/tbl" in record.getMessage() for record in told), "a page"


def test_dropped_values_are_told_by_the_end_of_a_stream(
    mock_airtable: MockAirtable, base: Airtable, caplog: pytest.LogCaptureFixture
) -> None:
    record = mock_airtable.records("Vendors")[0]["id"]
    mock_airtable.set_raw_cell("Vendors", record, "Name", [1])
    polars.DataFrame(base.read("Vendors", rescued_data_column=""))
    assert any("1 values did not fit" in line for line in caplog.messages), caplog.messages


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is told by Linux")
@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(mock_airtable: MockAirtable) -> None:
    program = """
import json, re, sys
from pathlib import Path
from lakeflow_airtable import Airtable
rows = sum(batch.num_rows for batch in Airtable(**json.loads(sys.argv[1])).read(sys.argv[2]))
# Of this program alone: getrusage counts what the process was before it became this program.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(rows, int(peak[1]) // 1024)
"""
    peaks = []
    for records in (4_000, 40_000):
        mock_airtable.generate_table(f"T{records}", records)
        rows, peak = _python(program, json.dumps(mock_airtable.options()), f"T{records}").split()
        assert int(rows) == records
        peaks.append(int(peak))
    # The larger table is some 30 MB of JSON more.
    assert peaks[1] - peaks[0] < 12, f"{peaks} MiB"


def test_a_call_may_go_to_another_base_or_as_somebody_else(mock_airtable: MockAirtable, base: Airtable) -> None:
    other = next(base for base in mock_airtable.bases if base != mock_airtable.base_id)
    there = Airtable(**{**mock_airtable.options(), "base_id": other})
    assert shown(base.read("Vendors", base_id=other)) == shown(there.read("Vendors")) != shown(base.read("Vendors"))
    for call in (base.read, base.schema, base.metadata):
        with pytest.raises(lakeflow_airtable.AuthError):
            call("Vendors", token="patOTHER.0000")
        with pytest.raises(lakeflow_airtable.AuthError):
            call("Vendors", base_id="appNoSuchBase0000")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what the handler raised
def test_a_failing_log_handler_loses_no_batch(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.generate_table("Large", 3_000)
    expected = shown(base.read("Large"))
    mock_airtable.faults = {"rules": [{"after": 12, "times": 1, "path": "offset=", "action": "iterator_gone"}]}

    class Interrupt(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise KeyboardInterrupt

    logger, interrupt = logging.getLogger("lakeflow_airtable"), Interrupt()
    logger.addFilter(interrupt)
    level = logger.level
    logger.setLevel("INFO")
    batches, rows = base.read("Large"), []
    try:
        while True:
            try:
                rows.append(next(batches))
            except KeyboardInterrupt:
                continue
            except StopIteration:
                break
    finally:
        logger.removeFilter(interrupt)
        logger.setLevel(level)
    assert shown(pa.Table.from_batches(rows)) == expected


def test_close_ends_a_read_that_another_thread_waits_for(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    batches = base.read("Vendors")
    taken: list[Any] = []
    waiting = threading.Thread(target=lambda: taken.extend(batches))
    waiting.start()
    while not mock_airtable.requests():
        time.sleep(0.01)
    batches.close()
    waiting.join(timeout=30)
    assert not waiting.is_alive()
    assert taken == []


def test_a_stream_refuses_to_go_on_after_a_fork(base: Airtable) -> None:
    stream = pa.RecordBatchReader.from_stream(base.read("Vendors", page_size=10))
    assert stream.read_next_batch().num_rows > 0
    child = os.fork()
    if child == 0:
        try:
            stream.read_next_batch()
        except Exception as error:
            os._exit(0 if "begin it again here" in str(error) else 2)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert stream.read_all().num_rows > 0


def test_metadata(base: Airtable) -> None:
    cursors = {"snapshot": None, "cdc": "_changed_at", "cdc_with_deletes": "_changed_at", "append": "createdTime"}
    assert base.metadata("Vendors")["ingestion_type"] == "snapshot"
    for ingestion_type, cursor in cursors.items():
        metadata = base.metadata("Vendors", ingestion_type=ingestion_type)
        assert metadata == {"primary_keys": ["id"], "cursor_field": cursor, "ingestion_type": ingestion_type}


def test_repr_shows_where_but_never_the_token(mock_airtable: MockAirtable, base: Airtable) -> None:
    assert mock_airtable.base_id in repr(base)
    assert mock_airtable.url in repr(base)
    for shown in (repr(base), str(base), repr(vars(base))):
        assert mock_airtable.token not in shown


def test_pickles_with_its_options(base: Airtable) -> None:
    copy = pickle.loads(pickle.dumps(base))
    assert shown(copy.read("Vendors")) == shown(base.read("Vendors"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token": None}, "token"),
        ({"on_bad_value": "ignore"}, "on_bad_value"),
        ({"max_record": 5}, "did you mean max_records"),
        ({"page_size": 0}, "page_size"),
        ({"fields": object()}, "fields is a object"),
        ({"token": b"patSECRET"}, "token is a bytes"),
    ],
)
def test_wrong_options_fail_at_once(mock_airtable: MockAirtable, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        Airtable(**{**mock_airtable.options(), **options})
    assert "SECRET" not in str(caught.value)
    assert mock_airtable.requests() == []


ERRORS = {
    "AirtableError": Exception,
    "OptionError": ValueError,
    "AuthError": PermissionError,
    "NotFoundError": LookupError,
    "RateLimitError": Exception,
    "RejectedError": Exception,
    "TransportError": ConnectionError,
    "DataError": ValueError,
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_the_builtins_they_resemble(name: str) -> None:
    kind = getattr(lakeflow_airtable, name)
    error = pickle.loads(pickle.dumps(kind("what to do")))
    assert type(error) is kind
    assert str(error) == "what to do"
    assert isinstance(error, lakeflow_airtable.AirtableError)
    assert isinstance(error, ERRORS[name])
    assert kind.__module__ == "lakeflow_airtable"
    assert kind.__doc__


def _python(program: str, *arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def _ids(options: dict[str, str]) -> list[str]:
    ids: list[str] = pa.table(Airtable(**options).read("Vendors"))["id"].to_pylist()
    return ids


def test_a_forked_process_reads_after_its_parent_did(mock_airtable: MockAirtable) -> None:
    options = mock_airtable.options()
    expected = _ids(options)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_ids, [options] * 3) == [expected] * 3
    assert _ids(options) == expected

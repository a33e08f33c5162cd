"""What a read says of itself: `Batches.stats`, the line at its end, and the lines of requests."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars
import pyarrow as pa
import pytest

import lakeflow_airtable
from lakeflow_airtable import Airtable, ReadStats, TransportError
from lakeflow_airtable.mock import MockAirtable

END = re.compile(
    r'table "(?P<table>[^"]+)": (?P<early>closed after |ended by an error after )?(?P<rows>[\d,]+) rows? in [\d.]+ s'
    r"( \([\d,]+ a second\))?, (?P<requests>\d+) requests?(, (?P<retries>1 retry|\d+ retries))?"
    r", [\d.]+ s waited for the budget(, (?P<rescued>\d+) rescued values?)?"
    r"(, (?P<calls>[\d,]+) calls? to the base this month)?"
)


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    mock_airtable.generate_table("Many", 3_000)
    return Airtable(**mock_airtable.options())


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", "lakeflow_airtable")
    return caplog


def ends(lines: pytest.LogCaptureFixture) -> list[re.Match[str]]:
    """The lines of reads that are over, all of them at INFO."""
    found = [(record, END.fullmatch(record.getMessage())) for record in lines.records]
    assert {record.levelname for record, match in found if match} <= {"INFO"}
    return [match for _, match in found if match]


def test_stats_grow_with_the_read(base: Airtable) -> None:
    batches = base.read("Many")
    before = batches.stats
    assert before == batches.stats != object()
    assert before.as_dict() == {
        "rows": 0,
        "requests": 0,
        "retries": 0,
        "penalties": 0,
        "waited_seconds": 0.0,
        "rescued_values": 0,
        "bytes": 0,
        "files_fetched": 0,
        "file_bytes": 0,
        "files_there": 0,
        "files_missed": 0,
        "seconds": 0.0,
        "expected_rows": None,
        "calls_this_month": None,
        "is_done": False,
    }
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        stats = batches.stats
        assert stats.rows == rows
        assert not stats.is_done
    after = batches.stats
    assert (after.rows, after.requests, after.expected_rows, after.is_done) == (3_000, 30, 3_000, True)
    assert after.calls_this_month == 31, "the definition, too"
    assert after.bytes > 30_000
    assert after.seconds > 0
    assert after != before
    assert before.rows == 0, "of its moment"
    assert after.as_dict() == {name: getattr(after, name) for name in before.as_dict()}


def test_stats_are_shown_in_one_line_and_are_a_class_of_the_package(base: Airtable) -> None:
    batches = base.read("Vendors")
    pa.table(batches)
    shown = repr(batches.stats)
    assert re.fullmatch(
        r"ReadStats\(rows=\d+, requests=1, retries=0, penalties=0, waited_seconds=\d+\.\d{3}, rescued_values=\d+, "
        r"bytes=\d+, seconds=\d+\.\d{3}, expected_rows=\d+, calls_this_month=\d+, is_done=True\)",
        shown,
    ), shown
    assert isinstance(batches.stats, ReadStats)
    assert lakeflow_airtable.ReadStats is ReadStats
    with pytest.raises(AttributeError):
        batches.stats.rows = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        ReadStats()


def test_what_was_rescued_and_asked_again_is_counted(mock_airtable: MockAirtable, base: Airtable) -> None:
    for record in mock_airtable.records("Many")[:2]:
        mock_airtable.set_raw_cell("Many", record["id"], next(iter(record["fields"])), {"specialValue": "NaN"})
    pa.table(untouched := base.read("Many"))
    mock_airtable.faults = {"rules": [{"path": "/tbl", "after": 2, "times": 3, "action": "bad_gateway"}]}
    pa.table(batches := base.read("Many"))
    stats = batches.stats
    assert stats.rescued_values == untouched.stats.rescued_values >= 1
    assert (stats.requests, stats.retries, stats.penalties) == (33, 3, 0)


def taken_by_deltalake(stream: Any, directory: Path) -> None:
    deltalake.write_deltalake(directory / "copy", stream)


WAYS: dict[str, Callable[[Any, Path], object]] = {
    "iteration": lambda stream, _: list(stream),
    "with": lambda stream, _: list(stream.__enter__()) and stream.__exit__(),
    "pyarrow": lambda stream, _: pa.table(stream),
    "polars": lambda stream, _: polars.DataFrame(stream),
    "duckdb": lambda stream, _: duckdb.sql("select count(*) from stream").fetchall(),
    "deltalake": taken_by_deltalake,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_read_to_its_end_is_one_line_on_every_way(
    base: Airtable, lines: pytest.LogCaptureFixture, tmp_path: Path, way: str
) -> None:
    batches = base.read("Many")
    WAYS[way](batches, tmp_path)
    [end] = ends(lines)
    assert (end["table"], end["early"], end["rows"], end["requests"]) == ("Many", None, "3,000", "30")
    assert batches.stats.is_done
    assert batches.stats.rows == 3_000


def failing(mock: MockAirtable) -> None:
    mock.faults = {"rules": [{"path": "offset=", "after": 11, "action": {"respond": {"status": 404, "body": {}}}}]}


@pytest.mark.parametrize("way", ["iteration", "pyarrow", "polars", "deltalake"])
def test_a_read_that_fails_is_one_line_on_every_way(
    mock_airtable: MockAirtable, base: Airtable, lines: pytest.LogCaptureFixture, tmp_path: Path, way: str
) -> None:
    failing(mock_airtable)
    batches = base.read("Many")
    with pytest.raises(Exception, match="404"):
        WAYS[way](batches, tmp_path)
    [end] = ends(lines)
    assert end["early"] == "ended by an error after "
    assert batches.stats.is_done
    assert batches.stats.expected_rows is None
    assert mock_airtable.token not in lines.text


def closed(batches: Any) -> None:
    next(batches)
    batches.close()
    batches.close()


def left_by_an_error(batches: Any) -> None:
    def use() -> None:
        with batches:
            next(batches)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()


def dropped(batches: Any) -> None:
    next(batches)


def dropped_by_a_library(batches: Any) -> None:
    pa.RecordBatchReader.from_stream(batches).read_next_batch()


@pytest.mark.parametrize("leave", [closed, left_by_an_error, dropped, dropped_by_a_library])
def test_a_read_that_is_left_early_is_one_line(
    base: Airtable, lines: pytest.LogCaptureFixture, leave: Callable[[Any], None]
) -> None:
    leave(base.read("Many"))
    [end] = ends(lines)
    assert end["early"] == "closed after "
    assert 0 < int(end["rows"].replace(",", "")) < 3_000


def test_a_read_that_never_began_is_no_line(base: Airtable, lines: pytest.LogCaptureFixture) -> None:
    base.read("Many").close()
    with base.read("Many"):
        pass
    del base
    assert ends(lines) == []


def test_retries_and_rescued_values_stand_in_the_line(
    mock_airtable: MockAirtable, base: Airtable, lines: pytest.LogCaptureFixture
) -> None:
    record = mock_airtable.records("Vendors")[0]["id"]
    mock_airtable.set_raw_cell("Vendors", record, "Name", [1])
    mock_airtable.faults = {"rules": [{"path": "/tbl", "times": 1, "action": "bad_gateway"}]}
    pa.table(batches := base.read("Vendors"))
    [end] = ends(lines)
    assert end["retries"] == "1 retry"
    assert int(end["rescued"]) == batches.stats.rescued_values >= 1


def test_questions_of_streams_are_no_reads(
    mock_airtable: MockAirtable, base: Airtable, lines: pytest.LogCaptureFixture
) -> None:
    end = base.latest_offset("Many", ingestion_type="cdc")
    assert ends(lines) == []
    list(base.changes("Many", None, end, ingestion_type="cdc"))
    [line] = ends(lines)
    assert line["rows"] == "3,000"


@pytest.mark.parametrize("way", ["iteration", "pyarrow", "deltalake"])
def test_another_thread_sees_how_far_a_read_is(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, way: str
) -> None:
    mock_airtable.faults = {"rules": [{"path": "offset=", "after": 14, "action": "stall"}]}
    batches = base.read("Many", max_retries=0)
    failed: list[BaseException] = []

    def read() -> None:
        try:
            WAYS[way](batches, tmp_path)
        except Exception as error:  # each library has its own
            failed.append(error)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    while batches.stats.requests < 16:
        assert reading.is_alive(), failed
        time.sleep(0.005)
    stats = batches.stats
    assert not stats.is_done
    assert stats.bytes > 0
    while batches.stats.rows < 1_000:
        assert reading.is_alive(), failed
        time.sleep(0.005)
    mock_airtable.stop()
    reading.join(30)
    assert not reading.is_alive()
    assert failed
    assert batches.stats.is_done


def test_a_child_is_told_that_the_read_is_its_parents(base: Airtable) -> None:
    batches = base.read("Many")
    next(batches)
    child = os.fork()
    if child == 0:
        try:
            _ = batches.stats
        except RuntimeError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert batches.stats.rows > 0


def test_a_read_that_is_left_at_the_end_of_a_program_spoils_nothing(mock_airtable: MockAirtable) -> None:
    mock_airtable.generate_table("Many", 3_000)
    program = """
import json, logging, sys
from lakeflow_airtable import Airtable
logging.basicConfig(level=logging.INFO)
batches = Airtable(**json.loads(sys.argv[1])).read("Many")
next(batches)
if sys.argv[2] == "closed":
    batches.close()
"""
    for how in ("closed", "left"):
        ran = subprocess.run(
            [sys.executable, "-c", program, json.dumps(mock_airtable.options()), how],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert "Traceback" not in ran.stderr
        assert ("closed after" in ran.stderr) or how == "left"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what the handler raised
def test_a_failing_handler_does_not_spoil_the_end_of_a_read(base: Airtable) -> None:
    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise ValueError("a handler's own")

    logger, failing = logging.getLogger("lakeflow_airtable"), Failing()
    logger.addFilter(failing)
    level = logger.level
    logger.setLevel("INFO")
    try:
        assert sum(batch.num_rows for batch in base.read("Many")) == 3_000
        batches = base.read("Many")
        next(batches)
        batches.close()
    finally:
        logger.removeFilter(failing)
        logger.setLevel(level)
    assert batches.stats.is_done


def test_each_request_is_a_line_of_debug_without_query_and_token(
    mock_airtable: MockAirtable, base: Airtable, caplog: pytest.LogCaptureFixture
) -> None:
    mock_airtable.faults = {
        "rules": [{"path": "offset=", "after": 3, "action": {"respond": {"status": 403, "body": {"error": "NO"}}}}]
    }
    with caplog.at_level("DEBUG", "lakeflow_airtable"), pytest.raises(lakeflow_airtable.AuthError):
        pa.Table.from_batches(list(base.read("Many", filter_formula="1=1")))
    told = [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"]
    form = re.compile(
        rf"GET {re.escape(mock_airtable.url)}/v0/[\w/]+: (\d+) [\w ]+ in \d+\.\d{{3}} s, (\d+) bytes, at \w.*"
    )
    found = [form.fullmatch(line) for line in told]
    assert all(found), told
    pages = [match for match in found if match and "/meta/" not in match[0]]
    assert [match[1] for match in pages] == ["200"] * 4 + ["403"]
    assert all(int(match[2]) > 0 for match in pages)
    assert "1=1" not in caplog.text
    assert "filterByFormula" not in caplog.text
    assert mock_airtable.token not in caplog.text


def test_a_failed_connection_is_no_request(base: Airtable, mock_airtable: MockAirtable) -> None:
    batches = Airtable(**mock_airtable.options(), max_retries=0).read("Vendors")
    mock_airtable.stop()
    with pytest.raises(TransportError):
        list(batches)
    assert (batches.stats.rows, batches.stats.is_done) == (0, True)


def test_a_wait_for_others_of_the_base_is_told(
    items: MockAirtable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lakeflow_airtable")
    base = Airtable(**items.options(), budget_location=str(tmp_path))
    for _ in range(2):
        assert base.read("Items").to_arrow().num_rows == 30
    [told] = [record for record in caplog.records if "budget_location" in record.getMessage()]
    assert told.levelname == "INFO"
    assert f"budget_location {tmp_path}: waiting until the others there know of this reader" in told.getMessage()

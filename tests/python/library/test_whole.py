"""`to_arrow`, `to_polars` and `to_pandas`: the whole of a read, and errors as they are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pandas
import polars
import pyarrow as pa
import pytest

import lakeflow_airtable
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

METHODS = {"to_arrow": pa.Table, "to_polars": polars.DataFrame, "to_pandas": pandas.DataFrame}


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    return Airtable(**mock_airtable.options())


def test_they_give_what_iterating_gives(base: Airtable) -> None:
    for table in base.list_tables():
        expected = pa.Table.from_batches(list(base.read(table)))
        arrow = base.read(table).to_arrow()
        assert arrow.schema.equals(pa.schema(base.schema(table)), check_metadata=True)
        assert repr(arrow.to_pylist()) == repr(expected.to_pylist())
        assert repr(base.read(table).to_polars().rows()) == repr(polars.DataFrame(base.read(table)).rows())
        assert base.read(table).to_pandas().equals(expected.to_pandas())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("records", [0, 1, 1_250])
def test_whatever_the_size(mock_airtable: MockAirtable, base: Airtable, method: str, records: int) -> None:
    mock_airtable.generate_table("Sized", records)
    stream = base.read("Sized")
    whole = getattr(stream, method)()
    assert isinstance(whole, METHODS[method])
    assert len(whole) == records
    names = whole.column_names if method == "to_arrow" else list(whole.columns)
    assert names == stream.schema.names
    assert f"{records} rows so far, read to its end" in repr(stream)


BEGUN: dict[str, tuple[Callable[[Any], object], str]] = {
    "iterated": (next, "this one was begun"),
    "read": (list, "this one was read to its end"),
    "closed": (lambda stream: stream.close(), "this one was closed"),
    "taken": (pa.RecordBatchReader.from_stream, "this one was handed to another library"),
    "whole": (lambda stream: stream.to_arrow(), "this one was read to its end"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", BEGUN)
def test_a_read_that_was_begun_is_not_whole(base: Airtable, method: str, how: str) -> None:
    begin, said = BEGUN[how]
    stream = base.read("Vendors", page_size=10)
    kept = begin(stream)
    with pytest.raises(ValueError, match=said) as caught:
        getattr(stream, method)()
    assert "begin another with read()" in str(caught.value)
    del kept


def test_the_rest_of_a_begun_read_is_still_there(mock_airtable: MockAirtable, base: Airtable) -> None:
    stream = base.read("Vendors", page_size=10)
    first = next(stream)
    with pytest.raises(ValueError, match="was begun"):
        stream.to_arrow()
    rest = pa.table(stream)
    assert first.num_rows + rest.num_rows == len(mock_airtable.records("Vendors"))


@pytest.mark.parametrize("method", METHODS)
def test_an_error_is_of_our_own_type(mock_airtable: MockAirtable, base: Airtable, method: str) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "monthly_block"}]}
    stream = base.read("Vendors")
    with pytest.raises(lakeflow_airtable.RateLimitError, match="API calls of this month"):
        getattr(stream, method)()
    record = mock_airtable.records("Vendors")[0]["id"]
    mock_airtable.faults = {}
    mock_airtable.set_raw_cell("Vendors", record, "Name", [1])
    with pytest.raises(lakeflow_airtable.DataError, match=record):
        getattr(base.read("Vendors", on_bad_value="fail"), method)()


@pytest.mark.parametrize(
    ("method", "missing"),
    [("to_arrow", "pyarrow"), ("to_polars", "polars"), ("to_pandas", "pandas"), ("to_pandas", "pyarrow")],
)
def test_a_library_that_is_missing_is_named_before_anything_is_asked(
    mock_airtable: MockAirtable, base: Airtable, monkeypatch: pytest.MonkeyPatch, method: str, missing: str
) -> None:
    stream = base.read("Vendors")
    asked = len(mock_airtable.requests())
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"{method}\(\) needs {missing}, .*: pip install {missing}"):
        getattr(stream, method)()
    assert len(mock_airtable.requests()) == asked
    monkeypatch.undo()
    assert len(getattr(stream, method)()) > 0, "and the read is as good as before"


def test_polars_needs_no_pyarrow(mock_airtable: MockAirtable) -> None:
    program = """
import json, sys
sys.modules["pyarrow"] = None
from lakeflow_airtable import Airtable
base = Airtable(**json.loads(sys.argv[1]))
print(base.read("Vendors").to_polars().height, base.scan_polars("Vendors").collect().height)
"""
    rows = len(mock_airtable.records("Vendors"))
    command = [sys.executable, "-c", program, json.dumps(mock_airtable.options())]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.stdout.split() == [str(rows), str(rows)], ran.stderr


@pytest.mark.parametrize("method", [*METHODS, "in-memory", "streaming"])
def test_ctrl_c_ends_it(mock_airtable: MockAirtable, method: str) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    if method in METHODS:
        call = f'base.read("Vendors").{method}()'
    else:
        call = f'base.scan_polars("Vendors").collect(engine="{method}")'
    program = f"""
import json, sys
from lakeflow_airtable import Airtable
base = Airtable(**json.loads(sys.argv[1]))
try:
    try:
        {call}
    finally:
        # polars' streaming engine raises it a second time, also for sources that are not ours.
        for _ in range(100):
            pass
except KeyboardInterrupt:
    print("KeyboardInterrupt")
print(len(base.list_tables()), "tables")
"""
    command = [sys.executable, "-c", program, json.dumps(mock_airtable.options())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not any("/tbl" in request["path"] for request in mock_airtable.requests()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out.splitlines()[:1] == ["KeyboardInterrupt"], err
    assert out.splitlines()[-1].endswith(" tables"), "the next call is as good as ever"


def test_closing_it_from_another_thread_is_an_error_and_no_short_table(
    mock_airtable: MockAirtable, base: Airtable
) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    stream = base.read("Vendors")
    raised: list[Exception] = []

    def take() -> None:
        try:
            stream.to_arrow()
        except Exception as error:
            raised.append(error)

    waiting = threading.Thread(target=take)
    asked = len(mock_airtable.requests())
    waiting.start()
    while len(mock_airtable.requests()) == asked:
        time.sleep(0.01)
    stream.close()
    waiting.join(timeout=30)
    [error] = raised
    assert "closed before its end" in str(error)

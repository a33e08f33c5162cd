"""Ctrl-C while a library reads a stream, whatever thread it reads it on, and whose signals nobody touches."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, Batches
from lakeflow_airtable.mock import MockAirtable
from project import PROJECT

CONSUMERS = {
    "pyarrow": "import pyarrow; pyarrow.table(stream)",
    "pandas": "import pyarrow; pyarrow.RecordBatchReader.from_stream(stream).read_pandas()",
    "polars": "import polars; polars.DataFrame(stream)",
    "duckdb": "import duckdb; duckdb.sql('select count(*) from stream').fetchall()",
    # It asks for the stream on a thread of its own.
    "duckdb, into a table": "import duckdb; duckdb.sql('create table copy as select * from stream')",
    "deltalake": "import deltalake; deltalake.write_deltalake(where, stream)",
}

# What docs/troubleshooting/interrupt.md says that a library raises before Python raises KeyboardInterrupt.
ITS_OWN = {
    "pyarrow": "pyarrow.lib.ArrowInvalid",
    "pandas": "pyarrow.lib.ArrowInvalid",
    "polars": "polars.exceptions.ComputeError",
    "deltalake": "deltalake.exceptions.DeltaError",
}

PROGRAM = """
import json, sys
from lakeflow_airtable import Airtable
base = Airtable(**json.loads(sys.argv[1]))
stream, where = base.read("Vendors"), sys.argv[2]
try:
    try:
        CONSUMER
    except Exception as error:
        print("its own error:", error)
        for _ in range(100):
            pass  # Python raises as soon as it runs again
        raise
except KeyboardInterrupt as error:
    print("KeyboardInterrupt after", type(error.__context__).__name__, error.__context__)
except Exception:
    print("no KeyboardInterrupt")
del stream
print(len(base.list_tables()), "tables")
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_a_page(mock: MockAirtable, process: subprocess.Popen[str]) -> None:
    while not any("/tbl" in request["path"] for request in mock.requests()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(0.3)  # until it waits for the answer


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_ctrl_c_ends_what_a_library_reads(
    mock_airtable: MockAirtable, consumer: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Left alone the read ends after many minutes.
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    where = tmp_path_factory.mktemp("target") / "vendors"
    process = start(PROGRAM.replace("CONSUMER", CONSUMERS[consumer]), json.dumps(mock_airtable.options()), str(where))
    try:
        wait_for_a_page(mock_airtable, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    # duckdb looks for signals itself, and may be the first to see one.
    assert "KeyboardInterrupt" in out or "Query interrupted" in out
    assert "interrupted by Ctrl-C: this read is over; begin another with read()" in out or "Query interrupted" in out
    assert out.splitlines()[-1].endswith(" tables"), "the next call is as good as ever"
    if its_own := ITS_OWN.get(consumer):
        assert f"KeyboardInterrupt after {its_own.rpartition('.')[2]} " in out
        assert f"`{its_own}`" in (PROJECT / "docs" / "troubleshooting" / "interrupt.md").read_text()


@pytest.mark.parametrize(
    ("sent", "handler", "code"),
    [("SIGTERM", "lambda *_: sys.exit(7)", 7), ("SIGUSR1", "lambda *_: (_ for _ in ()).throw(TimeoutError)", 1)],
)
def test_what_a_handler_raises_is_raised(mock_airtable: MockAirtable, sent: str, handler: str, code: int) -> None:
    program = f"""
import json, signal, sys, pyarrow
from lakeflow_airtable import Airtable
signal.signal(signal.{sent}, {handler})
try:
    pyarrow.table(Airtable(**json.loads(sys.argv[1])).read("Vendors"))
finally:
    print("at the end")  # Python answers when it runs again
"""
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    process = start(program, json.dumps(mock_airtable.options()))
    try:
        wait_for_a_page(mock_airtable, process)
        process.send_signal(getattr(signal, sent))
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code, err
    assert code != 1 or "TimeoutError" in err.splitlines()[-1]


def test_a_handler_that_raises_nothing_ends_nothing(mock_airtable: MockAirtable) -> None:
    mock_airtable.faults = {"delay_ms": 500}
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    sender = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    try:
        stream = Airtable(**mock_airtable.options()).read("Vendors")
        sender.start()
        assert pa.table(stream).num_rows == len(mock_airtable.records("Vendors"))
    finally:
        sender.join()
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def wakeup_fd() -> int:
    fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
    return fd


def test_what_is_watched_is_given_back(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    assert wakeup_fd() == -1
    stream = base.read("Vendors")
    assert wakeup_fd() != -1
    pa.table(stream)
    assert wakeup_fd() == -1, "by the end of a stream"
    stream = base.read("Vendors")
    next(stream)
    assert wakeup_fd() == -1, "where Python iterates, which looks itself"
    reader = pa.RecordBatchReader.from_stream(base.read("Vendors"))
    threading.Thread(target=reader.read_all).start()
    base.read("Vendors").close()
    while wakeup_fd() != -1:  # the thread ends it, and this one gives it back
        base.read("Vendors").close()
        time.sleep(0.01)


def test_signals_of_others_are_left_to_them(mock_airtable: MockAirtable) -> None:
    theirs, written = socket.socketpair()
    with theirs, written:
        written.setblocking(False)
        signal.set_wakeup_fd(written.fileno())
        try:
            pa.table(Airtable(**mock_airtable.options()).read("Vendors"))
            assert wakeup_fd() == written.fileno()
        finally:
            signal.set_wakeup_fd(-1)


def test_a_child_that_is_interrupted_leaves_its_parents_read_alone(mock_airtable: MockAirtable) -> None:
    mock_airtable.faults = {"delay_ms": 500}
    reader = pa.RecordBatchReader.from_stream(Airtable(**mock_airtable.options()).read("Vendors"))
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            os._exit(3)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    rows: list[int] = []
    consumer = threading.Thread(target=lambda: rows.append(reader.read_all().num_rows))
    consumer.start()
    consumer.join()
    assert rows == [len(mock_airtable.records("Vendors"))]


TAKES: dict[str, Callable[[Batches, Path], int]] = {
    "a batch": lambda batches, _: int(next(batches).num_rows),
    "a file": lambda batches, where: batches.write(where, "jsonl"),
    "a library": lambda batches, _: int(pa.table(batches).num_rows),
}


@pytest.mark.parametrize("take", TAKES)
def test_ctrl_c_is_not_lost_where_the_answer_comes_before_it_is_seen(
    mock_airtable: MockAirtable, tmp_path: Path, take: str
) -> None:
    batches = Airtable(**mock_airtable.options()).read("Vendors")
    # Answers come before the next look at signals.
    mock_airtable.faults = {"delay_ms": 60}
    mock_airtable.clear_requests()

    def interrupt() -> None:
        while not mock_airtable.requests():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    rows = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # it may come at any line of Python
        (sender := threading.Thread(target=interrupt)).start()
        rows.append(TAKES[take](batches, tmp_path / "file"))
        sender.join()
        time.sleep(10)
    if take == "a batch":
        assert sum(rows) + sum(batch.num_rows for batch in batches) == len(mock_airtable.records("Vendors"))


# Files that are written

WRITES = """
import json, signal, sys
from lakeflow_airtable import Airtable
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
base = Airtable(**json.loads(sys.argv[1]))
stream = base.read("Many")
try:
    stream.write(int(sys.argv[2]) if sys.argv[2].isdigit() else sys.argv[2], sys.argv[3])
except KeyboardInterrupt:
    print("KeyboardInterrupt", file=sys.stderr)
    try:
        stream.write("/dev/null", "jsonl")
    except ValueError as error:
        print(error, file=sys.stderr)
    print(len(base.list_tables()), "tables", file=sys.stderr)
"""


def is_interrupted(process: subprocess.Popen[str], sent: signal.Signals) -> None:
    """It ends by this signal, as its own handler has it."""
    try:
        process.send_signal(sent)
        # What it wrote is not read: a pipe that is full stays so.
        code = process.wait(timeout=60)
        assert process.stderr is not None
        said = process.stderr.read().splitlines()
    finally:
        process.kill()
        process.communicate()
    if sent == signal.SIGINT:
        why = "this read was ended by an error: begin another with read()"
        assert (code, said[:2], said[2].endswith(" tables")) == (0, ["KeyboardInterrupt", why], True)
    else:
        assert (code, said) == (7, [])


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_a_signal_ends_what_is_written_while_it_waits_for_a_page(
    mock_airtable: MockAirtable, tmp_path: Path, file_format: str, sent: signal.Signals
) -> None:
    mock_airtable.generate_table("Many", 3_000, 2, scalars=True)
    mock_airtable.faults = {"rules": [{"path": "/tbl", "after": 15, "action": "stall"}]}
    process = start(WRITES, json.dumps(mock_airtable.options()), str(tmp_path / "file"), file_format)
    wait_for_a_page(mock_airtable, process)
    is_interrupted(process, sent)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_written_into_a_full_pipe(mock_airtable: MockAirtable, sent: signal.Signals) -> None:
    mock_airtable.generate_table("Many", 3_000, 5, scalars=True)
    process = start(WRITES, json.dumps(mock_airtable.options()), "1", "jsonl")
    assert process.stdout is not None
    full = waiting = 0
    while full == 0 or waiting != full:
        assert process.poll() is None, process.communicate()
        full = waiting
        time.sleep(0.3)
        waiting = int.from_bytes(fcntl.ioctl(process.stdout.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)
    is_interrupted(process, sent)


def test_ctrl_c_ends_the_wait_for_a_reader_of_a_fifo(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    program = WRITES.replace('base.read("Many")', 'base.read("Vendors")')
    program = program.replace("try:\n    stream.write(int", 'print("begins", flush=True)\ntry:\n    stream.write(int')
    os.mkfifo(tmp_path / "fifo")
    process = start(program, json.dumps(mock_airtable.options()), str(tmp_path / "fifo"), "jsonl")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(0.3)  # until it waits
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    # Nobody read it, so that it is still to be had.
    assert err.splitlines()[0] == "KeyboardInterrupt"
    assert err.splitlines()[-1].endswith(" tables")

"""The exit codes of the contract, one by one, of real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import lakeflow_airtable
from command_line import PROGRAM, environment, run, start, wait_for_a_file, wait_for_a_page
from lakeflow_airtable import starting
from lakeflow_airtable.cli import codes
from lakeflow_airtable.cli.ending import Ended, signals
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.mock import main as mock_main
from project import PROJECT

READ = ("read", "Vendors", "--max-retries", "0")


PLAIN = ("close", "unauthorized", "forbidden", "monthly_block", "bad_gateway", "stall")


def rule(action: str, path: str = "/tbl", **more: object) -> dict[str, Any]:
    return {"rules": [{"path": path, "action": action if action in PLAIN else {action: more}}]}


@pytest.mark.parametrize(
    ("arguments", "faults", "code"),
    [
        (READ, {}, 0),
        (("read", "Vendors", "--filter-formula", "{"), {}, 1),
        (("read", "Vendors", "--page-size", "1000"), {}, 2),
        (("read",), {}, 2),
        (("raed", "Vendors"), {}, 2),
        (("read", "Vendors", "--colour"), {}, 2),
        ((), {}, 2),
        (("read", "Vendors", "--quiet", "--token", "patWRONG"), {}, 3),
        (READ, rule("unauthorized"), 3),
        (READ, rule("forbidden"), 3),
        (("read", "Vendor"), {}, 4),
        (("read", "Vendors", "--fields", "Nmae"), {}, 4),
        (("read", "Vendors", "--view", "Gird"), {}, 4),
        (READ, rule("not_found"), 4),
        (READ, rule("rate_limited"), 5),
        (READ, rule("monthly_block"), 5),
        (READ, rule("close"), 6),
        (READ, rule("bad_gateway"), 6),
        (("tables", "--max-retries", "0"), rule("retriable", "/meta"), 6),
        ((*READ, "--on-bad-value", "fail"), "a bad value", 7),
        (READ, rule("respond", status=200, body={"records": 7}), 7),
    ],
)
def test_of_a_failure(mock_airtable: MockAirtable, arguments: tuple[str, ...], faults: Any, code: int) -> None:
    if faults == "a bad value":
        [record, *_] = mock_airtable.records("Vendors")
        mock_airtable.set_raw_cell("Vendors", record["id"], "Score", "no number")
    else:
        mock_airtable.faults = faults
    ran = run(mock_airtable, *arguments)
    assert ran.returncode == code, ran.stderr
    if code:
        *usage, said = ran.stderr.splitlines()
        assert said.startswith("lakeflow-airtable: " if code != 2 or not usage else "lakeflow-airtable"), ran.stderr
        assert not usage or usage[0].startswith("usage: "), ran.stderr


def test_of_a_system_that_fails(mock_airtable: MockAirtable) -> None:
    with Path("/dev/full").open("w") as full:
        ran = run(mock_airtable, "read", "Vendors", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (ran.returncode, ran.stderr) == (1, "lakeflow-airtable: No space left on device\n")
    with Path("/dev/full").open("w") as full:
        ran = run(mock_airtable, "tables", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (ran.returncode, ran.stderr) == (1, "lakeflow-airtable: No space left on device\n")
    ran = run(mock_airtable, "read", "Vendors", "--output", "/dev/full")
    assert (ran.returncode, ran.stderr) == (1, "lakeflow-airtable: /dev/full: No space left on device\n")


def test_of_an_address_where_nobody_answers(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "tables", "--max-retries", "0", "--base-url", "http://127.0.0.1:9")
    assert ran.returncode == 6
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_nothing_behind(mock_airtable: MockAirtable, tmp_path: Path, number: str, code: int) -> None:
    (target := tmp_path / "lake").mkdir()
    mock_airtable.faults = rule("stall")
    process = start(mock_airtable, "read", "Vendors", "--output", str(target / "vendors.parquet"))
    try:
        wait_for_a_page(mock_airtable, process)
        wait_for_a_file(target, process)
        process.send_signal(getattr(signal, number))
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (code, "", "")
    assert list(target.iterdir()) == []


def test_a_signal_leaves_what_was_there_as_it_was(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "vendors.csv"
    path.write_text("of yesterday\n")
    mock_airtable.faults = rule("stall")
    process = start(mock_airtable, "read", "Vendors", "--output", str(path))
    try:
        wait_for_a_page(mock_airtable, process)
        process.terminate()
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143
    assert [entry.name for entry in tmp_path.iterdir()] == ["vendors.csv"]
    assert path.read_text() == "of yesterday\n"


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_not_lost_where_pages_come_quickly(
    mock_airtable: MockAirtable, tmp_path: Path, number: str, code: int
) -> None:
    mock_airtable.generate_table("Many", 3_000)
    # Each comes before the next look at signals.
    mock_airtable.faults = {"delay_ms": 60}
    process = start(mock_airtable, "read", "Many", "--output", str(tmp_path / "many.jsonl"), "--quiet")
    try:
        wait_for_a_page(mock_airtable, process)
        process.send_signal(getattr(signal, number))
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (code, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_mock_that_ends_leaves_signals_as_they_were() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    assert mock_main(["--host", "256.0.0.1"]) == 1
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_second_signal_does_not_stop_the_cleaning_up() -> None:
    cleaned = []
    with pytest.raises(Ended) as ended, signals():  # noqa: PT012  # what comes between the two signals is the case
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append("all")
    assert (ended.value.code, cleaned) == (143, ["all"])


def test_a_signal_that_somebody_swallows_is_not_the_last() -> None:
    with pytest.raises(Ended) as ended, signals():  # noqa: PT012  # what comes between the two signals is the case
        with suppress(Ended):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert ended.value.code == 130


def test_a_signal_that_is_ignored_stays_ignored(mock_airtable: MockAirtable) -> None:
    mock_airtable.faults = rule("delay", ms=1500)
    program = " ".join(PROGRAM)
    command = ["sh", "-c", f"trap '' HUP; exec {program} read Vendors --fields Name --max-records 1"]
    process = subprocess.Popen(command, env=environment(mock_airtable), stdout=subprocess.PIPE, text=True)
    try:
        wait_for_a_page(mock_airtable, process)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert out.count("\n") == 1


def test_a_closed_pipe_is_an_end(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    mock_airtable.generate_table("Many", 3000)
    reader, writer = os.pipe()
    process = start(mock_airtable, "read", "Many", stdout=writer)
    os.close(writer)
    assert os.read(reader, 10).startswith(b'{"id"')
    os.close(reader)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_a_closed_stdout_is_told_before_anything_is_asked(mock_airtable: MockAirtable) -> None:
    command = ["sh", "-c", f"exec {' '.join(PROGRAM)} read Vendors >&-"]
    ran = subprocess.run(command, env=environment(mock_airtable), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert "--output -: is closed" in ran.stderr
    assert mock_airtable.requests() == []


@pytest.mark.parametrize(
    "arguments",
    [
        "tables",
        "bases --json",
        "check",
        "sync Vendors --to lake --format parquet",
        "options",
        "read --help",
        "mock",
        "",
    ],
)
def test_where_a_closed_stdout_would_swallow_what_is_printed(
    mock_airtable: MockAirtable, tmp_path: Path, arguments: str
) -> None:
    command = ["sh", "-c", f"exec {' '.join(PROGRAM)} {arguments} >&-"]
    told = {"env": environment(mock_airtable), "cwd": tmp_path}
    ran = subprocess.run(command, **told, capture_output=True, text=True, timeout=60)  # type: ignore[call-overload]
    assert (ran.returncode, ran.stderr) == (
        1,
        "lakeflow-airtable: stdout is closed, so nothing can be written: leave it open, or send it to a file or "
        "/dev/null\n",
    )
    assert mock_airtable.requests() == []
    assert not list(tmp_path.iterdir())


def test_a_closed_stdout_is_no_matter_where_rows_go_into_a_file(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    command = ["sh", "-c", f"exec {' '.join(PROGRAM)} read Vendors --quiet --output {tmp_path / 'v.csv'} >&-"]
    ran = subprocess.run(command, env=environment(mock_airtable), capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "v.csv").read_text().startswith("id,createdTime,")


def test_every_code_is_told() -> None:
    told = [code for code, _ in codes.CODES]
    assert told == [0, 1, 2, 3, 4, 5, 6, 7, 130, 143]
    page = (PROJECT / "docs" / "reference" / "errors.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert rows == [(str(code), meaning) for code, meaning in codes.CODES]
    ran = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert f"Exit codes: {codes.said()}." in " ".join(ran.stdout.split())
    assert [int(part.split()[0]) for part in codes.said().split(", ")] == told


def test_every_exception_has_a_code() -> None:
    names = [name for name in lakeflow_airtable.__all__ if name.endswith("Error")]
    found = {name: codes.code_of(getattr(lakeflow_airtable, name)("x")) for name in names}
    assert found == {
        "AirtableError": 1,
        "AuthError": 3,
        "DataError": 7,
        "NotFoundError": 4,
        "OptionError": 2,
        "RateLimitError": 5,
        "RejectedError": 1,
        "TransportError": 6,
    }


def interrupted_at(module: str, number: str, directory: Path) -> dict[str, str]:
    """The environment of a Python that gets a signal as soon as it imports a module of this package."""
    program = f"""
import os, signal, sys
class Signalled:
    def find_spec(name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Signalled)
"""
    (directory / "sitecustomize.py").write_text(program)
    return {**os.environ, "PYTHONPATH": str(directory)}


SCRIPT = [str(Path(sys.executable).with_name("lakeflow-airtable"))]


@pytest.mark.parametrize("program", [PROGRAM, SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize("module", ["architecture", "options", "cli", "cli.main", "cli.codes", "_native"])
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_is_quiet_while_python_imports(
    tmp_path: Path, program: list[str], module: str, number: str, code: int
) -> None:
    told = interrupted_at(f"lakeflow_airtable.{module}", number, tmp_path)
    ran = subprocess.run([*program, "--version"], env=told, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", "")


def test_a_signal_is_python_s_own_where_the_package_is_imported_as_a_library(tmp_path: Path) -> None:
    told = interrupted_at("lakeflow_airtable.options", "SIGINT", tmp_path)
    program = "try:\n    import lakeflow_airtable\nexcept KeyboardInterrupt:\n    print('as ever')"
    ran = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "as ever\n", "")


@pytest.mark.parametrize(
    ("argv", "orig_argv", "is_it"),
    [
        (["-m", "tables"], ["python", "-m", "lakeflow_airtable", "tables"], True),
        (["-m"], ["python", "-I", "-mlakeflow_airtable"], True),
        (["-m"], ["python", "-m", "pytest"], False),
        (["-m", "lakeflow_airtable"], ["python", "-m", "pdb", "lakeflow_airtable"], False),
        (["/usr/bin/lakeflow-airtable", "tables"], ["python", "/usr/bin/lakeflow-airtable", "tables"], True),
        (["lakeflow-airtable.exe"], ["python.exe", "lakeflow-airtable.exe"], True),
        (["job.py", "lakeflow-airtable"], ["python", "job.py", "lakeflow-airtable"], False),
        ([""], ["python"], False),
        ([], [], False),
    ],
)
def test_what_is_the_command_line(argv: list[str], orig_argv: list[str], is_it: bool) -> None:
    assert starting.is_command(argv, orig_argv) is is_it

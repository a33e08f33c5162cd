"""What a command says while it reads: the texts, the line of a terminal, and lines elsewhere."""

from __future__ import annotations

import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from command_line import PROGRAM, environment, run
from lakeflow_airtable.cli import console, progress, progress_text
from lakeflow_airtable.cli.console import Console
from lakeflow_airtable.mock import MockAirtable


def stats(**given: object) -> Any:
    rest = {
        "rows": 0,
        "requests": 0,
        "retries": 0,
        "penalties": 0,
        "waited_seconds": 0.0,
        "rescued_values": 0,
        "seconds": 0.0,
        "expected_rows": None,
        "calls_this_month": None,
    }
    return SimpleNamespace(**{**rest, **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "T: 0 rows, 0 rows/s, 0 requests, 0.0 s"),
        ({"rows": 12000, "seconds": 4.0, "requests": 1}, "T: 12,000 rows, 3,000 rows/s, 1 request, 4.0 s"),
        (
            {"rows": 500, "expected_rows": 1000, "seconds": 100.0, "requests": 5},
            "T: 500 rows, about 50%, 5 rows/s, 5 requests, 1 min 40 s",
        ),
        (
            {"rows": 2000, "expected_rows": 1000, "seconds": 1.0, "requests": 20},
            "T: 2,000 rows, about 99%, 2,000 rows/s, 20 requests, 1.0 s",
        ),
        (
            {"requests": 3, "retries": 1, "penalties": 2, "waited_seconds": 60.0, "seconds": 7500.0},
            "T: 0 rows, 0 rows/s, 3 requests, waited 1 min 00 s for the request budget, 1 retry, 2 answers of 429, "
            "2 h 05 min",
        ),
    ],
)
def test_lines(given: dict[str, object], said: str) -> None:
    assert progress_text.line("T", stats(**given)) == said


def test_summaries() -> None:
    whole = progress_text.summary("T", stats(rows=60, seconds=2.0, requests=1, rescued_values=3))
    assert whole == (
        "T: 60 rows in 2.0 s, 30 rows/s, 1 request, 3 values that do not fit are in the rescued data column"
    )
    counted = progress_text.summary("T", stats(rows=60, seconds=2.0, requests=1, calls_this_month=41_230))
    assert counted == "T: 60 rows in 2.0 s, 30 rows/s, 1 request, 41,230 calls to the base this month"
    assert progress_text.total(3, 0, 1200, 61.0) == "3 tables: 1,200 rows in 1 min 01 s"
    assert progress_text.total(3, 1, 1200, 5.0) == "2 of 3 tables: 1,200 rows in 5.0 s"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599.4, "59 min 59 s"), (3600, "1 h 00 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert progress_text.duration(seconds) == said


def test_names_do_not_move_the_cursor() -> None:
    assert progress_text.one_line("a\x1b[2Jb\nc\u202e") == "a\ufffd[2Jb\ufffdc\ufffd"


def test_the_summary_is_on_stderr(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "read", "Vendors")
    assert ran.stdout.count("\n") == 60
    assert re.fullmatch(r"Vendors: 60 rows in [\d.]+ s, [\d,]+ rows/s, 1 request(, .*)?\n", ran.stderr), ran.stderr


def test_quiet_and_verbose(mock_airtable: MockAirtable) -> None:
    assert run(mock_airtable, "read", "Vendors", "--quiet").stderr == ""
    shown = run(mock_airtable, "read", "Vendors", "--verbose").stderr
    assert f"lakeflow-airtable: GET {mock_airtable.url}/v0/{mock_airtable.base_id}/tbl" in shown
    assert mock_airtable.token not in shown
    ran = run(mock_airtable, "read", "Vendors", "--quiet", "--verbose")
    assert ran.returncode == 2


def test_warnings_are_lines_of_their_own(mock_airtable: MockAirtable) -> None:
    fault = {"path": "/tbl", "times": 1, "action": {"retriable": {"retry_after": 0}}}
    mock_airtable.faults = {"rules": [fault]}
    ran = run(mock_airtable, "read", "Vendors")
    assert ran.returncode == 0
    *warnings, summary = ran.stderr.splitlines()
    assert all(line.startswith("lakeflow-airtable: GET ") and "retry 1 of 8" in line for line in warnings)
    assert len(warnings) == 1
    assert ", 1 retry" in summary
    mock_airtable.faults = {"rules": [fault]}
    assert run(mock_airtable, "read", "Vendors", "--quiet").stderr == ""


def test_elsewhere_a_line_every_half_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.001)
    batches: Any = SimpleNamespace(stats=stats(rows=100, seconds=1.0, requests=1))
    said = ""
    with progress.Progress(Console(), "Vendors", batches):
        while "\n" not in said:
            said += capsys.readouterr().err
    assert said.startswith("Vendors: 100 rows, 100 rows/s, 1 request, 1.0 s\n")
    assert capsys.readouterr().err.endswith("Vendors: 100 rows in 1.0 s, 100 rows/s, 1 request\n")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ['lakeflow-airtable: table "Big": 5 rows so far', "lakeflow-airtable: slow"]),
        ({"is_quiet": True}, []),
    ],
)
def test_the_reads_of_sync_say_how_far_they_are(
    capsys: pytest.CaptureFixture[str], settings: dict[str, bool], said: list[str]
) -> None:
    log = logging.getLogger("lakeflow_airtable")
    shown = Console(**settings)
    with console.Logging(shown):
        console.tell_reads(shown)
        log.info('table "Big": 5 rows so far')
        log.info("table Big: read by 4 cursors at once")
        log.debug("GET https://...")
        log.warning("slow")
    log.info('table "Big": 6 rows so far')
    assert capsys.readouterr().err.splitlines() == said


def on_a_terminal(mock: MockAirtable, target: Path, **more: str) -> str:
    """What a terminal shows of a read that takes a second."""
    mock.faults = {"rules": [{"path": "/tbl", "action": {"delay": {"ms": 1000}}}]}
    ours, its = pty.openpty()
    command = [*PROGRAM, "read", "Vendors", "--output", str(target)]
    process = subprocess.Popen(
        command,
        env=environment(mock, **{"TERM": "xterm", "COLUMNS": "100", **more}),
        stderr=its,
        stdout=subprocess.PIPE,
    )
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # so a terminal ends on Linux
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


def test_a_terminal_has_a_live_line_without_rich(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError('rich is not here')")
    shown = on_a_terminal(mock_airtable, tmp_path / "v.csv", PYTHONPATH=str(tmp_path))
    assert shown.startswith("\r\x1b[2KVendors: 0 rows, ")
    assert shown.count("\r\x1b[2K") > 2
    assert re.search(r"\r\x1b\[2KVendors: 60 rows in [^\r\n]*\r\n$", shown), shown


def test_a_terminal_has_a_live_line_by_rich(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    shown = on_a_terminal(mock_airtable, tmp_path / "v.csv")
    assert "Vendors" in shown
    assert "0 rows/s" in shown
    assert "\x1b[38;5;" in shown or "\x1b[3" in shown, "it has colours"
    assert re.search(r"Vendors: 60 rows in [^\r\n]*\r\n$", shown), shown
    plain = on_a_terminal(mock_airtable, tmp_path / "v.csv", NO_COLOR="1")
    assert not re.search(r"\x1b\[3\d|\x1b\[9\d", plain), plain


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_line_by_rich_has_its_bar_and_its_time(mock_airtable: MockAirtable, tmp_path: Path, columns: int) -> None:
    pytest.importorskip("rich")
    shown = on_a_terminal(mock_airtable, tmp_path / "v.csv", COLUMNS=str(columns), NO_COLOR="1")
    lines = [
        line for line in re.split(r"[\r\n]|\x1b\[[0-9;?]*[A-Za-z]", shown) if " rows" in line and " in " not in line
    ]
    assert lines
    assert all(re.fullmatch(r"Vendors +[━╸╺ ]{10,20} .*\d s *", line) for line in lines), lines


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (80, "100 rows, 100 rows/s, 5 requests, 2 retries, 1.0 s"),
        (49, "100 rows, 100 rows/s, 5 requests, 1.0 s"),
        (30, "100 rows, 100 rows/s, 1.0 s"),
        (26, "100 rows, 1.0 s"),
        (3, "1.0 s"),
    ],
)
def test_what_fits_keeps_the_time(width: int, said: str) -> None:
    assert progress_text.fitting(stats(rows=100, seconds=1.0, requests=5, retries=2), width) == said


def test_a_dumb_terminal_has_none(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    shown = on_a_terminal(mock_airtable, tmp_path / "v.csv", TERM="dumb")
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def test_rich_is_not_imported_without_a_terminal(mock_airtable: MockAirtable) -> None:
    program = "import sys; from lakeflow_airtable.cli import main; main(['read', 'Vendors', '--output', '/dev/null']); "
    program += "print('rich' in sys.modules, 'pyarrow' in sys.modules)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, env=environment(mock_airtable), capture_output=True, text=True, timeout=60)
    assert ran.stdout == "False False\n"

"""Where rows go: places that are looked at before Airtable is asked, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from command_line import environment, quick, run, start, wait_for_a_file
from lakeflow_airtable import cli
from lakeflow_airtable.cli import output
from lakeflow_airtable.errors import OptionError
from lakeflow_airtable.mock import MockAirtable


def rows_of(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no/where/x.csv", "--output no/where/x.csv: there is no directory no/where: make it first"),
        ("file/x.csv", "--output file/x.csv: file is no directory: name another place"),
        ("", '--output "": is no name of a file: name a file'),
        ("x.xlsx", "cannot tell the format of x.xlsx: name it *.jsonl, *.csv, *.arrow, *.parquet, or give --format"),
        ("x.json", "cannot tell the format of x.json: JSON comes as lines, one object a row: name it *.jsonl"),
        ("x", "cannot tell the format of x: "),
        ("loop", "--output loop: Too many levels of symbolic links: "),
        ("x" * 300 + ".csv", "File name too long: "),
        ("a\0b.csv", "--output: the name of a file holds no NUL: "),
        ("socket", "--output socket: is a socket: "),
        ("/dev/fd/99999", "--output /dev/fd/99999: is closed: "),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_asked(
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    said: str,
) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    Path("file").write_text("theirs")
    Path("loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        before = sorted(tmp_path.iterdir())
        assert cli.main(["read", "Vendors", "--output", name, *address(mock_airtable, monkeypatch)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert mock_airtable.requests() == []
    assert sorted(tmp_path.iterdir()) == before


def address(mock: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("AIRTABLE_TOKEN", mock.token)
    return ["--base-url", mock.url, "--base-id", mock.base_id, "--requests-per-second", "10000"]


def test_rights_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("x")
    asked: list[tuple[object, int]] = []

    def refuse(path: object, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", refuse)  # the tests may be root's, to whom nothing is forbidden
    with pytest.raises(OptionError, match="no file may be made in"):
        output.place(str(tmp_path / "new.csv"))
    with pytest.raises(OptionError, match=r"kept\.csv: may not be written to"):
        output.place(str(kept))
    assert asked == [(tmp_path, os.W_OK | os.X_OK), (str(kept), os.W_OK)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "parqet"], 'argument --format: no such value; did you mean "parquet"?'),
        (["--format", "csv", "--compression", "zstd"], "compression"),
        (["--format", "parquet", "--row-group-size", "0"], "row_group_size"),
        (["--format", "jsonl", "--row-group-size", "5"], "row_group_size"),
    ],
)
def test_forms_are_checked_before_anything_is_asked(
    mock_airtable: MockAirtable, arguments: list[str], said: str
) -> None:
    ran = run(mock_airtable, "read", "Vendors", *arguments)
    assert ran.returncode == 2
    assert said in ran.stderr.replace("--row-group-size", "row_group_size")
    assert mock_airtable.requests() == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("v.ndjson", "jsonl"), ("v.ipc", "arrow"), ("v.feather", "arrow"), ("V.CSV", "csv"), ("v.parquet", "parquet")],
)
def test_other_endings(mock_airtable: MockAirtable, tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    ran = run(mock_airtable, "read", "Vendors", "--output", str(path))
    assert ran.returncode == 0, ran.stderr
    found = path.read_bytes()
    match kind:
        case "jsonl":
            assert json.loads(found.splitlines()[0])["id"].startswith("rec")
        case "csv":
            assert found.startswith(b"id,createdTime,")
        case "arrow":
            assert pa.ipc.open_file(path).read_all().num_rows == 60
        case "parquet":
            assert pyarrow.parquet.read_table(path).num_rows == 60


def test_format_goes_before_the_ending(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "vendors.txt"
    assert run(mock_airtable, "read", "Vendors", "--format", "csv", "--output", str(path)).returncode == 0
    assert path.read_text().startswith("id,createdTime,")
    ran = run(mock_airtable, "read", "Vendors", "--format", "csv")
    assert ran.stdout == path.read_text()


def test_row_groups_and_compression(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    given = ("--row-group-size", "25", "--compression", "snappy")
    assert run(mock_airtable, "read", "Vendors", "--output", str(path), *given).returncode == 0
    told = pyarrow.parquet.ParquetFile(path).metadata
    assert [told.row_group(group).num_rows for group in range(told.num_row_groups)] == [25, 25, 10]
    assert told.row_group(0).column(0).compression == "SNAPPY"


def test_no_pyarrow_is_needed(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('pyarrow is not here')")
    for name in ("v.parquet", "v.arrow", "v.csv", "v.jsonl"):
        ran = run(mock_airtable, "read", "Vendors", "--output", str(tmp_path / name), env={"PYTHONPATH": str(tmp_path)})
        assert ran.returncode == 0, ran.stderr


def test_an_existing_file_keeps_its_mode(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text("before")
    path.chmod(0o640)
    assert run(mock_airtable, "read", "Vendors", "--output", str(path)).returncode == 0
    assert rows_of(path) == 60
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_that_umask_leaves(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    assert run(mock_airtable, "read", "Vendors", "--output", str(path), umask=0o027).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_one(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "today.jsonl", tmp_path / "v.jsonl"
    link.symlink_to("data/today.jsonl")
    for _ in range(2):  # the target is not there, then is
        assert run(mock_airtable, "read", "Vendors", "--output", str(link)).returncode == 0
        assert link.is_symlink()
        assert rows_of(target) == 60
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "v.jsonl"]
    assert list((tmp_path / "data").iterdir()) == [target]


def test_a_fifo_takes_rows_as_they_come(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    fifo = tmp_path / "rows"
    os.mkfifo(fifo)
    taken: list[str] = []
    reader = threading.Thread(target=lambda: taken.append(fifo.read_text()))
    reader.start()
    assert run(mock_airtable, "read", "Vendors", "--output", str(fifo)).returncode == 0
    reader.join(timeout=60)
    assert taken[0].count("\n") == 60
    assert stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_names_of_stdout(mock_airtable: MockAirtable, tmp_path: Path, name: str) -> None:
    path = tmp_path / "all.jsonl"
    path.write_text("first\n")
    with path.open("a") as appended:
        ran = run(
            mock_airtable,
            *("read", "Vendors", "--output", name),
            stdout=appended,
            stderr=subprocess.PIPE,
            capture_output=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert path.read_text().startswith("first\n")
    assert rows_of(path) == 61


def test_devices(mock_airtable: MockAirtable) -> None:
    before = Path("/dev/null").stat().st_rdev
    assert run(mock_airtable, "read", "Vendors", "--output", "/dev/null").returncode == 0
    assert Path("/dev/null").stat().st_rdev == before
    ran = run(mock_airtable, "read", "Vendors", "--output", "/dev/stderr", "--quiet")
    assert ran.stderr.count("\n") == 60


def partial(directory: Path, process: int) -> Path:
    path = directory / f".lakeflow-airtable-{output._machine()}-{process}-{'0' * 16}.partial"
    path.write_text("half")
    return path


def test_what_killed_runs_left_is_removed(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    left, alive = partial(tmp_path, process.pid), partial(tmp_path, os.getpid())
    elsewhere = tmp_path / f".lakeflow-airtable-{'f' * 8}-{process.pid}-{'0' * 16}.partial"
    theirs = tmp_path / ".lakeflow-airtable-notes.partial"
    elsewhere.write_text("of another machine")
    theirs.write_text("of somebody's")
    assert run(mock_airtable, "read", "Vendors", "--output", str(tmp_path / "v.csv")).returncode == 0
    assert not left.exists()
    assert alive.exists()
    assert elsewhere.exists()
    assert theirs.exists()


def test_a_locked_partial_file_is_somebodys(tmp_path: Path) -> None:
    import fcntl

    process = subprocess.Popen(["true"])
    process.wait()
    held = partial(tmp_path, process.pid)  # of another container, where numbers are others
    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        output.remove_leftovers(tmp_path)
        assert held.exists()
    output.remove_leftovers(tmp_path)
    assert not held.exists()


def test_a_killed_run_leaves_one_that_the_next_removes(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    process = start(mock_airtable, "read", "Vendors", "--output", str(tmp_path / "v.csv"))
    wait_for_a_file(tmp_path, process)
    process.kill()
    process.communicate(timeout=60)
    [left] = tmp_path.iterdir()
    assert left.name.endswith(".partial")
    mock_airtable.faults = {}
    assert run(mock_airtable, "read", "Vendors", "--output", str(tmp_path / "v.csv")).returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["v.csv"]


def test_messages_name_the_users_path(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    # A file that may not grow: the hidden file's name is nobody's business.
    mock_airtable.generate_table("Many", 3000)
    limited = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    limited += "from lakeflow_airtable.cli import main; sys.exit(main(sys.argv[1:]))"
    path = tmp_path / "v.jsonl"
    arguments = quick(("read", "Many", "--output", str(path)))
    ran = subprocess.run(
        [sys.executable, "-c", limited, *arguments], env=environment(mock_airtable), capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (1, f"lakeflow-airtable: {path}: File too large\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("read", "Vendors", "--format", "parquet"),
        ("read", "Vendors", "--format", "arrow", "--output", "-"),
        ("changes", "Vendors", "--format", "parquet"),
    ],
)
def test_a_terminal_gets_no_bytes(mock_airtable: MockAirtable, arguments: tuple[str, ...]) -> None:
    ours, its = pty.openpty()
    try:
        ran = run(mock_airtable, *arguments, capture_output=False, stdout=its, stderr=subprocess.PIPE)
    finally:
        os.close(ours)
        os.close(its)
    assert ran.returncode == 2
    form = arguments[3]
    said = f"--format {form} is no text, and - is a terminal: give --output FILE, or pipe it"
    assert ran.stderr == f"lakeflow-airtable: {said}\n"
    assert mock_airtable.requests() == []

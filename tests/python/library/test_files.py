"""Files written in Rust: each format is read back by pyarrow, and has what a read has."""

from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
import threading
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest

from lakeflow_airtable import Airtable, OptionError, RejectedError
from lakeflow_airtable.mock import MockAirtable

FORMATS = ["jsonl", "csv", "arrow", "parquet"]
TABLES = ["SKU Candidates", "Launch Milestones", "Compliance Records", "Packaging Tasks", "Marketing Assets", "Vendors"]


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    # Addresses of attachments change with the hour.
    mock_airtable.set_clock("2026-01-02T03:04:05Z")
    return Airtable(**mock_airtable.options())


def from_csv(path: Path, schema: pa.Schema) -> pa.Table:
    """NULL is nothing, and an empty text is in quotes."""
    convert = pa.csv.ConvertOptions(
        column_types={field.name: field.type for field in schema},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pa.csv.read_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=convert)


def plain(value: Any) -> Any:
    """A value of pyarrow's as JSON has it."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        whole = value.isoformat(timespec="microseconds").removesuffix("+00:00")
        return whole.removesuffix("000").removesuffix(".000") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def shown(table: pa.Table) -> str:
    """The rows, of which NaN is like NaN."""
    return repr(table.to_pylist())


def is_the_same(read: pa.Table, file: Path, file_format: str) -> None:
    if file_format == "jsonl":
        lines = file.read_text(encoding="utf-8").split("\n")
        assert lines.pop() == ""
        assert [json.loads(line) for line in lines] == [plain(row) for row in read.to_pylist()]
        assert all(list(json.loads(line)) == read.column_names for line in lines)
        return
    if file_format == "csv":
        again = from_csv(file, read.schema)
        assert (again.column_names, again.schema.types) == (read.column_names, read.schema.types)
    elif file_format == "arrow":
        with pa.ipc.open_file(file) as reader:
            again = reader.read_all()
        assert again.schema.equals(read.schema, check_metadata=True)
    else:
        again = pa.parquet.read_table(file)
        assert again.schema.equals(read.schema, check_metadata=True)
    assert shown(again) == shown(read)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("table", TABLES)
def test_a_file_has_what_a_read_has(base: Airtable, tmp_path: Path, table: str, file_format: str) -> None:
    options = {"nested": "json"} if file_format == "csv" else {}
    read = pa.table(base.read(table, **options))
    assert base.read(table, **options).write(str(tmp_path / "file"), file_format) == read.num_rows > 0
    is_the_same(read, tmp_path / "file", file_format)


def test_the_sample_is_all_that_is_compared(base: Airtable) -> None:
    assert sorted(base.list_tables()) == sorted(TABLES)


@pytest.mark.parametrize("file_format", FORMATS)
def test_cells_that_formats_get_wrong(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, file_format: str
) -> None:
    fields = [
        {"name": "Name"},
        {"name": "Number", "type": "number", "options": {"precision": 8}},
        {"name": "When", "type": "dateTime", "options": {"timeZone": "utc"}},
        {"name": "Day", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
    ]
    mock_airtable.create_table("Odd", fields)
    rows: list[dict[str, Any]] = [
        {"Name": 'say "x", then\r\nleave\t', "Number": 0.1, "When": "2026-01-02T03:04:05.123456Z"},
        {"Name": "=1+1", "Number": -0.0, "When": "2026-01-02T03:04:05.120Z", "Day": "0001-01-01"},
        {"Name": "Zoë \U0001f600 北\u0000\u001f\u2028", "Number": {"specialValue": "NaN"}, "Day": "9999-12-31"},
        {"Name": "\ufffd alone", "Number": {"specialValue": "Infinity"}, "When": "0001-01-01T00:00:00Z"},
        {"Name": " null ", "Number": {"specialValue": "-Infinity"}, "When": "1969-12-31T23:59:59.999999Z"},
        {"Name": "NaN", "Number": 5e-324},
        {"Name": "\\N", "Number": 1.7976931348623157e308},
        {},
    ]
    ids = mock_airtable.create_records("Odd", [{} for _ in rows])
    for record, cells in zip(ids, rows, strict=True):
        for field, value in cells.items():
            mock_airtable.set_raw_cell("Odd", record, field, value)
    read = pa.table(base.read("Odd"))
    assert read.column("when")[0].as_py().microsecond == 123456
    assert base.read("Odd").write(tmp_path / "file", file_format) == len(rows)
    is_the_same(read, tmp_path / "file", file_format)


def test_null_and_the_empty_text_are_told_apart(mock_airtable: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    mock_airtable.create_table("Texts", [{"name": "Name"}], [{"Name": "x"}, {}])
    mock_airtable.set_raw_cell("Texts", mock_airtable.records("Texts")[0]["id"], "Name", "")
    assert pa.table(base.read("Texts")).column("name").to_pylist() == ["", None]
    base.read("Texts").write(tmp_path / "texts.csv", "csv")
    cells = [line.split(b",")[2] for line in (tmp_path / "texts.csv").read_bytes().splitlines()]
    assert cells == [b"name", b'""', b""]
    base.read("Texts").write(tmp_path / "texts.jsonl", "jsonl")
    lines = (tmp_path / "texts.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["", None]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_with_next_to_nothing(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, rows: int, file_format: str
) -> None:
    mock_airtable.create_table("Bare", [{"name": "Name"}], [{}] * rows)
    read = pa.table(base.read("Bare", rescued_data_column=""))
    assert base.read("Bare", rescued_data_column="").write(tmp_path / "file", file_format) == rows
    is_the_same(read, tmp_path / "file", file_format)


def test_times_are_alike_in_all_text_formats(base: Airtable, tmp_path: Path) -> None:
    for file_format in ("jsonl", "csv"):
        base.read("Packaging Tasks", nested="json").write(tmp_path / file_format, file_format)
    first = json.loads((tmp_path / "jsonl").read_text().splitlines()[0])
    header, cells = ((tmp_path / "csv").read_text().splitlines()[at].split(",")[:2] for at in (0, 1))
    assert dict(zip(header, cells, strict=True)) == {"id": first["id"], "createdTime": first["createdTime"]}
    assert first["createdTime"] == "2024-03-17T16:00:00Z"


def test_csv_says_which_column_it_has_no_place_for_and_leaves_the_file(base: Airtable, tmp_path: Path) -> None:
    (tmp_path / "vendors.csv").write_text("before")
    stream = base.read("Vendors")
    with pytest.raises(
        OptionError, match='csv has no place for lists and structs, and column "owner" is one of structs'
    ):
        stream.write(tmp_path / "vendors.csv", "csv")
    assert (tmp_path / "vendors.csv").read_text() == "before"
    assert stream.write(tmp_path / "vendors.jsonl", "jsonl") == 60, "the read has not begun"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "json"}, 'format="json" does not exist: use jsonl, csv, arrow or parquet'),
        ({"format": "arrow", "compression": "lz4"}, 'compression="lz4" does not exist for arrow: use none or zstd'),
        ({"format": "jsonl", "row_group_size": 1}, "jsonl has no row groups: leave out row_group_size"),
        ({"format": "parquet", "row_group_size": -1}, "row_group_size=-1 is no number of rows: use 1 or more"),
    ],
)
def test_what_cannot_be_is_said_before_the_file_is_touched(
    base: Airtable, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError) as raised:
        base.read("Vendors").write(tmp_path / "file", **arguments)
    assert str(raised.value) == message
    assert not (tmp_path / "file").exists()


def test_no_pyarrow_is_needed(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    program = """
import json, sys
sys.modules["pyarrow"] = None
from lakeflow_airtable import Airtable
base = Airtable(**json.loads(sys.argv[1]))
for form in ("jsonl", "csv", "arrow", "parquet"):
    print(base.read("Vendors", nested="json").write(f"{sys.argv[2]}/{form}", form))
"""
    command = [sys.executable, "-c", program, json.dumps(mock_airtable.options()), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["60"] * 4, "")
    assert pa.parquet.read_table(tmp_path / "parquet").num_rows == 60


# Parquet and Arrow


def test_row_groups_have_the_rows_that_were_asked_for(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path
) -> None:
    mock_airtable.generate_table("Many", 2_500, 2, scalars=True)
    base.read("Many").write(tmp_path / "file", "parquet", row_group_size=600)
    metadata = pa.parquet.read_metadata(tmp_path / "file")
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [600, 600, 600, 600, 100]
    base.read("Many").write(tmp_path / "file", "parquet")
    assert pa.parquet.read_metadata(tmp_path / "file").num_row_groups == 1


@pytest.mark.parametrize(
    ("compression", "said"),
    [(None, "ZSTD"), ("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("gzip", "GZIP"), ("none", "UNCOMPRESSED")],
)
def test_parquet_is_compressed_as_asked_for(base: Airtable, tmp_path: Path, compression: Any, said: str) -> None:
    base.read("Vendors").write(tmp_path / "file", "parquet", compression=compression)
    metadata = pa.parquet.read_metadata(tmp_path / "file")
    used = {metadata.row_group(0).column(at).compression for at in range(metadata.num_columns)}
    assert used == {said}
    assert shown(pa.parquet.read_table(tmp_path / "file")) == shown(pa.table(base.read("Vendors")))


def test_arrow_is_compressed_where_asked_for(base: Airtable, tmp_path: Path) -> None:
    for compression in ("none", "zstd"):
        base.read("Vendors").write(tmp_path / compression, "arrow", compression=compression)
        is_the_same(pa.table(base.read("Vendors")), tmp_path / compression, "arrow")
    assert (tmp_path / "zstd").stat().st_size < (tmp_path / "none").stat().st_size


# Where it goes


def test_a_file_keeps_its_mode_and_a_link_is_followed(base: Airtable, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("before" * 100_000)
    file.chmod(0o640)
    link.symlink_to(file)
    assert base.read("Vendors").write(link, "jsonl") == 60
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    is_the_same(pa.table(base.read("Vendors")), file, "jsonl")


def test_a_descriptor_is_written_to_where_it_is_and_stays_open(base: Airtable, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(b"before\n")
        assert base.read("Vendors", max_records=2).write(file.fileno(), "jsonl") == 2
        file.write(b"after\n")
    lines = (tmp_path / "file").read_text().splitlines()
    assert (lines[0], lines[3], len(lines)) == ("before", "after", 4)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_pipe_that_does_not_block_gets_everything(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, file_format: str
) -> None:
    mock_airtable.generate_table("Many", 3_000, 5, scalars=True)
    to_read, to_write = os.pipe()
    os.set_blocking(to_write, False)
    taken: list[bytes] = []

    def take() -> None:
        while chunk := os.read(to_read, 4096):
            taken.append(chunk)

    reader = threading.Thread(target=take)
    reader.start()
    try:
        assert base.read("Many").write(to_write, file_format, compression="none") == 3_000
    finally:
        os.close(to_write)
        reader.join()
        os.close(to_read)
    (tmp_path / "file").write_bytes(b"".join(taken))
    assert (tmp_path / "file").stat().st_size > 100_000, "more than a pipe holds"
    is_the_same(pa.table(base.read("Many")), tmp_path / "file", file_format)


@pytest.mark.parametrize(
    ("target", "error"), [("", IsADirectoryError), ("none/file", FileNotFoundError), ("file/file", NotADirectoryError)]
)
def test_a_place_that_is_none_is_named_before_anything_is_asked_for(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, target: str, error: type[OSError]
) -> None:
    (tmp_path / "file").touch()
    stream = base.read("Vendors")
    mock_airtable.clear_requests()
    with pytest.raises(error) as raised:
        stream.write(tmp_path / target, "jsonl")
    assert raised.value.filename == str(tmp_path / target)
    assert mock_airtable.requests() == []
    assert stream.write(tmp_path / "file", "jsonl") == 60, "it can go elsewhere"


@pytest.mark.parametrize("target", [None, 1.5, object()])
def test_what_is_no_place_is_a_type_error(base: Airtable, target: Any) -> None:
    with pytest.raises(TypeError):
        base.read("Vendors").write(target, "jsonl")


def test_a_descriptor_that_is_not_open_is_an_os_error(base: Airtable) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        base.read("Vendors").write(12345, "jsonl")


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_full_disk_is_named(base: Airtable, file_format: str) -> None:
    stream = base.read("Launch Milestones", nested="json")
    with pytest.raises(OSError, match="No space left on device: '/dev/full'") as raised:
        stream.write("/dev/full", file_format)
    assert (raised.value.errno, raised.value.filename) == (28, "/dev/full")
    with pytest.raises(ValueError, match=r"this read was ended by an error: begin another with read\(\)"):
        stream.write("/dev/null", file_format)


def test_a_pipe_that_nobody_reads_any_more_is_an_error(base: Airtable) -> None:
    to_read, to_write = os.pipe()
    os.close(to_read)
    try:
        with pytest.raises(BrokenPipeError):
            base.read("Vendors").write(to_write, "jsonl")
    finally:
        os.close(to_write)


# The read


def test_what_was_taken_before_is_not_written_again(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path
) -> None:
    mock_airtable.generate_table("Many", 2_500, 2, scalars=True)
    stream = base.read("Many")
    first = next(stream)
    assert stream.write(tmp_path / "rest", "arrow") == 2_500 - first.num_rows > 0
    with pa.ipc.open_file(tmp_path / "rest") as rest:
        assert pa.concat_tables([pa.table(first), rest.read_all()]).equals(pa.table(base.read("Many")))
    assert list(stream) == []
    with pytest.raises(ValueError, match=r"this read was read to its end: begin another with read\(\)"):
        stream.write(tmp_path / "rest", "arrow")


def test_an_error_of_the_read_keeps_its_type(mock_airtable: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    stream = base.read("Vendors", page_size=10)
    refusal = {"respond": {"status": 422, "body": {"error": {"type": "INVALID_FILTER", "message": "no"}}}}
    mock_airtable.faults = {"rules": [{"path": "/tbl", "after": 1, "action": refusal}]}
    with pytest.raises(RejectedError):
        stream.write(tmp_path / "file", "jsonl")


def test_a_read_that_is_closed_meanwhile_is_no_whole_file(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path
) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}
    stream = base.read("Vendors")
    closer = threading.Timer(0.2, stream.close)
    closer.start()
    with pytest.raises(ValueError, match="this read was closed while it was written: what is there is not whole"):
        stream.write(tmp_path / "file", "jsonl")
    closer.join()
    with pytest.raises(ValueError, match="this read was"):
        stream.write(tmp_path / "file", "jsonl")


def test_log_lines_are_pythons_while_it_is_written(
    mock_airtable: MockAirtable, base: Airtable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "times": 1, "action": "bad_gateway"}]}
    assert base.read("Vendors").write(tmp_path / "file", "jsonl") == 60
    assert any("502" in record.getMessage() for record in caplog.records if record.name == "lakeflow_airtable")


def test_other_threads_go_on_meanwhile(mock_airtable: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    mock_airtable.faults = {"delay_ms": 300}
    done, turns = threading.Event(), 0
    written: list[int] = []

    def write() -> None:
        written.append(base.read("Vendors").write(tmp_path / "file", "parquet"))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.wait(0.001):
        turns += 1
    writer.join()
    assert (written, turns > 20) == ([60], True)


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("v.parquet", "parquet"), ("v.NDJSON", "jsonl"), ("v.feather", "arrow"), ("a.csv.jsonl", "jsonl")],
)
def test_the_ending_tells_the_format(base: Airtable, tmp_path: Path, name: str, file_format: str) -> None:
    assert base.read("Vendors").write(tmp_path / name) == 60
    is_the_same(pa.table(base.read("Vendors")), tmp_path / name, file_format)


@pytest.mark.parametrize("target", ["v", "v.txt", "parquet", 2])
def test_a_format_that_nothing_tells_is_asked_for(base: Airtable, tmp_path: Path, target: str | int) -> None:
    read = base.read("Vendors")
    with pytest.raises(OptionError, match=r"format is not given, and .*: give format as jsonl, csv, arrow or parquet"):
        read.write(tmp_path / target if isinstance(target, str) else target)
    assert list(tmp_path.iterdir()) == []
    assert read.to_arrow().num_rows == 60

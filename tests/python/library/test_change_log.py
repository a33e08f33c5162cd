"""Logs of changes: by the library, the command line and the community connector."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from command_line import run
from lakeflow_airtable import Airtable, DataError, OptionError
from lakeflow_airtable.mock import MockAirtable
from mutations import ORDERS, Script

COLUMNS = {
    "id": pa.string(),
    "change": pa.string(),
    "field_id": pa.string(),
    "field": pa.string(),
    "old_value": pa.string(),
    "new_value": pa.string(),
    "_changed_at": pa.timestamp("us", tz="UTC"),
    "changed_by": pa.struct([("id", pa.string()), ("email", pa.string()), ("name", pa.string())]),
    "source": pa.string(),
    "transaction": pa.int64(),
}
LOG = {"ingestion_type": "change_log"}


def rows(stream: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pa.table(stream).to_pylist()
    return found


def applied(log: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a log makes of nothing: the cells of each record. Each row must fit what was before it."""
    records: dict[str, dict[str, Any]] = {}
    for row in log:
        if row["change"] == "deleted":
            assert row["field_id"] is None
            del records[row["id"]]
            continue
        cells = records.setdefault(row["id"], {}) if row["change"] == "created" else records[row["id"]]
        if row["field"] is None:
            assert row["change"] == "created"
            continue
        before = cells.pop(row["field"], None)
        old = None if row["old_value"] is None else json.loads(row["old_value"])
        assert before == old, row
        if row["new_value"] is not None:
            cells[row["field"]] = json.loads(row["new_value"])
    return records


@pytest.mark.parametrize(("seed", "most"), [(1, None), (2, 40)])
def test_a_log_makes_of_nothing_what_the_table_is(seed: int, most: int | None) -> None:
    with MockAirtable(sample=False) as mock:
        script = Script(mock, seed, orders=0, deletes=True)
        base = Airtable(**{**mock.options(), "base_id": script.base}, **LOG)
        bound = {} if most is None else {"max_records_per_batch": most}
        start = base.latest_offset(ORDERS)
        assert rows(base.changes(ORDERS, end=start)) == [], "a log has no first batch"
        log: list[dict[str, Any]] = []
        for _ in range(8):
            script.burst()
            while (end := base.latest_offset(ORDERS, start=start, **bound)) != start:
                given = base.changes(ORDERS, start=start, end=end)
                batch = rows(given)
                assert rows(base.changes(ORDERS, start=start, end=end)) == batch, "the same, whenever it is read"
                log += batch
                start = end
        expected = {record["id"]: record["fields"] for record in mock.records(ORDERS, base=script.base)}
        assert applied(log) == expected
        assert {row["source"] for row in log} == {"client"}


def test_its_columns_are_those_of_the_contract(items: MockAirtable) -> None:
    base = Airtable(**items.options(), **LOG, column_names="id", rescued_data_column="rescued")
    schema = pa.schema(base.schema("Items"))
    assert dict(zip(schema.names, schema.types, strict=True)) == COLUMNS
    required = [field.name for field in schema if not field.nullable]
    assert required == ["id", "change", "_changed_at", "transaction"]
    schema = pa.schema(base.schema("Items", nested="json"))
    assert dict(zip(schema.names, schema.types, strict=True)) == COLUMNS | {"changed_by": pa.string()}
    # For who keeps it, it is a table that is appended to.
    assert dict(base.metadata("Items")) == {
        "primary_keys": ["transaction", "id", "change", "field_id"],
        "cursor_field": "_changed_at",
        "ingestion_type": "append",
    }


def test_cells_and_people_are_told(items: MockAirtable) -> None:
    base = Airtable(**items.options(), **LOG)
    start = base.latest_offset("Items")
    [record] = items.records("Items")[:1]
    items.update_records("Items", {record["id"]: {"Name": "new", "Tags": ["b", "a"], "Size": None}})
    items.set_faults(change_source="formSubmission")
    [made] = items.create_records("Items", [{"Name": "form"}])
    [empty] = items.create_records("Items", [{}])
    items.delete_records("Items", [made])
    log = rows(base.changes("Items", start=start))
    told = [(row["id"], row["change"], row["field"], row["old_value"], row["new_value"]) for row in log]
    assert sorted(told[:3]) == sorted(
        [
            (record["id"], "updated", "Name", '"item 0"', '"new"'),
            (record["id"], "updated", "Size", "0", None),
            (record["id"], "updated", "Tags", '["a"]', '["b","a"]'),
        ]
    )
    assert told[3:] == [
        (made, "created", "Name", None, '"form"'),
        (empty, "created", None, None, None),
        (made, "deleted", None, None, None),
    ]
    assert log[0]["changed_by"] == {
        "id": "usrMockPerson0001",
        "email": "ada.example@example.com",
        "name": "Ada Example",
    }
    assert [row["changed_by"] for row in log[3:]] == [None] * 3
    assert [row["source"] for row in log] == ["client"] * 3 + ["formSubmission"] * 3
    assert [row["transaction"] - log[0]["transaction"] for row in log] == [0, 0, 0, 1, 2, 3]
    some = rows(base.changes("Items", start=start, fields=["Name"]))
    assert [row["field"] for row in some] == ["Name", "Name", None, None]


def test_what_cannot_be_is_an_option_error(items: MockAirtable) -> None:
    base = Airtable(**items.options())
    for option, value in (
        ("view", "Grid view"),
        ("filter_formula", "{Size}"),
        ("max_records", 5),
        ("on_lost_feed", "reread"),
        ("schema_change", "fail"),
    ):
        with pytest.raises(OptionError, match=f"option {option} is given, and ingestion_type is change_log") as caught:
            base.latest_offset("Items", **LOG, **{option: value})
        assert caught.value.option == option
    with pytest.raises(OptionError, match="change_log, which is a stream"):
        base.read("Items", **LOG)
    with pytest.raises(OptionError, match="a log of changes has a row for each change: leave ingestion_type out"):
        base.verify("Items", pa.table({"id": ["rec1"]}), **LOG)
    start = base.latest_offset("Items", ingestion_type="cdc_with_deletes")
    with pytest.raises(OptionError, match="checkpoint belongs to a stream of mode cdc_with_deletes"):
        base.changes("Items", start=start, **LOG)


def test_a_log_that_has_lost_something_says_so(items: MockAirtable) -> None:
    base = Airtable(**items.options(), **LOG)
    start = base.latest_offset("Items")
    items.advance_clock(8 * 86_400)
    with pytest.raises(DataError, match=r"changes are lost: webhook ach\w+ expired .* start with a new checkpoint"):
        base.latest_offset("Items", start=start)


def test_the_command_line_appends_to_a_log(items: MockAirtable, tmp_path: Path) -> None:
    offset = tmp_path / "items.offset"
    given = ("changes", "Items", "--ingestion-type", "change_log", "--offset-file", str(offset))
    assert run(items, *given).stdout == ""
    [record] = items.records("Items")[:1]
    items.update_records("Items", {record["id"]: {"Name": "new"}})
    ran = run(items, *given)
    [row] = map(json.loads, ran.stdout.splitlines())
    assert (row["id"], row["field"], row["old_value"], row["new_value"]) == (record["id"], "Name", '"item 0"', '"new"')
    assert run(items, *given).stdout == ""
    ran = run(items, "changes", "Items", "--ingestion-type", "change_log")
    assert (ran.returncode, "give --offset-file, which keeps where it began" in ran.stderr) == (2, True)
    items.advance_clock(8 * 86_400)
    ran = run(items, *given)
    assert ran.returncode == 7
    assert "start with a new --offset-file, and the log goes on from then" in ran.stderr
    ran = run(items, "read", "Items", "--ingestion-type", "change_log")
    assert ran.returncode == 2
    assert "change_log, which is a stream" in ran.stderr


def test_a_log_can_be_written_as_csv(items: MockAirtable, tmp_path: Path) -> None:
    given = ("changes", "Items", "--ingestion-type", "change_log", "--offset-file", str(tmp_path / "items.offset"))
    assert run(items, *given, "--format", "csv").returncode == 0
    [record] = items.records("Items")[:1]
    items.update_records("Items", {record["id"]: {"Name": "new"}})
    items.set_faults(change_source="automation")
    items.delete_records("Items", [record["id"]])
    log = list(csv.DictReader(run(items, *given, "--format", "csv").stdout.splitlines()))
    assert json.loads(log[0]["changed_by"]) == {
        "id": "usrMockPerson0001",
        "email": "ada.example@example.com",
        "name": "Ada Example",
    }
    assert [(row["change"], row["new_value"]) for row in log] == [("updated", '"new"'), ("deleted", "")]
    assert log[1]["changed_by"] == ""


def test_no_line_of_it_shows_the_token(items: MockAirtable) -> None:
    program = (
        "import logging, sys, json; logging.basicConfig(level=logging.DEBUG)\n"
        "from lakeflow_airtable import Airtable\n"
        "base = Airtable(**json.loads(sys.argv[1]), ingestion_type='change_log')\n"
        "print(base.latest_offset('Items'), base.schema('Items'))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, json.dumps(items.options())], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert items.token not in ran.stdout + ran.stderr


def test_its_calls_are_those_that_are_estimated(items: MockAirtable, tmp_path: Path) -> None:
    # A base in which no stream has been yet.
    with MockAirtable(sample=False) as mock:
        mock.create_base("Base")
        mock.create_table("Items", [{"name": "Name"}], [{"Name": str(number)} for number in range(120)])
        base = Airtable(**mock.options())
        told = base.estimate("Items", records=120, changed_per_run=70, **LOG)["Items"].cost
        assert told.ingestion_type == "change_log"
        for expected, edited in ((told.first_requests, 0), (told.run_requests, 70)):
            for record in mock.records("Items")[:edited]:
                mock.update_records("Items", {record["id"]: {"Name": "edited"}})
            mock.clear_requests()
            assert not base.sync(["Items"], to=str(tmp_path), format="delta", **LOG).failed
            assert sum(mock.request_counts().values()) == expected

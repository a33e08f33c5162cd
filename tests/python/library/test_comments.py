"""Comments on records, without Spark: reads, keys, copies, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, AuthError, OptionError, cli
from lakeflow_airtable.mock import MockAirtable
from sync_copies import FORMATS, rows, target

COLUMNS = ("id", "comment_id", "parent_comment_id", "author", "text", "created_time", "last_updated_time", "mentioned",
           "reactions")  # fmt: skip


@pytest.fixture
def commented(items: MockAirtable) -> MockAirtable:
    """Thirty items, of which each third has comments: one, two or three."""
    for number, record in enumerate(items.records("Items")[::3]):
        first = items.add_comment("Items", record["id"], f"{number} for @[usrMockPerson0002]", author=0)
        for reply in range(number % 3):
            items.add_comment(
                "Items", record["id"], f"{number}.{reply}", author=1, parent=first, reactions=[("1f44d", 2)]
            )
    items.clear_requests()
    return items


def test_comments_are_rows(commented: MockAirtable) -> None:
    base = Airtable(**commented.options())
    schema = pa.schema(base.schema("Items", part="comments"))
    assert tuple(schema.names) == COLUMNS
    assert [field.name for field in schema if not field.nullable] == ["id", "comment_id"]
    commented.clear_requests()
    read = base.read("Items", part="comments")
    found = read.to_arrow()
    assert found.schema == schema
    assert commented.request_counts() == {"get_schema": 1, "list_records": 1, "list_comments": 10}
    assert (read.stats.rows, read.stats.requests, read.stats.expected_rows) == (19, 11, 19)
    by_id = {row["comment_id"]: row for row in found.to_pylist()}
    assert len(by_id) == 19
    for row in by_id.values():
        assert isinstance(row["created_time"], datetime)
        assert row["last_updated_time"] is None
        if row["parent_comment_id"] is None:
            assert row["author"]["email"] == "ada.example@example.com"
            assert json.loads(row["mentioned"])["usrMockPerson0002"]["type"] == "user"
        else:
            assert by_id[row["parent_comment_id"]]["id"] == row["id"]
            [reaction] = json.loads(row["reactions"])
            assert reaction["emoji"] == {"unicodeCharacter": "1f44d"}
    assert base.metadata("Items", part="comments")["primary_keys"] == ["comment_id"]


def test_which_records_and_how_many(commented: MockAirtable) -> None:
    base = Airtable(**commented.options())
    chosen = base.read("Items", part="comments", filter_formula="{Name}='item 6'").to_arrow()
    assert sorted(chosen.column("text").to_pylist()) == ["2 for @[usrMockPerson0002]", "2.0", "2.1"]
    assert len(base.read("Items", part="comments", max_records=4).to_arrow()) == 4
    assert base.scan_polars("Items", part="comments").select("text").head(1).collect().shape == (1, 1)
    assert base.read("Items", part="records").to_arrow() == base.read("Items").to_arrow()


def test_what_makes_no_sense_is_refused(commented: MockAirtable) -> None:
    base = Airtable(**commented.options())
    with pytest.raises(
        OptionError, match=r"option part is comments, and ingestion_type is cdc: .*leave ingestion_type"
    ):
        base.latest_offset("Items", part="comments", ingestion_type="cdc")
    with pytest.raises(OptionError, match=r"option fields chooses columns of records, and part is comments"):
        base.read("Items", part="comments", fields=["Name"])
    with pytest.raises(OptionError, match=r"option part is \"coments\""):
        base.read("Items", part="coments")  # type: ignore[arg-type]


def test_the_scope_is_named(commented: MockAirtable) -> None:
    commented.add_token("patLimited", scopes=["data.records:read", "schema.bases:read"])
    base = Airtable(**{**commented.options(), "token": "patLimited"})
    with pytest.raises(AuthError, match=r"data\.recordComments:read"):
        base.read("Items", part="comments").to_arrow()


@pytest.mark.parametrize("format", FORMATS)
def test_copies_of_comments_stand_beside_those_of_records(commented: MockAirtable, tmp_path: Path, format: str) -> None:
    base = Airtable(**commented.options())
    comments = {
        "source_table": "Items",
        "destination_table": "items_comments",
        "table_configuration": {"part": "comments"},
    }
    spec = {"objects": [{"table": comments}, {"table": {"source_table": "It*"}}]}
    where = target(format, tmp_path / "lake")
    for number in (19, 20):
        report = base.sync(spec, **where)
        assert not report.failed, report
        copied = rows(format, tmp_path / "lake", "items_comments")
        expected = base.read("Items", part="comments").to_arrow().to_pylist()
        in_order = lambda row: row["comment_id"]  # noqa: E731
        assert sorted(copied, key=in_order) == sorted(expected, key=in_order)
        assert (len(copied), len(rows(format, tmp_path / "lake", "items"))) == (number, 30)
        commented.add_comment("Items", commented.records("Items")[1]["id"], "late")
    other = {"objects": [{"table": {"source_table": "Items", "destination_table": "items_comments"}}]}
    failed = base.sync(other, **where).failed
    assert "is the copy of table" in str(failed[0].error)


def test_a_copy_is_verified_and_what_it_costs_is_told(commented: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**commented.options())
    base.sync(["Items"], to=tmp_path, format="parquet", part="comments")
    found = base.verify("Items", tmp_path / "items.parquet", part="comments", cells=True)
    assert found.is_equal, found
    commented.add_comment("Items", commented.records("Items")[0]["id"], "late")
    assert len(base.verify("Items", tmp_path / "items.parquet", part="comments").missing.ids) == 1
    estimate = base.estimate("Items", part="comments")
    assert estimate["Items"].certainty == "at_least"
    assert any("one call more for each record that has some" in line for line in estimate.assumed)


def test_they_are_read_on_the_command_line(
    commented: MockAirtable, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = commented.options()
    monkeypatch.setenv("AIRTABLE_TOKEN", options.pop("token"))
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert cli.main(["read", "Items", "--part", "comments", *flags]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert len(lines) == 19
    assert all(tuple(line) == COLUMNS for line in lines)
    assert cli.main(["schema", "Items", "--part", "comments", *flags]) == 0
    assert "parent_comment_id" in capfd.readouterr().out

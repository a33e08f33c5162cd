"""Linked records without Spark: by their names, and as rows of their own; in reads, copies, estimates and commands."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lakeflow_airtable import Airtable, OptionError, cli
from lakeflow_airtable.mock import MockAirtable

PARTS = 120
TABLES = [f"Orders {number}" for number in range(5)]


@pytest.fixture
def shop(mock_airtable: MockAirtable) -> list[str]:
    """Five tables whose records link to those of one, whose ids are given."""
    code = {"name": "Code", "type": "singleLineText"}
    mock_airtable.create_table("Parts", [code], [{"Code": f"part {number}"} for number in range(PARTS)])
    parts = [record["id"] for record in mock_airtable.records("Parts")]
    number = {"name": "Number", "type": "number", "options": {"precision": 0}}
    for name in TABLES:
        link = {"name": "Parts", "type": "multipleRecordLinks", "options": {"linkedTableId": "Parts"}}
        orders = [{"Number": at, "Parts": [parts[at], parts[at + 1]]} for at in range(30)]
        mock_airtable.create_table(name, [number, link], orders)
    mock_airtable.clear_requests()
    return parts


@pytest.fixture
def base(mock_airtable: MockAirtable, shop: list[str]) -> Airtable:
    return Airtable(**mock_airtable.options())


def table_id(mock: MockAirtable, name: str) -> str:
    return next(str(table["id"]) for table in mock.schema()["tables"] if table["name"] == name)


def pages_of(mock: MockAirtable, name: str) -> int:
    """Requests for records of a table."""
    place = table_id(mock, name)
    return sum(request["path"].endswith(place) for request in mock.requests())


def test_a_read_gives_names_in_every_form(base: Airtable, shop: list[str]) -> None:
    names = base.read(TABLES[0], links="names").to_arrow()
    assert names.schema.field("parts").type == pa.list_(pa.field("element", pa.string()))
    assert names["parts"].to_pylist()[:2] == [["part 0", "part 1"], ["part 1", "part 2"]]
    both = base.read(TABLES[0], links="both").to_polars()
    assert both["parts"][0].to_list() == [{"id": shop[at], "name": f"part {at}"} for at in (0, 1)]
    text = base.read(TABLES[0], links="both", nested="json").to_arrow()["parts"].to_pylist()
    assert json.loads(text[0]) == both["parts"][0].to_list()
    schema = base.schema(TABLES[0], links="both")
    assert schema["parts"].type == "ARRAY<STRUCT<id: STRING, name: STRING>>"
    assert schema["parts"].field_type == "multipleRecordLinks"


def test_the_reads_of_an_airtable_share_names_for_a_while(
    base: Airtable, mock_airtable: MockAirtable, shop: list[str]
) -> None:
    for name in TABLES:
        assert base.read(name, links="names").to_arrow().num_rows == 30
    assert pages_of(mock_airtable, "Parts") == 2


def test_the_calls_for_names_are_the_reads_own(base: Airtable) -> None:
    first, second = (base.read(TABLES[0], links="names") for _ in range(2))
    for read in (first, second):
        read.to_arrow()
    assert (first.stats.requests, second.stats.requests) == (1 + 2, 1)


def test_links_that_may_not_be_named_are_null_with_one_warning(
    base: Airtable, mock_airtable: MockAirtable, caplog: pytest.LogCaptureFixture
) -> None:
    mock_airtable.set_faults(rules=[{"path": table_id(mock_airtable, "Parts"), "action": "forbidden"}])
    with caplog.at_level(logging.WARNING, logger="lakeflow_airtable"):
        for name in TABLES[:2]:
            assert base.read(name, links="names").to_arrow()["parts"].to_pylist() == [[None, None]] * 30
    [warning] = [record.getMessage() for record in caplog.records]
    assert warning.startswith(f'table "{TABLES[0]}": the names of records in linked table "Parts" cannot be read, and')
    assert mock_airtable.token not in warning
    with pytest.raises(PermissionError, match='linked table "Parts" cannot be read: '):
        base.read(TABLES[0], links="both", on_bad_value="fail").to_arrow()


def test_a_part_has_a_row_for_each_link(base: Airtable, mock_airtable: MockAirtable, shop: list[str]) -> None:
    read = base.read(TABLES[0], part="links")
    links = read.to_arrow()
    assert links.column_names == ["id", "field_id", "field", "position", "linked_table_id", "linked_id"]
    assert [links.schema.field(name).nullable for name in links.column_names] == [False] * 4 + [True, False]
    assert links.num_rows == read.stats.rows == 60
    assert links["linked_id"].to_pylist()[:4] == [shop[0], shop[1], shop[1], shop[2]]
    assert links["position"].to_pylist()[:4] == [0, 1, 0, 1]
    assert set(links["linked_table_id"].to_pylist()) == {table_id(mock_airtable, "Parts")}
    assert base.metadata(TABLES[0], part="links")["primary_keys"] == ["id", "field_id", "position"]
    with duckdb.connect() as connection:
        connection.register("links", links)
        connection.register("parts", base.read("Parts", fields=["Code"]).to_arrow())
        codes = "select links.id, list(code order by position) from links join parts on linked_id = parts.id group by 1"
        joined = connection.sql(codes).fetchall()
    names = base.read(TABLES[0], links="names").to_arrow()
    assert dict(joined) == dict(zip(names["id"].to_pylist(), names["parts"].to_pylist(), strict=True))


def test_lazy_frames_of_links(base: Airtable) -> None:
    links = base.scan_polars(TABLES[0], part="links")
    assert links.head(3).collect().height == 3
    assert links.select("linked_id").collect().height == 60
    counted = links.group_by("field").len().collect()
    assert counted.rows() == [("Parts", 60)]
    named = base.scan_polars(TABLES[0], links="names").select("parts").head(1).collect()
    assert named.rows() == [(["part 0", "part 1"],)]
    assert isinstance(named, pl.DataFrame)


@pytest.mark.parametrize("links", ["names", "both"])
def test_conditions_ask_no_text_of_names(base: Airtable, links: Any) -> None:
    # Names are put in once rows are chosen: what a condition would compare is the text of ids.
    with pytest.raises(OptionError, match=r'at character 1.*column "parts".*links=ids'):
        base.read(TABLES[0], links=links, nested="json", where="parts LIKE '%part 1%'")
    for condition, rows in (("parts IS NOT NULL", 30), ("parts IS NULL", 0)):
        assert base.read(TABLES[0], links=links, nested="json", where=condition).to_arrow().num_rows == rows
    frame = base.scan_polars(TABLES[0], links=links, nested="json")
    assert frame.filter(pl.col("parts").str.contains("part 29", literal=True)).collect().height == 2
    assert frame.filter(pl.col("parts").str.contains("rec", literal=True)).collect().height == (30 * (links == "both"))


def test_a_text_of_one_base_that_is_made_in_another_is_not_compared(mock_airtable: MockAirtable) -> None:
    kinds: list[dict[str, Any]] = [
        {"type": "singleLineText"},
        {"type": "multipleRecordLinks", "options": {"linkedTableId": "Parts"}},
    ]
    bases = [
        mock_airtable.create_base(
            f"Base {number}",
            [
                {"name": "Parts", "fields": [{"name": "Code"}]},
                {"name": "Orders", "fields": [{"name": "Name"}, {"name": "Part", **kind}], "records": [{"fields": {}}]},
            ],
        )
        for number, kind in enumerate(kinds)
    ]
    options = mock_airtable.options()
    options.pop("base_id")
    for order in (bases, bases[::-1]):
        several = Airtable(**options, namespace=order)
        with pytest.raises(OptionError, match=r'column "part".*cannot be compared'):
            several.read("Orders", nested="json", links="names", where="part = 'p'")
        assert several.read("Orders", nested="json", links="names", where="part IS NULL").to_arrow().num_rows == 2


def test_a_table_without_links_has_none(base: Airtable, mock_airtable: MockAirtable) -> None:
    mock_airtable.create_table("Alone", [{"name": "Name"}], [{"Name": "a"}])
    mock_airtable.clear_requests()
    assert base.read("Alone", part="links").to_arrow().num_rows == 0
    assert mock_airtable.request_counts() == {"get_schema": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"links": "name"}, "it takes one of ids, names, both"),
        ({"links": "names", "ingestion_type": "cdc"}, "changes no record of this one"),
        ({"links": "both", "ingestion_type": "cdc_with_deletes"}, "join the linked table"),
        ({"links": "names", "part": "links"}, "names stand in the cells of records"),
        ({"part": "links", "ingestion_type": "append"}, "parts are read as snapshots only"),
        ({"part": "links", "fields": ["Number"]}, 'name fields that link records, such as "Parts"'),
    ],
)
def test_what_cannot_be(base: Airtable, options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        base.read(TABLES[0], **options)


@pytest.mark.parametrize("links", ["names", "both"])
def test_a_sync_reads_names_once_for_all_tables(
    base: Airtable, mock_airtable: MockAirtable, tmp_path: Path, links: Any
) -> None:
    estimate = base.estimate(TABLES, links=links)
    mock_airtable.clear_requests()
    report = base.sync(TABLES, to=tmp_path / "copies.duckdb", format="duckdb", links=links)
    assert not report.failed
    assert pages_of(mock_airtable, "Parts") == 2
    # Of several tables the definitions are asked for once.
    assert len(mock_airtable.requests()) == report.requests == estimate.total_of("snapshot").run_requests - 4
    assert [one.of("snapshot").run_requests for one in estimate] == [2 + 2, 2, 2, 2, 2]
    assert [one.of("cdc").first_requests for one in estimate] == [3] * 5
    assert any("names of linked records are read once" in line for line in estimate.assumed)
    with duckdb.connect(str(tmp_path / "copies.duckdb")) as copies:
        [[names]] = copies.sql('select parts from "orders_0" order by number limit 1').fetchall()
    assert [name["name"] if links == "both" else name for name in names] == ["part 0", "part 1"]


def test_a_sync_keeps_links_and_verify_sees_names(
    base: Airtable, mock_airtable: MockAirtable, tmp_path: Path, shop: list[str]
) -> None:
    spec = {
        "objects": [
            {"table": {"source_table": TABLES[0], "table_configuration": {"links": "names"}}},
            {
                "table": {
                    "source_table": TABLES[0],
                    "destination_table": "links",
                    "table_configuration": {"part": "links"},
                }
            },
        ]
    }
    report = base.sync(spec, to=tmp_path, format="delta")
    assert not report.failed, report
    copy = DeltaTable(str(tmp_path / "links")).to_pyarrow_table()
    assert copy.num_rows == 60
    names = str(tmp_path / "orders_0")
    assert base.verify(TABLES[0], names, cells=True, links="names").is_equal
    mock_airtable.update_records("Parts", {shop[0]: {"Code": "renamed"}})
    later = Airtable(**mock_airtable.options())
    assert not later.verify(TABLES[0], names, cells=True, links="names").is_equal


def test_commands_take_both(
    mock_airtable: MockAirtable, shop: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = mock_airtable.options()
    monkeypatch.setenv("AIRTABLE_TOKEN", options.pop("token"))
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    read = ["read", TABLES[0], *flags, "--format", "jsonl", "--quiet"]
    assert cli.main([*read, "--links", "names"]) == 0
    first = json.loads(capfd.readouterr().out.splitlines()[0])
    assert first["parts"] == ["part 0", "part 1"]
    assert cli.main([*read, "--part", "links"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert (len(lines), json.loads(lines[0])["linked_id"]) == (60, shop[0])
    assert cli.main([*read, "--links", "names", "--part", "links"]) == 2
    assert "--links is names, and --part is links: names stand" in capfd.readouterr().err

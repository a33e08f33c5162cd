"""The tables of a base's definitions, without Spark: reads, keys, copies, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, OptionError, cli
from lakeflow_airtable.mock import MockAirtable
from sync_copies import FORMATS, rows, target

TABLES = {
    "_airtable_fields": ("table_id", "table", "field_id", "field", "column", "type", "description", "options",
                         "is_primary", "is_computed", "linked_table_id"),
    "_airtable_choices": ("table_id", "table", "field_id", "field", "choice_id", "name", "color", "position"),
    "_airtable_views": ("table_id", "table", "view_id", "view", "type"),
}  # fmt: skip


def test_the_rows_are_the_definitions_of_the_library(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    tables = base.tables()
    mock_airtable.clear_requests()
    read = base.read("_airtable_fields")
    fields = read.to_arrow().to_pylist()
    assert read.stats.requests == 1
    assert mock_airtable.request_counts() == {"get_schema": 1}
    expected = [
        (table.id, table.name, field.id, field.name, field.column, field.type, field.description,
         field == table.primary_field)
        for table in tables for field in table.fields
    ]  # fmt: skip
    names = ("table_id", "table", "field_id", "field", "column", "type", "description", "is_primary")
    assert [tuple(row[name] for name in names) for row in fields] == expected
    told = [field.options for table in tables for field in table.fields]
    assert [row["options"] and json.loads(row["options"]) for row in fields] == told
    computed = {row["type"] for row in fields if row["is_computed"]}
    assert {"formula", "rollup", "count", "autoNumber", "createdTime", "multipleLookupValues"} <= computed
    assert not computed & {"singleLineText", "number", "multipleRecordLinks", "checkbox", "singleSelect"}
    ids = {table.id for table in tables}
    assert {row["linked_table_id"] for row in fields if row["type"] == "multipleRecordLinks"} <= ids
    views = base.read("_airtable_views").to_arrow().to_pylist()
    assert [(row["view_id"], row["view"], row["type"]) for row in views] == [
        (view.id, view.name, view.type) for table in tables for view in table.views
    ]


def test_choices_are_in_their_order(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    found = base.read("_airtable_choices").to_arrow().to_pylist()
    for table in base.tables():
        for field in table.fields:
            told = (field.options or {}).get("choices", [])
            mine = [row for row in found if row["field_id"] == field.id]
            assert [(row["choice_id"], row["name"], row["color"]) for row in mine] == [
                (choice["id"], choice["name"], choice.get("color")) for choice in told
            ]
            assert [row["position"] for row in mine] == list(range(len(told)))


@pytest.mark.parametrize("name", TABLES)
def test_schema_and_metadata_ask_for_nothing(mock_airtable: MockAirtable, name: str) -> None:
    base = Airtable(**mock_airtable.options())
    schema = pa.schema(base.schema(name))
    assert tuple(schema.names) == TABLES[name]
    assert all(field.metadata[b"comment"] for field in schema)
    keys = {
        "_airtable_fields": ["field_id"],
        "_airtable_choices": ["field_id", "choice_id"],
        "_airtable_views": ["view_id"],
    }
    assert base.metadata(name) == {"primary_keys": keys[name], "cursor_field": None, "ingestion_type": "snapshot"}
    assert mock_airtable.request_counts() == {}
    assert name not in base.list_tables()


def test_polars_reads_them_too(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    assert base.scan_polars("_airtable_fields").select("field").head(3).collect().shape == (3, 1)
    assert base.read("_airtable_fields", column_names="id").to_polars().filter(column="absent").is_empty()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"view": "Grid view"}, "view"),
        ({"filter_formula": "{Name}"}, "filter_formula"),
        ({"fields": ["Name"]}, "fields"),
        ({"part": "comments"}, "part"),
        ({"ingestion_type": "cdc"}, "ingestion_type"),
    ],
)
def test_options_of_records_are_refused_by_name(mock_airtable: MockAirtable, given: Any, option: str) -> None:
    base = Airtable(**mock_airtable.options())
    with pytest.raises(OptionError, match=rf"option {option}.*table _airtable_fields.*leave") as error:
        base.read("_airtable_fields", **given)
    assert error.value.option == option
    with pytest.raises(OptionError, match=r"option ingestion_type is cdc.*snapshot only"):
        base.latest_offset("_airtable_fields", ingestion_type="cdc")


@pytest.mark.parametrize("format", FORMATS)
def test_copies_are_snapshots(mock_airtable: MockAirtable, tmp_path: Path, format: str) -> None:
    base = Airtable(**mock_airtable.options())
    spec = ["Vendors", *TABLES]
    for renamed in (False, True):
        if renamed:
            mock_airtable.update_field("Vendors", "Name", description="who makes it")
        mock_airtable.clear_requests()
        report = base.sync(spec, **target(format, tmp_path / "lake"))
        assert not report.failed, report
        assert mock_airtable.request_counts() == {"get_schema": 4, "list_records": 1}
        for name in TABLES:
            assert rows(format, tmp_path / "lake", name[1:]) == base.read(name).to_arrow().to_pylist()
    found = rows(format, tmp_path / "lake", "airtable_fields")
    [primary] = [row for row in found if row["table"] == "Vendors" and row["is_primary"]]
    assert primary["description"] == "who makes it"


def test_a_copy_is_verified_and_what_it_costs_is_told(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    base = Airtable(**mock_airtable.options())
    base.sync(["_airtable_fields"], to=tmp_path, format="parquet")
    copy = tmp_path / "airtable_fields.parquet"
    found = base.verify("_airtable_fields", copy, cells=True)
    assert found.is_equal, found
    mock_airtable.create_field("Vendors", {"name": "New", "type": "singleLineText"})
    assert len(base.verify("_airtable_fields", copy).missing.ids) == 1
    estimate = base.estimate("_airtable_fields")["_airtable_fields"]
    assert (estimate.certainty, estimate.requests) == ("exact", 1)
    assert estimate.of("snapshot").run_requests <= 2


def test_they_are_read_on_the_command_line(
    mock_airtable: MockAirtable, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = mock_airtable.options()
    monkeypatch.setenv("AIRTABLE_TOKEN", options.pop("token"))
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert cli.main(["read", "_airtable_views", *flags, "--max-records", "2"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [tuple(line) for line in lines] == [TABLES["_airtable_views"]] * 2
    assert cli.main(["schema", "_airtable_choices", *flags]) == 0
    assert "choice_id" in capfd.readouterr().out
    assert cli.main(["read", "_airtable_choice", *flags]) == 4
    assert "_airtable_choices" in capfd.readouterr().err


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_tables_description_is_the_comment_of_its_copy(
    mock_airtable: MockAirtable, tmp_path: Path, format: str
) -> None:
    text = 'Who makes "it", and what it\'s worth'
    mock_airtable.update_table("Vendors", description=text)
    base = Airtable(**mock_airtable.options())
    where = target(format, tmp_path)
    for ingestion_type in ("snapshot", "append"):
        spec = {"objects": [{"table": {"source_table": "Vendors", "destination_table": ingestion_type,
                                       "table_configuration": {"ingestion_type": ingestion_type}}}]}  # fmt: skip
        assert not base.sync(spec, **where).failed
        assert comment(format, tmp_path, ingestion_type) == text
    assert not base.sync(["_airtable_views"], **where).failed
    assert not comment(format, tmp_path, "airtable_views")


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_fields_description_is_the_comment_of_its_column(
    mock_airtable: MockAirtable, tmp_path: Path, format: str
) -> None:
    texts = {"name": "Who makes \"it\",\n'really'", "country": None, "added": "later"}
    mock_airtable.update_field("Vendors", "Name", description=texts["name"])
    base = Airtable(**mock_airtable.options())
    configuration = {"ingestion_type": "append", "fields": ["Name", "Country"]}
    spec = {"objects": [{"table": {"source_table": "Vendors", "table_configuration": configuration}}]}
    assert not base.sync(spec, **target(format, tmp_path)).failed
    assert comments(format, tmp_path, "vendors").items() >= {"name": texts["name"], "country": None}.items()

    mock_airtable.create_field("Vendors", {"name": "Added", "type": "singleLineText", "description": "later"})
    mock_airtable.update_field("Vendors", "Name", description="another one")
    mock_airtable.create_records("Vendors", [{"Name": "Soapworks", "Added": "x"}])
    mock_airtable.advance_clock(120)
    configuration["fields"].append("Added")  # type: ignore[attr-defined]
    assert not base.sync(spec, **target(format, tmp_path)).failed
    assert comments(format, tmp_path, "vendors").items() >= texts.items()


def comments(format: str, lake: Path, name: str) -> dict[str, str | None]:
    """The comments of a copy's columns."""
    if format == "delta":
        from deltalake import DeltaTable

        return {field.name: field.metadata.get("comment") for field in DeltaTable(lake / name).schema().fields}
    if format == "duckdb":
        import duckdb

        with duckdb.connect(lake / "copies.duckdb", read_only=True) as database:
            statement = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?"
            return dict(database.execute(statement, [name]).fetchall())
    from pyiceberg.catalog import load_catalog

    from sync_copies import catalog

    table = load_catalog("lake", **catalog(lake)).load_table(("copies", name))
    return {field.name: field.doc for field in table.schema().fields}


def comment(format: str, lake: Path, name: str) -> str | None:
    if format == "delta":
        from deltalake import DeltaTable

        return DeltaTable(lake / name).metadata().description
    if format == "duckdb":
        import duckdb

        with duckdb.connect(lake / "copies.duckdb", read_only=True) as database:
            found = database.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
        assert found is not None
        text: str | None = found[0]
        return text
    from pyiceberg.catalog import load_catalog

    from sync_copies import catalog

    return load_catalog("lake", **catalog(lake)).load_table(("copies", name)).properties.get("comment")

"""Several bases as one table, without Spark: reads, keys, copies, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import sync_copies
from lakeflow_airtable import Airtable, OptionError
from lakeflow_airtable.errors import AirtableError, NotFoundError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options

TEXT = {"name": "Name", "type": "singleLineText"}
NUMBER = {"name": "Price", "type": "number", "options": {"precision": 2}}
DATE = {"name": "Sold", "type": "date", "options": {"dateFormat": {"name": "iso"}}}
SHOPS = {"North": [TEXT, NUMBER], "South": [NUMBER, TEXT, DATE], "East": [TEXT]}


@pytest.fixture
def shops(mock_airtable: MockAirtable) -> list[str]:
    """Bases of one template, each with fields of its own."""
    bases = []
    for number, (name, fields) in enumerate(SHOPS.items()):
        base = mock_airtable.create_base(name, [{"name": "Orders", "fields": fields}])
        mock_airtable.create_records("Orders", [{"Name": f"{name} {n}"} for n in range(3 + number)], base=base)
        bases.append(base)
    mock_airtable.clear_requests()
    return bases


def connection(mock: MockAirtable) -> dict[str, Any]:
    return {name: value for name, value in mock.options().items() if name != "base_id"}


def test_a_read_gives_what_separate_reads_give(mock_airtable: MockAirtable, shops: list[str]) -> None:
    airtable = Airtable(**connection(mock_airtable))
    read = airtable.read("Orders", namespace=shops)
    table = read.to_arrow()
    assert table.schema.names == ["id", "_base_id", "createdTime", "name", "price", "sold", "_rescued_data"]
    assert not table.schema.field("_base_id").nullable
    by_base: dict[str, list[dict[str, Any]]] = {base: [] for base in shops}
    for row in table.to_pylist():
        by_base[row.pop("_base_id")].append(row)
    for base, rows in by_base.items():
        separate = airtable.read("Orders", namespace=[base]).to_arrow().to_pylist()
        assert [{name: row.get(name) for name in rows[0]} for row in separate] == rows
    assert read.stats.rows == 12
    assert airtable.metadata("Orders", namespace=shops)["primary_keys"] == ["id", "_base_id"]


def test_conditions_of_polars_and_few_columns_reach_every_base(mock_airtable: MockAirtable, shops: list[str]) -> None:
    airtable = Airtable(**connection(mock_airtable), namespace=shops)
    counts = airtable.scan_polars("Orders").group_by("_base_id").len().collect()
    assert dict(counts.iter_rows()) == dict(zip(shops, (3, 4, 5), strict=True))
    assert airtable.scan_polars("Orders").head(5).collect().height == 5
    assert airtable.schema("Orders", fields=["Sold"]).names == [
        "id",
        "_base_id",
        "createdTime",
        "sold",
        "_rescued_data",
    ]


def test_fields_are_read_of_every_base_that_has_their_column(mock_airtable: MockAirtable, shops: list[str]) -> None:
    airtable = Airtable(**connection(mock_airtable), namespace=shops)
    whole = {row["id"]: row for row in airtable.read("Orders").to_arrow().to_pylist()}
    ids = [next(table for table in mock_airtable.schema(base=base)["tables"])["fields"][0]["id"] for base in shops]
    mock_airtable.rename_field("Orders", "Name", "NAME", base=shops[2])
    for wanted, columns in (
        ([ids[0]], ["name"]),
        ([ids[2]], ["name"]),
        (["NAME", ids[1]], ["name", "price"]),
        ([], []),
    ):
        table = airtable.read("Orders", fields=wanted, where="name <> 'North 1'").to_arrow()
        names = ["id", "_base_id", "createdTime", *columns, "_rescued_data"]
        assert table.schema.names == names
        expected = [{name: row[name] for name in names} for row in whole.values() if row["name"] != "North 1"]
        assert sorted(table.to_pylist(), key=lambda row: row["id"]) == sorted(expected, key=lambda row: row["id"])


def test_a_condition_on_the_base_chooses_bases(mock_airtable: MockAirtable, shops: list[str]) -> None:
    airtable = Airtable(**connection(mock_airtable), namespace=shops)
    where = f"_base_id = '{shops[1]}' AND sold IS NULL OR _base_id > 'b' OR name = 'East 4'"
    table = airtable.read("Orders", fields=[], where=where).to_arrow()
    assert Counter(table["_base_id"].to_pylist()) == {shops[1]: 4, shops[2]: 1}


def test_every_base_is_meant_by_a_star(mock_airtable: MockAirtable, shops: list[str]) -> None:
    airtable = Airtable(**connection(mock_airtable))
    assert set(airtable.read("Orders", namespace="*").to_arrow()["_base_id"].to_pylist()) == set(shops)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_id": "appX"}, "base_id fixes appX"),
        ({"ingestion_type": "cdc_with_deletes"}, "read as snapshots only"),
    ],
)
def test_what_cannot_be_together_is_refused(
    mock_airtable: MockAirtable, shops: list[str], options: dict[str, str], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        Airtable(**{**connection(mock_airtable), **options}, namespace=shops).schema("Orders")
    with pytest.raises(OptionError, match="go their own ways"):
        Airtable(**connection(mock_airtable), namespace=shops).latest_offset("Orders")


def test_two_types_and_missing_tables_are_told_by_base(mock_airtable: MockAirtable, shops: list[str]) -> None:
    west = mock_airtable.create_base("West", [{"name": "Orders", "fields": [{**TEXT, "name": "Price"}]}])
    none = mock_airtable.create_base("None", [{"name": "Notes", "fields": [TEXT]}])
    mock_airtable.clear_requests()
    airtable = Airtable(**connection(mock_airtable))
    with pytest.raises(OptionError, match=f'"price" is DOUBLE in base {shops[0]} and STRING in base {west}'):
        airtable.read("Orders", namespace=[*shops, west])
    with pytest.raises(NotFoundError, match=f"1 of 4 bases cannot be read: .*{none}"):
        airtable.read("Orders", namespace=[*shops, none])
    assert set(mock_airtable.request_counts()) == {"get_schema"}


@pytest.mark.parametrize("format", sync_copies.FORMATS)
def test_a_copy_of_several_bases_is_replaced_as_a_whole(
    mock_airtable: MockAirtable, shops: list[str], tmp_path: Path, format: Any
) -> None:
    lake = tmp_path / "lake"
    airtable = Airtable(**connection(mock_airtable))
    for bases, rows in ((shops[:2], 7), (shops, 12)):
        mock_airtable.clear_requests()
        report = airtable.sync(["Orders"], **sync_copies.target(format, lake), namespace=bases)
        assert not report.failed, report.failed
        assert mock_airtable.request_counts() == {"get_schema": len(bases), "list_records": len(bases)}
        copy = sync_copies.table(format, lake, "orders")
        counted = Counter(copy["_base_id"].to_pylist())
        assert (counted.total(), set(counted)) == (rows, set(bases))
        assert len(set(zip(copy["_base_id"].to_pylist(), copy["id"].to_pylist(), strict=True))) == rows
        assert airtable.verify("Orders", copy, namespace=bases, cells=True).is_equal


def test_a_pattern_means_the_tables_of_all_and_changes_are_refused(
    mock_airtable: MockAirtable, shops: list[str], tmp_path: Path
) -> None:
    airtable = Airtable(**connection(mock_airtable))
    report = airtable.sync("*", to=tmp_path / "lake", format="parquet", namespace=shops)
    assert not report.failed
    assert pa.parquet.read_table(tmp_path / "lake" / "orders.parquet").num_rows == 12
    spec = {
        "objects": [
            {"table": {"source_table": "Orders", "table_configuration": {"ingestion_type": "cdc", "namespace": shops}}}
        ]
    }
    with pytest.raises(AirtableError, match="read as snapshots only"):
        airtable.sync(spec, to=tmp_path / "other", format="delta")
    assert not (tmp_path / "other").exists()


def test_a_plan_of_several_bases_travels_and_shows_none_of_the_token(
    mock_airtable: MockAirtable, shops: list[str]
) -> None:
    from lakeflow_airtable._native import Connector

    plan = Connector(Options.from_values({**connection(mock_airtable), "namespace": shops})).plan("Orders")
    assert [json.loads(one.to_json())["base_id"] for one in plan.bases()] == shops
    assert "and 2 more" in repr(plan)
    assert mock_airtable.token not in plan.to_json()

"""Each mode in each format: a first load, changes, a run with nothing new, and a load anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from sync_copies import FORMATS, Row, assert_equal, assert_history, base_rows, current, rows, target

MERGING = [format for format in FORMATS if format != "parquet"]
CDC, DELETES = {"ingestion_type": "cdc"}, {"ingestion_type": "cdc_with_deletes"}
SCD_2 = {"scd_type": "SCD_TYPE_2"}


class Copies:
    """Copies of one mock's tables in one format."""

    def __init__(self, mock: MockAirtable, format: str, lake: Path) -> None:
        self.mock = mock
        self.format, self.lake = format, lake
        self.base = Airtable(**mock.options())

    def sync(self, spec: Any = ("Items",), **options: Any) -> Any:
        report = self.base.sync(
            spec if isinstance(spec, str | dict) else list(spec),
            **target(self.format, self.lake),
            **options,
        )
        assert not report.failed, report
        return report

    def rows(self, name: str = "items") -> list[Row]:
        return rows(self.format, self.lake, name)

    def of_base(self, table: str = "Items") -> dict[str, Row]:
        return base_rows(self.mock.options(), table)

    def change(self) -> tuple[str, str, str]:
        """Edits a record, deletes one and makes one; gives their ids."""
        edited, deleted = (record["id"] for record in self.mock.records("Items")[:2])
        self.mock.update_records("Items", {edited: {"Name": "edited", "Tags": ["b"]}})
        self.mock.delete_records("Items", [deleted])
        [new] = self.mock.create_records("Items", [{"Name": "new"}])
        self.mock.advance_clock(120)
        return edited, deleted, new


@pytest.fixture
def copies(request: pytest.FixtureRequest, items: MockAirtable, lake: Path) -> Copies:
    return Copies(items, request.param, lake)


in_every_format = pytest.mark.parametrize("copies", FORMATS, indirect=True)
where_changes_are_merged = pytest.mark.parametrize("copies", MERGING, indirect=True)


def counts(report: Any) -> tuple[int, int, int]:
    [table] = report
    return table.rows, table.changed, table.deleted


@in_every_format
def test_a_snapshot_is_replaced(copies: Copies) -> None:
    assert counts(copies.sync()) == (30, 30, 0)
    assert_equal(copies.rows(), copies.of_base())
    copies.change()
    assert counts(copies.sync()) == (30, 30, 0)
    assert_equal(copies.rows(), copies.of_base())


@in_every_format
def test_every_table_of_the_base(copies: Copies) -> None:
    report = copies.sync("*")
    assert {table.name for table in report} == set(copies.base.list_tables())
    assert report["Vendors"].rows == len(copies.mock.records("Vendors"))
    assert_equal(copies.rows("sku_candidates"), copies.of_base("SKU Candidates"))


@where_changes_are_merged
def test_new_records_are_appended(copies: Copies) -> None:
    before = {record["id"] for record in copies.mock.records("Items")}
    assert counts(copies.sync(ingestion_type="append")) == (30, 30, 0)
    _, _, new = copies.change()
    assert counts(copies.sync(ingestion_type="append")) == (1, 1, 0)
    assert counts(copies.sync(ingestion_type="append")) == (0, 0, 0)
    assert sorted(row["id"] for row in copies.rows()) == sorted([*before, new])


@where_changes_are_merged
def test_changes_are_merged(copies: Copies) -> None:
    assert counts(copies.sync(**CDC)) == (30, 30, 0)
    _, deleted, _ = copies.change()
    assert counts(copies.sync(**CDC)) == (2, 2, 0)
    assert counts(copies.sync(**CDC)) == (0, 0, 0)
    assert_equal([row for row in copies.rows() if row["id"] != deleted], copies.of_base())
    assert "_deleted" not in copies.rows()[0]


EDITED = {
    "name": "Edited",
    "type": "lastModifiedTime",
    "options": {
        "isValid": True,
        "referencedFieldIds": [],
        "result": {
            "type": "dateTime",
            "options": {"dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}, "timeZone": "utc"},
        },
    },
}


@where_changes_are_merged
@pytest.mark.parametrize("tells_edits", [False, True], ids=["until when it was read", "when it was edited"])
def test_a_row_that_is_read_again_and_equal_does_not_count(copies: Copies, tells_edits: bool) -> None:
    if tells_edits:
        copies.mock.create_field("Items", EDITED)
    ids = [record["id"] for record in copies.mock.records("Items")]
    copies.sync(**CDC)
    copies.mock.update_records("Items", {ids[0]: {"Name": "edited"}, ids[1]: {"Tags": ["b"]}, ids[2]: {"Size": None}})
    copies.mock.advance_clock(20)
    assert counts(copies.sync(**CDC)) == (3, 3, 0)
    before = copies.rows()
    copies.mock.update_records("Items", {ids[1]: {"Tags": ["a", "b"]}, ids[3]: {"Size": 7}})
    copies.mock.advance_clock(20)
    rows, changed, deleted = counts(copies.sync(**CDC))
    # By what the lookback covers the first ones come again.
    assert (rows, changed, deleted) == (4, 2, 0)
    assert_equal(copies.rows(), copies.of_base())
    same = [row for row in before if row["id"] not in (ids[1], ids[3])]
    again = {row["id"]: row for row in copies.rows()}
    assert all(again[row["id"]] == row for row in same)


@where_changes_are_merged
def test_a_column_that_is_new_makes_another_row(copies: Copies) -> None:
    copies.sync(**CDC)
    first, second, *_ = (record["id"] for record in copies.mock.records("Items"))
    copies.mock.update_records("Items", {first: {"Name": "edited"}, second: {"Name": "edited"}})
    copies.mock.advance_clock(20)
    copies.sync(**CDC)
    copies.mock.create_field("Items", {"name": "Note", "type": "singleLineText"})
    copies.mock.update_records("Items", {first: {"Note": "new"}})
    copies.mock.advance_clock(20)
    assert counts(copies.sync(**CDC)) == (2, 1, 0)
    assert {row["id"] for row in copies.rows() if row["note"] == "new"} == {first}


@where_changes_are_merged
def test_deletes_are_merged(copies: Copies) -> None:
    assert counts(copies.sync(**DELETES)) == (30, 30, 0)
    copies.change()
    assert counts(copies.sync(**DELETES)) == (3, 2, 1)
    assert counts(copies.sync(**DELETES)) == (0, 0, 0)
    assert_equal(copies.rows(), copies.of_base())


@where_changes_are_merged
def test_versions_are_kept(copies: Copies) -> None:
    copies.sync(**DELETES, **SCD_2)
    before = {row["id"]: row for row in copies.rows()}
    edited, deleted, _ = copies.change()
    assert counts(copies.sync(**DELETES, **SCD_2)) == (3, 2, 1)
    versions = copies.rows()
    assert assert_history(versions) == 32
    assert_equal(current(versions), copies.of_base())
    # What had ended is as it was, and ends where its record was edited or deleted.
    ended = {row["id"]: row for row in versions if row["__END_AT"] is not None}
    assert ended.keys() == {edited, deleted}
    for record, row in ended.items():
        assert {**row, "__END_AT": None} == before[record]
    [now] = [row for row in current(versions) if row["id"] == edited]
    assert now["__START_AT"] == ended[edited]["__END_AT"]
    assert {"_changed_at", "_deleted"}.isdisjoint(now)


@where_changes_are_merged
def test_what_is_read_again_without_a_difference_makes_no_version(copies: Copies) -> None:
    copies.sync(**CDC, **SCD_2)
    edited = copies.mock.records("Items")[0]["id"]
    for name in ("other", "item 0"):
        copies.mock.update_records("Items", {edited: {"Name": name}})
    copies.mock.advance_clock(120)
    assert counts(copies.sync(**CDC, **SCD_2)) == (1, 0, 0)
    assert len(copies.rows()) == 30


@where_changes_are_merged
def test_a_log_of_changes_is_appended(copies: Copies) -> None:
    if copies.format == "iceberg":
        pytest.skip("Iceberg keeps the name _deleted for itself")
    copies.sync(**DELETES, scd_type="APPEND_ONLY")
    edited, deleted, _ = copies.change()
    copies.sync(**DELETES, scd_type="APPEND_ONLY")
    told = copies.rows()
    assert len(told) == 33
    assert {(row["id"], row["_deleted"]) for row in told[-3:] + told[:3] if row["_changed_at"]} >= {(deleted, True)}
    assert sorted(row["id"] for row in told).count(edited) == 2


@where_changes_are_merged
@pytest.mark.parametrize("mode", [{"ingestion_type": "append"}, CDC, {**DELETES, **SCD_2}], ids=str)
def test_a_first_load_in_parts(copies: Copies, mode: dict[str, str]) -> None:
    assert counts(copies.sync(**mode, max_records_per_batch=7)) == (30, 30, 0)
    assert_equal(copies.rows(), copies.of_base())


@where_changes_are_merged
def test_a_merge_of_more_rows_than_are_held_at_once(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    copies.sync(**DELETES)
    monkeypatch.setattr("lakeflow_airtable.sync.run.MERGED_ROWS", 8)
    ids = [record["id"] for record in copies.mock.records("Items")]
    copies.mock.update_records("Items", {record: {"Name": f"new {record}"} for record in ids})
    copies.mock.delete_records("Items", ids[:3])
    copies.mock.advance_clock(120)
    assert counts(copies.sync(**DELETES, page_size=5)) == (30, 27, 3)
    assert_equal(copies.rows(), copies.of_base())


@where_changes_are_merged
def test_a_key_and_an_order_of_ones_own(copies: Copies) -> None:
    for size in (1.0, 3.0, 2.0):
        copies.mock.create_records("Items", [{"Name": "twice", "Size": size}])
    copies.mock.advance_clock(120)
    own = {"primary_keys": ["name"], "sequence_by": "size"}
    copies.sync(**CDC, **own)
    # A first load takes rows as they come; what is merged is there once.
    copies.mock.create_records("Items", [{"Name": "later", "Size": size} for size in (5.0, 9.0, 7.0)])
    copies.mock.advance_clock(120)
    copies.sync(**CDC, **own)
    assert [row["size"] for row in copies.rows() if row["name"] == "later"] == [9.0]
    copies.mock.create_records("Items", [{"Name": "later", "Size": 8.0}])
    copies.mock.advance_clock(120)
    copies.sync(**CDC, **own)
    assert [row["size"] for row in copies.rows() if row["name"] == "later"] == [9.0]


@where_changes_are_merged
@pytest.mark.parametrize("mode", [CDC, {**DELETES, **SCD_2}, {"ingestion_type": "append"}], ids=str)
def test_a_load_anew_takes_the_place_of_everything(copies: Copies, mode: dict[str, str]) -> None:
    copies.sync(**mode)
    copies.change()
    copies.sync(**mode)
    copies.sync(**mode, refresh=["Items"])
    assert_equal(copies.rows(), copies.of_base())
    assert counts(copies.sync(**mode)) == (0, 0, 0)


@in_every_format
def test_a_copy_can_be_kept_in_another_way_after_a_load_anew(copies: Copies) -> None:
    copies.sync()
    if copies.format == "parquet":
        copies.sync(refresh=True)
        return
    report = copies.base.sync(["Items"], **target(copies.format, copies.lake), **DELETES)
    assert "was kept as snapshot, and is to be kept as cdc_with_deletes SCD 1" in str(report.failed[0].error)
    copies.sync(refresh=True, **DELETES)
    copies.change()
    copies.sync(**DELETES)
    assert_equal(copies.rows(), copies.of_base())


@where_changes_are_merged
def test_one_specification_for_several_tables(copies: Copies) -> None:
    spec = {
        "objects": [
            {"table": {"source_table": "V*"}},
            {
                "table": {
                    "source_table": "Items",
                    "destination_table": "things",
                    "table_configuration": {**DELETES, "scd_type": "SCD_TYPE_2", "fields": ["Name"]},
                }
            },
        ]
    }
    report = copies.sync(spec)
    assert [(table.name, table.mode) for table in report] == [
        ("Vendors", "snapshot"),
        ("Items", "cdc_with_deletes SCD 2"),
    ]
    things = copies.rows("things")
    assert set(things[0]) == {"id", "createdTime", "name", "_rescued_data", "__START_AT", "__END_AT"}
    assert len(things) == 30


@where_changes_are_merged
def test_a_run_with_nothing_new_writes_nothing(copies: Copies, lake: Path) -> None:
    copies.sync(**CDC)
    copies.mock.clear_requests()
    before = sorted(path for path in lake.rglob("*") if path.suffix not in (".db", ".wal"))
    copies.sync(**CDC)
    assert sorted(path for path in lake.rglob("*") if path.suffix not in (".db", ".wal")) == before
    # The definition of the table, for the specification and the stream together, and what is new.
    assert copies.mock.request_counts() == {"get_schema": 1, "list_records": 1}

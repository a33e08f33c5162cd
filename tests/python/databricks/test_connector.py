"""The connector for Databricks' community connector framework: what the framework's own tests ask of every connector.

The framework is a stand-in, see `framework/`. Its tests ask a connector for all its tables, with the options in the
connection or in the table's own. So every check here is made for every kind of ingestion, half of them said in the one
place and half in the other, and from check to check the halves change places: every kind meets both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow
import pytest
from pyspark.sql.types import StructType

from lakeflow_airtable import Airtable, NotFoundError
from lakeflow_airtable.mock import MockAirtable

NO_TABLE = "__nonexistent_table_$$_9z9z9z__"
OWN_COLUMNS = ("_changed_at", "_deleted")

Record = dict[str, Any]
Offset = dict[str, Any]


@dataclass
class Source:
    """A connector on a mock Airtable whose records are all old enough to be read."""

    framework: Callable[[str], Any]
    mock: MockAirtable
    mode: str
    connection: dict[str, str]
    options: dict[str, Any]

    def connector(self, **more: str) -> Any:
        """What the framework makes for a run."""
        return self.framework("sources.airtable").AirtableLakeflowConnect({**self.connection, **more})

    def checked(self, table: str, records: list[Record], deletes: bool = False) -> list[Record]:
        """The records, if they are what the framework takes."""
        connector = self.connector()
        schema = connector.get_table_schema(table, self.options)
        keys = connector.read_table_metadata(table, self.options)["primary_keys"]
        for record in records:
            assert type(record) is dict
            assert record.keys() == set(schema.names)
            self.framework("libs.utils").parse_value(record, schema)
            required = keys if deletes else [field.name for field in schema if not field.nullable]
            assert all(record[name] is not None for name in required), record
        return records

    def later(self) -> None:
        """Lets everything so far become old enough to be read."""
        self.mock.advance_clock(120)

    def settled(self, connector: Any, table: str) -> Any:
        """The connector, once what its streams end at is so old that it need not wait before it reads."""
        if self.mode != "snapshot":
            connector.latest_offset(table, self.options, {})
            self.later()
            connector.list_tables_in_namespace([])  # an answer, which tells the time
        return connector


CHANGES = ("cdc", "cdc_with_deletes", "append")


PLACES = ("connection", "table")
_turns = count()


def ingested(*modes: str, places: Sequence[str] = PLACES) -> pytest.MarkDecorator:
    """Runs a test for these kinds of ingestion, said in these places by turns."""
    turn = next(_turns)
    cases = [f"{mode}-{places[(turn + number) % len(places)]}" for number, mode in enumerate(modes)]
    return pytest.mark.parametrize("source", cases, indirect=True)


def ingested_everywhere(*modes: str) -> pytest.MarkDecorator:
    """Runs a test for these kinds of ingestion, each said in both places."""
    return pytest.mark.parametrize("source", [f"{mode}-{place}" for mode in modes for place in PLACES], indirect=True)


@pytest.fixture
def source(request: pytest.FixtureRequest, framework: Callable[[str], Any], mock_airtable: MockAirtable) -> Source:
    mode, place = request.param.split("-")
    mock_airtable.generate_table("Generated", 60, 20)
    mock_airtable.advance_clock(30)
    connection = mock_airtable.options()
    if place == "connection":
        return Source(framework, mock_airtable, mode, {**connection, "ingestion_type": mode}, {})
    # As people write names, and with values that are no texts.
    return Source(framework, mock_airtable, mode, connection, {"Ingestion_Type": mode, "PAGE_SIZE": 50})


def drained(
    read: Callable[..., tuple[Iterator[Record], Offset | None]],
    table: str,
    start: Offset | None,
    options: Mapping[str, Any],
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[list[Record], Offset | None]:
    """All records from an offset on, call by call as the framework calls, until the offset stands still."""
    records: list[Record] = []
    for _ in range(50):
        found, end = read(table, start, options)
        records.extend(found)
        if end is None or end == start:
            return records, end
        start = json.loads(json.dumps(end))
        meanwhile()
    pytest.fail(f"{table}: no end after 50 calls")


def streamed(
    source: Source,
    connector: Any,
    table: str,
    start: Offset,
    options: Mapping[str, Any],
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[list[Record], Offset]:
    """The same, as Spark reads a partitioned stream."""
    records: list[Record] = []
    for _ in range(20):
        end = json.loads(json.dumps(connector.latest_offset(table, options, start)))
        if end == start:
            return records, end
        source.settled(connector, table)
        for partition in connector.get_partitions(table, options, start, end):
            shipped = json.loads(json.dumps(partition))
            records.extend(connector.read_partition(table, shipped, options))
        start = end
        meanwhile()
    pytest.fail(f"{table}: no end after 20 batches")


def plain(records: list[Record]) -> list[str]:
    """Records as text, in which NaN equals NaN, in no order."""
    return sorted(json.dumps(record, sort_keys=True) for record in records)


def library_rows(source: Source, table: str) -> list[str]:
    """What the library reads, in the framework's form but without the columns of change reads."""
    rows = pyarrow.table(Airtable(**source.mock.options()).read(table)).to_pylist()
    return sorted(json.dumps(row, sort_keys=True, default=lambda time: time.isoformat()) for row in rows)


def without_own(records: list[Record]) -> list[Record]:
    return [{name: value for name, value in record.items() if name not in OWN_COLUMNS} for record in records]


def ids(records: list[Record]) -> list[str]:
    return [record["id"] for record in records]


@ingested("snapshot", *CHANGES)
def test_what_the_class_is(source: Source) -> None:
    interface = source.framework("interface")
    for kind in (interface.LakeflowConnect, interface.SupportsPartitionedStream, interface.SupportsNamespaces):
        assert isinstance(source.connector(), kind)


@ingested("snapshot", *CHANGES)
def test_tables_have_names_of_their_own(source: Source) -> None:
    tables = source.connector().list_tables()
    assert type(tables) is list
    assert len(tables) == len(set(tables)) == 7
    assert all(type(table) is str for table in tables)


@ingested("snapshot", *CHANGES)
def test_an_unknown_table_is_refused_by_the_call_itself(source: Source) -> None:
    connector = source.connector()
    calls: list[Callable[[], object]] = [
        lambda: connector.get_table_schema(NO_TABLE, source.options),
        lambda: connector.read_table_metadata(NO_TABLE, source.options),
        lambda: connector.read_table(NO_TABLE, {}, source.options),
        lambda: connector.read_table(NO_TABLE, None, {}),
        lambda: connector.latest_offset(NO_TABLE, source.options),
        lambda: connector.get_partitions(NO_TABLE, source.options),
        lambda: connector.is_partitioned(NO_TABLE),
    ]
    for call in calls:
        with pytest.raises(NotFoundError, match="9z9z9z"):
            call()


@ingested("snapshot", *CHANGES)
def test_schemas_are_the_same_each_time(source: Source) -> None:
    connector = source.connector()
    for table in connector.list_tables():
        schema = connector.get_table_schema(table, source.options)
        assert isinstance(schema, StructType)
        lower = [name.lower() for name in schema.names]
        assert len(lower) == len(set(lower)) > 2
        assert source.connector().get_table_schema(table, source.options) == schema
        own = [name for name in schema.names if name in OWN_COLUMNS]
        assert own == (list(OWN_COLUMNS) if source.mode.startswith("cdc") else [])


@ingested("snapshot", *CHANGES)
def test_metadata_name_columns_of_the_schema(source: Source) -> None:
    connector = source.connector()
    for table in connector.list_tables():
        metadata = connector.read_table_metadata(table, source.options)
        assert metadata == source.connector().read_table_metadata(table, source.options)
        assert metadata["ingestion_type"] == source.mode
        columns = connector.get_table_schema(table, source.options).names
        assert metadata["primary_keys"] == ["id"]
        assert "id" in columns
        if source.mode != "snapshot":
            assert metadata["cursor_field"] in columns


@ingested("snapshot", *CHANGES)
def test_every_table_is_read_to_its_end(source: Source) -> None:
    connector = source.connector()
    for table in connector.list_tables():
        records, end = drained(source.settled(connector, table).read_table, table, {}, source.options)
        source.checked(table, records)
        assert plain(without_own(records)) == library_rows(source, table)
        assert (end is None) == (source.mode == "snapshot")


@ingested("snapshot", *CHANGES)
def test_every_column_is_filled_by_some_record(source: Source) -> None:
    connector = source.settled(source.connector(), "Generated")
    records, _ = drained(connector.read_table, "Generated", {}, source.options)
    empty = {name for name in records[0] if all(record[name] is None for record in records)}
    assert empty == set()


@ingested("snapshot", *CHANGES)
def test_a_batch_read_is_the_whole_table_at_once(source: Source) -> None:
    """The framework makes one call for it, whatever a stream's batches are bounded to."""
    options = {**source.options, "max_records_per_batch": "10"}
    connector = source.settled(source.connector(), "Generated")
    records = list(connector.read_table("Generated", None, options)[0])
    assert plain(without_own(source.checked("Generated", records))) == library_rows(source, "Generated")
    first = connector.get_partitions("Generated", options)
    assert first == connector.get_partitions("Generated", options)
    (partition,) = first
    shipped = json.loads(json.dumps(partition))
    records = list(connector.read_partition("Generated", shipped, options))
    assert plain(without_own(source.checked("Generated", records))) == library_rows(source, "Generated")


@ingested_everywhere("snapshot", *CHANGES)
def test_a_stream_is_planned_in_partitions(source: Source) -> None:
    connector = source.connector()
    in_connection = "ingestion_type" in source.connection
    for table in connector.list_tables():
        # It has no table options to go by; Spark gives the connection's and the table's together.
        assert connector.is_partitioned(table) is (in_connection and source.mode != "snapshot")


@ingested(*CHANGES)
def test_a_partitioned_stream_reads_every_table_to_its_end(source: Source) -> None:
    connector = source.connector()
    for table in connector.list_tables():
        records, end = streamed(source, connector, table, {}, source.options)
        source.checked(table, records)
        assert plain(without_own(records)) == library_rows(source, table)
        assert connector.get_partitions(table, source.options, end, end) == []
        assert connector.latest_offset(table, source.options, end) == end
        # Without a start there is no telling where a stream is: all there is.
        assert connector.latest_offset(table, source.options) == end


@ingested("cdc", places=["connection"])
def test_the_table_may_be_an_option_by_both_names(source: Source) -> None:
    for name in ("tableName", "table_name"):
        connector = source.connector(**{name: "Vendors"})
        assert "Generated" in connector.list_tables()
        # The call's own name goes before what the framework hands on.
        assert connector.get_table_schema("Generated", {name: "Vendors"}) == source.connector().get_table_schema(
            "Generated", {}
        )


@ingested(*CHANGES, places=["connection"])
def test_batches_are_bounded(source: Source) -> None:
    options = {**source.options, "max_records_per_batch": "25"}
    connector = source.settled(source.connector(), "Generated")
    records, end = connector.read_table("Generated", {}, options)
    # The first load comes in parts, about as large as the bound.
    assert 0 < len(list(records)) <= 25
    records, after = connector.read_table("Generated", end, options)
    second = ids(list(records))
    assert 0 < len(second) <= 25
    assert connector.latest_offset("Generated", options, end) == after
    (partition,) = connector.get_partitions("Generated", options, end, after)
    assert ids(list(connector.read_partition("Generated", partition, options))) == second


@pytest.mark.parametrize("reads", ["read_table", "partitions"])
@ingested(*CHANGES, places=["connection"])
def test_a_run_ends_while_records_go_on_changing(source: Source, reads: str) -> None:
    added: list[str] = []

    def run(start: Offset, limit: int, is_busy: bool) -> tuple[list[Record], Offset]:
        connector = source.settled(source.connector(), "Generated")
        options = {**source.options, "max_records_per_batch": limit}

        def meanwhile() -> None:
            if is_busy:
                added.extend(source.mock.create_records("Generated", [{}]))
                source.later()
                connector.list_tables_in_namespace([])  # an answer, which tells the time

        if reads == "partitions":
            return streamed(source, connector, "Generated", start, options, meanwhile)
        records, end = drained(connector.read_table, "Generated", start, options, meanwhile)
        assert end is not None
        return records, end

    before = set(ids(source.mock.records("Generated")))
    first, end = run({}, 25, is_busy=True)
    assert before <= set(ids(first))
    expected = before | set(added)
    assert len(expected) >= len(before) + 2
    second, end = run(end, 1, is_busy=True)
    assert expected <= set(ids(first)) | set(ids(second))
    third, end = run(end, 25, is_busy=False)
    assert set(ids(first)) | set(ids(second)) | set(ids(third)) == before | set(added)
    source.later()
    fourth, _ = run(end, 25, is_busy=False)
    # The lookback of cdc reads again what is recent; the others give each change once.
    assert source.mode == "cdc" or fourth == []


@pytest.mark.parametrize("reads", ["read_table", "partitions"])
@ingested_everywhere("cdc_with_deletes")
def test_deletes_come_in_a_stream_of_their_own(source: Source, reads: str) -> None:
    def run(deletes: bool, start: Offset) -> tuple[list[Record], Offset | None]:
        if reads == "read_table":
            connector = source.settled(source.connector(), "Vendors")
            read = connector.read_table_deletes if deletes else connector.read_table
            return drained(read, "Vendors", start, source.options)
        # Spark gives the option to the connector as written, and to its calls in lower case.
        connector = source.connector(isDeleteFlow="true") if deletes else source.connector()
        more = {"isdeleteflow": "true"} if deletes else {}
        return streamed(source, connector, "Vendors", start, {**source.options, **more})

    upserts, upserts_end = run(False, {})
    deletes, deletes_end = run(True, {})
    assert deletes == []
    assert upserts_end is not None
    assert deletes_end is not None
    kept, gone, *_ = ids(upserts)
    source.mock.update_records("Vendors", {kept: {"Name": "Renamed"}, gone: {"Name": "About to go"}})
    source.mock.delete_records("Vendors", [gone])
    source.later()
    upserts, _ = run(False, upserts_end)
    assert [(record["id"], record["name"], record["_deleted"]) for record in upserts] == [(kept, "Renamed", False)]
    deletes, _ = run(True, deletes_end)
    assert ids(source.checked("Vendors", deletes, deletes=True)) == [gone]
    (record,) = deletes
    assert {name for name, value in record.items() if value is not None} == {"id", *OWN_COLUMNS}
    assert record["_deleted"] is True


def test_definitions_and_comments_are_snapshots(framework: Callable[[str], Any], mock_airtable: MockAirtable) -> None:
    vendor = mock_airtable.records("Vendors")[0]["id"]
    mock_airtable.add_comment("Vendors", vendor, "call them")
    connector = framework("sources.airtable").AirtableLakeflowConnect(mock_airtable.options())
    for name, options, keys in (
        ("_airtable_fields", {}, ["field_id"]),
        ("_airtable_choices", {}, ["field_id", "choice_id"]),
        ("Vendors", {"part": "comments"}, ["comment_id"]),
    ):
        metadata = connector.read_table_metadata(name, options)
        assert (metadata["primary_keys"], metadata["ingestion_type"]) == (keys, "snapshot")
        records, offset = connector.read_table(name, None, options)
        rows = list(records)
        assert rows
        assert offset is None
        assert set(rows[0]) == set(connector.get_table_schema(name, options).names)
        assert not connector.is_partitioned(name)
    assert rows[0]["text"] == "call them"
    assert rows[0]["created_time"].startswith("20")

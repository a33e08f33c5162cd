"""The operations that the framework's agents have on every connector: what they ask of ours, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lakeflow_airtable import NotFoundError
from lakeflow_airtable.mock import MockAirtable

Framework = Callable[[str], Any]
OPERATIONS = ["list_objects", "read_table", "get_object_metadata", "validate_connection", "list_operations"]


def dispatcher(framework: Framework, options: dict[str, Any], operation: str, **asked: str) -> Any:
    """As the framework's own tests make it: a connector that cannot be made is handed over as its error."""
    failure: Exception | None = None
    connector = None
    try:
        connector = framework("sources.airtable").AirtableLakeflowConnect(options)
    except Exception as error:
        failure = error
    made = framework("sparkpds.ingestion_agent_datasource").IngestionAgentDispatcher
    return made({**options, "operation": operation, **asked}, connector, failure)


def answer(framework: Framework, options: dict[str, Any], operation: str, **asked: str) -> list[dict[str, Any]]:
    """The rows of an operation. None shows the token."""
    made = dispatcher(framework, options, operation, **asked)
    reader = made.reader(made.schema())
    rows = [row.asDict(recursive=True) for partition in reader.partitions() for row in reader.read(partition)]
    assert options["token"] not in json.dumps(rows, default=str)
    return rows


def refusal(framework: Framework, options: dict[str, Any], operation: str, **asked: str) -> tuple[str, str]:
    """Code and message of the one row of an error."""
    [row] = answer(framework, options, operation, **asked)
    assert row["_meta"]["status"] == "error"
    return row["_meta"]["code"], row["_meta"]["message"]


@pytest.fixture
def options(mock_airtable: MockAirtable) -> dict[str, Any]:
    return dict(mock_airtable.options())


def without_base(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "base_id"}


def names(mock: MockAirtable) -> list[str]:
    return [table["name"] for table in mock.schema()["tables"]]


@pytest.mark.parametrize("spoilt", [{}, {"max_records": "many"}], ids=["made", "not made"])
def test_there_are_the_frameworks_operations_and_no_more(
    framework: Framework, options: dict[str, Any], spoilt: dict[str, str]
) -> None:
    rows = answer(framework, {**options, **spoilt}, "list_operations")
    assert [row["name"] for row in rows] == OPERATIONS
    assert {row["_meta"]["status"] for row in rows} == {"ok"}


def test_objects_are_the_tables(framework: Framework, options: dict[str, Any], mock_airtable: MockAirtable) -> None:
    rows = answer(framework, options, "list_objects")
    assert {(row["type"], row["_meta"]["status"]) for row in rows} == {("table", "ok")}
    assert sorted(row["name"] for row in rows) == sorted(names(mock_airtable))
    assert [row["name"] for row in answer(framework, options, "list_objects", search="^Vend")] == ["Vendors"]
    assert answer(framework, options, "list_objects", path="elsewhere") == []


def test_objects_of_a_connection_without_a_base_are_those_of_all(
    framework: Framework, options: dict[str, Any], mock_airtable: MockAirtable
) -> None:
    mock_airtable.create_base("Second", [{"name": "Vendors", "fields": [{"name": "Name", "type": "singleLineText"}]}])
    rows = answer(framework, without_base(options), "list_objects")
    found = [row["name"] for row in rows]
    assert len(set(found)) == len(found) > len(names(mock_airtable))
    # A question about one of them names its base, too.
    code, message = refusal(framework, without_base(options), "get_object_metadata", name="SKU Candidates")
    assert (code, message.partition(":")[0]) == ("bad_request", "neither option base_id nor option namespace is given")
    namespace = json.dumps([options["base_id"]])
    given = {"name": "SKU Candidates", "namespace": namespace}
    assert answer(framework, without_base(options), "get_object_metadata", **given)[0]["key"] == "primary_key"


@pytest.mark.parametrize("has_base", [True, False], ids=["of a base", "of all"])
def test_a_connection_is_tried(framework: Framework, options: dict[str, Any], has_base: bool) -> None:
    given = options if has_base else without_base(options)
    assert answer(framework, given, "validate_connection") == [
        {"_meta": {"status": "ok", "code": None, "message": None}}
    ]
    code, message = refusal(framework, {**given, "token": "patWrong"}, "validate_connection")
    assert code == "connection_failed"
    assert message.startswith("AuthError: ")
    assert "the token was not accepted" in message
    assert "\n" not in message


def test_a_connection_that_cannot_be_made_says_why(framework: Framework, options: dict[str, Any]) -> None:
    given = {**options, "max_records": "many"}
    code, message = refusal(framework, given, "validate_connection")
    assert code == "connection_failed"
    assert "option max_records" in message
    assert refusal(framework, given, "list_objects") == ("bad_request", message)
    with pytest.raises(ValueError, match="option max_records"):
        dispatcher(framework, given, "read_table", tableName="Vendors").schema()


@pytest.mark.parametrize("mode", ["snapshot", "cdc", "cdc_with_deletes", "append"])
def test_what_is_known_of_a_table(framework: Framework, options: dict[str, Any], mode: str) -> None:
    given = {**options, "ingestion_type": mode}
    rows = {row["key"]: row["value"] for row in answer(framework, given, "get_object_metadata", name="Vendors")}
    assert json.loads(rows["primary_key"]) == ["id"]
    assert rows["ingestion_type"] == mode
    assert ("cursor_column" in rows and rows["cursor_column"] is not None) == (mode != "snapshot")
    [row] = answer(framework, given, "get_object_metadata", name="Vendors", metadataKey="PRIMARY_KEY")
    assert row["key"] == "primary_key"


def test_what_is_asked_wrongly(framework: Framework, options: dict[str, Any]) -> None:
    assert refusal(framework, options, "get_object_metadata") == (
        "bad_request",
        "Operation 'get_object_metadata' requires option 'name'.",
    )
    code, message = refusal(framework, options, "get_object_metadata", name="Vendor")
    assert code == "internal_error"
    assert message.startswith("NotFoundError: ")
    assert "Vendors" in message
    with pytest.raises(ValueError, match="Unknown ingestion-agent operation: surprise"):
        dispatcher(framework, options, "surprise").schema()
    with pytest.raises(framework("interface").AgentError, match="requires option 'tableName'"):
        dispatcher(framework, options, "read_table").schema()


@pytest.mark.parametrize("more", [{}, {"schemaName": "default", "catalogName": "main"}, {"ingestion_type": "cdc"}])
def test_a_table_is_read_whole(
    framework: Framework, options: dict[str, Any], mock_airtable: MockAirtable, more: dict[str, str]
) -> None:
    mock_airtable.advance_clock(120)
    rows = answer(framework, options, "read_table", tableName="Vendors", **more)
    assert sorted(row["id"] for row in rows) == sorted(record["id"] for record in mock_airtable.records("Vendors"))
    assert "_meta" not in rows[0]


def test_a_table_that_is_not_there(framework: Framework, options: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match="Vendors"):
        dispatcher(framework, options, "read_table", tableName="Vendor").schema()

"""What a user sees in a notebook when a read fails: which error, once, in one line that says what to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Mistake(NamedTuple):
    """Options over the mock's own (`None` leaves one out), faults of the mock, and what the message must say."""

    options: dict[str, str | None]
    error: str
    says: list[str]
    faults: dict[str, Any] | None = None


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


CLOSED = _closed_port()

MISTAKES = {
    "missing token": Mistake({"token": None}, "OptionError", ["option token is missing", "bearer_token", "WITH (...)"]),
    "missing token with a connection": Mistake(
        {"token": None, "databricks.connection": "airtable"},
        "OptionError",
        ["airtable", "connectionDfOptionInjection", "externalOptionsAllowList"],
    ),
    "missing table": Mistake({"tableName": None}, "OptionError", ["tableName"]),
    "bad value": Mistake({"on_bad_value": "ignore"}, "OptionError", ["on_bad_value", "ignore", "rescue", "fail"]),
    "near miss": Mistake({"filter_formul": "1"}, "OptionError", ["filter_formul", "did you mean filter_formula?"]),
    "wrong token": Mistake({"token": "patWRONGWRONGWRONG.0123"}, "AuthError", ["401", "token"]),
    "no access to the base": Mistake({"base_id": "appNoSuchBase0000"}, "AuthError", ["403", "access to this base"]),
    "unknown table": Mistake({"tableName": "Vendor"}, "NotFoundError", ["Vendor", "did you mean", '"Vendors"']),
    "unknown field": Mistake({"fields": '["Nmae"]'}, "NotFoundError", ["Nmae", "did you mean", '"Name"']),
    "unknown view": Mistake({"view": "No such view"}, "NotFoundError", ["No such view", "view"]),
    "bad formula": Mistake({"filter_formula": "AND("}, "RejectedError", ["422", "filter_formula"]),
    "base_url without scheme": Mistake(
        {"base_url": f"localhost:{CLOSED}", "max_retries": "0"}, "TransportError", [f"https://localhost:{CLOSED}"]
    ),
    "unreachable host": Mistake(
        {"base_url": f"http://127.0.0.1:{CLOSED}", "max_retries": "0"}, "TransportError", ["cannot connect", "base_url"]
    ),
    "monthly cap": Mistake({}, "RateLimitError", ["429", "this month"], {"monthly_calls": 1}),
    "rate limit": Mistake(
        {"max_retries": "0"},
        "RateLimitError",
        ["429", "requests_per_second"],
        {"rules": [{"path": "/v0/app", "action": {"rate_limited": {}}}]},
    ),
    "outage": Mistake(
        {"max_retries": "0"}, "TransportError", ["502"], {"rules": [{"path": "/v0/app", "action": "bad_gateway"}]}
    ),
    "not JSON": Mistake(
        {"max_retries": "0"}, "DataError", ["not a JSON"], {"rules": [{"path": "/v0/app", "action": "not_json"}]}
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(spark: SparkSession, mock_airtable: MockAirtable, name: str) -> None:
    mistake = MISTAKES[name]
    if mistake.faults is not None:
        mock_airtable.faults = mistake.faults
    given: dict[str, str | None] = {**mock_airtable.options(), "tableName": "Vendors", **mistake.options}
    options = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(Exception) as caught:  # noqa: PT011  # Spark's classes differ with the place of the failure
        spark.read.format("lakeflow_connect").options(**options).load().collect()

    text = str(caught.value)
    heading = f"lakeflow_airtable.{mistake.error}: "
    lines = text.splitlines()
    at = [number for number, line in enumerate(lines) if heading in line]
    assert len(at) == 1, text
    # Spark's heading and one frame stand before it.
    assert sum("File " in line for line in lines[: at[0]]) == 1, text
    message = lines[at[0]].strip().partition(heading)[2]
    for words in mistake.says:
        assert words in message, message
    # Once: not again as the cause of something else.
    assert text.count(message) == 1, text
    assert "The above exception was the direct cause" not in text
    assert "During handling of the above exception" not in text
    for token in (mock_airtable.token, options.get("token")):
        assert token is None or token not in text


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_writing_says_that_the_source_only_reads(spark: SparkSession, mock_airtable: MockAirtable, mode: str) -> None:
    rows = spark.createDataFrame([(1,)], "a INT")
    writer = rows.write.format("lakeflow_connect").options(**mock_airtable.options(), tableName="Vendors").mode(mode)
    with pytest.raises(Exception, match="this source only reads Airtable") as caught:  # Spark's own class
        writer.save()
    assert "OptionError" in str(caught.value)


def test_load_takes_the_name_or_the_web_address_of_a_table(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    read = spark.read.format("lakeflow_connect").options(**mock_airtable.options())
    expected = read.load("Vendors").count()
    table = next(table for table in mock_airtable.schema()["tables"] if table["name"] == "Vendors")
    address = f"https://airtable.com/{mock_airtable.base_id}/{table['id']}?blocks=hide"
    assert expected > 0
    assert read.load(address).count() == expected
    assert read.option("tableName", address).load().count() == expected
    with pytest.raises(Exception, match="contradict each other"):
        read.option("base_id", "appAnother0000000").load(address).count()


def test_a_bad_value_names_its_cell_and_can_be_rescued(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    fields = [
        {"name": "Name", "type": "singleLineText"},
        {"name": "Score", "type": "number", "options": {"precision": 0}},
    ]
    mock_airtable.create_table("Misfits", fields, [{"Name": "a", "Score": 1}, {"Name": "b", "Score": 2}])
    record = mock_airtable.records("Misfits")[1]["id"]
    mock_airtable.set_raw_cell("Misfits", record, "Score", "ten")
    read = spark.read.format("lakeflow_connect").options(**mock_airtable.options(), tableName="Misfits")
    with pytest.raises(Exception, match=rf"lakeflow_airtable\.DataError: .*Misfits.*{record}.*Score.*ten"):
        read.option("on_bad_value", "fail").load().collect()
    first, second = read.option("on_bad_value", "rescue").load().orderBy("name").collect()
    assert (first.score, first._rescued_data) == (1.0, None)
    assert second.score is None
    assert '"ten"' in second._rescued_data

"""The option `where` in the library, on the command line, in copies, and in the filters of `scan_polars`."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars import col

import command_line
import odd_table
from lakeflow_airtable import Airtable, AirtableDataSource, OptionError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.predicates import conditions

SEED = 7


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    return Airtable(**mock_airtable.options())


@pytest.fixture
def odd(mock_airtable: MockAirtable) -> MockAirtable:
    """With a table of 350 records whose cells are odd."""
    odd_table.fill(mock_airtable, random.Random(SEED), 350)
    mock_airtable.clear_requests()
    return mock_airtable


def asked(mock: MockAirtable) -> dict[str, int]:
    counts: dict[str, int] = dict(mock.request_counts())
    mock.clear_requests()
    return counts


def test_a_read_has_what_fulfils_it_and_no_more(odd: MockAirtable, base: Airtable) -> None:
    whole = base.read(odd_table.TABLE).to_polars()
    asked(odd)
    found = base.read(odd_table.TABLE, where="stage = 'Launch' AND NOT done", fields=["Name"]).to_polars()
    expected = whole.filter((col("stage") == "Launch") & ~col("done"))
    assert sorted(found["id"]) == sorted(expected["id"])
    assert found.columns == ["id", "createdTime", "name", "_rescued_data"]
    counts = asked(odd)
    # One definition to plan by, and one that tells whether the names in the formula have held.
    assert counts == {"get_schema": 2, "list_records": -(-expected.height // 100)}


def test_a_hundred_ids_are_one_request(odd: MockAirtable, base: Airtable) -> None:
    ids = [record["id"] for record in odd.records(odd_table.TABLE)][::3][:100]
    table = base.read(odd_table.TABLE, where=f"id IN ({', '.join(map(odd_table.quoted, ids))})").to_arrow()
    assert sorted(table["id"].to_pylist()) == sorted(ids)
    assert asked(odd) == {"get_schema": 1, "list_records": 1}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("stge = 'Launch'", "option where: at character 1"),
        ("stage = Launch", 'the read has no column "Launch"'),
        ("price > '10'", "write the number without quotes"),
        ("tags = 'a'", 'column "tags" (a struct or list) cannot be compared'),
        ("stage = 'Launch' AND", "at its end"),
        ("name = 'x' OR 1=1)", "a bracket that was not opened"),
        ("upper(name) = 'X'", "functions are not known here"),
    ],
)
def test_a_mistake_is_told_where_it_is(odd: MockAirtable, base: Airtable, condition: str, said: str) -> None:
    with pytest.raises(OptionError) as raised:
        base.read(odd_table.TABLE, where=condition)
    assert said in str(raised.value)
    assert raised.value.option == "where"
    assert "list_records" not in asked(odd)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_condition_does_not_read_the_whole_table(odd: MockAirtable, empty: str) -> None:
    said = r"^option where is empty: leave it out, or write a condition"
    with pytest.raises(OptionError, match=said):
        Airtable(**odd.options()).read("Odd", where=empty)
    with pytest.raises(OptionError, match=said):
        Airtable(**odd.options(), where=empty)
    with pytest.raises(OptionError, match=said):
        AirtableDataSource({**odd.options(), "tableName": "Odd", "where": empty}).schema()
    assert odd.requests() == []


def test_the_command_line_has_it(odd: MockAirtable) -> None:
    read = command_line.run(odd, "read", odd_table.TABLE, "--where", "stars >= 4", "--format", "jsonl")
    assert {json.loads(line)["stars"] for line in read.stdout.splitlines()} == {4, 5}
    read = command_line.run(odd, "read", odd_table.TABLE, "--where", "stars >=")
    assert read.returncode == 2
    assert "--where: at its end, character 9: a column or a value is missing" in read.stderr
    read = command_line.run(odd, "read", odd_table.TABLE, "--where", "")
    assert (read.returncode, read.stdout) == (2, "")
    assert "--where is empty: leave it out, or write a condition" in read.stderr


DAY, MOMENT = datetime.date(2024, 5, 31), datetime.datetime(2024, 5, 31, tzinfo=datetime.timezone.utc)

# A filter, and whether Airtable sends fewer pages for it.
FILTERS: dict[str, tuple[Callable[[], pl.Expr], bool]] = {
    "a text": (lambda: col("stage") == "it's", True),
    "a list": (lambda: col("name").is_in(["Launch", "x'),TRUE(),('", "a\\b"]), True),
    "a list with nothing": (lambda: col("name").is_in(["Launch", None]), True),
    "not in a list": (lambda: ~col("stage").is_in(["it's", None]), False),
    "a beginning": (lambda: col("name").str.starts_with("50%"), True),
    "an end": (lambda: col("name").str.ends_with("_b"), True),
    "a part": (lambda: col("name").str.contains("\\", literal=True), True),
    "a pattern": (lambda: col("name").str.contains("^L.*h$"), False),
    "a number": (lambda: col("price") > 1, True),
    "a range": (lambda: col("price").is_between(0.1, 2.5, closed="left"), True),
    "NaN": (lambda: col("half") > 1e300, False),
    "a whole number": (lambda: col("stars") == 5, True),
    "a checkbox": (lambda: col("done") & (col("stars") > 3), True),
    "a checkbox that is not": (lambda: ~col("done") & (col("stars") > 3), True),
    "a day": (lambda: col("due") < DAY.replace(year=2010), True),
    "a moment": (lambda: col("seen") < MOMENT.replace(year=2010), True),
    "what is empty": (lambda: col("price").is_null(), True),
    "one of two": (lambda: (col("stars") == 1) | (col("name") == "語"), True),
    "one of two, one not understood": (lambda: (col("stars") == 1) | (col("name").str.len_chars() == 1), False),
    "both, one not understood": (lambda: (col("stars") == 1) & (col("name").str.len_chars() > 1), True),
    "a column beside another": (lambda: col("name") == col("notes"), False),
}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("what", FILTERS)
def test_a_filter_of_polars_reaches_airtable_where_it_may(
    odd: MockAirtable, base: Airtable, what: str, engine: Any
) -> None:
    predicate, is_sent = FILTERS[what]
    whole = base.read(odd_table.TABLE).to_polars()
    frame = base.scan_polars(odd_table.TABLE).filter(predicate()).select("id", "name")
    asked(odd)
    found = frame.collect(engine=engine)
    expected = whole.filter(predicate()).select("id", "name")
    assert sorted(map(repr, found.rows())) == sorted(map(repr, expected.rows()))
    assert (asked(odd)["list_records"] < 4) == is_sent


def test_filters_of_any_length_and_depth(odd: MockAirtable, base: Airtable) -> None:
    whole = base.read(odd_table.TABLE).to_polars()
    long = pl.any_horizontal([col("price") == number for number in range(3)])
    chained = col("stars") == 1
    for number in range(400):
        chained = chained | (col("price") == number)
    nested = col("stars") == 1
    for number in range(40):
        nested = ~nested & (col("price") != number)
    for predicate in (long, chained, nested):
        found = base.scan_polars(odd_table.TABLE).filter(predicate).collect()
        assert sorted(found["id"]) == sorted(whole.filter(predicate)["id"])


def test_a_filter_after_a_head_stays_with_polars(odd: MockAirtable, base: Airtable) -> None:
    frame = base.scan_polars(odd_table.TABLE)
    first = frame.head(50).collect()
    predicate = col("stage") == "Launch"
    assert frame.head(50).filter(predicate).collect().equals(first.filter(predicate))
    bounded = base.scan_polars(odd_table.TABLE, max_records=50)
    assert bounded.filter(predicate).collect().equals(first.filter(predicate))


def test_what_is_not_understood_is_no_condition() -> None:
    said = list(conditions((col("a") == "x") & (col("b").str.len_chars() > 3) & col("c").is_null()))
    assert sorted(said) == ["`a` = 'x'", "`c` IS NULL"]
    assert list(conditions(pl.lit(True))) == []
    assert list(conditions(col("a").eq(float("nan")))) == []
    assert list(conditions(col("odd`name") == -2.5)) == ["`odd``name` = -2.5e0"]


def test_a_double_is_asked_for_to_its_last_digit(mock_airtable: MockAirtable, base: Airtable) -> None:
    # polars' own reader of JSON takes these for their neighbours.
    numbers = [99999999.99999999, 9007199254740991.0]
    precise = {"name": "Number", "type": "number", "options": {"precision": 8}}
    mock_airtable.create_table("Precise", [{"name": "Name"}, precise], [{"Number": number} for number in numbers])
    for number in numbers:
        assert list(conditions(col("a") == number)) == [f"`a` = {number}e0"]
        found = base.scan_polars("Precise").filter(col("number") == number).collect()
        assert found["number"].to_list() == [number]


def test_a_query_about_misfits_is_about_those_of_all_fields(odd: MockAirtable, base: Airtable) -> None:
    whole = base.read(odd_table.TABLE).to_polars()
    frame = base.scan_polars(odd_table.TABLE)
    for predicate in (col("_rescued_data").is_null(), col("_rescued_data").str.contains("Half", literal=True)):
        expected = whole.filter(predicate).select("id", "name")
        assert 0 < expected.height < 350
        assert sorted(frame.filter(predicate).select("id", "name").collect().rows()) == sorted(expected.rows())
    told = frame.select("_rescued_data").collect()["_rescued_data"]
    assert told.null_count() == whole["_rescued_data"].null_count()


def test_a_copy_keeps_the_condition_that_it_was_begun_with(odd: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    def entry(condition: str) -> dict[str, Any]:
        configuration = {"ingestion_type": "cdc", "where": condition}
        table = {"source_table": odd_table.TABLE, "table_configuration": configuration}
        return {"objects": [{"table": table}]}

    wanted = {record["id"] for record in odd.records(odd_table.TABLE) if record["fields"].get("Stage") == "it's"}
    odd.advance_clock(120)
    lake = tmp_path / "lake"
    assert not base.sync(entry("stage = 'it\\'s'"), to=lake, format="delta").failed
    copy = pl.read_delta(str(lake / "odd"))
    assert set(copy["id"]) == wanted
    report = base.sync(entry("stage = 'Launch'"), to=lake, format="delta")
    assert report.failed
    assert "where" in str(report.failed[0].error)
    assert not base.sync(entry("stage = 'Launch'"), to=lake, format="delta", refresh=True).failed


def test_estimates_and_verify_follow_it(odd: MockAirtable, base: Airtable, tmp_path: Path) -> None:
    wanted = sum(record["fields"].get("Stage") == "it's" for record in odd.records(odd_table.TABLE))
    options = {"where": "stage = 'it\\'s'"}
    estimate = base.estimate(odd_table.TABLE, **options)
    whole = base.estimate(odd_table.TABLE)
    assert wanted < 350
    assert repr(estimate) != repr(whole)
    rows = base.read(odd_table.TABLE, **options).to_arrow()
    assert rows.num_rows == wanted
    assert base.verify(odd_table.TABLE, rows, **options)
    assert not base.verify(odd_table.TABLE, rows).is_equal

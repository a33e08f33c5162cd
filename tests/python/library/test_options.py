"""The options table: one list for Spark, keywords, flags and the README."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lakeflow_airtable import Airtable, AirtableDataSource, NotFoundError, OptionError, _native
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_python_values_become_what_spark_would_carry() -> None:
    assert Options.from_values(
        {"Fields": ["Name", 'a "b"'], "max_records": 5, "requests_per_second": 4.5, "x": True, "view": None}
    ) == {"fields": '["Name", "a \\"b\\""]', "max_records": "5", "requests_per_second": "4.5", "x": "true"}


def test_directories_may_be_paths(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    given = dict.fromkeys(("budget_location", "attachment_location", "State_Location"), tmp_path)
    assert Options.from_values(given) == {name.lower(): str(tmp_path) for name in given}
    files = tmp_path / "files"
    files.mkdir()
    base = Airtable(**mock_airtable.options(), budget_location=tmp_path)
    rows = base.read("Marketing Assets", attachments="download", attachment_location=files).to_arrow()
    assert len(rows) == 80
    assert [path for path in files.rglob("*") if path.is_file()]
    with pytest.raises(OptionError, match=r"^option budget_location is \"relative\": it takes an absolute path"):
        Airtable(**mock_airtable.options(), budget_location=Path("relative"))
    with pytest.raises(OptionError, match=r"^option view is a PosixPath: give a string"):
        base.read("Vendors", view=tmp_path)  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize("name", ["token", "bearer_token", "access_token", "BEARER_TOKEN"])
def test_tokens_are_hidden_under_every_name(mock_airtable: MockAirtable, name: str) -> None:
    options = Options.from_values({**mock_airtable.options(), "token": None, name: mock_airtable.token})
    assert mock_airtable.token not in repr(options)
    assert mock_airtable.token not in str(options)
    assert Airtable(**options).list_tables()


def test_only_values_that_are_meant_to_be_seen_are_shown() -> None:
    given = {row["name"].lower(): f"value of {row['name']}" for row in _native.option_table()}
    shown = repr(Options({**given, "my.token": "value of somebody"}))
    seen = {row["name"] for row in _native.option_table() if f"value of {row['name']}'" in shown}
    assert seen == {"base_id", "tableName", "namespace", "ingestion_type"}
    assert "somebody" not in shown


WORDS = {
    "limit": "max_records",
    "max_rows": "max_records",
    "columns": "fields",
    "select": "fields",
    "filter": "filter_formula",
    "filterByFormula": "filter_formula",
    "filter_by_formula": "filter_formula",
    "query": "tableName",
    "dbtable": "tableName",
    "batch_size": "page_size",
    "api_key": "token",
    "personal_access_token": "token",
    "airtable_token": "token",
    "base": "base_id",
    "url": "base_url",
    "rate_limit": "requests_per_second",
}
"""What other sources call it, and what it is here."""


@pytest.mark.parametrize("word", WORDS)
def test_words_of_other_sources_are_errors_that_name_ours(mock_airtable: MockAirtable, word: str) -> None:
    said = f"(?i)^unknown option {word}: this source calls it {WORDS[word]}$"
    base = Airtable(**mock_airtable.options())
    calls: list[Callable[[], object]] = [
        lambda: Airtable(**mock_airtable.options(), **{word: "x"}),
        *(partial(call, "Vendors", **{word: "x"}) for call in (base.read, base.schema, base.metadata)),
        *(partial(call, "Vendors", ingestion_type="cdc", **{word: 1}) for call in (base.changes, base.latest_offset)),
        # Beside the keys that Spark and Unity Catalog add.
        lambda: AirtableDataSource({**mock_airtable.options(), "sourceName": "airtable", word: "x"}),
    ]
    for call in calls:
        with pytest.raises(OptionError, match=said):
            call()
    assert mock_airtable.requests() == []


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"bearer_token": "patB"}, "token and bearer_token"),
        ({"TOKEN": "patB"}, "token and TOKEN"),
        ({"max_records": 2, "MAX_RECORDS": 3}, "max_records and MAX_RECORDS"),
        ({"view": "Grid", "View": "Board"}, "view and View"),
    ],
)
def test_two_spellings_of_one_option_have_one_value(
    mock_airtable: MockAirtable, given: dict[str, object], names: str
) -> None:
    said = f"^options {names} are one option with two values: give one of them$"
    with pytest.raises(OptionError, match=said):
        Airtable(**{**mock_airtable.options(), **given})
    with pytest.raises(OptionError, match=said):
        AirtableDataSource({**mock_airtable.options(), **given})
    if "max_records" in given or "view" in given:
        with pytest.raises(OptionError, match=said):
            Airtable(**mock_airtable.options()).read("Vendors", **given)
    same = dict.fromkeys(["max_records", "MAX_RECORDS"], 2)
    assert len(pa.table(Airtable(**mock_airtable.options()).read("Vendors", **same))) == 2


def test_a_call_gives_its_own_value_under_any_name(mock_airtable: MockAirtable) -> None:
    base = Airtable(**{**mock_airtable.options(), "token": "patNobody"})
    for name in ("token", "bearer_token", "Access_Token"):
        assert base.schema("Vendors", **{name: mock_airtable.token})
    with pytest.raises(PermissionError):
        base.schema("Vendors")


def test_a_call_names_one_table(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    said = '^the call names two tables, "Vendors" and by option tableName "Products": give one of them$'
    for call in (base.read, base.schema, base.metadata, partial(base.changes, ingestion_type="cdc")):
        for name in ("tableName", "TABLENAME", "table_name"):
            with pytest.raises(OptionError, match=said):
                call("Vendors", **{name: "Products"})
    assert base.schema("Vendors", tableName="Vendors", table_name="Vendors")
    with pytest.raises(OptionError, match="tables are named in the specification: leave tableName out"):
        base.estimate("Vendors", table_name="Vendors")
    with pytest.raises(OptionError, match=r'^option tableName names the table of a read, .* as in read\("Vendors"\)$'):
        Airtable(**mock_airtable.options(), tableName="Vendors")
    with pytest.raises(OptionError, match=r"^option tableName names the table of a read"):
        Airtable(**mock_airtable.options(), table_name="Vendors")


HALF = "\ud800"


def test_text_that_is_not_unicode_is_an_option_error(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    said = r"is not valid Unicode: it has half of a surrogate pair; write the whole character$"
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: base.read(f"Vendors{HALF}"), '^the name "Vendors\ufffd+" '),
        (lambda: base.list_tables(HALF), "^the name "),
        (lambda: base.metadata(HALF), "^the name "),
        (lambda: base.read("Vendors", view=HALF), "^option view "),
        (lambda: base.read("Vendors", fields=["Name", HALF]), "^option fields "),
        (lambda: Airtable(token=f"pat{HALF}"), "^option token "),
        (lambda: Airtable(token="pat", base_url=HALF), "^option base_url "),
        (lambda: base.read("Vendors", **{f"view{HALF}": "x"}), '^the option name "view'),
        (lambda: AirtableDataSource({**mock_airtable.options(), "tableName": HALF}).schema(), "^option tablename "),
    ]
    for call, start in calls:
        with pytest.raises(OptionError, match=start + ".*" + said):
            call()
    assert str(OptionError(f"what is {HALF}?")).startswith("what is \ufffd")
    assert mock_airtable.requests() == []


def test_what_has_no_counterpart_says_so(mock_airtable: MockAirtable) -> None:
    for source in (lambda given: Airtable(**given), AirtableDataSource):
        with pytest.raises(OptionError, match=r"unknown option sort: it has no counterpart here: .* sort the rows"):
            source({**mock_airtable.options(), "sort": "Name"})


@pytest.mark.parametrize("name", ["sourceName", "databricks.connection", "spark.anything", "colour", "path"])
def test_only_sparks_readers_let_other_options_through(mock_airtable: MockAirtable, name: str) -> None:
    AirtableDataSource({**mock_airtable.options(), name: "x"})
    with pytest.raises(
        OptionError, match=rf"(?i)unknown option {name}: the nearest is \w+; `lakeflow-airtable options`"
    ):
        Airtable(**mock_airtable.options(), **{name: "x"})


def test_spark_takes_options_in_any_case_and_ignores_others(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {name.upper(): value for name, value in mock_airtable.options().items()}
    foreign = {"sourceName": "airtable", "isDeleteFlow": "false", "some.future.key": "1"}
    read = spark.read.format("lakeflow_connect").options(**options, **foreign, TABLENAME="Vendors", Max_Records="2")
    assert read.load().count() == 2


@pytest.mark.parametrize(
    ("given", "table"),
    [
        ({"path": "Vendors"}, "Vendors"),
        ({"path": "https://airtable.com/appA/tblB"}, "https://airtable.com/appA/tblB"),
        ({"path": "A/B: C"}, "A/B: C"),
        ({"path": "Vendors", "tableName": "Vendors"}, "Vendors"),
        # A place in Spark's warehouse is no table's name.
        ({"path": "file:/tmp/spark-warehouse/t"}, None),
        ({"path": "/tmp/spark-warehouse/t", "tableName": "Vendors"}, "Vendors"),
        ({"path": ""}, None),
        ({"Table_Name": "Vendors"}, "Vendors"),
        ({"tableName": "", "table_name": "Vendors"}, "Vendors"),
        ({"table_name": "Vendors", "path": "Vendors"}, "Vendors"),
    ],
)
def test_what_load_is_given_names_the_table(given: dict[str, str], table: str | None) -> None:
    assert Options.from_spark(given).get("tablename") == table


def test_load_and_an_option_that_name_two_tables_are_refused() -> None:
    with pytest.raises(OptionError, match=r"'Orders', and load\(\) was given 'Vendors'"):
        Options.from_spark({"path": "Vendors", "tableName": "Orders"})
    with pytest.raises(OptionError, match=r"'Orders', and load\(\) was given 'Vendors'"):
        Options.from_spark({"path": "Vendors", "table_name": "Orders"})
    with pytest.raises(OptionError, match=r"^options tableName and table_name are one option with two values"):
        Options.from_spark({"tableName": "Vendors", "table_name": "Orders"})


@pytest.mark.parametrize("name", ["tableName", "table_name", "TABLE_NAME"])
def test_a_source_is_told_its_table_by_both_names(mock_airtable: MockAirtable, name: str) -> None:
    def source(table: str, **more: str) -> AirtableDataSource:
        return AirtableDataSource({**mock_airtable.options(), name: table, **more})

    assert source("Vendors").schema().names[:2] == ["id", "createdTime"]
    stream = source("Vendors", ingestion_type="cdc")
    assert stream.streamReader(stream.schema()).initialOffset()
    assert source("_community_tables").schema().names == ["namespace", "tableName"]
    with pytest.raises(OptionError, match="_community_table is no virtual table"):
        source("_community_table")
    with pytest.raises(OptionError, match="_community_tables cannot be streamed"):
        source("_community_tables").streamReader(source("_community_tables").schema())
    with pytest.raises(NotFoundError, match='did you mean "Vendors"'):
        source("Vendor").schema()

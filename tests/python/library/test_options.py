"""The options table: one list for Spark, keywords, flags and the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable import Airtable, _native
from lakeflow_airtable.cli.main import markdown
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_the_readme_has_the_table() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert markdown(_native.option_table()) in readme, "make the table anew: lakeflow-airtable options --markdown"


def test_python_values_become_what_spark_would_carry() -> None:
    assert Options.from_values(
        {"Fields": ["Name", 'a "b"'], "max_records": 5, "requests_per_second": 4.5, "x": True, "view": None}
    ) == {"fields": '["Name", "a \\"b\\""]', "max_records": "5", "requests_per_second": "4.5", "x": "true"}


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


def test_spark_takes_options_in_any_case_and_ignores_others(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {name.upper(): value for name, value in mock_airtable.options().items()}
    foreign = {"sourceName": "airtable", "isDeleteFlow": "false", "some.future.key": "1"}
    read = spark.read.format("lakeflow_connect").options(**options, **foreign, TABLENAME="Vendors", Max_Records="2")
    assert read.load().count() == 2

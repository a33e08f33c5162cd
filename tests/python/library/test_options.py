"""The options table: one list for Spark, keywords, flags and the README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lakeflow_airtable import Airtable, _native, cli
from lakeflow_airtable.cli.main import markdown
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_the_readme_has_the_table() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert markdown(_native.option_table()) in readme, "make the table anew: lakeflow-airtable options --markdown"


def test_every_option_is_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["read", "--help"])
    flags = set(re.findall(r"^  --([a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    names = {option["name"] for option in _native.option_table()} - {"tableName"}
    assert flags - {"output"} == {name.replace("_", "-") for name in names}


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


def test_spark_takes_options_in_any_case_and_ignores_others(spark: SparkSession, mock_airtable: MockAirtable) -> None:
    options = {name.upper(): value for name, value in mock_airtable.options().items()}
    foreign = {"sourceName": "airtable", "isDeleteFlow": "false", "some.future.key": "1"}
    read = spark.read.format("lakeflow_connect").options(**options, **foreign, TABLENAME="Vendors", Max_Records="2")
    assert read.load().count() == 2

"""What a pipeline is told of its tables before a run: what became of Airtable's fields since they were written."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry
from lakeflow_airtable import ingest
from lakeflow_airtable.drift import Change
from lakeflow_airtable.mock import MockAirtable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakeflow_airtable.pipeline import IngestedTable


def test_a_run_is_told_before_what_it_will_meet(
    spark: SparkSession, mock_airtable: MockAirtable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lakeflow_airtable")
    assert define(spark, mock_airtable).changes == ()  # no table yet
    source = spark.read.format("lakeflow_connect").options(**mock_airtable.options(tableName="Vendors"))
    source.load().write.mode("overwrite").saveAsTable("drifting_vendors")
    try:
        assert define(spark, mock_airtable).changes == ()
        mock_airtable.rename_field("Vendors", "Name", "Legal name")
        mock_airtable.update_field("Vendors", "Score", type="singleLineText")
        mock_airtable.create_field("Vendors", {"name": "Motto", "type": "singleLineText"})
        mock_airtable.remove_field("Vendors", "Phone")
        changes = define(spark, mock_airtable).changes
    finally:
        spark.sql("DROP TABLE drifting_vendors")
    expected = {Change.RENAMED: "name", Change.RETYPED: "score", Change.ADDED: None, Change.REMOVED: "phone"}
    assert {change.change: change.name_before for change in changes} == expected
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("renamed to legal_name" in line and "column_names=id" in line for line in warned), warned
    assert any("refuses the new type" in line for line in warned), warned
    assert mock_airtable.token not in caplog.text


def define(spark: SparkSession, mock: MockAirtable) -> IngestedTable:
    table = {"source_table": "Vendors", "destination_table": "drifting_vendors"}
    with graph_element_registration_context(Registry()):
        (ingested,) = ingest(spark, {"connection_options": mock.options(), "objects": [{"table": table}]})
    return ingested

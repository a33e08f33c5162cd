"""The framework's own tests of a source, on a mock Airtable: `make test-framework` runs it in a copy of the framework.

There is one class for each kind of ingestion. Of the sample's tables the suite reads those that hold records: it takes
a table without any for a mistake of the source's. The clock is put on, so no read waits for the newest changes.
"""

from __future__ import annotations

from typing import Any

from tests.unit.sources.test_partition_suite import SupportsPartitionedStreamTests
from tests.unit.sources.test_suite import LakeflowConnectTests

from databricks.labs.community_connector.sources.airtable import AirtableLakeflowConnect
from lakeflow_airtable.mock import MockAirtable


class OnTheMock(LakeflowConnectTests, SupportsPartitionedStreamTests):  # type: ignore[misc]
    """All of the suite, for one kind of ingestion."""

    __test__ = False
    connector_class = AirtableLakeflowConnect
    ingestion_type = ""
    mock: MockAirtable

    @classmethod
    def setup_class(cls) -> None:
        cls.mock = MockAirtable()
        cls.mock.generate_table("Generated", 60, 20)
        cls.mock.advance_clock(120)
        cls.config = {**cls.mock.options(), "ingestion_type": cls.ingestion_type}
        super().setup_class()

    @classmethod
    def teardown_class(cls) -> None:
        super().teardown_class()
        cls.mock.stop()

    def _tables(self) -> list[str]:
        tables: list[str] = super()._tables()
        return [table for table in tables if self.mock.records(table)]

    def _opts(self, table: str) -> dict[str, Any]:
        return {}


class TestSnapshot(OnTheMock):
    __test__ = True
    ingestion_type = "snapshot"


class TestCdc(OnTheMock):
    __test__ = True
    ingestion_type = "cdc"


class TestCdcWithDeletes(OnTheMock):
    __test__ = True
    ingestion_type = "cdc_with_deletes"


class TestAppend(OnTheMock):
    __test__ = True
    ingestion_type = "append"

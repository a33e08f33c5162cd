"""What the flows of a pipeline read with.

A pipeline's flows go to Spark as plans, and a Spark Connect server writes the plans of flows into its log with all the
options of their reads. So a token is no option here: it is in the class of a data source made for one flow, which Spark
keeps as bytes. Where a connection of Unity Catalog holds the token there is nothing to hide.

The class also holds the plan that the specification was checked by, so that the flows of a run do not ask again for
what has just been told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..options import CREDENTIALS, Options
from ..spark import AirtableDataSource, spark_schema
from ..specification.names import format_name
from ..specification.spec import Entry

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from .._native import Scan

PLAN_SECONDS = 600.0
"""How long a flow may take to begin and still read by the plan of its specification. What begins later, such as the
flow of a continuous pipeline that starts again, is planned anew."""

_PLANNED_EARLY = ("snapshot", "append")
"""A field that is added between plan and read is in the next snapshot, and `append` reads no record again whatever
becomes of it. A stream of changes is never told of such a field's first values, so it is planned as late as can be."""


class PipelineSource:
    """Registers data sources in a session, and makes the queries that read by them."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        spark.dataSource.register(AirtableDataSource)

    def query(self, entry: Entry) -> Callable[[], DataFrame]:
        """The function behind one entry's flow. Made here, so that each has its own entry."""
        options = Options(entry.read_options)
        credentials = Options({name: options.pop(name) for name in CREDENTIALS if name in options})
        format = self._format(entry, credentials, options)
        spark = self._spark
        is_stream = entry.ingestion_type != "snapshot"

        def read_from_airtable() -> DataFrame:
            if is_stream:
                return spark.readStream.format(format).options(**options).load()
            return spark.read.format(format).options(**options).load()

        return read_from_airtable

    def schema(self, entry: Entry) -> StructType:
        """The columns of one entry's flow."""
        if entry.plan is None:
            return self.query(entry)().schema
        from .._native import Scan

        return spark_schema(Scan.from_json(entry.plan))

    def _format(self, entry: Entry, credentials: Options, options: Options) -> str:
        if not credentials:
            return AirtableDataSource.name()
        # Of its own, so that no other read of the session is made with these credentials.
        format = format_name(entry.destination)
        plan = entry.plan if entry.ingestion_type in _PLANNED_EARLY else None
        self._spark.dataSource.register(source_of_flow(format, credentials, options, plan))
        return format


def source_of_flow(format: str, credentials: Options, read: Options, plan: str | None) -> type[AirtableDataSource]:
    """The data source under another name, with its credentials and the plan of a read with just those options.

    A class inside a function is pickled whole, not by its name, so what it holds reaches Spark's workers. Its
    imports are absolute for that reason.
    """
    planned_at = time.time()

    class AirtableOfPipeline(AirtableDataSource):
        @classmethod
        def name(cls) -> str:
            return format

        def __init__(self, options: Mapping[str, str]) -> None:
            super().__init__({**options, **credentials})

        def _planned(self) -> Scan:
            from lakeflow_airtable._native import Scan

            is_known = plan is not None and self.options == {**read, **credentials}
            if plan is None or not is_known or time.time() - planned_at > PLAN_SECONDS:
                return super()._planned()
            return Scan.from_json(plan)

    return AirtableOfPipeline

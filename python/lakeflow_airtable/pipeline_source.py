"""What the flows of a pipeline read with.

A pipeline's flows go to Spark as plans, and a Spark Connect server writes the plans of flows into its log with all the
options of their reads. So a token is no option here: it is in the class of a data source made for it, which Spark keeps
as bytes. Where a connection of Unity Catalog holds the token there is nothing to hide.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .pipeline_spec import Entry
from .spark import AirtableDataSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_numbers = itertools.count(1)


class PipelineSource:
    """Registers data sources in a session, and makes the queries that read by them."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._formats: dict[str, str] = {}
        spark.dataSource.register(AirtableDataSource)

    def query(self, entry: Entry) -> Callable[[], DataFrame]:
        """The function behind one entry's flow. Made here, so that each has its own entry."""
        options = dict(entry.read_options)
        format = self._format(options.pop("token", None))
        spark = self._spark
        is_stream = entry.ingestion_type != "snapshot"

        def read_from_airtable() -> DataFrame:
            if is_stream:
                return spark.readStream.format(format).options(**options).load()
            return spark.read.format(format).options(**options).load()

        return read_from_airtable

    def _format(self, token: str | None) -> str:
        if token is None:
            return AirtableDataSource.name()
        if token not in self._formats:
            # Of its own, so that no other read of the session is made with this token.
            self._formats[token] = f"airtable_of_pipeline_{next(_numbers)}"
            self._spark.dataSource.register(with_token(self._formats[token], token))
        return self._formats[token]


def with_token(format: str, token: str) -> type[AirtableDataSource]:
    """The data source under another name, with its token.

    A class inside a function is pickled whole, not by its name, so what it holds reaches Spark's workers.
    """

    class AirtableOfPipeline(AirtableDataSource):
        @classmethod
        def name(cls) -> str:
            return format

        def __init__(self, options: Mapping[str, str]) -> None:
            super().__init__({**options, "token": token})

    return AirtableOfPipeline

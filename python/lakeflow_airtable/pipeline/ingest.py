"""`ingest`: tables of Airtable's as tables of a declarative pipeline, from one specification.

Nothing is defined before the whole specification is known to be possible. First its form is checked, then its tables,
then what this Spark's pipelines can do with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..estimate import warn_of_cap
from ..specification.faults import Faults
from ..specification.names import quoted
from ..specification.spec import Entry, PipelineSpec
from ..specification.tables import LibraryTables, Tables, planned, resolve
from .drift import changes_since, is_written
from .graph import Graph, IngestedTable
from .tables import SparkTables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from .source import PipelineSource


def ingest(spark: SparkSession, pipeline_spec: Mapping[str, Any]) -> list[IngestedTable]:
    """Defines the tables of a specification in the pipeline whose definitions are being loaded.

    Registers the data source as well. On Databricks `connection_name` names a connection of Unity Catalog. Elsewhere
    `connection_options` holds the options of the data source. Those that it leaves out come from AIRTABLE_TOKEN,
    AIRTABLE_BASE_ID, AIRTABLE_BASE_URL and AIRTABLE_REQUESTS_PER_SECOND of the environment, as on the command line.
    So do those of OAuth: AIRTABLE_REFRESH_TOKEN, AIRTABLE_CLIENT_ID and AIRTABLE_CLIENT_SECRET. AIRTABLE_PLAN
    is the plan whose monthly cap is warned of.

    A snapshot becomes a target of AUTO CDC from snapshots where this Spark has that, else a materialized view. Changes
    become a target of AUTO CDC. `append`, and every table with the scd_type APPEND_ONLY, becomes a streaming table.

    A table may have been written by an earlier run. Then the changes of its Airtable fields since that run are logged,
    and are in the result. So a renamed or retyped column is known before the run.

    Raises OptionError or NotFoundError with all that is wrong, before anything is defined.
    """
    graph = Graph(_pipelines())
    faults = Faults()
    spec = PipelineSpec.parse(pipeline_spec, faults)
    if spec.connection_name is None and not spec.connection_options.get("token"):
        faults.raise_any()
    from .source import PipelineSource

    source = PipelineSource(spark)
    tables: Tables = LibraryTables() if spec.connection_name is None else SparkTables(spark)
    entries = planned(resolve(spec, tables, faults), tables, faults)
    for entry in entries:
        with faults.at(entry.where):
            graph.flow_of(entry)
    faults.raise_any()
    if isinstance(tables, LibraryTables):
        warn_of_cap(entries, tables, is_loaded=lambda entry: is_written(spark, quoted(entry.destination)))
    return [_defined(spark, graph, source, entry) for entry in entries]


def _defined(spark: SparkSession, graph: Graph, source: PipelineSource, entry: Entry) -> IngestedTable:
    ingested = graph.define(source, entry)
    changes = changes_since(spark, ingested.destination, lambda: source.schema(entry))
    return replace(ingested, changes=changes)


def _pipelines() -> ModuleType:
    try:
        from pyspark import pipelines
    except ImportError as error:
        if (error.name or "").split(".")[0] != "pyspark":
            raise
        raise ModuleNotFoundError(
            "ingest needs pyspark.pipelines, the declarative pipelines of Spark 4.1 or later and of Databricks; where "
            "no Spark brings them: pip install 'lakeflow-airtable[spark]' 'pyspark[pipelines]>=4.1'",
            name="pyspark.pipelines",
        ) from None
    return pipelines

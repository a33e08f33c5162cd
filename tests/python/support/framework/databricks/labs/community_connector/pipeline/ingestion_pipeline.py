"""Tables of a specification as flows of a declarative pipeline.

What matters here is which streams a table has, with which options, and what is done with their rows. Names go to the
pipeline as they are, and Spark reads them as SQL.
"""

import json

from pyspark import pipelines as sdp
from pyspark.sql import functions

from databricks.labs.community_connector.libs.spec_parser import SpecParser

_FLOWS = {"snapshot": "snapshot", "append": "append"}


def ingest(spark, pipeline_spec):
    spec = SpecParser(pipeline_spec)
    connection = spec.connection_name()
    tables = spec.get_table_list()
    metadata = _metadata(spark, connection, tables, spec.get_table_configurations())
    for table in tables:
        _ingest(spark, connection, spec, table, metadata[table])


def _metadata(spark, connection, tables, configurations):
    """A job of Spark's, while the pipeline is defined."""
    source = spark.read.format("lakeflow_connect").option("databricks.connection", connection)
    source = source.option("tableName", "_community_table_metadata").option("tableNameList", json.dumps(tables))
    rows = source.option("tableConfigs", json.dumps(configurations)).load().collect()
    known = ("primary_keys", "cursor_field", "ingestion_type")
    return {row["tableName"]: {name: row[name] for name in known if row[name] is not None} for row in rows}


def _ingest(spark, connection, spec, table, metadata):
    scd_type = spec.get_scd_type(table)
    ingestion_type = "append" if scd_type == "APPEND_ONLY" else metadata.get("ingestion_type", "cdc")
    target = spec.get_full_destination_table_name(table)
    options = spec.get_table_configuration(table)

    def view(kind, start, **more):
        """A view of the source's rows. Nothing in the name is quoted."""
        name = f"source_{table}_{kind}"

        @sdp.view(name=name)
        def rows():
            source = start().format("lakeflow_connect").option("databricks.connection", connection)
            source = source.option("tableName", table)
            for option, value in more.items():
                source = source.option(option, value)
            return source.options(**options).load()

        return name

    def stream():
        return spark.readStream

    clusters = spec.get_cluster_by(table)
    source = view(
        _FLOWS.get(ingestion_type, "upsert"), (lambda: spark.read) if ingestion_type == "snapshot" else stream
    )
    sdp.create_streaming_table(name=target, **({"cluster_by": clusters} if clusters else {}))
    if ingestion_type == "append":

        @sdp.append_flow(name=f"{source}_flow", target=target)
        def appended():
            return spark.readStream.table(source)

        return

    merged = {
        "target": target,
        "keys": spec.get_primary_keys(table) or metadata.get("primary_keys"),
        "stored_as_scd_type": "2" if scd_type == "SCD_TYPE_2" else "1",
    }
    if ingestion_type == "snapshot":
        sdp.apply_changes_from_snapshot(source=source, **merged)
        return
    merged["sequence_by"] = functions.col(spec.get_sequence_by(table) or metadata.get("cursor_field"))
    # Whatever comes here is an upsert.
    sdp.apply_changes(source=source, **merged)
    if ingestion_type == "cdc_with_deletes":
        deletes = view("delete", stream, isDeleteFlow="true")
        everything = functions.expr("true")
        sdp.apply_changes(source=deletes, apply_as_deletes=everything, name=f"{deletes}_flow", **merged)

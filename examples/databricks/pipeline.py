"""The pipeline's definition: every table of the specification kept up to date in a table of Unity Catalog.

Nothing else is imported from this folder, and nothing is put on `sys.path`: the wheel is a dependency of the pipeline's
environment, so it is there in every process. Databricks provides `spark`.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from lakeflow_airtable import ingest

# The pipeline's configuration has it already. Where that is not looked at, this counts; where nothing may be set here,
# Spark refuses it.
with suppress(Exception):
    spark.conf.set("spark.databricks.unityCatalog.connectionDfOptionInjection.enabled", "true")

specification = json.loads(Path(spark.conf.get("airtable.specification")).read_text(encoding="utf-8"))
connection = spark.conf.get("airtable.connection")
if specification.setdefault("connection_name", connection) != connection:
    raise ValueError(
        f"pipeline_spec.json names the connection {specification['connection_name']!r}, and the bundle's variable "
        f"connection is {connection!r}: leave connection_name out of the specification, or set the variable"
    )
ingest(spark, specification)

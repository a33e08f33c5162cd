"""The pipeline's definition: every table of the specification kept up to date in a table of Unity Catalog.

Nothing else is imported from this folder, and nothing is put on `sys.path`: the wheel is a dependency of the pipeline's
environment, so it is there in every process. Databricks provides `spark`.
"""

from __future__ import annotations

import json
from pathlib import Path

from lakeflow_airtable import ingest

specification = Path(spark.conf.get("airtable.specification"))
ingest(spark, json.loads(specification.read_text(encoding="utf-8")))

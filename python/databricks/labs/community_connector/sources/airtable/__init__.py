"""Airtable for Databricks' community connector framework, which looks for its sources under this name.

Nothing here reads Airtable: `lakeflow_airtable` does, and needs no framework. Where the framework is not installed,
nobody imports this package. Python finds it only where the framework lies in the same site-packages, because the
framework's package `community_connector` looks for its parts nowhere else; and the `__init__.py` of every package above
this one is the framework's, so none of them may be here.
"""

from __future__ import annotations

try:
    from databricks.labs.community_connector.sparkpds import LakeflowSource
except ModuleNotFoundError as error:
    # Anything else that is missing, such as a part of pyspark that the framework needs, tells for itself.
    if not (error.name or "").startswith("databricks"):
        raise
    raise ModuleNotFoundError(
        "this is the part of lakeflow-airtable for Databricks' community connector framework, which is not installed "
        "here: use lakeflow_airtable.AirtableDataSource, which does not need it",
        name=error.name,
    ) from None

import lakeflow_airtable
from databricks.labs.community_connector.sources.airtable.airtable import AirtableLakeflowConnect

__all__ = ["AirtableDataSource", "AirtableLakeflowConnect"]


class AirtableDataSource(lakeflow_airtable.AirtableDataSource, LakeflowSource):
    """What the framework finds and registers under the name `airtable`.

    It reads as `lakeflow_airtable.AirtableDataSource` does, and hands over Arrow batches where the framework converts
    cell by cell. One thing differs: the framework's pipelines ingest `cdc_with_deletes` by two streams, and the one of
    upserts applies whatever comes as an upsert, so it must hold no deletes.

    The connector is named here, and not when the class is registered: Spark's workers import this module and see
    nothing that was changed on the driver.
    """

    deletes_in_upserts = False
    _lakeflow_connect_cls = AirtableLakeflowConnect

    @property
    def lakeflow_connect(self) -> AirtableLakeflowConnect:
        """The framework's interface to the same tables, for what asks the framework's class for it."""
        return AirtableLakeflowConnect(self.options)

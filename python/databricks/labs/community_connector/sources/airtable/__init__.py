"""Airtable for Databricks' community connector framework, which looks for its sources under this name.

Nothing here reads Airtable: `lakeflow_airtable` does, and needs no framework. Where the framework is not installed,
nobody imports this package. Python finds it only where the framework lies in the same site-packages, because the
framework's package `community_connector` looks for its parts nowhere else; and the `__init__.py` of every package above
this one is the framework's, so none of them may be here.
"""

from __future__ import annotations

import sys

try:
    from databricks.labs.community_connector.sparkpds import LakeflowSource

    import lakeflow_airtable._native  # noqa: F401  # nothing else imports it before it is used
    from databricks.labs.community_connector.sources.airtable.airtable import AirtableLakeflowConnect
    from lakeflow_airtable import AirtableDataSource as OwnDataSource
except ImportError as error:
    # The framework's package has a file of its own; where only this one lies in its place, it has none.
    framework = sys.modules.get("databricks.labs.community_connector")
    if (error.name or "").startswith("databricks") and getattr(framework, "__file__", None) is None:
        raise ModuleNotFoundError(
            "this is the part of lakeflow-airtable for Databricks' community connector framework, which is not "
            "installed here: use lakeflow_airtable.AirtableDataSource, which does not need it",
            name=error.name,
        ) from None
    # No ModuleNotFoundError: the framework takes one for a source that is not installed, and says so.
    raise ImportError(
        f"the Airtable source is installed, but cannot be imported: {error}: install what is missing into the "
        "environment that has the framework and lakeflow-airtable",
        name=error.name,
        path=error.path,
    ) from error

__all__ = ["AirtableDataSource", "AirtableLakeflowConnect"]


class AirtableDataSource(OwnDataSource, LakeflowSource):
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

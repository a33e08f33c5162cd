"""The mock's sample base as an entity diagram for Mermaid, as `lakeflow-airtable schema --mermaid` prints it."""

from __future__ import annotations

from lakeflow_airtable import Airtable
from lakeflow_airtable.cli.diagram import mermaid
from lakeflow_airtable.mock import MockAirtable


def draw() -> dict[str, str]:
    """The one file of this picture; Mermaid's own themes serve light and dark."""
    with MockAirtable() as mock:
        return {"sample-base.mmd": mermaid(Airtable(**mock.options()).tables()) + "\n"}

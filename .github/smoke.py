"""Tries an installed wheel: does it import, serve and read here?"""

from __future__ import annotations

import platform
from importlib.metadata import version

import lakeflow_airtable
from lakeflow_airtable import Airtable, NotFoundError
from lakeflow_airtable.mock import MockAirtable

assert lakeflow_airtable.__version__ == version("lakeflow-airtable"), lakeflow_airtable.__version__
with MockAirtable() as mock:
    base = Airtable(**mock.options())
    for table in base.list_tables():
        rows = sum(batch.num_rows for batch in base.read(table))
        assert rows == len(mock.records(table)), (table, rows)
    try:
        base.read("Vendor")
    except NotFoundError as caught:
        error: str | None = str(caught)
    else:
        error = None
    assert error, "a table that is not there was read"
    assert "Vendors" in error, error
print("lakeflow-airtable", lakeflow_airtable.__version__, "works on", platform.platform(), platform.python_version())

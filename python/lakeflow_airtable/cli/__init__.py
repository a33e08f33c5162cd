"""The command line: `lakeflow-airtable`, or `python -m lakeflow_airtable`.

`main` holds the commands, `flags` says how options are spelled here, `output` writes what was read to files and to the
terminal, and `connection` makes the definition of a Unity Catalog connection. It needs no Spark.
"""

from __future__ import annotations

from .main import main

__all__ = ["main"]

"""The command line: `lakeflow-airtable`, or `python -m lakeflow_airtable`.

`main` holds the commands, `flags` says how options are spelled here, `output` writes what was read to files and to the
terminal. `connection` and `databricks` are the commands that bring a base into a workspace. It needs no Spark.
"""

from __future__ import annotations

try:
    from .main import main
except KeyboardInterrupt:  # Ctrl-C, before there is a command that could end
    raise SystemExit(130) from None

__all__ = ["main"]

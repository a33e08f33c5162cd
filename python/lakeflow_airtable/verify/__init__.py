"""`Airtable.verify`: a copy of a table beside the table, row by row.

`check` reads both and `compare` sets one against the other. `copies` finds out what the copy is and opens it, `spark`
does so for tables of Spark's, and `cells` makes the numbers by which rows are compared. `report` tells what was found.

Importing this package imports no pyarrow, and none of the formats' libraries.
"""

from __future__ import annotations

from .check import verify
from .report import Rows, Verification

__all__ = ["Rows", "Verification", "verify"]

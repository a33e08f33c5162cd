"""Which number of rows per batch suits Spark: the same rows from memory in batches of each size.

What the constant `ROWS` of the reader is chosen by. All sizes take turns in one session.
"""

from __future__ import annotations

import statistics
import tempfile

from . import sparks
from .process import finished, started
from .report import Section, Table
from .server import serving
from .settings import Settings
from .whole import KINDS, NAME

SIZES = (250, 500, 1_000, 2_000, 5_000, 10_000)


def run(settings: Settings) -> Section:
    """One row for each size, one column for each table."""
    speeds: dict[str, dict[str, float]] = {}
    for kind, fields in KINDS.items():
        table = {"records": settings.records, "fields": fields, "scalars": kind == "scalar"}
        with tempfile.TemporaryDirectory(dir=sparks.memory()) as directory, serving({NAME: table}) as server:
            whole = f"{directory}/batches.arrow"
            sparks.write_batches(server.place, NAME, whole)
            files = {str(size): f"{directory}/{size}.arrow" for size in SIZES}
            for size in SIZES:
                sparks.resize(whole, files[str(size)], size)
            more = {"files": files, "rows": settings.records, "rounds": settings.size_reads}
            seconds = finished(started("sparks.by_turns", **more))
            speeds[kind] = {size: settings.records / statistics.median(several) for size, several in seconds.items()}
    rows = [(f"{size:,}", *(f"{speeds[kind][str(size)]:,.0f}" for kind in KINDS)) for size in SIZES]
    heading = ("rows per batch", *(f"records/s, {fields} {kind} fields" for kind, fields in KINDS.items()))
    note = (
        "Spark alone reads the same rows from memory. "
        f"Figures are the median of {settings.size_reads} reads of each size, by turns in one session."
    )
    return Section("Batches for Spark", [Table(heading, rows)], [], note)

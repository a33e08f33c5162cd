"""Peak memory of a streaming read by the size of the table."""

from __future__ import annotations

from .process import Measured, measure
from .report import Bar, Section, Table
from .server import serving
from .settings import Settings

NAME = "Bench"
FIELDS = 20
ROWS = {"our_batches": "lakeflow_airtable, batch by batch", "their_pages": "pyairtable, page by page"}


def run(settings: Settings) -> Section:
    """One column for each size."""
    found: dict[str, list[Measured]] = {name: [] for name in ROWS}
    for records in settings.memory_records:
        with serving({NAME: {"records": records, "fields": FIELDS, "scalars": True}}) as server:
            for name, several in found.items():
                several.append(measure(f"readers.{name}", records, place=server.place, table=NAME))
    heading = (
        f"peak MiB of the process, {FIELDS} scalar fields",
        *(f"{size:,} records" for size in settings.memory_records),
    )
    rows = [(ROWS[name], *(f"{one.peak_mib:,.1f}" for one in several)) for name, several in found.items()]
    peaks = [one.peak_mib for one in found["our_batches"]]
    bar = Bar("the largest table's peak beside the smallest's", max(peaks) / min(peaks), 1.2, is_most=True)
    note = "Python and pyarrow use most of it. A read also keeps the ids of its records, to know them again."
    return Section("Memory of a streaming read", [Table(heading, rows)], [bar], note, "memory")

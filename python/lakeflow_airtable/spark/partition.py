"""What a task of Spark's reads: one scan. Shared by batch and stream readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import InputPartition

from ..errors import AirtableError, AuthError, NotFoundError
from ..options import Options
from ..shown import scrubbed
from .worker_log import told_by_worker

if TYPE_CHECKING:
    import pyarrow as pa

    from .._native import Connector, Scan


REFUSALS = (AuthError, NotFoundError)
"""What Airtable answers, among other things, where a table has gone."""


TASKS = 10
"""Tasks that one read may have at once: Airtable answers a token 50 requests a second, and a base 5, however many
machines ask."""


@scrubbed
class ScanPartition(InputPartition):
    """What one task reads: one scan, or those of several bases, one after the other.

    Airtable's pages form a chain, each names the next. So one base is read by one task.
    """

    def __init__(self, *scans: str) -> None:
        super().__init__(scans)

    def read(self, options: Options, arrow_batches: bool) -> Iterator[Any]:
        """The scans' rows, as Arrow batches or, for a Spark that takes none, as tuples."""
        batches = chain.from_iterable(read_scan(options, scan) for scan in self.value)
        return batches if arrow_batches else rows(batches)


def partitions(scan: str) -> list[ScanPartition]:
    """The tasks of a planned read: one for each base, and no more than a token's requests suffice for."""
    from .._native import Scan

    plan = Scan.from_json(scan)
    if json.loads(scan)["max_records"] is not None:
        return [ScanPartition(scan)]  # how many records are still wanted is known to one task only
    bases = [base.to_json() for base in plan.bases()]
    return [ScanPartition(*bases[first::TASKS]) for first in range(min(TASKS, len(bases)))]


def read_scan(options: Options, scan: str) -> Iterator[pa.RecordBatch]:
    """The batches of a planned scan. Spark may drop the iterator half-way, as for `take(1)`: no request follows."""
    from .._native import Connector, Scan

    connector, plan = Connector(options, among_others=True), Scan.from_json(scan)
    try:
        with told_by_worker(), connector.read(plan) as batches:
            yield from batches
    except REFUSALS as error:
        raise table_named(error, connector, plan) from None


def table_named(error: AirtableError, connector: Connector, scan: Scan) -> AirtableError:
    """A refusal of a planned read, with the table's name, and with the truth where the table has gone since.

    Airtable answers for a table that is no longer there as for a token without rights. To tell one from the other takes
    a request, which is made after a refusal only.
    """
    plan = json.loads(scan.to_json())
    table = f"table {json.dumps(plan['table_name'], ensure_ascii=False)} ({plan['table_id']})"
    if str(error).startswith(table):
        return error
    try:
        connector.metadata(plan["table_id"], {"namespace": plan["base_id"]})
    except NotFoundError:
        return NotFoundError(
            f"{table}: base {plan['base_id']} had it when this read was planned, and has it no longer: restore it in "
            "Airtable, or leave it out of what is read, and start again"
        )
    except AirtableError:
        pass  # no more can be found out
    return type(error)(f"{table}: {error}")


def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    """The same rows as tuples, for a Spark that takes no Arrow batches."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

"""What keeping a copy of a table costs in calls to Airtable, by ingestion type. Pure.

The numbers are those of `sync`, with one table a definition: a test holds each of them to what a run really sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from .shown import scrubbed

INGESTION_TYPES = ("snapshot", "append", "cdc", "cdc_with_deletes")
"""Those by which a copy of a table is kept. A log of changes (`change_log`) is none."""

CALLS_A_MONTH: dict[str, int | None] = {"free": 1_000, "team": 100_000, "business": None, "enterprise": None}
"""What a plan grants to a workspace, all its bases and programs together. None where there is no cap. The compiled
module, which warns of it, has the same."""

MONTH_SECONDS = 31 * 86_400
"""The longest month: who stays within the cap in it does so in every other one."""

_PAYLOADS = 50
"""Changes in one page of a change feed."""

_KEPT_ALIVE_SECONDS = 3_600
_LOOKED_AT_SECONDS = 600

# Each run asks for the table's definition, and a stream once for how far it can go. A change feed has its webhook
# looked for, and before the first load its table is planned again, and the webhook made. A log has no first load.
_BEFORE_THE_FIRST = {"snapshot": 1, "append": 2, "cdc": 2, "cdc_with_deletes": 6, "change_log": 4}
_BEFORE_EACH = {"snapshot": 1, "append": 2, "cdc": 2, "cdc_with_deletes": 2, "change_log": 2}


@scrubbed
@dataclass(frozen=True, slots=True)
class Cost:
    """What one ingestion type costs.

    Attributes:
        ingestion_type: `snapshot`, `append`, `cdc`, `cdc_with_deletes` or `change_log`; of a sum over tables that
            are kept in several ways `as specified`.
        first_requests: Calls of the first load.
        first_minutes: How long these take at the budget of the base.
        run_requests: Calls of each run after it.
        run_minutes: How long these take.
        calls_a_month: Calls of all runs in a month of 31 days.
        share: Those as a share of the plan's cap, 1.0 for all of it. None where the plan is unknown or has no cap.
    """

    ingestion_type: str
    first_requests: int
    first_minutes: float
    run_requests: int
    run_minutes: float
    calls_a_month: int
    share: float | None


def cost(
    ingestion_type: str,
    records: int,
    changed: int,
    *,
    page_size: int,
    per_second: float,
    runs: int,
    cap: int | None,
    named: Sequence[int] = (),
    planned: int = 1,
    listed: int | None = None,
    checked: int = 0,
) -> Cost:
    """The cost for a table of so many records, of which so many have changed before each run.

    `named` are the sizes of linked tables whose names are read besides, which only snapshots have. `planned` are the
    calls that plan a read, one for the definitions of each base. `listed` are the pages of a read where they are known.
    `checked` are the calls that look after a whole read whether the names in a formula have held.
    """
    is_snapshot = ingestion_type == "snapshot"
    names = sum(pages(size, page_size) for size in named) if is_snapshot else 0
    loaded = 0 if ingestion_type == "change_log" else pages(records, page_size) if listed is None else listed
    loaded += 0 if ingestion_type == "change_log" else checked
    first = _BEFORE_THE_FIRST[ingestion_type] - 1 + planned + loaded + names
    run = first if is_snapshot else run_requests(ingestion_type, records, changed, page_size) - 1 + planned
    return Cost(
        ingestion_type,
        first,
        first / per_second / 60,
        run,
        run / per_second / 60,
        run * runs,
        None if cap is None else run * runs / cap,
    )


def run_requests(ingestion_type: str, records: int, changed: int, page_size: int) -> int:
    """The calls of one run after the first load."""
    before = _BEFORE_EACH[ingestion_type]
    if ingestion_type == "snapshot":
        return before + pages(records, page_size)
    if ingestion_type == "change_log":
        # The newest payload, which tells whether the webhook works, and the new ones, which are all that is read.
        return before + 1 + ceil(changed / _PAYLOADS)
    listed = ceil(changed / page_size)
    if ingestion_type == "cdc_with_deletes":
        # Records that a feed names are looked for first, because they may be gone by then, and read afterwards.
        return before + max(1, ceil(changed / _PAYLOADS)) + 2 * listed
    return before + listed


def idle_stream(ingestion_type: str, poll_seconds: float) -> int:
    """The calls a month of a stream that goes on and on, and asks as often as it may, while nothing changes."""
    asked = ceil(MONTH_SECONDS / poll_seconds)
    # A change feed is read now and then, so that it does not expire. A table is looked at for new fields.
    is_feed = ingestion_type in ("cdc_with_deletes", "change_log")
    beside = _KEPT_ALIVE_SECONDS if is_feed else _LOOKED_AT_SECONDS
    return asked + ceil(MONTH_SECONDS / max(beside, poll_seconds))


def pages(records: int, page_size: int, bases: int = 1) -> int:
    """Pages of a listing: an empty table has one. Of several bases each has as many records as the others."""
    return bases * max(1, ceil(records / bases / page_size))


def total(costs: list[Cost], cap: int | None) -> Cost:
    """Several tables, one after the other."""
    types = {cost.ingestion_type for cost in costs}
    calls = sum(cost.calls_a_month for cost in costs)
    return Cost(
        types.pop() if len(types) == 1 else "as specified",
        sum(cost.first_requests for cost in costs),
        sum(cost.first_minutes for cost in costs),
        sum(cost.run_requests for cost in costs),
        sum(cost.run_minutes for cost in costs),
        calls,
        None if cap is None else calls / cap,
    )

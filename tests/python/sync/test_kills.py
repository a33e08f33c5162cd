"""Copies while everything goes wrong: runs are killed at any moment, the base changes all the while, and in the end the
copy is what the base holds.

The seed is always the same; `CHAOS_SEED` in the environment gives another. `SYNC_CHANGES=5000` makes more changes than
the few hundred of every day, for whoever changes how copies are written.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pyarrow
import pytest

import sync_job
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from mutations import COMPUTED, ORDERS, Script
from sync_copies import assert_equal, assert_history, base_rows, current, plain, rows, target

SEED = int(os.environ.get("CHAOS_SEED", "20260229"))
CHANGES = int(os.environ.get("SYNC_CHANGES", "150"))
ROUNDS = max(7, CHANGES // 40)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + CHANGES)]

MODES: dict[str, dict[str, str]] = {
    "snapshot": {},
    "append": {"ingestion_type": "append"},
    "cdc": {"ingestion_type": "cdc"},
    "cdc 2": {"ingestion_type": "cdc", "scd_type": "SCD_TYPE_2"},
    "cdc_with_deletes": {"ingestion_type": "cdc_with_deletes"},
    "cdc_with_deletes 2": {"ingestion_type": "cdc_with_deletes", "scd_type": "SCD_TYPE_2"},
}
# Without deletions the merge is the same: in one format it is enough.
WITHOUT = ("cdc", "cdc 2")
CASES = [
    *(("delta", mode) for mode in MODES),
    *((format, mode) for format in ("duckdb", "iceberg") for mode in MODES if mode not in WITHOUT),
    ("parquet", "snapshot"),
]


@pytest.mark.parametrize(("format", "mode"), CASES)
def test_a_copy_is_the_base_in_the_end(lake: Path, format: str, mode: str) -> None:
    rng = random.Random(f"{SEED} {format} {mode}")
    print(f"CHAOS_SEED={SEED}")
    has_deletes = mode.startswith(("cdc_with_deletes", "snapshot"))
    with MockAirtable(sample=False, seed=7) as mock:
        script = Script(mock, rng.randrange(10**9), deletes=has_deletes, tells_edits=rng.random() < 0.5, orders=120)
        options = mock.options(base_id=script.base)
        if "deletes" in mode:
            Airtable(**options).latest_offset(ORDERS, ingestion_type="cdc_with_deletes")
            mock.advance_clock(120)
        bound: dict[str, Any] = {"max_records_per_batch": 40} if mode != "snapshot" and rng.random() < 0.5 else {}
        how = {**target(format, lake), **MODES[mode], **bound}
        spec = [{"table": {"source_table": ORDERS, "destination_table": "orders"}}]
        killed, seconds = 0, 0.5
        for number in range(ROUNDS):
            moment = (rng.choice(sync_job.MOMENTS), rng.randint(1, 2)) if rng.random() < 0.5 else None
            began = time.monotonic()
            job = sync_job.start(options, {"objects": spec}, moment=moment, **how)
            deadline = began + rng.random() * seconds
            while job.is_alive() or script.done * ROUNDS < CHANGES * (number + 1):
                if script.done * ROUNDS < CHANGES * (number + 1):
                    script.burst(4)
                if moment is None and time.monotonic() > deadline:
                    job.kill()
                job.join(0.02)
            assert job.exitcode in (0, -9), "a run has failed"
            killed += job.exitcode == -9
            seconds = max(0.3, min(3.0, (time.monotonic() - began) * 1.5))
            mock.advance_clock(rng.choice((1.0, 30.0, 90.0)))
        assert killed > 1
        mock.advance_clock(120)
        how.pop("max_records_per_batch", None)
        assert sync_job.run(options, {"objects": spec}, **how) == 0

        copied = rows(format, lake, "orders")
        if mode == "append":
            assert sorted(row["id"] for row in copied) == sorted(script.created)
            return
        base = base_rows(options, ORDERS)
        if mode.endswith("2"):
            assert assert_history(copied) > len(base)
            copied = current(copied)
        # An edit elsewhere changes the computed columns, and in `cdc` nothing in the record says so.
        assert_equal(copied, base, leave_out=COMPUTED if mode.startswith("cdc") and "deletes" not in mode else ())


@pytest.mark.parametrize("format", ["delta", "duckdb", "iceberg"])
def test_a_log_has_each_change_once(lake: Path, format: str) -> None:
    rng = random.Random(f"{SEED} {format} log")
    print(f"CHAOS_SEED={SEED}")
    with MockAirtable(sample=False, seed=7) as mock:
        script = Script(mock, rng.randrange(10**9), deletes=True, orders=40)
        options = mock.options(base_id=script.base)
        base = Airtable(**options, ingestion_type="change_log")
        spec = [{"table": {"source_table": ORDERS, "destination_table": "orders"}}]
        how: dict[str, Any] = {**target(format, lake), "ingestion_type": "change_log"}
        assert sync_job.run(options, {"objects": spec}, **how) == 0
        start = base.latest_offset(ORDERS)
        killed = 0
        for number in range(4):
            bound = {} if number % 2 else {"max_records_per_batch": 30}
            for _ in range(3):
                script.burst()
            moment = (rng.choice(sync_job.MOMENTS), rng.randint(1, 2))
            job = sync_job.start(options, {"objects": spec}, moment=moment, **how, **bound)
            while job.is_alive():
                script.burst(4)
                job.join(0.02)
            assert job.exitcode in (0, -9), "a run has failed"
            killed += job.exitcode == -9
        assert killed > 1
        assert sync_job.run(options, {"objects": spec}, **how) == 0
        log = pyarrow.table(base.changes(ORDERS, start=start)).to_pylist()
        assert len(log) > CHANGES
        assert sorted(map(repr, rows(format, lake, "orders"))) == sorted(map(repr, map(plain, log)))


@pytest.mark.parametrize("moment", [(when, number) for when in sync_job.MOMENTS for number in (1, 2)], ids=str)
@pytest.mark.parametrize(("format", "mode"), [(f, "append") for f in ("delta", "duckdb", "iceberg")])
def test_a_run_that_is_killed_at_a_commit(
    items: MockAirtable, lake: Path, format: str, mode: str, moment: tuple[str, int]
) -> None:
    """The first load, and then what is new: each row is there once, whichever commit it was."""
    how = {**target(format, lake), **MODES[mode], "max_records_per_batch": 10}
    for _ in range(2):
        job = sync_job.start(items.options(), ["Items"], moment=moment, **how)
        job.join(120)
        assert job.exitcode == -9, "the run was not killed, and this shows nothing"
        assert sync_job.run(items.options(), ["Items"], **how) == 0
        copied = sorted(row["id"] for row in rows(format, lake, "items"))
        assert copied == sorted(record["id"] for record in items.records("Items"))
        items.create_records("Items", [{"Name": f"new {number}"} for number in range(25)])
        items.advance_clock(120)

"""Streams while everything goes wrong: what arrives is what the base holds, whoever is killed and whatever fails.

The seed is always the same; `CHAOS_SEED` in the environment gives another, and `CHAOS_SEED=random` a new one, which is
printed. The changes are then the same; the moments at which they meet the stream are not, since processes run as they
like.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from cluster import session_settings

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from mutations import COMPUTED, ORDERS, Script
from stream_chaos import Blow, Chaos
from stream_driver import Stream
from stream_processes import FragileCluster
from stream_questions import largest_transaction, webhooks
from stream_target import Target, assert_each_once, assert_same, kept, snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds Spark's processes by /proc"),
]

KNOWN_SEED = 20_260_229
SETTINGS = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}


@contextmanager
def seeded() -> Iterator[int]:
    """A seed: the one that is always the same, or the one that is asked for, or a new one. A failure tells it."""
    asked = os.environ.get("CHAOS_SEED") or KNOWN_SEED
    seed = random.SystemRandom().randrange(1_000_000_000) if asked == "random" else int(asked)
    print(f"CHAOS_SEED={seed}")
    try:
        yield seed
    except AssertionError as error:
        raise AssertionError(f"with CHAOS_SEED={seed}: {error}") from None


def stream(mock: MockAirtable, base: str, directory: Path, table: str = ORDERS, **options: str) -> Stream:
    """A stream of a table in a base of the mock."""
    return Stream(mock.options(base_id=base, tableName=table, poll_seconds="5", **options), str(directory))


def available_now(spark: SparkSession, *streams: Stream) -> list[StreamingQuery]:
    """Runs streams until each has read what is there."""
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    queries = [replace(stream, available_now=True).start(spark) for stream in streams]
    for query in queries:
        if not query.awaitTermination(120):
            query.stop()
            raise AssertionError(f"a query of what is available does not end: {query.lastProgress}")
    return queries


def drain(spark: SparkSession, mock: MockAirtable, *streams: Stream) -> list[StreamingQuery]:
    """Lets time pass until all changes so far may be read, and reads them."""
    mock.advance_clock(120)
    return available_now(spark, *streams)


def blows(rng: random.Random, victims: Sequence[str], moments: Sequence[str], streams: int) -> list[Blow]:
    """A driver's deaths at these moments, and the other victims' while a batch is under way."""
    drivers = [("driver", moment, rng.choice((0, 1, 2))) for moment in moments]
    others = [(victim, "planned", rng.choice((0, 1))) for victim in victims]
    mixed = [Blow(victim, moment, rng.randrange(streams), after) for victim, moment, after in drivers + others]
    rng.shuffle(mixed)
    return mixed


def unbounded(options: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name != "max_records_per_batch"}


def everything_arrives(
    spark: SparkSession,
    directory: Path,
    seed: int,
    settings: dict[str, str],
    *,
    changes: int,
    victims: Sequence[str],
    moments: Sequence[str],
    **on: Any,
) -> None:
    """The kinds of stream side by side: two of a base where nothing is deleted, two of a base where much is."""
    rng = random.Random(seed)
    manners = {name: rng.random() < 0.5 for name in ("hidden_milliseconds", "blank_modified_until_edited")}
    with MockAirtable(sample=False, seed=seed % 1_000, faults=manners) as mock:
        tells_edits = rng.random() < 0.5
        lasting = Script(mock, seed, tells_edits=tells_edits)
        passing = Script(mock, seed + 1, deletes=True, tells_edits=not tells_edits)

        def streamed(script: Script, mode: str) -> Stream:
            bound = {"max_records_per_batch": str(rng.randint(50, 200))} if rng.random() < 0.5 else {}
            return stream(mock, script.base, directory / mode, ingestion_type=mode, **bound)

        cdc, append = streamed(lasting, "cdc"), streamed(lasting, "append")
        with_deletes, log = streamed(passing, "cdc_with_deletes"), streamed(passing, "change_log")
        streams = [cdc, append, with_deletes, log]
        # A log begins when it is started.
        available_now(spark, log)
        told = Airtable(**mock.options(base_id=passing.base), ingestion_type="change_log")
        begin = told.latest_offset(ORDERS)
        settings = {**session_settings(directory), **SETTINGS, **settings}
        with Chaos(mock, [lasting, passing], streams, rng, settings=settings, directory=directory, **on) as chaos:
            chaos.run(changes, blows(rng, victims, moments, len(streams)))
        # Without the bound, also where a window was cut and its rest is still to come.
        drain(spark, mock, *(replace(each, options=unbounded(each.options)) for each in streams))

        assert min(lasting.done, passing.done) >= changes

        def append_arrived() -> None:
            assert_each_once(kept(append.batches), lasting.created)

        def cdc_arrived() -> None:
            base = snapshot(mock.options(base_id=lasting.base), ORDERS)
            # An edit elsewhere changes the computed columns, and nothing in the record says so.
            assert_same(kept(cdc.batches), base, deletes=False, leave_out=COMPUTED)

        def cdc_with_deletes_arrived() -> None:
            base = snapshot(mock.options(base_id=passing.base), ORDERS)
            assert_same(kept(with_deletes.batches), base, deletes=True)

        def log_arrived() -> None:
            expected = pa.table(told.changes(ORDERS, start=begin)).to_pylist()
            arrived = [row for _, row in sorted(kept(log.batches), key=lambda entry: entry[0][1:])]
            assert len(arrived) == len(expected) > changes
            known = {repr(row) for row in expected}
            assert [row for row in arrived if repr(row) not in known] == []
            assert arrived == expected, "in another order"
            # Whoever died between making a webhook and storing its name: the next one found it.
            assert len(webhooks(mock, passing.base)) == 2, "one for records, and one for the log"

        problems = []
        for arrived in (append_arrived, cdc_arrived, cdc_with_deletes_arrived, log_arrived):
            try:
                arrived()
            except AssertionError as error:
                problems.append(f"{arrived.__name__}: {error}")
        assert not problems, "\n".join(problems)


def test_on_one_machine(spark: SparkSession, tmp_path: Path) -> None:
    # As on a cluster, four attempts at each task.
    with seeded() as seed:
        settings = {"spark.master": "local[2,4]"}
        moments = ("begun", "planned", "written")
        everything_arrives(spark, tmp_path, seed, settings, changes=600, victims=["python"], moments=moments)


@pytest.mark.cluster
def test_on_a_cluster(spark: SparkSession, tmp_path: Path, executors_python: Path) -> None:
    with seeded() as seed, FragileCluster(tmp_path / "cluster") as cluster:
        settings = {"spark.master": cluster.url}
        # What a cluster has and one machine has not; and a driver's death, which leaves executors behind.
        victims, moments = ["executor", "worker"], ["planned"]
        on = {"cluster": cluster, "python": executors_python}
        everything_arrives(spark, tmp_path, seed, settings, changes=300, victims=victims, moments=moments, **on)


@pytest.mark.parametrize("mode", ["cdc", "cdc_with_deletes"])
def test_an_increment_costs_what_changed_and_not_the_table(spark: SparkSession, tmp_path: Path, mode: str) -> None:
    with MockAirtable(sample=False) as mock:
        base = mock.create_base("Large")
        table = mock.generate_table("Rows", 5_000, 8, scalars=True, base=base)
        streamed = stream(mock, base, tmp_path, table, ingestion_type=mode)
        drain(spark, mock, streamed)
        assert len(Target(kept(streamed.batches)).rows) == 5_000

        field = next(f["name"] for t in mock.schema(base=base)["tables"] for f in t["fields"] if f["type"] == "number")
        ids = [record["id"] for record in mock.records(table, base=base)]
        for changed in (1, 1_000):
            # Past what the window before is read again for.
            mock.advance_clock(600)
            picked = random.Random(changed).sample(ids, changed)
            # Ten records are one transaction.
            mock.update_records(table, {record: {field: changed} for record in picked}, base=base)
            mock.clear_requests()
            drain(spark, mock, streamed)

            counts = mock.request_counts()
            assert 0 < counts["list_records"] <= -(-changed // 100) + 4, counts
            transactions = -(-changed // 10)
            assert counts.get("list_payloads", 0) <= -(-transactions // 50) + 1, counts
            # The table's definition, and the webhooks.
            assert sum(counts.values()) <= counts["list_records"] + counts.get("list_payloads", 0) + 4, counts
        assert_same(kept(streamed.batches), snapshot(mock.options(base_id=base), table), deletes=False)


@pytest.mark.parametrize("mode", ["cdc", "cdc_with_deletes", "append"])
def test_what_is_available_ends_although_the_source_goes_on(spark: SparkSession, tmp_path: Path, mode: str) -> None:
    most = 40
    with seeded() as seed, MockAirtable(sample=False) as mock:
        script = Script(mock, seed, deletes=mode == "cdc_with_deletes", orders=120)
        streamed = stream(mock, script.base, tmp_path, ingestion_type=mode, max_records_per_batch=str(most))
        queries = drain(spark, mock, streamed)
        ended = threading.Event()

        def go_on() -> None:
            while not ended.wait(0.2):
                script.burst(6)

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            while script.done < 60:
                ended.wait(0.05)
            before = script.done
            queries += available_now(spark, streamed)
            assert script.done > before
        finally:
            ended.set()
            thread.join(30)
        queries += drain(spark, mock, streamed)

        progress = [batch for query in queries for batch in query.recentProgress]
        assert len(progress) < 3 * 100  # as many as Spark keeps of each query: none is missing here
        rows = [batch["numInputRows"] for batch in progress]
        # A transaction is not taken apart.
        largest = largest_transaction(mock, script.base, ORDERS) if mode == "cdc_with_deletes" else 0
        assert max(rows) <= max(most, largest)
        assert sum(rows) > 120
        if mode == "append":
            assert_each_once(kept(streamed.batches), script.created)
        else:
            base = snapshot(mock.options(base_id=script.base), ORDERS)
            deletes = mode == "cdc_with_deletes"
            assert_same(kept(streamed.batches), base, deletes=deletes, leave_out=() if deletes else COMPUTED)

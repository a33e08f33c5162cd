"""Streams as Spark plays them, played here: offsets logged before a batch, batches replayed after a death at any step.

No process and no JVM, so a run takes seconds, and but for the clock its seed repeats it: test_chaos has the real Spark.
The steps are those of Spark's micro-batches: `latestOffset` is logged, which commits what was before; `partitions` and
`read` fill the batch; that it is done is logged; and whoever starts anew begins with the batch that is not.

Each mode has two seeds: they draw opposite manners of the server, tables of other sizes, and other bounds of a batch.
`REPLAY_SEEDS=8` in the environment takes eight others for each, for whoever changes how streams work.
"""

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.spark import AirtableDataSource
from lakeflow_airtable.spark.stream import AirtableStreamReader
from mutations import COMPUTED, ORDERS, Script
from stream_questions import ask, webhooks
from stream_target import Place, Row, assert_each_once, assert_same, snapshot

CHANGES = 200
# From a batch for each record to batches that nothing cuts.
BOUNDS = (None, 1, 7, 40, 150)


class Died(Exception):
    """The stream's process is gone."""


class Checkpoint:
    """What survives: the offsets, the rows of each batch, and how many batches are committed."""

    def __init__(self, rng: random.Random, options: dict[str, str], time_passes: Callable[[], None]) -> None:
        self.offsets: list[dict[str, Any]] = []
        self.batches: list[list[Row]] = []
        self.committed = 0
        self._rng = rng
        self._options = options
        self._time_passes = time_passes
        self._deaths = 0.03

    def rows(self) -> list[tuple[Place, Row]]:
        return [
            (Place(row.get("_changed_at"), number, position), row)
            for number, batch in enumerate(self.batches)
            for position, row in enumerate(batch)
        ]

    def live(self, batches: int, meanwhile: Callable[[], None], *, available_now: bool, bounded: bool) -> None:
        """A run of the query until it dies, ends, or has done so many batches."""
        options = {n: text for n, text in self._options.items() if bounded or n != "max_records_per_batch"}
        source = AirtableDataSource(options)
        reader = source.streamReader(source.schema())
        assert isinstance(reader, AirtableStreamReader)
        initial, limit = _logged(reader.initialOffset()), reader.getDefaultReadLimit()
        if available_now:
            reader.prepareForTriggerAvailableNow()
        for _ in range(batches):
            meanwhile()
            self._may_die()
            number = self.committed
            start = self.offsets[number - 1] if number else initial
            if number == len(self.offsets):
                # A change feed waits until its newest changes show. Now and then it is let wait.
                if self._rng.random() < 0.97:
                    self._let_time_pass(reader)
                latest = _logged(reader.latestOffset(start, limit))
                if latest == start and available_now:
                    return
                if latest == start:
                    continue
                self.offsets.append(latest)
                if number:
                    reader.commit(start)
            self._let_time_pass(reader)
            self._may_die()
            self._fill(number, reader, start)
            self._may_die()
            self.committed += 1

    def drain(self, *, bounded: bool) -> None:
        self._deaths = 0
        self.live(100_000, lambda: None, available_now=True, bounded=bounded)

    def _let_time_pass(self, reader: AirtableStreamReader) -> None:
        self._time_passes()
        # Any question tells the reader the time, and without one it would wait for it to pass.
        reader._airtable()[0].list_tables(None)

    def _fill(self, number: int, reader: AirtableStreamReader, start: dict[str, Any]) -> None:
        del self.batches[number:]
        batch: list[Row] = []
        for partition in reader.partitions(start, self.offsets[number]):
            # To a worker and back.
            worker, task = pickle.loads(pickle.dumps((reader, partition)))
            for some in worker.read(task):
                batch += some.to_pylist()
                self._may_die()
        self.batches.append(batch)

    def _may_die(self) -> None:
        if self._rng.random() < self._deaths:
            raise Died


def _logged(offset: dict[str, Any]) -> dict[str, Any]:
    """An offset as the log gives it back."""
    read: dict[str, Any] = json.loads(json.dumps(offset))
    return read


def lose_changes(mock: MockAirtable, script: Script, rng: random.Random) -> None:
    """Makes it impossible to learn what changed: the webhook is removed, or too old, or some payloads are."""
    loss = rng.randrange(3)
    if loss == 0:
        for webhook in webhooks(mock, script.base):
            ask(mock, f"bases/{script.base}/webhooks/{webhook['id']}", "DELETE")
    elif loss == 1:
        mock.advance_clock(8 * 86_400)
    else:
        mock.set_faults(lose_payloads=True)
        script.burst(5)
        mock.set_faults(lose_payloads=False)


def play(seed: int, mode: str, losses: float = 0, **more: str) -> None:
    """Streams a base that changes, over many deaths, and looks at what has arrived."""
    rng = random.Random(seed)
    manners = {name: rng.random() < 0.5 for name in ("hidden_milliseconds", "blank_modified_until_edited")}
    with MockAirtable(sample=False, seed=seed, faults=manners) as mock:
        deletes, tells_edits = mode == "cdc_with_deletes", rng.random() < 0.5
        script = Script(mock, seed, deletes=deletes, tells_edits=tells_edits, orders=rng.choice((0, 3, 150)))
        bound = rng.choice(BOUNDS)
        if bound is not None:
            more["max_records_per_batch"] = str(bound)
        options = mock.options(base_id=script.base, tableName=ORDERS, ingestion_type=mode, poll_seconds="0", **more)
        checkpoint = Checkpoint(rng, options, lambda: mock.advance_clock(12))

        def meanwhile() -> None:
            if script.done < CHANGES and rng.random() < 0.5:
                script.burst(rng.choice((1, 4, 15)))
            mock.advance_clock(rng.choice((0, 1, 3, 12)))
            if rng.random() < losses:
                lose_changes(mock, script, rng)

        while script.done < CHANGES:
            now, bounded = rng.random() < 0.5, rng.random() < 0.8
            with suppress(Died):
                checkpoint.live(rng.randint(1, 30), meanwhile, available_now=now, bounded=bounded)
        mock.advance_clock(120)
        checkpoint.drain(bounded=rng.random() < 0.5)

        if mode == "append":
            assert_each_once(checkpoint.rows(), script.created)
        else:
            base = snapshot(mock.options(base_id=script.base), ORDERS)
            assert_same(checkpoint.rows(), base, deletes=deletes, leave_out=() if deletes else COMPUTED)


SEEDS = {"cdc": (8, 38), "append": (3, 29), "cdc_with_deletes": (14, 26), "losses": (11, 14)}


def seeds(*kinds: str) -> list[Any]:
    """The seeds of each kind, or as many others as are asked for."""
    asked = int(os.environ.get("REPLAY_SEEDS", "0"))
    return [(kind, seed) for kind in kinds for seed in (range(101, 101 + asked) if asked else SEEDS[kind])]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "seed"), seeds("cdc", "append", "cdc_with_deletes"))
def test_batches_are_replayed_and_nothing_is_lost(seed: int, mode: str) -> None:
    play(seed, mode)


@pytest.mark.slow
@pytest.mark.parametrize(("_kind", "seed"), seeds("losses"))
def test_what_the_change_feed_loses_is_read_again(_kind: str, seed: int, tmp_path: Path) -> None:
    reread = {"on_lost_feed": "reread", "state_location": str(tmp_path)}
    play(seed, "cdc_with_deletes", losses=0.04, **reread)

"""The server's faults over time: drawn at random, and never so bad that a patient client does not get through."""

from __future__ import annotations

import random
from typing import Any

from lakeflow_airtable.mock import MockAirtable


class Weather:
    """Changes the faults of a mock. Those that it was started with stay."""

    def __init__(self, mock: MockAirtable, rng: random.Random) -> None:
        self._mock = mock
        self._rng = rng

    def change(self) -> None:
        rng = self._rng
        kinds = (self._fine, self._crowded, self._small_pages, self._expiring, self._broken, self._broken)
        faults: dict[str, Any] = {
            "visibility_delay_ms": rng.choice((0, 1_000, 5_000, 9_000, 9_500)),
            "records_per_payload": rng.choice((None, None, 1, 3)),
            "drop_unmatched": rng.random() < 0.5,
            **rng.choice(kinds)(),
        }
        self._mock.reset_faults()
        self._mock.set_faults(**faults)

    def clear(self) -> None:
        self._mock.reset_faults()

    def _fine(self) -> dict[str, Any]:
        return {}

    def _crowded(self) -> dict[str, Any]:
        return {
            "requests_per_second": self._rng.randint(5, 15),
            "penalty_seconds": 1.0,
            "rate_limit_retry_after": 1,
            "rate_limit_singular": self._rng.random() < 0.5,
        }

    def _small_pages(self) -> dict[str, Any]:
        return {
            "page_size": self._rng.randint(10, 40),
            "duplicates_per_page": self._rng.randint(0, 3),
            "empty_last_page": self._rng.random() < 0.5,
            "rules": [self._rule("iterator_gone", path="offset=")],
        }

    def _expiring(self) -> dict[str, Any]:
        # The wait outlasts the cursor, but only a few times: a listing that never gets to its end is an error.
        return {"page_size": 30, "iterator_seconds": 0.4, "rules": [self._rule({"delay": {"ms": 700}})]}

    def _broken(self) -> dict[str, Any]:
        actions = (
            "close",
            "bad_gateway",
            {"retriable": {}},
            {"retriable": {"retry_after": 1}},
            {"rate_limited": {"retry_after": 1}},
            {"truncate": {"bytes": self._rng.randint(1, 400)}},
            {"error": {"status": 500, "kind": "SERVER_ERROR"}},
            {"delay": {"ms": 400}},
        )
        return {"rules": [self._rule(action) for action in self._rng.sample(actions, 3)]}

    def _rule(self, action: Any, **more: Any) -> dict[str, Any]:
        return {"action": action, "after": self._rng.randint(0, 15), "times": self._rng.randint(1, 2), **more}

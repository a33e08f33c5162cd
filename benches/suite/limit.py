"""What a mock's log tells of reads under Airtable's limit: rates, refusals, and who had how many requests when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LIMIT = 5
"""Requests a second that Airtable grants to a base."""

POSSIBLE = 100 * LIMIT
"""Records a second that these are."""


@dataclass(frozen=True)
class Log:
    """The requests of one run, oldest first."""

    requests: list[dict[str, Any]]

    @property
    def refused(self) -> int:
        """How often the answer was 429."""
        return sum(request["status"] == 429 for request in self.requests)

    def lock_outs(self, after: float = 0, penalty: float = 30) -> int:
        """How often the base was shut, later than so many seconds after the first request: a refusal in the time of a
        penalty belongs to that one.
        """
        times = sorted(_seconds(request["time"]) for request in self.requests)
        refused = sorted(_seconds(request["time"]) for request in self.requests if request["status"] == 429)
        began: list[float] = []
        for at in refused:
            if not began or at >= began[-1] + penalty:
                began.append(at)
        return sum(at >= times[0] + after for at in began)

    def pages(self) -> list[tuple[float, str]]:
        """When each page was asked for and answered, and the path, which names the table."""
        found = [request for request in self.requests if request["endpoint"] == "list_records"]
        return [
            (_seconds(request["time"]), request["path"].removesuffix("/listRecords"))
            for request in found
            if request["status"] == 200
        ]

    def pages_per_second(self) -> float:
        """From the first page to the last: what a read comes to when it is long."""
        times = sorted(at for at, _ in self.pages())
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def while_all_read(self) -> tuple[float, Counter[str]]:
        """The seconds from when the last one began to when the first one ended, and the pages of each in it."""
        times: dict[str, list[float]] = {}
        for at, path in self.pages():
            times.setdefault(path, []).append(at)
        begin = max(map(min, times.values()))
        end = min(map(max, times.values()))
        counts = Counter({path: sum(begin <= at < end for at in asked) for path, asked in times.items()})
        return max(end - begin, 0.0), counts


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()

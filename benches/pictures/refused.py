"""A 429 and the way out of it: another program takes too much, all wait, and the read goes on at half its pace."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from lakeflow_airtable.mock import MockAirtable

from .drawing import Drawing, in_both_themes
from .requests import LIMIT, Recorded, burst, recorded

RECORDS = 7_000
ANSWER_MS = 50
BURST_SECONDS, BURST = 6, 8
LEFT, RIGHT, TOP, FOOT = 64, 856, 84, 284
MOST = 10


def run() -> dict[str, Recorded]:
    """A read, and a burst of another program's into the same base."""

    def disturbed(mock: MockAirtable) -> None:
        threading.Timer(BURST_SECONDS, burst, (mock, BURST)).start()

    return {"refused": recorded(RECORDS, answer_ms=ANSWER_MS, during=disturbed)}


def draw(runs: dict[str, Recorded]) -> dict[str, str]:
    """The picture's files."""
    log = runs["refused"]["requests"]
    refused, again = _wait(log)
    ours = [request for request in log if request["is_ours"]]
    records = runs["refused"]["records"]
    count = sum(request["status"] == 429 for request in ours)
    description = (
        f"Requests in each second of a read of {records:,} records. Another program asks {BURST} times at once, and "
        f"the answer to {count} request of the read is 429. The read waits {again - refused:.0f} s and goes on at half "
        f"its pace. All {records:,} records are read after {ours[-1]['at']:.0f} s."
    )
    return in_both_themes(
        "refused", "A 429 and its recovery", description, (880, 370), lambda drawing: _timeline(drawing, log)
    )


def _wait(log: list[dict[str, Any]]) -> tuple[float, float]:
    """When the read is refused, and when it asks again."""
    refused = next(request["at"] for request in log if request["is_ours"] and request["status"] == 429)
    again = next(request["at"] for request in log if request["is_ours"] and request["at"] > refused)
    return refused, again


def _timeline(drawing: Drawing, log: list[dict[str, Any]]) -> None:
    refused, again = _wait(log)
    seconds = int(max(request["at"] for request in log)) + 1
    scale = (RIGHT - LEFT) / seconds
    height = (FOOT - TOP) / MOST
    drawing.text(24, 34, "Another program takes too much: requests in each second", size=17, bold=True)
    drawing.box(LEFT + refused * scale, TOP, (again - refused) * scale, FOOT - TOP, fill="wait")
    middle = LEFT + (refused + again) / 2 * scale
    drawing.text(middle, 122, f"{again - refused:.0f} s without a request:", anchor="middle", bold=True)
    drawing.text(middle, 144, "the penalty of Airtable, and a little more", anchor="middle")
    drawing.text(LEFT + again * scale + 8, TOP + 44, "goes on at half its pace,", size=14)
    drawing.text(LEFT + again * scale + 8, TOP + 64, "no record lost or repeated", size=14)
    for number in range(0, MOST + 1, 5):
        y = FOOT - number * height
        drawing.line(LEFT, y, RIGHT, y, color="grid" if number else "edge")
        drawing.text(LEFT - 10, y + 5, str(number), size=13, color="quiet", anchor="end")
    drawing.line(LEFT, FOOT - LIMIT * height, RIGHT, FOOT - LIMIT * height, color="bad", width=1.5)
    drawing.text(RIGHT, FOOT - LIMIT * height - 7, "Airtable's limit", size=13, color="bad", anchor="end")
    counts = Counter((int(request["at"]), _kind(request)) for request in log)
    for second in range(seconds):
        y = float(FOOT)
        for kind in ("ours", "theirs", "bad"):
            count = counts[second, kind]
            y -= count * height
            if count:
                drawing.box(LEFT + second * scale + 1, y, scale - 2, count * height, fill=kind)
        if second % 10 == 0:
            drawing.text(LEFT + second * scale, FOOT + 20, f"{second} s", size=13, color="quiet", anchor="middle")
    for x, fill, text in (
        (24, "ours", "this read, answered"),
        (200, "theirs", "the other program, answered"),
        (424, "bad", "refused with 429: one request of this read, the others of the other program"),
    ):
        drawing.box(x, FOOT + 40, 12, 12, fill=fill)
        drawing.text(x + 20, FOOT + 51, text, size=13, color="quiet")
    drawing.text(
        24, drawing.height - 12, "Recorded by make pictures, from the log of the mock Airtable", size=12, color="quiet"
    )


def _kind(request: dict[str, Any]) -> str:
    return "bad" if request["status"] == 429 else "ours" if request["is_ours"] else "theirs"

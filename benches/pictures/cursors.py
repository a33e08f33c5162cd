"""A paced read by one cursor and by several: a bar is a request, from when it goes to when it is answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .drawing import Drawing, in_both_themes
from .requests import Recorded, recorded

RECORDS = 12_000
ANSWER_MS = 800
LEFT, RIGHT = 120, 856
LANE = 19


def run() -> dict[str, Recorded]:
    """The same table read twice at the same time, from two mocks. A read with `max_records` keeps to one cursor."""
    with ThreadPoolExecutor(2) as readers:
        one = readers.submit(recorded, RECORDS, answer_ms=ANSWER_MS, max_records=RECORDS)
        several = readers.submit(recorded, RECORDS, answer_ms=ANSWER_MS)
        return {"one": one.result(), "several": several.result()}


def draw(runs: dict[str, Recorded]) -> dict[str, str]:
    """The picture's files."""
    lanes = {name: _lanes(run) for name, run in runs.items()}
    height = 176 + LANE * sum(map(len, lanes.values())) + 68
    description = (
        f"A table of {RECORDS:,} records whose answers take {ANSWER_MS / 1000} s each, read from a mock that grants 5 "
        f"requests a second. One cursor: {_told(runs['one'])}. Several cursors: {_told(runs['several'])}. "
        "No request is refused."
    )
    if any(request["status"] != 200 for run in runs.values() for request in run["requests"]):
        raise SystemExit("a request of a paced read was refused: that is no picture of one")
    return in_both_themes(
        "cursors",
        "A paced read, by one cursor and by several",
        description,
        (880, height),
        lambda drawing: _timelines(drawing, runs, lanes),
    )


def _lanes(run: Recorded) -> list[tuple[str, list[dict[str, Any]]]]:
    """The requests of each cursor, in the order in which the cursors begin."""
    found: dict[int, list[dict[str, Any]]] = {}
    for request in run["requests"]:
        found.setdefault(request["cursor"], []).append(request)
    first = found.pop(0) + found.pop(1)
    sample = [("sample", asked) for asked in found.values() if len(asked) == 1]
    others = [asked for asked in found.values() if len(asked) > 1]
    return [("cursor 1", first), *sample, *((f"cursor {number}", asked) for number, asked in enumerate(others, 2))]


def _ends(run: Recorded) -> float:
    return max(float(request["at"] + request["took"]) for request in run["requests"])


def _told(run: Recorded) -> str:
    seconds = _ends(run)
    return f"{len(run['requests'])} requests, {seconds:.0f} s, {run['records'] / seconds:.0f} records/s"


def _timelines(
    drawing: Drawing, runs: dict[str, Recorded], lanes: dict[str, list[tuple[str, list[dict[str, Any]]]]]
) -> None:
    drawing.text(
        24, 34, f"{RECORDS:,} records, answers take {ANSWER_MS / 1000} s, 4.5 requests a second", size=17, bold=True
    )
    last = max(map(_ends, runs.values()))
    scale = (RIGHT - LEFT) / last
    y = 72.0
    for name, heading in (
        ("one", "One cursor"),
        ("several", "Several cursors, as large tables are read where answers are slow"),
    ):
        drawing.text(24, y, heading, bold=True)
        drawing.text(RIGHT, y, _told(runs[name]), bold=name == "several", anchor="end")
        y += 12
        foot = y + LANE * len(lanes[name])
        for second in range(0, int(last) + 1, 10):
            drawing.line(LEFT + second * scale, y, LEFT + second * scale, foot)
        for label, requests in lanes[name]:
            drawing.text(LEFT - 12, y + 14, label, size=13, color="quiet", anchor="end")
            for request in requests:
                fill = "good" if request["cursor"] == 0 else "ours" if name == "several" else "theirs"
                note = f"at {request['at']:.2f} s, took {request['took']:.2f} s"
                drawing.box(
                    LEFT + request["at"] * scale, y + 3, request["took"] * scale - 1, LANE - 6, fill=fill, note=note
                )
            y += LANE
        y += 44
    for second in range(0, int(last) + 1, 10):
        drawing.text(LEFT + second * scale, y - 22, f"{second} s", size=13, color="quiet", anchor="middle")
    drawing.box(24, y - 2, 12, 12, fill="good")
    drawing.text(44, y + 9, "the table's definition", size=13, color="quiet")
    drawing.text(
        200, y + 9, "Each other bar is a page of 100 records, from the request to its answer.", size=13, color="quiet"
    )
    drawing.text(24, y + 32, "Recorded by make pictures, from the log of the mock Airtable", size=12, color="quiet")

"""Peak memory of a streaming read, by the size of the table."""

from __future__ import annotations

import math
from itertools import pairwise

from .drawing import Drawing, in_both_themes
from .page import measured, number, table

PEAKS = "peak MiB of the process"
LEFT, RIGHT, TOP, FOOT = 76, 640, 64, 300
INSET = 36
MOST = 100


def draw() -> dict[str, str]:
    """The picture's files."""
    sizes, rows = table(PEAKS)
    records = [number(size.removesuffix(" records")) for size in sizes]
    lines = {name: [number(cell) for cell in cells] for name, cells in rows.items()}
    told = (
        f"{name}: " + ", ".join(f"{value} MiB at {size}" for value, size in zip(values, sizes, strict=True))
        for name, values in lines.items()
    )
    description = f"Peak memory of the process, in MiB. {'; '.join(told)}."

    def curves(drawing: Drawing) -> None:
        _axes(drawing, records)
        for name, values in lines.items():
            _curve(drawing, name, records, values)

    return in_both_themes("memory", "Peak memory of a read, by records", description, (880, 380), curves)


def _x(records: list[float], value: float) -> float:
    low, high = math.log10(records[0]), math.log10(records[-1])
    return LEFT + INSET + (RIGHT - INSET - LEFT) * (math.log10(value) - low) / (high - low)


def _y(value: float) -> float:
    return FOOT - (FOOT - TOP) * value / MOST


def _axes(drawing: Drawing, records: list[float]) -> None:
    drawing.text(24, 34, "Peak memory of the process while it reads, in MiB", size=17, bold=True)
    for mib in range(0, MOST + 1, 20):
        drawing.line(LEFT, _y(mib), RIGHT, _y(mib), color="edge" if not mib else "grid")
        drawing.text(LEFT - 10, _y(mib) + 5, str(mib), size=13, color="quiet", anchor="end")
    for size in records:
        drawing.text(_x(records, size), FOOT + 24, f"{size:,.0f}", size=13, color="quiet", anchor="middle")
    drawing.text((LEFT + RIGHT) / 2, FOOT + 44, "records of 20 scalar fields", size=13, color="quiet", anchor="middle")
    drawing.text(24, drawing.height - 12, measured(PEAKS), size=12, color="quiet")


def _curve(drawing: Drawing, name: str, records: list[float], values: list[float]) -> None:
    ours = name.startswith("lakeflow_airtable")
    color = "ours" if ours else "theirs"
    places = [(_x(records, size), _y(value)) for size, value in zip(records, values, strict=True)]
    for (x1, y1), (x2, y2) in pairwise(places):
        drawing.line(x1, y1, x2, y2, color=color, width=3)
    for (x, y), value in zip(places, values, strict=True):
        drawing.box(x - 5, y - 5, 10, 10, fill=color, round=5)
        drawing.text(x, y - 12 if ours else y + 22, f"{value:g}", size=13, anchor="middle", bold=ours)
    x, y = places[-1]
    package, _, how = name.partition(", ")
    drawing.text(x + 32, y - 2, package, bold=ours)
    drawing.text(x + 32, y + 16, how, size=13, color="quiet")

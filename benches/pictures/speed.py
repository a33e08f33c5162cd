"""Bars beside the peers: whole reads at full speed, and reads under Airtable's limit."""

from __future__ import annotations

from dataclasses import dataclass

from .drawing import Drawing, in_both_themes
from .page import measured, number, table

WHOLE = ("100,000 records of 20 scalar fields", "100,000 records of 25 mixed fields")
READERS = (
    "lakeflow_airtable, batch by batch",
    "lakeflow_airtable, Arrow table",
    "lakeflow_airtable through Spark, no-op sink",
    "pyairtable, list of dicts",
    "pyairtable, Arrow table of the same types",
)
UNDER_THE_LIMIT = " | records | records/s | of the 500"
PACED = ("lakeflow_airtable, as it is", "pyairtable, page by page")
LEFT, RIGHT = 350, 780


@dataclass(frozen=True)
class Bars:
    """Bars of one scale under a heading."""

    heading: str
    rows: list[tuple[str, float]]


def draw() -> dict[str, str]:
    """The files of both pictures."""
    whole = [_whole(heading) for heading in WHOLE]
    fastest = max(value for bars in whole for _, value in bars.rows)
    description = "Records a second, read whole from a mock on the same machine. " + _told(whole)
    files = in_both_themes(
        "speed",
        "Records a second at full speed, beside pyairtable",
        description,
        (880, 430),
        lambda drawing: _bars(
            drawing, WHOLE[0], "Records a second at full speed, without Airtable's limit", whole, fastest
        ),
    )
    paced = _paced()
    description = "Records a second where Airtable grants 500, by the time that an answer takes. " + _told(paced)
    return files | in_both_themes(
        "limit",
        "Records a second under Airtable's limit, beside pyairtable",
        description,
        (880, 364),
        lambda drawing: _bars(drawing, UNDER_THE_LIMIT, "Records a second under Airtable's limit of 500", paced, 500),
    )


def _whole(heading: str) -> Bars:
    columns, rows = table(heading)
    at = columns.index("records/s")
    return Bars(heading, [(reader, number(rows[reader][at])) for reader in READERS])


def _paced() -> list[Bars]:
    columns, rows = table(UNDER_THE_LIMIT)
    at = columns.index("records/s")
    found: dict[str, list[tuple[str, float]]] = {}
    for what, cells in rows.items():
        reader, _, answers = what.partition("; ")
        if reader in PACED:
            found.setdefault(answers.capitalize(), []).append((reader, number(cells[at])))
    return [Bars(answers, bars) for answers, bars in found.items()]


def _told(several: list[Bars]) -> str:
    """The figures in words, for those who do not see the bars."""
    told = ("; ".join(f"{name}: {value:,.0f}" for name, value in bars.rows) for bars in several)
    return " ".join(f"{bars.heading}: {text}." for bars, text in zip(several, told, strict=True))


def _bars(drawing: Drawing, of_table: str, heading: str, several: list[Bars], full: float) -> None:
    drawing.text(24, 34, heading, size=17, bold=True)
    y = 66
    for bars in several:
        drawing.text(24, y, bars.heading, size=14, color="quiet", bold=True)
        y += 10
        for name, value in bars.rows:
            ours = name.startswith("lakeflow_airtable")
            width = (RIGHT - LEFT) * value / full
            drawing.text(LEFT - 12, y + 18, name, anchor="end")
            drawing.box(LEFT, y + 3, width, 20, fill="ours" if ours else "theirs", round=3)
            drawing.text(LEFT + width + 8, y + 18, f"{value:,.0f}", bold=ours)
            y += 28
        y += 28
    drawing.line(LEFT, 56, LEFT, y - 32, color="edge")
    drawing.text(24, drawing.height - 16, measured(of_table), size=12, color="quiet")

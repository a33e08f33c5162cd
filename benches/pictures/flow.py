"""The flow: bases, the steps of a read, who takes the batches, the lake."""

from __future__ import annotations

from .drawing import Drawing, in_both_themes

STEPS = (
    ("Options", "base, table, fields", "as text"),
    ("Plan", "one request:", "types of the columns"),
    ("Reader", "pages, paced", "and retried"),
    ("Batches", "typed Arrow", "columns"),
)
BASES = ("Base: Launches", "Base: Orders", "Base: Support")
TAKERS = (
    ("Apache Spark", "batches, streams, pipelines"),
    ("Databricks", "Lakeflow, Unity Catalog"),
    ("Python", "pyarrow, polars, duckdb"),
)
LAKE = ("Delta", "Iceberg", "Parquet", "DuckDB")


def draw() -> dict[str, str]:
    """The picture's files."""
    description = (
        "Airtable's bases are asked over HTTPS, at no more than 4.5 requests a second. One wheel turns options into "
        "a plan, a plan into pages, and pages into Arrow batches. Spark, Databricks and Python's libraries take the "
        "batches and write Delta, Iceberg, Parquet or DuckDB tables."
    )
    return in_both_themes("flow", "From Airtable's bases to a lake", description, (960, 300), _flow)


def _flow(drawing: Drawing) -> None:
    for x, text in ((84, "Airtable"), (371, "lakeflow-airtable"), (707, "readers"), (893, "lake")):
        drawing.text(x, 34, text, size=16, anchor="middle", bold=True)
    for number, base in enumerate(BASES):
        y = 74 + 66 * number
        drawing.box(16, y, 136, 48, edge="edge", round=8)
        drawing.text(84, y + 29, base, anchor="middle")
        drawing.arrow(152, y + 24, 190, 164)
    drawing.box(190, 52, 362, 224, fill="panel", edge="ours", round=12)
    drawing.text(371, 78, "one wheel, no other dependency", size=13, color="quiet", anchor="middle")
    for number, (name, first, second) in enumerate(STEPS):
        x, y = 206 + 172 * (number % 2), 92 + 92 * (number // 2)
        drawing.box(x, y, 158, 78, fill="ground", edge="ours", round=8)
        drawing.text(x + 12, y + 24, f"{number + 1}  {name}", size=15, color="ours", bold=True)
        drawing.text(x + 12, y + 46, first, size=13)
        drawing.text(x + 12, y + 64, second, size=13)
    for number, (name, what) in enumerate(TAKERS):
        y = 66 + 72 * number
        drawing.box(590, y, 222, 56, edge="edge", round=8)
        drawing.text(606, y + 24, name, size=15, bold=True)
        drawing.text(606, y + 44, what, size=13, color="quiet")
        drawing.arrow(552, 164, 590, y + 28)
        drawing.line(812, y + 28, 830, y + 28, color="edge", width=2)
    drawing.line(830, 94, 830, 238, color="edge", width=2)
    drawing.arrow(830, 164, 850, 164)
    drawing.box(850, 66, 94, 200, edge="good", round=8)
    for number, name in enumerate(LAKE):
        drawing.text(897, 104 + 44 * number, name, anchor="middle")

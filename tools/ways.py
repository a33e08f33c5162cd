"""Draws the two ways of docs/project/architecture.md, of a cell and of an offset: `python tools/ways.py`."""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "project"
WIDTH, HEIGHT, GAP = 150, 62, 34
# The colours follow the reader's, light or dark.
STYLE = """
  rect { fill: #eef4fb; stroke: #3b6ea5; } text { font: 13px sans-serif; fill: #1b2733; text-anchor: middle; }
  .small { font-size: 11px; fill: #52616f; } path { stroke: #3b6ea5; fill: none; marker-end: url(#tip); }
  #tip path { fill: #3b6ea5; stroke: none; marker-end: none; }
  @media (prefers-color-scheme: dark) {
    rect { fill: #1d2a38; stroke: #7fb0e3; } text { fill: #e6edf3; } .small { fill: #9fb0bf; }
    path { stroke: #7fb0e3; } #tip path { fill: #7fb0e3; }
  }
"""
WAYS = {
    "cell": [
        ("page", "bytes of an answer"),
        ("JSON reader", "stands at the cell"),
        ("builder", "of the column"),
        ("columns", "or _rescued_data"),
        ("RecordBatch", "handed over by Arrow"),
    ],
    "offset": [
        ("latest offset", "Airtable is asked"),
        ("checkpoint", "Spark writes it down"),
        ("scan", "from the last to this"),
        ("worker", "reads the batch"),
        ("commit", "or the same again"),
    ],
}


def drawing(steps: list[tuple[str, str]]) -> str:
    """Boxes from left to right, with an arrow between each two."""
    parts = []
    for number, (title, below) in enumerate(steps):
        left = 4 + number * (WIDTH + GAP)
        middle = left + WIDTH // 2
        parts.append(f'<rect x="{left}" y="4" width="{WIDTH}" height="{HEIGHT}" rx="8"/>')
        parts.append(f'<text x="{middle}" y="30">{escape(title)}</text>')
        parts.append(f'<text class="small" x="{middle}" y="50">{escape(below)}</text>')
        if number:
            parts.append(f'<path d="M{left - GAP + 2} {4 + HEIGHT // 2} H{left - 8}"/>')
    width = 8 + len(steps) * WIDTH + (len(steps) - 1) * GAP
    size = 'viewBox="0 0 8 8" refX="4" refY="4" markerWidth="8" markerHeight="8"'
    tip = f'<marker id="tip" {size}><path d="M0 0 L8 4 L0 8"/></marker>'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 8}" role="img">\n'
        f"<style>{STYLE}</style>\n<defs>{tip}</defs>\n{body}\n</svg>\n"
    )


if __name__ == "__main__":
    for name, steps in WAYS.items():
        (FOLDER / f"{name}.svg").write_text(drawing(steps), encoding="utf-8")

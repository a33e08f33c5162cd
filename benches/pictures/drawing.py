"""A picture: shapes and text in two themes, written as SVG.

No font is brought along, so a text may be a tenth wider elsewhere than here: leave it room. Colours are named by what
they mean, and each theme has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif"

THEMES = {
    "light": {
        "ground": "#ffffff",
        "panel": "#f3f6fa",
        "edge": "#8b98a9",
        "grid": "#d5dce4",
        "text": "#17202b",
        "quiet": "#4f5d6e",
        "ours": "#0b66c2",
        "on_ours": "#ffffff",
        "theirs": "#8a94a1",
        "good": "#1a7f4b",
        "bad": "#c62f2f",
        "wait": "#f6dfb0",
    },
    "dark": {
        "ground": "#0d1117",
        "panel": "#18202b",
        "edge": "#6e7b8b",
        "grid": "#2c3644",
        "text": "#e8edf3",
        "quiet": "#a9b4c1",
        "ours": "#58a6ff",
        "on_ours": "#06121f",
        "theirs": "#8a94a1",
        "good": "#46c07f",
        "bad": "#ff7b72",
        "wait": "#4d3d16",
    },
}
"""The colours by what they mean; every text on its ground has a contrast of 4.5 or more, which a test holds."""


@dataclass
class Drawing:
    """What is drawn so far. Places are in pixels, from the upper left corner."""

    title: str
    description: str
    width: int
    height: int
    theme: str
    _shapes: list[str] = field(default_factory=list)

    def color(self, name: str) -> str:
        """The theme's colour."""
        return THEMES[self.theme][name]

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "panel",
        edge: str | None = None,
        round: float = 0,
        note: str = "",
    ) -> None:
        """A rectangle; a note is shown where a mouse rests on it."""
        stroke = f' stroke="{self.color(edge)}" stroke-width="1.5"' if edge else ""
        corner = f' rx="{_number(round)}"' if round else ""
        start = (
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"{corner} '
            f'fill="{self.color(fill)}"{stroke}'
        )
        self._shapes.append(f"{start}><title>{escape(note)}</title></rect>" if note else f"{start}/>")

    def line(self, x1: float, y1: float, x2: float, y2: float, *, color: str = "grid", width: float = 1) -> None:
        """A straight line."""
        self._shapes.append(
            f'<line x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}" y2="{_number(y2)}" '
            f'stroke="{self.color(color)}" stroke-width="{_number(width)}"/>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float, *, color: str = "edge") -> None:
        """A line that ends in a head, level or bent once in the middle."""
        middle = (x1 + x2) / 2
        bend = f"H{_number(middle)} V{_number(y2)} " if y1 != y2 else ""
        paint = self.color(color)
        self._shapes.append(
            f'<path d="M{_number(x1)} {_number(y1)} {bend}H{_number(x2 - 6)}" fill="none" stroke="{paint}" '
            'stroke-width="2"/>'
        )
        head = f"M{_number(x2)} {_number(y2)} l-9 -5 v10 z"
        self._shapes.append(f'<path d="{head}" fill="{paint}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        color: str = "text",
        anchor: str = "start",
        bold: bool = False,
        mono: bool = False,
    ) -> None:
        """One line of text whose foot is at `y`."""
        weight = ' font-weight="600"' if bold else ""
        family = ' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"' if mono else ""
        place = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._shapes.append(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}"{weight}{family}{place} '
            f'fill="{self.color(color)}">{escape(text)}</text>'
        )

    def svg(self) -> str:
        """The file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" aria-labelledby="title desc" font-family={quoteattr(FONT)}>'
        )
        named = [
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="desc">{escape(self.description)}</desc>',
            f'<rect width="{self.width}" height="{self.height}" rx="8" fill="{self.color("ground")}"/>',
        ]
        return "\n".join([head, *named, *self._shapes, "</svg>", ""])


def in_both_themes(
    name: str, title: str, description: str, size: tuple[int, int], draw: Callable[[Drawing], None]
) -> dict[str, str]:
    """The two files of a picture, by their names."""
    files = {}
    for theme in THEMES:
        drawing = Drawing(title, description, *size, theme)
        draw(drawing)
        files[f"{name}-{theme}.svg"] = drawing.svg()
    return files


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

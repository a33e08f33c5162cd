"""The pictures are those of their records and of docs/speed.md, and anybody can read them."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from project import PROJECT, places_of_machines

PICTURES = PROJECT / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"
MODULES = ("flow", "cursors", "refused", "speed", "memory", "groups", "history", "sample_base")


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package that draws."""
    monkeypatch.syspath_prepend(str(PROJECT / "benches"))
    import pictures.__main__ as main

    yield main
    for name in [name for name in sys.modules if name.partition(".")[0] == "pictures"]:
        del sys.modules[name]


def test_every_picture_is_one_that_is_drawn(pictures: Any) -> None:
    assert pictures.NAMES == MODULES
    drawn = {file for name in MODULES for file in pictures.drawn(name)}
    assert drawn == {path.name for path in PICTURES.iterdir()}
    told = set(re.findall(r"^    ([a-z-]+) {2,}", sys.modules["pictures"].__doc__ or "", re.MULTILINE))
    assert {re.sub(r"(-light|-dark)?\.\w+$", "", file) for file in drawn} == told


@pytest.mark.parametrize("name", MODULES)
def test_a_picture_is_that_of_its_record(pictures: Any, name: str) -> None:
    for file, text in pictures.drawn(name).items():
        assert (PICTURES / file).read_text() == text, f"{file} is old: run `make pictures PICTURES_ARGS=--drawn`"


def test_the_history_is_recorded_as_it_is_read_now(
    pictures: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = (pictures.RUNS / "history.json").read_text()
    monkeypatch.setattr(pictures, "RUNS", tmp_path)
    pictures.record("history")
    assert (tmp_path / "history.json").read_text() == kept, "run `make pictures PICTURES_ARGS=history`"


def test_a_log_is_recorded_from_a_read(pictures: Any) -> None:
    from pictures.requests import recorded

    found = recorded(250, answer_ms=0)
    assert [request["cursor"] for request in found["requests"]] == [0, 1, 1, 1]
    assert all(request["status"] == 200 and request["is_ours"] for request in found["requests"])
    assert found["requests"][0]["at"] == 0


def test_bars_are_the_figures_of_the_page(pictures: Any) -> None:
    page = (PROJECT / "docs" / "speed.md").read_text()
    for file in ("speed-light.svg", "limit-light.svg", "memory-dark.svg"):
        shown = [text.text or "" for text in ElementTree.parse(PICTURES / file).iter(f"{SVG}text")]
        figures = [text for text in shown if re.fullmatch(r"[\d,]{5,}|\d+\.\d", text)]
        assert len(figures) > 5 or file.startswith("limit"), shown
        assert all(f"| {figure} " in page or f" {figure} records" in page for figure in figures), figures


def test_versions_begin_where_a_cell_changes_and_end_with_a_delete(pictures: Any) -> None:
    from pictures.history import versions

    def row(at: str, score: int | None, deleted: bool = False) -> dict[str, Any]:
        return {"id": "recA", "score": score, "_changed_at": at, "_deleted": deleted}

    rows = [row("1", 7), row("2", 7), row("4", None, True), row("3", 8), row("5", 9)]
    found = [(one["score"], one["__START_AT"], one["__END_AT"]) for one in versions(rows)]
    assert found == [(7, "1", "3"), (8, "3", "4"), (9, "5", None)]


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_a_picture_can_be_read_by_all(path: Path) -> None:
    text = path.read_text()
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    named = [root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")]
    assert all(named), "a title and a description"
    assert min(float(one.get("font-size", "0")) for one in root.iter(f"{SVG}text")) >= 12
    assert places_of_machines(text) == []
    assert not re.search("href|<script", text)


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*-light.svg")), ids=lambda path: path.name)
def test_no_text_leaves_its_picture(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    for one in root.iter(f"{SVG}text"):
        x, size, text = float(one.get("x", "0")), float(one.get("font-size", "0")), one.text or ""
        # As wide as the widest of the fonts that are named, nearly.
        width = len(text) * size * (0.62 if one.get("font-family") or one.get("font-weight") else 0.56)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[one.get("text-anchor", "start")]
        assert left >= 0, text
        assert left + width <= float(root.get("width", "0")), text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(pictures: Any, theme: str) -> None:
    from pictures.drawing import THEMES

    colors = THEMES[theme]
    for ground, texts in {
        "ground": ("text", "quiet", "ours", "bad"),
        "panel": ("text", "quiet"),
        "wait": ("text",),
        "ours": ("on_ours",),
    }.items():
        for name in texts:
            assert contrast(colors[name], colors[ground]) >= 4.5, f"{name} on {ground}"


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_guide_shows_the_sample_base_as_it_is() -> None:
    diagram = (PROJECT / "docs" / "pictures" / "sample-base.mmd").read_text().rstrip()
    assert f"```mermaid\n{diagram}\n```" in (PROJECT / "docs" / "guides" / "testing.md").read_text()

"""The maps of the code name what is there: CONTRIBUTING's, and that of the crate's own page."""

from __future__ import annotations

import re
from pathlib import Path

from project import PROJECT

MENTIONED = re.compile(r"`((?:src|crates|python|tests|examples|docs|benches)/[\w./-]+)`")


def mapped() -> list[Path]:
    """The paths of CONTRIBUTING's map, those further in after the one that they are in."""
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    section = text.partition("## Layout")[2].partition("\n## ")[0]
    paths: list[Path] = []
    outer = Path()
    for indent, name in re.findall(r"^    ( *)(\S+)", section, re.MULTILINE):
        if not indent:
            outer = Path(name)
        paths.append(outer / name if indent else outer)
    return paths


def test_everything_on_the_map_is_there() -> None:
    assert len(mapped()) > 20
    for path in mapped():
        assert (PROJECT / path).exists(), path


def test_everything_that_is_there_is_on_the_map() -> None:
    on_map = set(mapped())
    modules = {path.with_suffix("") for path in (PROJECT / "src").iterdir()}
    there = {path.relative_to(PROJECT) for path in modules}
    assert {path.with_suffix("") for path in on_map if path.parts[0] == "src"} == there
    for folder in ("crates", "python", "python/lakeflow_airtable", "tests"):
        inside = (path.relative_to(PROJECT) for path in (PROJECT / folder).iterdir() if path.is_dir())
        for path in inside:
            assert path in on_map or path.name.startswith(("__", ".")), path


def test_the_crates_own_map_is_that_of_its_modules() -> None:
    page = (PROJECT / "src" / "lib.rs").read_text()
    told = re.findall(r"^//! \| (.+?) \|", page, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(told))
    modules = re.findall(r"^(?:pub )?mod (\w+);", page, re.MULTILINE)
    assert sorted(named) == sorted(modules)


def test_each_folder_tells_of_its_files() -> None:
    for folder in (path for path in (PROJECT / "src").iterdir() if path.is_dir()):
        page = folder.with_suffix(".rs").read_text()
        told = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^//! \| (.+?) \|", page, re.MULTILINE))))
        files = {path.stem for path in folder.glob("*.rs")} - {"tests"}
        assert files == told, folder


def test_paths_in_the_text_lead_somewhere() -> None:
    for page in (PROJECT / "CONTRIBUTING.md", PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")):
        for name in MENTIONED.findall(page.read_text()):
            assert (PROJECT / name).exists(), f"{page}: {name}"

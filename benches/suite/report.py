"""What a run found: sections of tables and bars, as text, as Markdown, as JSON, and in docs/speed.md."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import wrap
from typing import Any

START, END = "<!-- bench -->", "<!-- /bench -->"
WIDTH = 120


@dataclass(frozen=True)
class Table:
    """Rows under a heading; the first column is what the others are about."""

    heading: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def __post_init__(self) -> None:
        if not self.rows or any(len(row) != len(self.heading) for row in self.rows):
            raise ValueError(f"a table of other rows than its heading: {self.heading}")

    def lines(self) -> list[str]:
        """For people."""
        widths = [max(map(len, column)) for column in zip(self.heading, *self.rows, strict=True)]
        texts = []
        for first, *others in (self.heading, *self.rows):
            cells = (f"{text:>{width}}" for text, width in zip(others, widths[1:], strict=True))
            texts.append("  ".join([f"{first:<{widths[0]}}", *cells]).rstrip())
        return texts

    def markdown(self) -> list[str]:
        """For a page."""
        rule = "|---|" + "---:|" * (len(self.heading) - 1)
        return [_row(self.heading), rule, *map(_row, self.rows)]


@dataclass(frozen=True)
class Bar:
    """A figure beside what it has to be."""

    what: str
    value: float
    needed: float
    unit: str = "x"
    is_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.value <= self.needed if self.is_most else self.value >= self.needed

    def __str__(self) -> str:
        needed = f"{'at most' if self.is_most else 'at least'} {self._shown(self.needed)}"
        return f"{'met' if self.is_met else 'MISSED'}: {self.what}: {self._shown(self.value)} ({needed})"

    def _shown(self, value: float) -> str:
        if self.unit == "%":
            return percent(value)
        number = f"{value:,.0f}" if value == round(value) else f"{value:,.2f}" if value < 10 else f"{value:,.1f}"
        return f"{number} {self.unit}".rstrip()


@dataclass(frozen=True)
class Section:
    """What one group found."""

    title: str
    tables: list[Table]
    bars: list[Bar] = field(default_factory=list)
    note: str = ""
    picture: str = ""
    """The name of its picture in docs/pictures, which is drawn from its table."""

    def text(self) -> str:
        """For people."""
        blocks = [
            [self.title, "=" * len(self.title)],
            *(table.lines() for table in self.tables),
            wrap(self.note, WIDTH),
        ]
        return "\n\n".join("\n".join(block) for block in [*blocks, list(map(str, self.bars))] if block)

    def markdown(self) -> str:
        """For a page."""
        picture = [
            "<picture>",
            f'  <source media="(prefers-color-scheme: dark)" srcset="pictures/{self.picture}-dark.svg">',
            f'  <img alt="{self.title}, as bars" src="pictures/{self.picture}-light.svg">',
            "</picture>",
        ]
        shown = [table.markdown() for table in self.tables]
        blocks = [[f"## {self.title}"], *([picture] if self.picture else []), *shown, wrap(self.note, WIDTH)]
        return "\n\n".join("\n".join(block) for block in [*blocks, [f"- {bar}" for bar in self.bars]] if block)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        bars = [{**asdict(bar), "is_met": bar.is_met} for bar in self.bars]
        return {**asdict(self), "bars": bars}


def percent(share: float) -> str:
    """Rounded down, so that what is missed does not look met."""
    return f"{math.floor(share * 100 + 1e-9)} %"


def made(sections: Sequence[Section], command: str) -> str:
    """The sections for a page, below what was run, when and where."""
    head = f"Run on {date.today().isoformat()} by `{command}`. The machine: {machine()}. The versions: {versions()}."
    return "\n\n".join(["\n".join(wrap(head, WIDTH)), *(section.markdown() for section in sections)])


def write_page(page: Path, text: str) -> None:
    """Puts it between the page's marks."""
    before, _, after = _parted(page)
    page.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def write_again(page: Path, sections: Sequence[Section], command: str) -> None:
    """Replaces those sections that the page has, adds the others, and says in each that it was run by itself."""
    head, *parts = re.split(r"(?m)^(?=## )", _parted(page)[1].strip())
    again = f"Run again on {date.today().isoformat()} by `{command}`."
    for section in sections:
        title, _, rest = section.markdown().partition("\n")
        text = f"{title}\n\n{again}\n{rest}"
        number = next((number for number, part in enumerate(parts) if part.partition("\n")[0] == title), None)
        if number is None:
            parts.append(text)
        else:
            parts[number] = text
    write_page(page, "\n\n".join(part.strip() for part in (head, *parts)))


def _parted(page: Path) -> tuple[str, str, str]:
    """The page before, between and after its marks."""
    old = page.read_text(encoding="utf-8")
    if old.count(START) != 1 or old.count(END) != 1:
        raise SystemExit(f"{page} must have one {START} and one {END}")
    before, _, rest = old.partition(START)
    between, _, after = rest.partition(END)
    return before, between, after


def machine() -> str:
    """The machine's kind, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    cores = len(os.sched_getaffinity(0))
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    return f"{model or platform.machine()}, {cores} cores, {memory:.0f} GiB of memory, {system}"


def versions() -> str:
    """What was measured with what."""

    def of(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return f"no {name}"

    packages = map(of, ("lakeflow-airtable", "pyspark", "pyarrow", "pyairtable", "dlt"))
    return ", ".join([f"Python {platform.python_version()}", *packages])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"

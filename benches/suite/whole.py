"""Whole reads at full speed: nothing paces them, so that what is measured is the clients' work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import decoder, sparks
from .process import Measured, in_turns, measure
from .report import Bar, Section, Table, percent
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
KINDS = {"scalar": 20, "mixed": 25}
HEADING = ("records/s", "CPU s per million cells", "peak MiB")
ROWS = {
    "download": "bytes alone, over one socket",
    "decoder": "decoder alone",
    "our_batches": "lakeflow_airtable, batch by batch",
    "their_list": "pyairtable, list of dicts",
    "our_table": "lakeflow_airtable, Arrow table",
    "their_arrow": "pyairtable, Arrow table of the same types",
    "spark": "lakeflow_airtable through Spark, no-op sink",
    "ready": "Spark alone, the same batches from memory",
}
DECODERS = {
    "Decoder": "decoder: JSON -> columns",
    "IgnoredAny": "serde_json, reading past everything",
    "Value": "serde_json, tree of values",
}


NOTE = (
    "A reader's processor time and memory are those of its process, or of all of Spark's: the JVM and Python's "
    "workers. There are three floors. The first is a bare socket that asks for the same pages and drops their bytes. "
    "The second is the decoder over pages in memory. The third is Spark: it reads the same Arrow batches from a file "
    "in memory, by a data source that does nothing else. Spark's sessions are started, and warmed up by two reads, "
    "before the clock starts. The first of these reads counts the rows. Spark's figures are the median of three "
    "reads. Both Arrow tables are compared cell by cell before anything is timed."
)


@dataclass(frozen=True)
class Kind:
    """One of the two tables."""

    name: str
    records: int

    @property
    def fields(self) -> int:
        return KINDS[self.name]

    @property
    def cells(self) -> int:
        return self.records * self.fields


def run(settings: Settings) -> Section:
    """Both tables, and the decoder over pages of both."""
    alone = decoder.records_per_second() if settings.with_decoder else {}
    section = Section("Whole reads at full speed", [], [], NOTE)
    for name in KINDS:
        kind = Kind(name, settings.records)
        with serving({NAME: {"records": kind.records, "fields": kind.fields, "scalars": name == "scalar"}}) as server:
            medians = _medians(server, kind, settings)
        speeds = {reader: kind.records / median.seconds for reader, median in medians.items()}
        if alone:
            speeds["decoder"] = alone[name]["Decoder"]
        section.tables.append(_table(kind, medians, speeds, settings.rounds))
        section.bars.extend(_bars(kind, medians, speeds))
    if alone:
        section.tables.append(_decoders(alone))
        section.bars.extend(
            Bar(f"decoder beside reading past everything, {name}", speed["Decoder"] / speed["IgnoredAny"], 0.4, "%")
            for name, speed in alone.items()
        )
    return section


def _medians(server: Server, kind: Kind, settings: Settings) -> dict[str, Measured]:
    place: dict[str, Any] = {"place": server.place, "table": NAME}
    measure("readers.equal_tables", kind.records, **place)
    with tempfile.TemporaryDirectory(dir=sparks.memory()) as directory:
        file = f"{directory}/batches.arrow"
        if sparks.write_batches(server.place, NAME, file) != kind.records:
            raise SystemExit("the file of batches is not the table")
        readers: dict[str, Callable[[], Measured]] = {
            name: partial(measure, f"readers.{name}", kind.records, **place)
            for name in ROWS
            if name not in ("decoder", "spark", "ready")
        }
        repeats = settings.spark_reads
        readers["spark"] = partial(measure, "sparks.ours", kind.records, repeats=repeats, **place)
        readers["ready"] = partial(measure, "sparks.ready", kind.records, repeats=repeats, file=file)
        return in_turns(settings.rounds, readers)


def _table(kind: Kind, medians: dict[str, Measured], speeds: dict[str, float], rounds: int) -> Table:
    title = f"{kind.records:,} records of {kind.fields} {kind.name} fields, median of {rounds}"
    rows = []
    for name, shown in ROWS.items():
        if name in speeds:
            found = medians.get(name)
            costs = ("", "") if found is None else (_cost(found, kind), f"{found.peak_mib:,.0f}")
            rows.append((shown, f"{speeds[name]:,.0f}", *costs))
    return Table((title, *HEADING), rows)


def _cost(found: Measured, kind: Kind) -> str:
    return f"{found.cpu_seconds / kind.cells * 1e6:.2f}"


def _bars(kind: Kind, medians: dict[str, Measured], speeds: dict[str, float]) -> list[Bar]:
    ours, theirs = medians["our_table"], medians["their_arrow"]
    bars = [
        Bar(f"Arrow table beside pyairtable's, {kind.name}, time", theirs.seconds / ours.seconds, 20),
        Bar(f"Arrow table beside pyairtable's, {kind.name}, CPU", theirs.cpu_seconds / ours.cpu_seconds, 20),
    ]
    floors = [speeds[name] for name in ("decoder", "ready") if name in speeds]
    bars.append(
        Bar(f"through Spark beside the slower of its floors, {kind.name}", speeds["spark"] / min(floors), 0.6, "%")
    )
    if "decoder" in speeds:
        floors_cpu = medians["download"].cpu_seconds + kind.records / speeds["decoder"] + medians["ready"].cpu_seconds
        share = medians["spark"].cpu_seconds / floors_cpu
        bars.append(Bar(f"through Spark beside the sum of its floors, {kind.name}, CPU", share, 1.1, is_most=True))
    return bars


def _decoders(alone: dict[str, dict[str, float]]) -> Table:
    rows = []
    for name, speeds in alone.items():
        for kind, shown in DECODERS.items():
            share = speeds["Decoder"] / speeds[kind]
            rows.append((f"{shown}, {KINDS[name]} {name} fields", f"{speeds[kind]:,.0f}", percent(share)))
    return Table(("pages in memory, one core", "records/s", "decoder's share of it"), rows)

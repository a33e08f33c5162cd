"""What there is before the first row: the wheel, imports, the first batch, and the requests of one Spark read."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from .process import measure
from .report import Bar, Section, Table
from .server import Server, serving
from .settings import Settings

NAME = "Bench"
RECORDS = 1_000
PROGRAMS = {
    "nothing": "pass",
    "import": "import lakeflow_airtable",
    "module": "import lakeflow_airtable._native",
    "command": (
        "import runpy, sys; sys.argv = ['lakeflow-airtable', '--version'];"
        "runpy.run_module('lakeflow_airtable', run_name='__main__')"
    ),
    "help": (
        "import runpy, sys; sys.argv = ['lakeflow-airtable', 'read', '--help'];"
        "runpy.run_module('lakeflow_airtable', run_name='__main__')"
    ),
    "pyarrow": "import pyarrow",
    "pyairtable": "import pyairtable",
    "ours": (
        "import sys, lakeflow_airtable as a; u, t, b = sys.argv[1:];"
        f"next(iter(a.Airtable(token=t, base_id=b, base_url=u, requests_per_second=1000000).read({NAME!r})))"
    ),
    "theirs": (
        "import sys, pyairtable as a; u, t, b = sys.argv[1:];"
        f"next(iter(a.Api(t, endpoint_url=u).table(b, {NAME!r}).iterate()))"
    ),
}
TITLES = {
    "import": "import lakeflow_airtable",
    "module": "with the compiled module, which the first read imports",
    "command": "lakeflow-airtable --version",
    "help": "lakeflow-airtable read --help",
    "pyarrow": "import pyarrow",
    "pyairtable": "import pyairtable",
    "ours": "lakeflow_airtable: imports, definition, first batch of an Arrow stream",
    "theirs": "pyairtable: imports, first page of dicts",
}
NOTE = "Milliseconds are the median of fresh interpreters, less that of one that does nothing. All of them took turns."


def run(settings: Settings) -> Section:
    """Times, one size and one count."""
    with serving({NAME: {"records": RECORDS, "fields": 20, "scalars": True}}) as server:
        seconds = _interpreters(server, settings.starts)
        server.call("clear_requests")
        measure("sparks.counted", RECORDS, place=server.place, table=NAME)
        counts: dict[str, int] = server.call("request_counts")
    took = {name: (seconds[name] - seconds["nothing"]) * 1000 for name in TITLES}
    rows = [(f"{title}, ms", f"{took[name]:,.0f}") for name, title in TITLES.items()]
    definitions = counts.get("get_schema", 0)
    rows.append(("requests for definitions of one Spark load().count()", f"{definitions}"))
    bars = [
        Bar("import without Spark", took["import"], 50, "ms", is_most=True),
        Bar("start of the command line", took["command"], 150, "ms", is_most=True),
        Bar("requests for definitions", definitions, 1, "", is_most=True),
    ]
    if settings.wheel:
        size = Path(settings.wheel).stat().st_size / 1e6
        rows.append(("size of the release wheel, MB", f"{size:.1f}"))
        bars.append(Bar("size of the wheel", size, 8, "MB", is_most=True))
    return Section("Start", [Table((f"median of {settings.starts}", ""), rows)], bars, NOTE, "start")


def _interpreters(server: Server, rounds: int) -> dict[str, float]:
    """The median time of each program, in fresh interpreters that take turns."""
    place = [server.url, server.token, server.base_id]
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program, *place], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(several) for name, several in seconds.items()}

"""Whole reads of a large table, by this package and by pyairtable: rows a second, processor seconds, peak memory.

A mock Airtable in a process of its own serves the table over loopback, without pacing or compression, so that what is
measured is the clients' work; against Airtable itself both wait for 4.5 to 5 requests a second. Every read is a fresh
process, the readers take turns, and the table shows medians. The ratios are of one run on one machine.

python benches/whole_read.py --markdown
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TABLE = "Bench"
# Enough never to wait for.
UNPACED = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000, help="records of the table (default: %(default)s)")
    parser.add_argument("--fields", type=int, default=20, help="fields of the table (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="reads of each kind (default: %(default)s)")
    parser.add_argument(
        "--memory",
        type=int,
        nargs="*",
        metavar="RECORDS",
        default=[10_000, 100_000, 400_000],
        help="sizes of the tables whose peak memory is shown (default: %(default)s)",
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--serve", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--read", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        return serve(**given.serve)
    if given.read:
        return read(**given.read)

    for kind in ("scalar", "mixed"):
        with served(given.records, given.fields, kind) as options:
            if kind == "scalar":
                run("compare", options)
            print_reads(kind, given, options)
    print_memory(given)
    return 0


# --- what is printed ------------------------------------------------------------------------------------------------


def print_reads(kind: str, given: argparse.Namespace, options: dict[str, str]) -> None:
    """One table of all readers that can read the served table."""
    results: dict[str, list[Measured]] = {name: [] for name, reader in READERS.items() if kind in reader.kinds}
    for _ in range(given.rounds):
        for name, measured in results.items():
            measured.append(run(name, options))
            if measured[-1].rows != given.records:
                raise SystemExit(f"{name} read {measured[-1].rows} rows of {given.records}")
    medians = {name: Measured.median(measured) for name, measured in results.items()}
    rows = []
    for name, own in medians.items():
        other = medians.get(READERS[name].beside)
        ratios = ("", "") if other is None else (f"{other.seconds / own.seconds:.1f}", f"{other.cpu / own.cpu:.1f}")
        rows.append(
            (
                READERS[name].title,
                f"{own.rows / own.seconds:,.0f}",
                f"{own.cpu:.2f}",
                f"{own.peak_mib:,.0f}",
                *(ratio and f"{ratio} x" for ratio in ratios),
            )
        )
    title = f"{given.records:,} records of {given.fields} {kind} fields, median of {given.rounds}"
    heading = (title, "rows/s", "CPU s", "peak MiB", "quicker", "less CPU")
    print_table(heading, rows, given.markdown)


def print_memory(given: argparse.Namespace) -> None:
    """Peak memory of a streaming read by the size of the table."""
    rows: list[tuple[str, ...]] = []
    for records in given.memory:
        with served(records, given.fields, "mixed") as options:
            own = run("batches", options)
        rows.append((f"{own.rows:,}", f"{own.peak_mib:,.0f}", f"{own.peak_mib - own.before_mib:,.0f}"))
    if rows:
        heading = ("streamed records", "peak MiB", "of it by the read")
        print_table(heading, rows, given.markdown)


def print_table(heading: tuple[str, ...], rows: list[tuple[str, ...]], markdown: bool) -> None:
    """A table for people, or for a Markdown file."""
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]
    for number, row in enumerate([heading, *rows]):
        if markdown:
            print("| " + " | ".join(row) + " |")
        else:
            first, *others = zip(row, widths, strict=True)
            print(f"{first[0]:<{first[1]}}", *(f"{text:>{width}}" for text, width in others), sep="  ")
        if markdown and number == 0:
            print("|---|" + "---:|" * (len(heading) - 1))
    print(flush=True)


# --- the server -----------------------------------------------------------------------------------------------------


@contextmanager
def served(records: int, fields: int, kind: str) -> Iterator[dict[str, str]]:
    """Options of a mock Airtable that serves such a table."""
    arguments = json.dumps({"records": records, "fields": fields, "kind": kind})
    command = [sys.executable, __file__, "--serve", arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            options: dict[str, str] = json.loads(server.stdout.readline())
            yield options
        finally:
            server.stdin.close()


def serve(records: int, fields: int, kind: str) -> int:
    """Serves a generated table until standard input ends."""
    from lakeflow_airtable.mock import MockAirtable

    with MockAirtable(sample=False, faults={"gzip": False}) as mock:
        mock.create_base("Bench")
        mock.generate_table(TABLE, records, fields, scalars=kind == "scalar")
        print(json.dumps({"url": mock.url, "token": mock.token, "base_id": mock.base_id}), flush=True)
        sys.stdin.read()
    return 0


# --- one read -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What one read took."""

    rows: int
    seconds: float
    cpu: float
    before_mib: float
    peak_mib: float

    @classmethod
    def median(cls, several: list[Measured]) -> Measured:
        """The median of each figure."""

        def of(name: str) -> float:
            middle: float = statistics.median(getattr(one, name) for one in several)
            return middle

        return cls(several[0].rows, of("seconds"), of("cpu"), of("before_mib"), of("peak_mib"))


def run(reader: str, options: dict[str, str]) -> Measured:
    """Reads in a fresh process."""
    arguments = json.dumps({"reader": reader, **options})
    ran = subprocess.run([sys.executable, __file__, "--read", arguments], stdout=subprocess.PIPE, check=True)
    return Measured(**json.loads(ran.stdout))


def read(reader: str, url: str, token: str, base_id: str) -> int:
    """Reads in this process, and prints what it took. Imports come before the clock starts."""
    import pyairtable  # noqa: F401
    import pyarrow as pa
    import pyarrow.compute

    import lakeflow_airtable._native  # noqa: F401

    if READERS[reader].makes_table:
        # The first table from foreign objects makes pyarrow look for pandas, which takes a second where there is one.
        pa.table(pa.RecordBatchReader.from_batches(pa.schema([]), []))
        pa.Table.from_pylist([{"a": 1}])
    before, started, cpu = memory_mib("VmRSS"), time.perf_counter(), time.process_time()
    rows = READERS[reader].read(url, token, base_id)
    measured = {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "before_mib": before,
        "peak_mib": memory_mib("VmHWM"),
    }
    print(json.dumps(measured))
    return 0


def memory_mib(name: str) -> float:
    """Resident memory now (VmRSS) or at its highest (VmHWM). Only the highest is to be had outside Linux."""
    if os.path.exists("/proc/self/status"):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(name + ":"))
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def our_batches(url: str, token: str, base_id: str) -> Iterator[Any]:
    from lakeflow_airtable import Airtable

    base = Airtable(token=token, base_id=base_id, base_url=url, requests_per_second=UNPACED)
    return base.read(TABLE)


def their_table(url: str, token: str, base_id: str) -> Any:
    import pyairtable

    return pyairtable.Api(token, endpoint_url=url).table(base_id, TABLE)


def batches(url: str, token: str, base_id: str) -> int:
    return sum(batch.num_rows for batch in our_batches(url, token, base_id))


def our_arrow(url: str, token: str, base_id: str) -> Any:
    import pyarrow as pa

    return pa.table(our_batches(url, token, base_id))


def their_list(url: str, token: str, base_id: str) -> int:
    return len(their_table(url, token, base_id).all())


def their_arrow(url: str, token: str, base_id: str) -> Any:
    """What it takes to get typed columns of scalar fields from pyairtable's dicts."""
    import pyarrow as pa

    table = their_table(url, token, base_id)
    fields = {field.name: ARROW.get(field.type, "string") for field in table.schema().fields}
    columns = {
        "id": pa.string(),
        "createdTime": pa.string(),
        # Dates and times come as texts, and numbers without a decimal point as integers.
        **{
            name: pa.string() if kind in ("date32", "time") else pa.type_for_alias(kind)
            for name, kind in fields.items()
        },
    }
    rows = [{"id": row["id"], "createdTime": row["createdTime"], **row["fields"]} for row in table.all()]
    arrow = pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))
    time_type = pa.timestamp("us", "UTC")
    for number, name in enumerate(arrow.column_names):
        kind = fields.get(name, "time" if name == "createdTime" else "string")
        if kind in ("date32", "time"):
            arrow = arrow.set_column(number, name, arrow[name].cast(time_type if kind == "time" else pa.date32()))
        elif kind == "bool":
            arrow = arrow.set_column(number, name, arrow[name].fill_null(False))
    return arrow


ARROW = {
    "number": "float64",
    "currency": "float64",
    "percent": "float64",
    "checkbox": "bool",
    "date": "date32",
    "dateTime": "time",
}


def compare(url: str, token: str, base_id: str) -> int:
    """Both Arrow tables must hold the same, or their times would not be comparable."""
    ours, theirs = our_arrow(url, token, base_id), their_arrow(url, token, base_id)
    ours = ours.drop_columns(["_rescued_data"]).combine_chunks()
    for own, other in zip(ours.columns, theirs.columns, strict=True):
        if not own.equals(other):
            raise SystemExit(f"a column differs: {own.type} {own[:3]} and {other.type} {other[:3]}")
    return int(ours.num_rows)


@dataclass(frozen=True)
class Reader:
    """A way to read the table; `beside` is the one that it is compared with."""

    title: str
    read: Callable[[str, str, str], int]
    beside: str = ""
    makes_table: bool = False
    kinds: tuple[str, ...] = ("scalar", "mixed")


READERS = {
    "batches": Reader("lakeflow_airtable, batch by batch", batches, "list"),
    "list": Reader("pyairtable, list of dicts", their_list),
    "arrow": Reader("lakeflow_airtable, Arrow table", lambda *at: our_arrow(*at).num_rows, "their_arrow", True),
    # Lists, objects and error cells would need much more code than this.
    "their_arrow": Reader(
        "pyairtable, Arrow table of the same types",
        lambda *at: their_arrow(*at).num_rows,
        makes_table=True,
        kinds=("scalar",),
    ),
    "compare": Reader("both Arrow tables, compared", compare, kinds=()),
}


if __name__ == "__main__":
    sys.exit(main())

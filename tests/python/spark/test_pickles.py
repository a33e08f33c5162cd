"""What Spark sends from process to process: by which names it is pickled, and that another process can read it.

Spark pickles the data source on the driver, the reader in the process that plans, and a partition for each task. Their
classes travel by the name of their module, so that module has to be there on the workers.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from pyspark import cloudpickle

from lakeflow_airtable import AirtableDataSource
from lakeflow_airtable.mock import MockAirtable

PICKLERS = {"pickle": pickle, "cloudpickle": cloudpickle}

READS = """
import pickle, sys

reader, partition = pickle.load(sys.stdin.buffer)
print(sum(batch.num_rows for batch in reader.read(partition)))
"""

DESCRIBES = """
import pickle, sys

what = pickle.load(sys.stdin.buffer)
kind = what if isinstance(what, type) else type(what)
print(kind.__module__, kind.__qualname__)
"""


def source(mock: MockAirtable, **options: str) -> AirtableDataSource:
    return AirtableDataSource(mock.options(tableName="Vendors", **options))


def reader(mock: MockAirtable) -> Any:
    made = source(mock)
    return made.reader(made.schema())


def stream_reader(mock: MockAirtable) -> Any:
    made = source(mock, ingestion_type="cdc")
    return made.streamReader(made.schema())


def virtual_reader(mock: MockAirtable) -> Any:
    made = AirtableDataSource(mock.options(tableName="_community_tables"))
    return made.reader(made.schema())


def stream_partition(mock: MockAirtable) -> Any:
    made = stream_reader(mock)
    mock.advance_clock(120)
    [partition] = made.partitions(made.initialOffset(), made.latestOffset(made.initialOffset(), None))
    return partition


TRAVELLERS: dict[str, tuple[Callable[[MockAirtable], Any], str]] = {
    "the class": (lambda _: AirtableDataSource, "lakeflow_airtable.spark.source AirtableDataSource"),
    "data source": (source, "lakeflow_airtable.spark.source AirtableDataSource"),
    "reader": (reader, "lakeflow_airtable.spark.source AirtableReader"),
    "reader of a virtual table": (virtual_reader, "lakeflow_airtable.spark.source VirtualTableReader"),
    "stream reader": (stream_reader, "lakeflow_airtable.spark.stream AirtableStreamReader"),
    "partition": (lambda mock: reader(mock).partitions()[0], "lakeflow_airtable.spark.partition ScanPartition"),
    "partition of a stream": (stream_partition, "lakeflow_airtable.spark.partition ScanPartition"),
}


def elsewhere(program: str, pickled: bytes) -> str:
    ran = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().strip()


class Names(pickle.Unpickler):
    """Reads a pickle, and keeps the classes and functions of ours that it names."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.found: set[str] = set()
        self.load()

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(("lakeflow_airtable", "pyspark_airtable")):
            self.found.add(f"{module} {name}")
        return super().find_class(module, name)


@pytest.mark.parametrize("by", PICKLERS)
@pytest.mark.parametrize("what", TRAVELLERS)
def test_a_pickle_names_a_module_and_is_read_elsewhere(mock_airtable: MockAirtable, what: str, by: str) -> None:
    make, name = TRAVELLERS[what]
    pickler: ModuleType = PICKLERS[by]
    pickled = pickler.dumps(make(mock_airtable))
    assert name in Names(pickled).found, "by reference, not whole"
    assert elsewhere(DESCRIBES, pickled) == name


@pytest.mark.parametrize("by", PICKLERS)
def test_another_process_reads_a_partition(mock_airtable: MockAirtable, by: str) -> None:
    made = reader(mock_airtable)
    pickled = PICKLERS[by].dumps((made, made.partitions()[0]))
    assert int(elsewhere(READS, pickled)) == len(mock_airtable.records("Vendors"))


def test_the_format_airtable_is_pickled_by_the_package_that_spark_finds() -> None:
    from pyspark_airtable import DefaultSource

    pickled = cloudpickle.dumps(DefaultSource)
    assert Names(pickled).found == {"pyspark_airtable DefaultSource"}
    assert elsewhere("import pickle, sys; print(pickle.load(sys.stdin.buffer).name())", pickled) == "airtable"

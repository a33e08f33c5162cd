"""The jars of the lake formats, which `make lakes` has fetched."""

from __future__ import annotations

import pytest

from project import PROJECT

JARS = {
    "delta": "io.delta:delta-spark_4.2_2.13:4.4.0",
    "iceberg": "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",
}


def jars_of(lake: str) -> str:
    """The paths, as Spark's settings have them."""
    jars = sorted((PROJECT / "build" / "lakes" / lake).glob("*.jar"))
    if not jars:
        pytest.fail(f"the jars of {lake} are missing: run the tests by `make lakes`")
    return ",".join(map(str, jars))

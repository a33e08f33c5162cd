"""Which tests need a JVM: their marks, and what keeps the marks true. The hooks are the conftest's.

A test that uses the fixture `spark` is marked by it. One that starts Spark by a program of its own says so by the mark.
Who does neither finds a `java` that refuses: a test that lacks the mark fails, and the fast tests stay fast.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REFUSES = """#!/bin/sh
echo "this test has neither the mark spark nor the mark cluster, so it has no Java" >&2
touch "$0.asked"
exit 1
"""


# A JVM of the tests lives for a minute or two: what its better compiler gains in that time is less than it costs.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def pytest_configure() -> None:
    os.environ.setdefault("JDK_JAVA_OPTIONS", QUICK_JAVA)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # A cluster is Spark as well: `-m "not spark"` leaves out both.
        if "spark" in getattr(item, "fixturenames", ()) or item.get_closest_marker("cluster"):
            item.add_marker("spark")


@contextmanager
def without_java(item: pytest.Item) -> Iterator[None]:
    if item.get_closest_marker("spark"):
        yield
        return
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        java = Path(home, "bin", "java")
        java.parent.mkdir()
        java.write_text(REFUSES)
        java.chmod(0o755)
        patch.setenv("JAVA_HOME", home)
        patch.setenv("PATH", str(java.parent), prepend=os.pathsep)
        yield
        if java.with_name("java.asked").exists():
            pytest.fail("this test starts Java and has no mark that says so: mark it spark or cluster", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with without_java(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with without_java(item):
        return (yield)

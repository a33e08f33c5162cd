"""The marks of the tests hold: a test that starts Java without the mark fails, and one that uses Spark has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from project import PROJECT

TESTS = """
import os, subprocess, pytest

@pytest.fixture
def spark():
    return 1

def java():
    return subprocess.run([os.path.join(os.environ["JAVA_HOME"], "bin", "java")]).returncode

def test_fixture(spark): pass
def test_plain(): pass
def test_unmarked(): java()
def test_from_the_path(): subprocess.run(["java"])
@pytest.mark.spark
def test_marked(): assert java() == 0
@pytest.mark.cluster
def test_cluster(): assert java() == 0
"""


def run(directory: Path, *arguments: str) -> dict[str, str]:
    """The outcomes of the tests above, run with the hooks and with a Java that does nothing."""
    java = directory / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    (directory / "test_it.py").write_text(TESTS)
    # Its own settings, or else those of a directory above count.
    (directory / "pytest.ini").write_text("[pytest]\nmarkers =\n    spark\n    cluster\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tiers", "-p", "no:cacheprovider", "-rA", *arguments],
        cwd=directory,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT / "tests" / "python" / "support"),
            "JAVA_HOME": str(directory / "jdk"),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {test: outcome for outcome, test in re.findall(r"^(PASSED|FAILED) test_it.py::test_(\w+)", ran.stdout, re.M)}


def test_who_has_no_mark_has_no_java(tmp_path: Path) -> None:
    outcomes = run(tmp_path)
    assert {test for test, outcome in outcomes.items() if outcome == "FAILED"} == {"unmarked", "from_the_path"}
    assert {test for test, outcome in outcomes.items() if outcome == "PASSED"} == {
        "fixture",
        "plain",
        "marked",
        "cluster",
    }


def test_who_uses_spark_has_the_mark(tmp_path: Path) -> None:
    assert set(run(tmp_path, "-m", "not spark")) == {"plain", "unmarked", "from_the_path"}

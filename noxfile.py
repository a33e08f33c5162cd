"""The core of the tests on every Spark that the package serves, and on Sail: `make matrix`. Lakes: `make lakes`.

Each session has an environment of its own with one release of PySpark and the oldest or the newest pyarrow that this
release, this package and the interpreter allow, and leaves its outcome in `build/matrix`; the last one makes the table
in docs/compatibility.md of them.
"""

from __future__ import annotations

import json
import platform
from datetime import date as Date
from pathlib import Path

import nox

BUILD = Path("build")
OUTCOMES = BUILD / "matrix"
PAGE = Path("docs/compatibility.md")

# The oldest pyarrow is the one that the release's own documents ask for, or 14, from which on ours can be read without
# a copy; it wants a numpy of its time.
SPARKS = {
    "4.0": ["pyarrow==14.0.2", "numpy<2"],
    "4.1": ["pyarrow==15.0.2", "numpy<2"],
    "4.2": ["pyarrow==18.0.0", "numpy<3"],
    "4.3": ["pyarrow==18.0.0", "numpy<3"],
}
KINDS = ("classic", "connect")

# The Spark that has a build of the format. Their jars are in build/lakes.
LAKES = {"delta": "4.2", "iceberg": "4.1"}
# No plugin that is not needed, and no cache in the sources; other Sparks warn of other things.
PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "filterwarnings=default")

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["spark", "sail", "table"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
@nox.parametrize("arrow", ["oldest", "newest"])
@nox.parametrize("spark", list(SPARKS))
def spark(session: nox.Session, spark: str, arrow: str) -> None:
    """The core of the tests on one release of Spark, classic and behind Connect."""
    pins = SPARKS[spark] if arrow == "oldest" else ["pyarrow"]
    _install(session, f"pyspark[connect]=={spark}.*", *pins)
    versions = session.run(
        "python", "-c", "import pyarrow, pyspark; print(pyspark.__version__, pyarrow.__version__)", silent=True
    )
    pyspark, pyarrow = str(versions).split()[-2:]
    for kind in KINDS:
        OUTCOMES.mkdir(parents=True, exist_ok=True)
        outcome = OUTCOMES / f"{spark}-{arrow}-{kind}.json"
        outcome.unlink(missing_ok=True)
        report = OUTCOMES / f"{spark}-{arrow}-{kind}.xml"
        session.run(
            *PYTEST,
            *(f"--junit-xml={report}", "tests/python/spark/test_compatibility.py"),
            env={"COMPATIBILITY": kind},
        )
        # Only of a run without failures: one that fails ends the session.
        outcome.write_text(
            json.dumps({"spark": pyspark, "pyarrow": pyarrow, "kind": kind, "tests": _count(report), "date": _today()}),
            encoding="utf-8",
        )


@nox.session
def sail(session: nox.Session) -> None:
    """The core of the tests, without its streams, on Sail, which has no JVM; and what it does beside that."""
    _install(session, "pysail==0.7.*", "pyspark-client==4.1.*", "pyarrow")
    outcome, report = OUTCOMES / "sail.json", OUTCOMES / "sail.xml"
    OUTCOMES.mkdir(parents=True, exist_ok=True)
    outcome.unlink(missing_ok=True)
    session.run(
        *PYTEST,
        # It has no streams of Python data sources, and takes no lists in tuples.
        *("-k", "not goes_on and not as_tuples", f"--junit-xml={report}"),
        *("tests/python/spark/test_compatibility.py", "tests/python/lakes"),
        env={"COMPATIBILITY": "sail", "LAKE": "sail"},
    )
    versions = session.run(
        *("python", "-c"),
        "import pysail, pyspark, pyarrow; print(pysail.__version__, pyspark.__version__, pyarrow.__version__)",
        silent=True,
    )
    pysail, client, pyarrow = str(versions).split()[-3:]
    told = {"spark": f"Sail {pysail}, PySpark client {client}", "pyarrow": pyarrow, "kind": "connect"}
    outcome.write_text(json.dumps({**told, "tests": _count(report), "date": _today()}), encoding="utf-8")


@nox.session
@nox.parametrize("lake", list(LAKES))
def lakes(session: nox.Session, lake: str) -> None:
    """Tables, merges, histories and pipelines in a lake format, on the Spark that has it."""
    _install(session, f"pyspark[connect,pipelines]=={LAKES[lake]}.*", "pyarrow")
    session.run(*PYTEST, "tests/python/lakes", *session.posargs, env={"LAKE": lake})


def _install(session: nox.Session, *packages: str) -> None:
    session.install("pandas<3", "pytest>=8", "pytest-timeout>=2.3", *packages)
    session.install("--no-deps", "--reinstall", str(next((BUILD / "wheels").glob("*.whl"))))


@nox.session(venv_backend="none")
def table(session: nox.Session) -> None:
    """Writes the page of what was run."""
    outcomes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(OUTCOMES.glob("*.json"))]
    if not outcomes:
        session.error("nothing was run yet")
    rows: dict[tuple[str, str, str], dict[str, int]] = {}
    for outcome in outcomes:
        row = (outcome["spark"], outcome["pyarrow"], outcome["date"])
        rows.setdefault(row, {})[outcome["kind"]] = outcome["tests"]
    lines = [
        f"| {_engine(version)} | {pyarrow} | "
        + " | ".join(_cell(version, kinds.get(kind)) for kind in KINDS)
        + f" | {date} |"
        for (version, pyarrow, date), kinds in sorted(rows.items())
    ]
    text = PAGE.read_text(encoding="utf-8")
    start, end = "<!-- matrix -->", "<!-- /matrix -->"
    head, _, rest = text.partition(start)
    made = [
        f"Run with Python {platform.python_version()} by `make matrix`.",
        "",
        "| engine | pyarrow | classic | Connect | run on |",
        "|---|---|---|---|---|",
        *lines,
    ]
    body = "\n".join(made)
    PAGE.write_text(f"{head}{start}\n{body}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _today() -> str:
    return Date.today().isoformat()


def _engine(version: str) -> str:
    return version if version.startswith("Sail") else f"PySpark {version}"


def _cell(version: str, tests: int | None) -> str:
    missing = "there is none" if version.startswith("Sail") else "not run"
    return missing if tests is None else f"{tests} tests pass"


def _count(report: Path) -> int:
    """How many tests a report says to have run; none of them was skipped."""
    from xml.etree import ElementTree

    suite = ElementTree.parse(report).getroot().find("testsuite")
    if suite is None or int(suite.get("skipped", "0")) > 0:
        raise SystemExit(f"{report}: tests were skipped")
    return int(suite.get("tests", "0"))

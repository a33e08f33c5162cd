"""README and pages do what they say: their Python and SQL run, their commands run, their links lead somewhere.

Pages are found, not listed: a new one is tested as soon as it is there. What stands in a block of `py` needs what
tests do not have, such as a real base, and is compiled only.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
import pytest
from deltalake import DeltaTable
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry
from lakeflow_airtable import _native, cli, mock
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from project import PROJECT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SITE = sorted((PROJECT / "docs").rglob("*.md"))
PAGES = [PROJECT / "README.md", *SITE]
LINKING = [*PAGES, *(PROJECT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "examples/databricks/README.md"))]
MODES = PROJECT / "docs" / "reference" / "change-modes.md"


def blocks(languages: str, document: str) -> list[tuple[int, str, str]]:
    """The fenced blocks of some languages: the number of their first line, their language and their text."""
    found = re.finditer(rf"^( *)```({languages})\n(.*?)^\1```$", document, re.MULTILINE | re.DOTALL)
    return [(document.count("\n", 0, match.start(3)) + 1, match[2], textwrap.dedent(match[3])) for match in found]


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", PROJECT / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at_the_mock(text: str, mock: MockAirtable, volume: Path | None = None) -> str:
    """The same text for the mock and a directory of its own. Every placeholder must be one that is known here."""
    where = {"token": mock.token, "base_url": mock.url, "requests_per_second": "10000"}
    for written, meant in {
        # What the pages say of a mock that runs: the same token and base, at another port.
        "http://127.0.0.1:8123": mock.url,
        'token="pat..."': f"**{where}",
        '"token": "pat..."': f"**{where}",
        "token 'pat...'": f"token '{mock.token}', base_url '{mock.url}', requests_per_second '10000'",
        '.option("token", "pat...")': f".options(**{where})",
        # Unity Catalog puts the connection's options in this place.
        '.option("databricks.connection", "airtable")': f".options(**{mock.options()})",
        '"connection_name": "airtable"': f'"connection_options": {mock.options()}',
        "/Volumes/main/airtable": str(volume),
        "/tmp/lakeflow-airtable": str(volume),
        "app...": mock.base_id,
        "--base-id": f"--base-url {mock.url} --requests-per-second 10000 --base-id",
    }.items():
        text = text.replace(written, meant)
    assert "..." not in text, text
    return text


def executable() -> list[Any]:
    """Each page with code, marked where it needs Spark."""
    pages = []
    for page in PAGES:
        code = "\n".join(text for _, _, text in blocks("python|sql", page.read_text()))
        if code and page != MODES:
            marks = [pytest.mark.spark] if re.search(r"\bspark\b|SELECT", code) else []
            if "time.sleep" in code:
                marks.append(pytest.mark.slow)
            pages.append(pytest.param(page, id=named(page), marks=marks))
    return pages


def promises(text: str) -> list[tuple[str, str]]:
    """What a block says of its results: names and types, as in `frame = ...  # a polars.DataFrame`."""
    return re.findall(r"^(\w+) = .*  # an? (\w+(?:\.\w+)+)$", text, re.MULTILINE)


def assert_kept(text: str, names: dict[str, Any]) -> None:
    for name, promised in promises(text):
        module, _, kind = promised.rpartition(".")
        assert isinstance(names[name], getattr(importlib.import_module(module), kind)), f"{name}: {type(names[name])}"


@pytest.mark.parametrize("line", ["frame = polars.Series([{'a': 1}])  # a polars.DataFrame", "x = 1  # a pathlib.Path"])
def test_a_promise_that_is_not_kept_is_noticed(line: str) -> None:
    names: dict[str, Any] = {"polars": polars}
    exec(line, names)
    with pytest.raises(AssertionError):
        assert_kept(line, names)


def python_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    # A column for each field, and not one of structs.
    assert names["table"].num_rows == len(names["pandas_frame"]) == vendors
    assert list(names["pandas_frame"].columns) == names["table"].column_names
    assert {"id", "createdTime", "price"} <= set(names["frame"].columns)
    assert 0 < len(names["frame"]) <= 50
    assert names["first"].num_rows == vendors


def readme(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    written = names["spark"].table("vendor_changes")
    assert written.count() == vendors
    assert written.columns[-2:] == ["_changed_at", "_deleted"]
    assert {"vendors", "packaging_tasks"} <= set(graph.outputs)
    assert set(graph.auto_cdc) == {"packaging_tasks"}


def spark_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    assert names["vendors"].count() == vendors
    assert names["spark"].table("vendor_names").columns == ["id", "name", "sku_count"]


def streaming_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    assert names["spark"].table("vendor_changes").count() == vendors


def change_log_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    log = names["log"].to_pylist()
    [renamed] = [row for row in log if row["field"] == "Name"]
    assert (renamed["change"], renamed["new_value"]) == ("updated", '"Renamed"')
    assert [row["change"] for row in log if row["field"] is None] == ["deleted"]
    assert {row["changed_by"]["name"] for row in log} == {"Ada Example"}
    assert names["spark"].table("vendor_log").columns == names["log"].column_names
    assert not names["report"].failed


def pipelines_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    assert set(graph.auto_cdc) == {"tasks"}
    assert {"bronze.vendors", "silver.vendors"} <= set(graph.outputs)


def getting_started(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    assert names["vendors"].num_rows == names["first"].num_rows == vendors
    assert names["changed"]["name"].to_pylist() == ["Renamed"]


def sync_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    assert not names["report"].failed
    assert {"Vendors", "Packaging Tasks"} == {table.name for table in names["report"]}
    assert DeltaTable("lake/vendors").to_pyarrow_table().num_rows == vendors
    assert DeltaTable("changes/vendors").to_pyarrow_table().num_rows == vendors


def where_page(names: dict[str, Any], graph: Registry, vendors: int) -> None:
    # A condition that no record fulfils shows nothing of what it does.
    assert 0 < names["table"].num_rows < vendors
    frame = names["vendors"]
    assert len(frame.filter(polars.col("country") == "Testland").collect()) == names["table"].num_rows


# What a page promises, beyond that its code runs.
PROMISES: dict[str, Callable[[dict[str, Any], Registry, int], None]] = {
    "README.md": readme,
    "docs/getting-started.md": getting_started,
    "docs/guides/python.md": python_page,
    "docs/guides/spark.md": spark_page,
    "docs/guides/sync.md": sync_page,
    "docs/guides/streaming.md": streaming_page,
    "docs/guides/change-log.md": change_log_page,
    "docs/guides/pipelines.md": pipelines_page,
    "docs/guides/where.md": where_page,
}


@pytest.mark.parametrize("page", executable())
def test_code_runs_from_top_to_bottom(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needs_spark = request.node.get_closest_marker("spark") is not None
    session = request.getfixturevalue("spark") if needs_spark else None
    graph = Registry()
    with MockAirtable() as server:
        names: dict[str, Any] = {"spark": session, "__name__": "page"}
        for line, language, text in blocks("python|sql", page.read_text()):
            before = set(names)
            code = at_the_mock(text, server, tmp_path)
            if language == "sql":
                for statement in filter(str.strip, code.split(";")):
                    names["spark"].sql(statement).collect()
                continue
            # Empty lines in front, so that a traceback names the page's line.
            with graph_element_registration_context(graph) if needs_spark else nullcontext():
                exec(compile("\n" * (line - 1) + code, page, "exec"), names)
            assert_kept(text, names)
            for test in sorted(name for name in set(names) - before if name.startswith("test_")):
                assert list(inspect.signature(names[test]).parameters) == ["mock_airtable"]
                names[test](server)
                server.reset_faults()
        if promise := PROMISES.get(named(page)):
            promise(names, graph, len(server.records("Vendors")))
    if session is not None:
        for table in session.catalog.listTables():
            session.sql(f"DROP {'VIEW' if table.isTemporary else 'TABLE'} {table.name}")


def test_the_page_on_change_modes_does_what_it_says(
    mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]
) -> None:
    [(line, _, text)] = blocks("python", MODES.read_text())
    # What changes between the two reads of the page.
    first, second = (record["id"] for record in mock_airtable.records("Vendors")[:2])
    reading, later = text.split("\nlater = ")
    names: dict[str, Any] = {}
    for number, part in enumerate((reading, f"later = {later}")):
        program = at_the_mock(part, mock_airtable)
        exec(compile(program, f"{MODES} from line {line}", "exec"), names)
        if number == 0:
            assert len(names["rows"]) == len(mock_airtable.records("Vendors"))
            mock_airtable.update_records("Vendors", {first: {"Name": "Edited"}})
            mock_airtable.delete_records("Vendors", [second])
            mock_airtable.advance_clock(60)
    shown = capsys.readouterr().out
    assert f"changed {first}" in shown
    assert f"gone {second}" in shown


def test_a_page_registers_the_format_that_it_reads() -> None:
    """Whoever types one page alone would else be told that there is no such data source."""
    for page in PAGES:
        code = "\n".join(text for _, _, text in blocks("python|py", page.read_text()))
        before, mark, _ = code.partition('format("lakeflow_connect")')
        assert not mark or re.search(r"\bregister\(", before), page


def test_python_that_needs_a_real_base_is_python() -> None:
    found = [(page, line, text) for page in PAGES for line, _, text in blocks("py", page.read_text())]
    assert found
    for page, line, text in found:
        compile(text, f"{page} from line {line}", "exec")


def test_the_merge_is_sql(spark: SparkSession) -> None:
    """Spark has no table of its own that could be merged into, but it knows the statement."""
    parser = spark._jsparkSession.sessionState().sqlParser()
    [(_, _, merge)] = blocks("sql", MODES.read_text())
    assert "MergeIntoTable" in parser.parsePlan(merge).toString()
    for name in ("stream_cdc", "stream_cdc_with_deletes", "stream_append"):
        text = (PROJECT / "examples" / f"{name}.py").read_text()
        [shown] = re.findall(r"^    MERGE INTO .*?(?=\n\"\"\")", text, re.MULTILINE | re.DOTALL)
        assert "MergeIntoTable" in parser.parsePlan(textwrap.dedent(shown)).toString(), name


def commands() -> list[Any]:
    lines = [
        (page, line) for page in PAGES for _, _, text in blocks("shell", page.read_text()) for line in text.splitlines()
    ]
    return [
        pytest.param(line, id=f"{named(page)}: {line}") for page, line in lines if line.startswith("lakeflow-airtable ")
    ]


@pytest.mark.parametrize("command", commands())
def test_commands_run(
    command: str,
    mock_airtable: MockAirtable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("TOKEN", mock_airtable.token),
        ("BASE_ID", mock_airtable.base_id),
        ("BASE_URL", mock_airtable.url),
    ):
        monkeypatch.setenv(f"AIRTABLE_{name}", value)
    command = re.split(r" >>? ", command)[0]
    _, *arguments = shlex.split(command, comments=True)
    if arguments[0] == "mock":  # it runs until it is stopped
        assert mock.parser().parse_args(arguments[1:]).port == 8123
        return
    _, *arguments = shlex.split(at_the_mock(command, mock_airtable), comments=True)
    assert cli.main(arguments) == 0
    assert capfd.readouterr().out or list(tmp_path.iterdir())


def test_the_mock_is_as_the_pages_have_it(mock_airtable: MockAirtable) -> None:
    for page in (PROJECT / "README.md", PROJECT / "docs" / "getting-started.md"):
        text = page.read_text()
        assert set(re.findall(r"\bapp\w{14}\b", text)) == {mock_airtable.base_id}
        assert set(re.findall(r"\bpat\w{4,}\.\w+", text)) == {mock_airtable.token}


def test_make_targets_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for page in LINKING:
        told = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert told <= targets, page


def anchors(document: str) -> set[str]:
    document = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKING, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text):
        if "://" not in target:
            name, mark, anchor = target.partition("#")
            linked = page.parent / name if name else page
            assert linked.exists(), target
            assert not mark or anchor in anchors(linked.read_text()), target


def test_every_page_of_the_site_has_its_place() -> None:
    nav = re.findall(r'"([\w/-]+\.md)"', (PROJECT / "zensical.toml").read_text())
    assert sorted(nav) == [str(page.relative_to(PROJECT / "docs")) for page in SITE]


@pytest.mark.parametrize("name", ["options", "commands"])
def test_pages_that_are_made_are_as_the_code_is(name: str) -> None:
    docs = tool("docs")
    file, _ = docs.PAGES[name]
    assert (docs.REFERENCE / file).read_text() == docs.made(name), "make it anew: python tools/docs.py"


def test_every_option_has_an_example_that_is_taken() -> None:
    examples = tool("docs").EXAMPLES
    assert list(examples) == [option["name"] for option in _native.option_table()]
    for name, value in examples.items():
        beside = {
            "on_lost_feed": {"state_location": "/shared"},
            "refresh_token": {"client_id": "me"},
            "attachment_location": {"attachments": "download"},
        }.get(name, {})
        _native.Connector(Options.from_values({"token": "pat", **beside, name: value}))


def test_words_are_spelt_alike() -> None:
    words = tool("words")
    assert list(words.faults("The webhook behaves.\n\n```\nbehavior\n```\n\nIts `behavior`")) == []
    assert [(line, word) for line, word, _ in words.faults("One\n\nits behavior")] == [(3, "behavior")]
    assert words.main() == 0


LONG = "So " + "many " * 39 + "words."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LONG, [(1, 41)]),
        (LONG.replace("many ", "", 1), []),
        (f"One.\n\nTwo. {LONG}", [(3, 41)]),
        (f"# Heading\n- {LONG.replace(' ', chr(10) + '  ')}", [(2, 41)]),
        (f"| cell | {LONG} |", [(1, 41)]),
        (f"One. ({LONG[:-1]}.) Two.", [(1, 41)]),
        (LONG.replace("many", "`many more words`"), [(1, 41)]),
        (LONG.replace("words", "[words](of/a-page.md#with-many-words)"), [(1, 41)]),
        # These are no long sentences.
        ("Few words. " * 30, []),
        ("Few words: " + "pyarrow 15.0.2, " * 12, []),
        ("- a few words\n" * 20, []),
        ("1. a few words\n" * 20, []),
        ("| a few words " * 20 + "|", []),
        (f"```text\n{LONG}\n```", []),
        (f"A map:\n\n    {LONG}\n    {LONG}\n\nand so on", []),
        (f"A `{LONG}`", []),
        (f"<!-- {LONG} -->", []),
        (f'<img alt="{LONG}">', []),
    ],
)
def test_long_sentences_are_found(text: str, found: list[tuple[int, int]]) -> None:
    assert [(line, words) for line, words, _ in tool("words").long_sentences(text)] == found


def test_a_long_sentence_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tool("words")
    monkeypatch.setattr(words, "PROJECT", tmp_path)
    (tmp_path / "README.md").write_text("Short.\n")
    assert words.main() == 0
    (tmp_path / "README.md").write_text(f"Short.\n\n{LONG}\n")
    assert words.main() == 1
    assert capsys.readouterr().out.startswith("README.md:3: a sentence of 41 words, at most 40: So many many")


ZENSICAL = Path(sys.executable).with_name("zensical")


def built(directory: Path) -> subprocess.CompletedProcess[str]:
    if not ZENSICAL.exists():
        pytest.fail(f"{ZENSICAL} is missing: make build/docs-tools")
    command = [ZENSICAL, "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=280)


def test_the_site_is_built(tmp_path: Path) -> None:
    for name in ("docs", "python", "zensical.toml", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        subprocess.run(["cp", "-r", PROJECT / name, tmp_path], check=True)
    ran = built(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "build" / "site" / "index.html").exists()


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("", "", None),
        ("other.md#known", "none.md", "page does not exist"),
        ("#known", "#none", "anchor does not exist"),
        ("lakeflow_airtable.errors", "lakeflow_airtable.none", "lakeflow_airtable.none could not be found"),
        ("other.txt", "none.txt", "Snippet at path 'none.txt' could not be found"),
    ],
    ids=["none", "page", "heading", "object", "file"],
)
def test_the_site_is_not_built_with_a_fault(right: str, wrong: str, says: str | None, tmp_path: Path) -> None:
    """A site of two pages, with the settings of the whole."""
    settings = (PROJECT / "zensical.toml").read_text()
    without, count = re.subn(r"^nav = \[\n.*?^\]\n", "", settings, flags=re.MULTILINE | re.DOTALL)
    assert count == 1
    (tmp_path / "zensical.toml").write_text(without)
    (tmp_path / "python").symlink_to(PROJECT / "python")
    (tmp_path / "other.txt").write_text("Some text.\n")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "other.md").write_text("# Other\n\n## Known\n")
    page = '# Home\n\n[There](other.md#known)\n\n::: lakeflow_airtable.errors\n\n--8<-- "other.txt"\n'
    assert right in page
    (docs / "index.md").write_text(page.replace(right, wrong) if right else page)
    ran = built(tmp_path)
    said = ran.stdout + ran.stderr
    assert (ran.returncode == 0) == (says is None), said
    assert says is None or says in said, said


@pytest.mark.slow
def test_a_new_user_follows_getting_started(tmp_path: Path, unused_port: int) -> None:
    new_user = tool("new_user")
    [wheel] = (PROJECT / "build" / "wheels").glob("*.whl")
    page = new_user.PAGE.read_text().replace("8123", str(unused_port))
    seconds, printed = new_user.follow(wheel, page, tmp_path)
    assert seconds < 600
    assert "Vendors" in printed
    assert "1 records changed since" in printed
    assert (tmp_path / "vendors.parquet").exists()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

"""The benchmarks run, and what they print is whole: tiny sizes, no durations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from project import PROJECT

BENCHES = PROJECT / "benches"


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "suite", *arguments], cwd=BENCHES, capture_output=True, text=True, timeout=580
    )


@pytest.fixture(scope="session")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the groups find that need no Spark; the others have a test each, for the time that they take."""
    return quick(
        tmp_path_factory.mktemp("benches"),
        *("memory", "increments", "polls", "paced", "shared", "resume", "files", "copies", "machines"),
    )


def quick(directory: Path, *groups: str) -> dict[str, Any]:
    """Runs groups, and checks what all of them have in common."""
    file = directory / "found.json"
    page = PROJECT / "docs" / "speed.md"
    before = page.read_bytes()
    ran = suite("--quick", "--json", str(file), *groups)
    assert ran.returncode == 0, ran.stderr
    assert page.read_bytes() == before, "a quick run is no report"
    found: dict[str, Any] = json.loads(file.read_text())
    assert tuple(found) == groups
    for section in found.values():
        assert section["title"] in ran.stdout
        for table in section["tables"]:
            assert {len(row) for row in table["rows"]} == {len(table["heading"])}
            for row in table["rows"]:
                # A client that gives up has no shares; the decoder is not run; a median has no second column.
                # Of one round, a few milliseconds less those of an interpreter that does nothing may be less than none.
                assert all(re.fullmatch(r"(-?[\d,.]+( %| x)?)?|\d of \d", cell) for cell in row[1:]), row
                assert row[0] in ran.stdout
        for bar in section["bars"]:
            is_met = bar["value"] <= bar["needed"] if bar["is_most"] else bar["value"] >= bar["needed"]
            assert bar["is_met"] == is_met
            assert f"{'met' if is_met else 'MISSED'}: {bar['what']}: " in ran.stdout
    return found


def rows(section: dict[str, Any]) -> dict[str, list[str]]:
    """The rows of a section's tables by what they are about; no two are about the same."""
    every = [row for table in section["tables"] for row in table["rows"]]
    by_title = {row[0]: row[1:] for row in every}
    assert len(by_title) == len(every)
    return by_title


@pytest.mark.slow
def test_memory_is_of_the_sizes_asked_for(sections: dict[str, Any]) -> None:
    section = sections["memory"]
    assert section["tables"][0]["heading"][1:] == ["200 records", "400 records"]
    found = rows(section)
    assert len(found) == 2
    assert all(float(peak) > 5 for peaks in found.values() for peak in peaks), found


@pytest.mark.slow
def test_increments_are_as_many_rows_as_changes(sections: dict[str, Any]) -> None:
    found = rows(sections["increments"])
    assert {title: row[0] for title, row in found.items()} == {
        "everything, as a snapshot": "300",
        "cdc, changes: 1": "1",
        "cdc, changes: 20": "20",
        "cdc_with_deletes, changes: 1": "1",
        "cdc_with_deletes, changes: 20": "20",
    }
    # The definition and three pages; two definitions, how far the changes go, and one page, or payloads, which records
    # can be read, and a page.
    assert [row[1] for row in found.values()] == ["4", "4", "4", "6", "6"]


@pytest.mark.slow
def test_the_limit_is_kept_and_counted(sections: dict[str, Any]) -> None:
    found = rows(sections["paced"])
    assert len(found) == 5 + 2
    assert all(row[-1] == "0" for row in found.values()), found
    for row in found.values():
        speed, share, steady = (int(re.sub(r"\D", "", cell)) for cell in row[1:4])
        assert 0 < speed <= 500
        assert share == round(speed / 5) or abs(share - speed / 5) <= 1
        assert 0 < steady <= 100

    ours, theirs = rows(sections["shared"]).values()
    assert ours[-2:] == ["0", "6 of 6"]
    # Six clients that do not know of each other are shut out at their first requests.
    assert int(theirs[-2]) > 0
    assert theirs[-1] in {f"{number} of 6" for number in range(6)}


@pytest.mark.slow
def test_idle_streams_of_a_base_share_what_is_found(sections: dict[str, Any]) -> None:
    found = rows(sections["polls"])
    together = {count: [int(cell.replace(",", "")) for cell in row] for count, row in found.items()}
    assert len(together) == 2
    for shared, alone, _ in together.values():
        assert 0 < shared <= alone
    _, (shared, alone, _) = together.values()
    assert shared < alone


@pytest.mark.slow
def test_machines_share_a_base_and_refusals_are_counted(sections: dict[str, Any]) -> None:
    found = rows(sections["machines"])
    together = found["2 machines, a place that all see, 20 s"]
    served, share, slowest, locks, refused, idle = (int(re.sub(r"\D", "", cell)) for cell in together)
    assert (locks, refused) == (0, 0)
    assert served >= 2
    assert idle >= 2
    assert 0 < share <= 100
    assert 0 < slowest <= 100
    assert len(sections["machines"]["bars"]) == 4


@pytest.mark.slow
def test_a_load_that_is_killed_goes_on_where_it_was(sections: dict[str, Any]) -> None:
    found = rows(sections["resume"])
    batches, requests, _, again = zip(*found.values(), strict=True)
    assert [int(number) for number in batches][:2] == [1, 1]
    assert int(batches[2]) > 9
    assert batches[2] == batches[3]
    assert [int(number.replace(",", "")) for number in again] == [0, 1_000, 0, int(again[3])]
    assert int(again[3]) <= 260
    # Twenty pages, the definition, and how far the changes go; the killed one in parts costs a part and a few again.
    once, twice, parts, parts_again = map(int, requests)
    assert once <= 25
    assert twice >= once + 10
    assert parts_again <= parts + 8


@pytest.mark.slow
def test_files_and_copies_stand_beside_their_peers(sections: dict[str, Any]) -> None:
    assert len(rows(sections["files"])) == 6
    assert len(sections["files"]["bars"]) == 3
    found = rows(sections["copies"])
    assert {title: row[0] for title, row in found.items()} == {
        "first load: lakeflow_airtable, sync": "300",
        "first load: dlt, reading by pyairtable": "300",
        "20 changed records: lakeflow_airtable, sync": "20",
        "20 changed records: dlt, reading by pyairtable": "300",
    }
    assert all(int(row[4]) > 0 for row in found.values())


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_whole_reads_of_both_tables(tmp_path: Path) -> None:
    section = quick(tmp_path, "whole")["whole"]
    titles = [table["heading"][0] for table in section["tables"]]
    assert titles == [f"300 records of {fields} fields, median of 1" for fields in ("20 scalar", "25 mixed")]
    for table in section["tables"]:
        assert [row[0] for row in table["rows"]] == [
            "bytes alone, over one socket",
            "lakeflow_airtable, batch by batch",
            "pyairtable, list of dicts",
            "lakeflow_airtable, Arrow table",
            "pyairtable, Arrow table of the same types",
            "lakeflow_airtable through Spark, no-op sink",
            "Spark alone, the same batches from memory",
        ]
        assert all(cell for row in table["rows"] for cell in row)
    assert len(section["bars"]) == 6


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_the_start(tmp_path: Path) -> None:
    section = quick(tmp_path, "start")["start"]
    assert rows(section)["requests for definitions of one Spark load().count()"] == ["1"]


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_sizes_of_batches(tmp_path: Path) -> None:
    found = rows(quick(tmp_path, "sizes")["sizes"])
    assert list(found) == ["250", "500", "1,000", "2,000", "5,000", "10,000"]


def test_a_read_of_other_rows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.process import Measured, checked

    one = Measured(rows=99, seconds=1, cpu_seconds=1, peak_mib=1)
    assert checked("reader", one, 99) is one
    with pytest.raises(SystemExit, match="reader read 99 rows of 100"):
        checked("reader", one, 100)


def test_medians_bars_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.process import Measured
    from suite.report import Bar, Section, Table

    several = [Measured(5, seconds, 2 * seconds, 10 - seconds) for seconds in (3.0, 1.0, 2.0)]
    assert Measured.median(several) == Measured(5, 2.0, 4.0, 8.0)
    assert str(Bar("speed", 21.26, 20)) == "met: speed: 21.3 x (at least 20 x)"
    assert str(Bar("speed", 7.9, 20)) == "MISSED: speed: 7.90 x (at least 20 x)"
    assert str(Bar("share", 0.849, 0.85, "%")).startswith("MISSED: share: 84 %"), "never rounded over the bar"
    assert str(Bar("refusals", 0, 0, "", is_most=True)) == "met: refusals: 0 (at most 0)"
    with pytest.raises(ValueError, match="other rows"):
        Table(("a", "b"), [("1",)])
    section = Section("Title", [Table(("of it", "count"), [("one", "1"), ("eleven", "11")])], [], "A note.")
    assert section.text() == "Title\n=====\n\nof it   count\none         1\neleven     11\n\nA note."
    assert section.markdown() == "## Title\n\n| of it | count |\n|---|---:|\n| one | 1 |\n| eleven | 11 |\n\nA note."


def test_the_log_tells_who_had_how_many_pages_while_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.limit import Log

    def page(second: float, table: str, status: int = 200, endpoint: str = "list_records") -> dict[str, Any]:
        time = f"2024-01-01T00:00:{second:06.3f}Z"
        return {"time": time, "path": f"/v0/app/{table}", "status": status, "endpoint": endpoint}

    log = Log(
        [
            *(page(second / 2, "a") for second in range(21)),  # 0 to 10 s, two a second
            *(page(second, "b") for second in range(2, 9)),  # 2 to 8 s, one a second
            page(3, "b", status=429),
            page(4, "b", endpoint="get_schema"),
        ]
    )
    assert log.refused == 1
    seconds, counts = log.while_all_read()
    assert (seconds, dict(counts)) == (6, {"/v0/app/a": 12, "/v0/app/b": 6})
    assert log.pages_per_second() == pytest.approx(27 / 10)


def test_the_page_is_written_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.report import Section, Table, made, write_page

    text = made([Section("Title", [Table(("a", "b"), [("1", "2")])])], "make bench")
    assert str(PROJECT) not in text
    assert re.search(r"by `make bench`\. The machine: .+, \d+ cores, \d+ GiB of memory", text.replace("\n", " ")), text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    for _ in range(2):
        write_page(page, text)
        assert page.read_text() == f"before\n<!-- bench -->\n{text}\n<!-- /bench -->\nafter\n"
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="must have one"):
        write_page(page, text)


def test_a_group_replaces_its_own_section_or_adds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.report import Section, Table, made, write_again, write_page

    def section(title: str, cell: str) -> Section:
        return Section(title, [Table(("a", "b"), [("1", cell)])], note="A note.")

    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\n<!-- /bench -->\nafter\n")
    write_page(page, made([section("One", "old one"), section("Two", "old two")], "make bench"))
    for cell in ("new", "newer"):
        write_again(page, [section("Two", cell), section("Three", cell)], "make bench BENCH_ARGS=two")
    text = page.read_text()
    assert "old one" in text
    assert "newer" in text
    assert not any(gone in text for gone in ("old two", "| new |"))
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## One", "## Two", "## Three"]
    assert text.count("Run again on") == text.count("BENCH_ARGS=two") == 2
    assert text.startswith("before\n<!-- bench -->\nRun on ")
    assert text.endswith("A note.\n<!-- /bench -->\nafter\n")


def test_a_page_tells_the_command_without_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    from suite.__main__ import _command

    assert _command(["--wheel", "../build/a.whl"]) == "make bench"
    given = ["--wheel=/a.whl", "--rounds", "5", "--page", "/b.md", "--changes", "1", "10", "--json", "/c.json"]
    assert _command(given) == "make bench BENCH_ARGS='--rounds 5 --changes 1 10'"


def test_an_unknown_group_is_refused() -> None:
    ran = suite("--quick", "hole")
    assert ran.returncode != 0
    assert "no group 'hole': there are start, memory" in ran.stderr


@pytest.mark.cluster
def test_bases_are_read_as_a_whole_both_ways(tmp_path: Path) -> None:
    found = rows(quick(tmp_path, "bases")["bases"])
    assert {title: row[0] for title, row in found.items()} == dict.fromkeys(
        ("one after the other", "as one table"), "1,000"
    )
    assert all(row[-1] == "0" for row in found.values()), "429s"


def test_files_are_stored_by_both_ways(tmp_path: Path) -> None:
    found = rows(quick(tmp_path, "attachments")["attachments"])
    assert list(found) == ["a loop of requests", "attachments=download", "the same again"]
    loop, ours, _ = (float(row[0].replace(",", "")) for row in found.values())
    assert ours < loop

"""`estimate`: what copies cost, held to what runs really send; and the warnings of `sync` that rest on it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakeflow_airtable import Airtable, NotFoundError, OptionError
from lakeflow_airtable._native import calls_a_month
from lakeflow_airtable.costs import CALLS_A_MONTH, INGESTION_TYPES, cost, pages, run_requests
from lakeflow_airtable.estimate import Estimate, warn_of_cap
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.specification.given import entries_of
from lakeflow_airtable.specification.tables import LibraryTables
from lakeflow_airtable.specification.upkeep import upkeep
from lakeflow_airtable.sync import schedule

ROWS = 250


@pytest.fixture
def items(mock_airtable: MockAirtable) -> MockAirtable:
    """A mock with a table of 250 records, three pages."""
    mock_airtable.create_table("Items", [{"name": "Name"}], [{"Name": str(number)} for number in range(ROWS)])
    mock_airtable.advance_clock(3_600)
    return mock_airtable


@pytest.fixture
def base(items: MockAirtable) -> Airtable:
    return Airtable(**items.options())


def sent(items: MockAirtable) -> int:
    return len(items.requests())


# Costs


@pytest.mark.parametrize(
    ("records", "size", "expected"), [(0, 100, 1), (1, 100, 1), (100, 100, 1), (101, 100, 2), (250, 50, 5)]
)
def test_pages(records: int, size: int, expected: int) -> None:
    assert pages(records, size) == expected


@pytest.mark.parametrize(
    ("kind", "changed", "expected"),
    [
        ("snapshot", 0, 101),
        ("snapshot", 500, 101),
        ("append", 0, 2),
        ("append", 101, 4),
        ("cdc", 0, 2),
        ("cdc", 100, 3),
        ("cdc_with_deletes", 0, 3),
        ("cdc_with_deletes", 50, 5),
        ("cdc_with_deletes", 100, 6),
    ],
)
def test_calls_of_a_run(kind: str, changed: int, expected: int) -> None:
    assert run_requests(kind, 10_000, changed, 100) == expected


def test_a_cost_is_calls_time_and_share() -> None:
    told = cost("snapshot", 10_000, 0, page_size=100, per_second=4.5, runs=2_976, cap=100_000)
    assert (told.first_requests, told.run_requests, told.calls_a_month) == (101, 101, 300_576)
    assert told.first_minutes == pytest.approx(101 / 4.5 / 60)
    assert told.share == pytest.approx(3.00576)
    assert cost("snapshot", 1, 0, page_size=100, per_second=4.5, runs=1, cap=None).share is None


# A webhook that has just been made is waited for.
@pytest.mark.parametrize("kind", [*INGESTION_TYPES[:-1], pytest.param(INGESTION_TYPES[-1], marks=pytest.mark.slow)])
def test_the_calls_are_those_that_runs_send(items: MockAirtable, base: Airtable, tmp_path: Path, kind: str) -> None:
    told = base.estimate("Items", records=ROWS, changed_per_run=40)["Items"].of(kind)
    how: dict[str, Any] = {"to": str(tmp_path), "format": "delta", "ingestion_type": kind}
    items.clear_requests()
    assert not base.sync(["Items"], **how).failed
    assert sent(items) == told.first_requests
    items.advance_clock(3_600)
    if kind == "append":
        items.create_records("Items", [{"Name": "new"}] * 40)
    else:
        known = [record["id"] for record in items.records("Items")]
        items.update_records("Items", {record: {"Name": "edited"} for record in known[:40]})
    # Edits of half an hour ago: those of an hour ago are at the border of what is looked for again.
    items.advance_clock(1_800)
    items.clear_requests()
    assert not base.sync(["Items"], **how).failed
    assert sent(items) == told.run_requests


# Sizes


def test_a_table_of_one_page_is_counted_by_one_request(items: MockAirtable, base: Airtable) -> None:
    items.clear_requests()
    vendors = base.estimate("Vendors")["Vendors"]
    assert (vendors.records, vendors.certainty, vendors.requests) == (60, "exact", 1)
    assert items.request_counts() == {"get_schema": 1, "list_records": 1}


@pytest.mark.parametrize("size", [150, 700, 3_000, 9_000, 60_000])
def test_a_large_table_is_guessed_from_a_share(mock_airtable: MockAirtable, size: int) -> None:
    mock_airtable.generate_table("Large", records=size, fields=1, seed=3)
    mock_airtable.clear_requests()
    told = Airtable(**mock_airtable.options()).estimate("Large")["Large"]
    assert told.certainty == "about"
    assert abs(told.records - size) < 0.35 * size
    assert 2 <= told.requests <= 5
    assert mock_airtable.request_counts() == {"get_schema": 1, "list_records": told.requests}


def test_a_size_that_is_given_is_not_asked_for(items: MockAirtable, base: Airtable) -> None:
    items.clear_requests()
    told = base.estimate(["Items", "Vendors"], records={"Items": 80_000, "Vendors": 7})
    assert [(one.records, one.certainty, one.requests) for one in told] == [(80_000, "given", 0), (7, "given", 0)]
    assert items.request_counts() == {"get_schema": 1}
    assert base.estimate("Items", records=0)["Items"].of("snapshot").run_requests == 2


def test_only_what_is_read_is_counted(base: Airtable) -> None:
    assert base.estimate("Items", filter_formula="VALUE({Name}) < 40")["Items"].records == 40
    assert base.estimate("Vendors", max_records=10)["Vendors"].records == 10
    narrow = base.estimate("Items", records=ROWS, page_size=50)["Items"]
    assert narrow.of("snapshot").first_requests == 6


@pytest.mark.parametrize("named", ["ids", "names", "every"])
@pytest.mark.parametrize(
    ("table", "options", "records", "certainty"),
    [
        ("Orders", {}, 300, "about"),
        ("Orders", {"where": "price < 5"}, 55, "exact"),
        ("Orders", {"where": "price IS NULL"}, 43, "exact"),
        ("Orders", {"where": "price < 5", "filter_formula": "LEN({Name})=1"}, 25, "exact"),
        ("Orders", {"max_records": "20"}, 20, "exact"),
        ("Orders", {"max_records": "3"}, 3, "exact"),
        ("Orders", {"part": "comments"}, 300, "at_least"),
    ],
)
def test_of_several_bases_each_is_counted_by_itself(
    mock_airtable: MockAirtable, tmp_path: Path, named: str, table: str, options: Any, records: int, certainty: str
) -> None:
    price = {"name": "Price", "type": "number", "options": {"precision": 0}}
    bases = []
    for count, fields in ((3, [price]), (250, [price]), (40, []), (7, [price])):
        base = mock_airtable.create_base(f"of {count}", [{"name": "Orders", "fields": [{"name": "Name"}, *fields]}])
        cells = [{"Name": str(n), **({"Price": n} if fields else {})} for n in range(count)]
        mock_airtable.create_records("Orders", cells, base=base)
        bases.append(base)
    namespace = {"ids": bases, "names": ["of 3", "of 250", "of 40", "of 7"], "every": ["*"]}[named]
    airtable = Airtable(**{**mock_airtable.options(), "base_id": ""}, namespace=namespace)
    mock_airtable.clear_requests()
    told = airtable.estimate(table, **options)[table]
    assert told.certainty == certainty
    assert abs(told.records - records) <= (0.35 * records if records == 300 else 0)
    # The definitions of each base once.
    assert mock_airtable.request_counts()["get_schema"] == (len(mock_airtable.bases) if named == "every" else 4)
    mock_airtable.clear_requests()
    spec = {"objects": [{"table": {"source_table": table, "table_configuration": options}}]}
    assert not airtable.sync(spec, to=str(tmp_path), format="parquet").failed
    # The bases of which nothing is read are asked for their tables all the same.
    others = len(mock_airtable.bases) - 4 if named == "every" else 0
    assert abs(told.costs[0].first_requests + others - sent(mock_airtable)) <= (records == 300)


def test_definitions_cost_one_call_for_each_base(mock_airtable: MockAirtable) -> None:
    for namespace, expected in (([mock_airtable.base_id], 1), (list(mock_airtable.bases), 2), (["*"], 3)):
        airtable = Airtable(**{**mock_airtable.options(), "base_id": ""}, namespace=namespace)
        for records in (None, 5_000):
            told = airtable.estimate("_airtable_fields", records=records)["_airtable_fields"]
            assert told.costs[0].run_requests == expected
        mock_airtable.clear_requests()
        airtable.read("_airtable_fields").to_arrow()
        assert sent(mock_airtable) == expected


def test_records_that_are_given_are_spread_over_the_bases(mock_airtable: MockAirtable) -> None:
    bases = [mock_airtable.create_base(name, [{"name": "Orders", "fields": [{"name": "Name"}]}]) for name in "abc"]
    airtable = Airtable(**{**mock_airtable.options(), "base_id": ""}, namespace=bases)
    for records, expected in ((0, 6), (150, 6), (3_000, 33)):
        assert airtable.estimate("Orders", records=records)["Orders"].costs[0].run_requests == expected


def test_rows_of_records_that_are_named_cost_these_alone(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    first = mock_airtable.records("Packaging Tasks")[0]["id"]
    assert base.estimate("Packaging Tasks", part="links", where=f"id = '{first}'")["Packaging Tasks"].records == 1


# What is asked


def test_a_base_a_list_and_a_specification(base: Airtable) -> None:
    tables = base.list_tables()
    assert [one.name for one in base.estimate("*", records=dict.fromkeys(tables, 10))] == tables
    spec = {
        "objects": [
            {"table": {"source_table": "Items", "table_configuration": {"ingestion_type": "cdc"}}},
            {"table": {"source_table": "Vendors"}},
        ]
    }
    told = base.estimate(spec, records={"Items": 1_000, "Vendors": 60})
    assert [one.ingestion_type for one in told] == ["cdc", "snapshot"]
    assert told.total.ingestion_type == "as specified"
    assert told.total.run_requests == told["Items"].of("cdc").run_requests + told["Vendors"].of("snapshot").run_requests
    assert told.total_of("snapshot").run_requests == 11 + 2
    with pytest.raises(KeyError):
        told["Nothing"]


@pytest.mark.parametrize("records", [None, 700])
def test_what_no_stream_has_costs_a_snapshot(base: Airtable, records: int | None) -> None:
    for table, part in (("Items", "comments"), ("Packaging Tasks", "links"), ("_airtable_fields", "records")):
        told = base.estimate(table, records=records, part=part)
        [cost] = told[table].costs
        assert (cost.ingestion_type, told.total) == ("snapshot", cost)
    objects = [{"table": {"source_table": name}} for name in ("Items", "_airtable_views")]
    told = base.estimate({"objects": objects})
    assert told.total_of("cdc").ingestion_type == "cdc"
    views = told["_airtable_views"].costs[0]
    assert told.total_of("cdc").run_requests == told["Items"].of("cdc").run_requests + views.run_requests


def test_several_bases_cost_their_sum(items: MockAirtable) -> None:
    for number in range(2):
        other = items.create_base(f"More {number}")
        items.create_table("Items", [{"name": "Name", "type": "singleLineText"}], [{"Name": "a"}] * 30, base=other)
    base = Airtable(**{**items.options(), "base_id": None})
    bases = [one.id for one in base.list_bases() if "Items" in base.list_tables(one.id)]
    assert len(bases) == 3
    items.clear_requests()
    of_each = [Airtable(**{**items.options(), "base_id": one}).estimate("Items")["Items"] for one in bases]
    told = base.estimate("Items", namespace=bases)
    one = told["Items"]
    assert one.records == sum(each.records for each in of_each)
    assert one.requests == sum(each.requests for each in of_each)
    [cost] = one.costs
    assert cost.run_requests == cost.first_requests == sum(each.of("snapshot").run_requests for each in of_each)
    assert told.used_this_month == sum(Airtable(**items.options())._connector.calls_this_month(each) for each in bases)
    items.clear_requests()
    base.read("Items", namespace=bases).to_arrow()
    assert len(items.requests()) == cost.run_requests
    # A size that is known is that of all bases together.
    [cost] = base.estimate("Items", namespace=bases, records=900)["Items"].costs
    assert cost.run_requests == 3 * (1 + 3)
    assert base.estimate("Items", namespace=bases, max_records=5)["Items"].records == 5


def test_every_base_is_asked_for_snapshots_alone(items: MockAirtable) -> None:
    base = Airtable(**{**items.options(), "base_id": None})
    told = base.estimate("*", namespace=["*"])
    assert {cost.ingestion_type for one in told for cost in one.costs} == {"snapshot"}
    assert [each["ingestion_type"] for each in told.as_dict()["totals"]] == ["snapshot"]
    assert "append" not in repr(told)
    assert any("a run also asks the bases" in line for line in told.assumed)
    assert not any("lists the bases" in line for line in Airtable(**items.options()).estimate("Items").assumed)


@pytest.mark.parametrize("part", ["links", "attachments"])
def test_what_stands_in_records_is_told_by_their_number(base: Airtable, part: Any) -> None:
    told = base.estimate("Vendors", part=part)
    assert (told["Vendors"].records, told["Vendors"].certainty) == (60, "exact")
    assert not any("at least" in line for line in told.assumed)
    assert not any("at least" in line for line in base.estimate("Vendors", part="comments").assumed)


@pytest.mark.parametrize(
    ("plan", "cap"), [("free", 1_000), ("TEAM", 100_000), ("business", None), ("enterprise", None)]
)
def test_the_share_of_a_plan(base: Airtable, plan: Any, cap: int | None) -> None:
    told = base.estimate("Items", records=10_000, airtable_plan=plan)
    assert (told.cap, told.airtable_plan) == (cap, plan.lower())
    of_snapshot = told["Items"].of("snapshot")
    assert of_snapshot.calls_a_month == 101 * 31 * 24 * 4
    assert of_snapshot.share == (None if cap is None else of_snapshot.calls_a_month / cap)
    assert told.exceeds_plan == (cap is not None)
    assert set(CALLS_A_MONTH) == {"free", "team", "business", "enterprise"}
    assert calls_a_month() == CALLS_A_MONTH


def test_the_plan_may_be_said_for_all_calls(items: MockAirtable) -> None:
    base = Airtable(**items.options(), airtable_plan="team")
    assert base.estimate("Items", records=10, every="1d").cap == 100_000
    assert base.estimate("Items", records=10, every="1d", airtable_plan="free").cap == 1_000
    assert not base.estimate("Items", records=10, every="1d").exceeds_plan


def test_how_often_and_how_much(base: Airtable) -> None:
    told = base.estimate("Items", records=10_000, every="1d", changed_per_run=0.5)["Items"]
    assert (told.changed, told.cost.calls_a_month) == (5_000, 101 * 31)
    assert base.estimate("Items", records=10_000, changed_per_run=70)["Items"].changed == 70
    assert base.estimate("Items", records=10, changed_per_run=0.01)["Items"].changed == 1
    assert base.estimate("Items", records=10, changed_per_run=0)["Items"].changed == 0
    assert base.estimate("Items", records=10, every=3_600).every_seconds == 3_600


REFUSED: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "no schedule": ("Items", {"every": "often"}, OptionError, "every is 'often'"),
    "no changes": ("Items", {"changed_per_run": -1}, OptionError, "changed_per_run is -1"),
    "no number": ("Items", {"changed_per_run": float("nan")}, OptionError, "changed_per_run is nan"),
    "no plan": ("Items", {"airtable_plan": "pro"}, OptionError, "one of free, team, business, enterprise"),
    "no table": ("Itms", {}, NotFoundError, "Items"),
    "no size": ("Items", {"records": {"Items": -1}}, OptionError, "records of 'Items' is -1"),
    "no such size": ("Items", {"records": {"Other": 1}}, OptionError, "estimated: these are 'Items'$"),
    "a misspelt size": (["Items", "Vendors"], {"records": {"Vendr": 1}}, OptionError, "did you mean 'Vendors'\\?$"),
    "one size for two": (["Items", "Vendors"], {"records": 5}, OptionError, "there are 2 tables"),
    "no specification": (7, {}, OptionError, "spec takes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_estimated_is_refused_before_records_are_read(
    items: MockAirtable, base: Airtable, case: str
) -> None:
    spec, options, error, text = REFUSED[case]
    items.clear_requests()
    with pytest.raises(error, match=text):
        base.estimate(spec, **options)
    assert "list_records" not in items.request_counts()


@pytest.mark.parametrize(
    ("spec", "options", "begin", "option"),
    [
        ("Items", {"airtable_plan": "pro"}, 'option airtable_plan is "pro"', "airtable_plan"),
        (["Itms"], {}, 'table "Itms"', "tableName"),
        (["Items", "Vendors"], {"page_size": 0}, "the call has 2 faults\n  'Items': option page_size", None),
        ("Vend*", {"page_size": 0}, "'Vendors': option page_size", "page_size"),
        (
            {"objects": [{"table": {"source_table": "Items"}}]},
            {"airtable_plan": "pro"},
            "objects[0].table: option airtable_plan",
            "airtable_plan",
        ),
    ],
)
def test_places_of_a_specification_are_told_only_where_there_is_one(
    base: Airtable, spec: Any, options: dict[str, Any], begin: str, option: str | None
) -> None:
    with pytest.raises((OptionError, NotFoundError)) as told:
        base.estimate(spec, **options)
    assert str(told.value).startswith(begin)
    assert told.value.option == option


# What is shown


@pytest.fixture
def shown(base: Airtable) -> Estimate:
    return base.estimate(["Items", "Vendors"], records={"Items": 10_000, "Vendors": 60}, airtable_plan="team")


def test_the_table_is_aligned(shown: Estimate) -> None:
    lines = repr(shown).splitlines()
    grants = "2 tables, a run every 15 minutes; plan team grants 100,000 calls a month"
    assert lines[0] == f"{grants}, of which this machine has used about {shown.used_this_month}."
    rows = lines[1 : 1 + 1 + 2 + 4]
    assert len({len(row) for row in rows}) == 1
    assert rows[0].endswith("first calls  first seconds  run calls  run seconds  calls a month  of the plan")
    assert rows[1].split() == ["Items", "10,000", "snapshot", "*", "101", "0.0", "101", "0.0", "300,576", "300.6%"]
    assert [row.split()[:2] for row in rows[2:]] == [
        ["Vendors", "60"],
        ["all", "snapshot"],
        ["append", "105"],
        ["cdc", "105"],
        ["cdc_with_deletes", "113"],
    ]
    assert rows[3].split() == ["all", "snapshot", "*", "103", "0.0", "103", "0.0", "306,528", "306.5%"]
    assert all(line.startswith("- ") for line in lines[len(rows) + 1 :])
    assert any("1.00% of the records change" in line for line in lines)


def test_one_table_is_shown_by_every_type(base: Airtable) -> None:
    lines = repr(base.estimate("Items", records=10_000)).splitlines()
    assert lines[1].endswith("run seconds  calls a month"), "without a plan there is no share of one"
    assert [next(kind for kind in reversed(INGESTION_TYPES) if kind in line) for line in lines[2:6]] == list(
        INGESTION_TYPES
    )
    assert all(line.startswith("- ") for line in lines[6:])


def test_tables_that_are_kept_otherwise_have_a_sum_of_their_own(base: Airtable) -> None:
    spec = {
        "objects": [
            {"table": {"source_table": "Items", "table_configuration": {"ingestion_type": "cdc"}}},
            {"table": {"source_table": "Vendors"}},
        ]
    }
    lines = repr(base.estimate(spec, records={"Items": 1_000, "Vendors": 60})).splitlines()
    assert [" ".join(line.split()[:4]) for line in lines[2:4]] == ["Items 1,000 cdc *", "Vendors 60 snapshot *"]
    assert [line for line in lines if "*" in line] == [*lines[2:4], lines[8]]
    assert lines[8].split()[:3] == ["as", "specified", "*"]


def test_the_tables_of_the_sample_are_guessed_rightly(base: Airtable) -> None:
    told = base.estimate(["SKU Candidates", "Launch Milestones", "Packaging Tasks"])
    for one, size in zip(told, (180, 120, 150), strict=True):
        assert one.certainty == "about"
        assert abs(one.records - size) < 0.35 * size


def test_html_is_escaped(items: MockAirtable, base: Airtable) -> None:
    items.create_table("<b>bold</b>", [{"name": "Name"}], [{"Name": "x"}])
    told = base.estimate("<b>bold</b>", every="1h")._repr_html_()
    assert "<b>" not in told
    assert "&lt;b&gt;bold&lt;/b&gt;" in told
    assert "a run every hour; airtable_plan is not given" in told


def test_plain_values_have_everything(shown: Estimate) -> None:
    plain = json.loads(json.dumps(shown.as_dict()))
    assert plain["exceeds_plan"] is True
    assert [one["name"] for one in plain["tables"]] == ["Items", "Vendors"]
    assert [one["ingestion_type"] for one in plain["tables"][0]["costs"]] == list(INGESTION_TYPES)
    assert plain["total"]["calls_a_month"] == shown.total.calls_a_month
    assert [one["ingestion_type"] for one in plain["totals"]] == list(INGESTION_TYPES)
    assert plain["assumed"] == list(shown.assumed)
    assert plain["used_this_month"] == shown.used_this_month


def test_what_was_used_this_month_is_told(items: MockAirtable, base: Airtable) -> None:
    # The definitions, and a page each for two sizes.
    first = base.estimate(["Items", "Vendors"], every="1h").used_this_month
    assert first == sum(items.request_counts().values()) > 1
    list(base.read("Vendors"))
    again = base.estimate("Vendors", every="1h", records=5)
    assert again.used_this_month == sum(items.request_counts().values()) > first


def test_four_fifths_of_the_plan_are_warned_of_once(
    mock_airtable: MockAirtable, warned: pytest.LogCaptureFixture
) -> None:
    # Small pages make many calls of few records.
    mock_airtable.create_table("Many", [{"name": "Name"}], [{"Name": str(number)} for number in range(450)])
    base = Airtable(**mock_airtable.options(), page_size=1, airtable_plan="free")
    said = []
    for _ in range(3):
        batches = base.read("Many", max_records=430)
        for _ in batches:
            pass
        said.append((batches.stats.calls_this_month or 0, len(warnings(warned))))
    assert [warnings for _, warnings in said] == [int(calls >= 800) for calls, _ in said] == [0, 1, 1], said
    assert re.search(r"free, which grants 1000 .* about \d+ of them to base app\w+:", warnings(warned)[0])


def test_no_token_is_shown(items: MockAirtable) -> None:
    options = items.options()
    items.create_table(f"to {options['token']}", [{"name": "Name"}], [{"Name": "x"}])
    assert options["token"] not in repr(Airtable(**options).estimate(f"to {options['token']}"))


# Warnings


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "lakeflow_airtable"):
        yield caplog


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "airtable_plan" in record.getMessage()]


def test_ingest_asks_for_sizes_only_where_the_plan_has_a_cap(
    items: MockAirtable, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = LibraryTables()
    for plan, asked in (("free", 3), ("team", 3), ("business", 0), ("", 0)):
        options = Options.from_values({**items.options(), "airtable_plan": plan or None})
        entries = entries_of(["Items"], options, {}, tables, upkeep)
        items.clear_requests()
        warn_of_cap(entries, tables)
        assert items.request_counts().get("list_records", 0) <= asked
        assert ("list_records" in items.request_counts()) == bool(asked)
    assert warnings(warned) == []
    monkeypatch.setitem(CALLS_A_MONTH, "free", 2)
    entries = entries_of(
        ["Items"], Options.from_values({**items.options(), "airtable_plan": "free"}), {}, tables, upkeep
    )
    warn_of_cap(entries, tables)
    assert len(warnings(warned)) == 1


def synced(base: Airtable, directory: Path, **options: Any) -> None:
    report = base.sync(["Vendors"], to=str(directory), format="delta", **options)
    assert not report.failed, report


def test_a_run_that_stays_within_its_plan_is_silent(
    items: MockAirtable, base: Airtable, tmp_path: Path, warned: pytest.LogCaptureFixture
) -> None:
    items.clear_requests()
    synced(base, tmp_path, airtable_plan="free")
    # The definition, the page that tells the size, and the read.
    assert items.request_counts() == {"get_schema": 1, "list_records": 2}
    assert warnings(warned) == []


@pytest.mark.parametrize("plan", [None, "business", "enterprise"])
def test_without_a_cap_nothing_is_asked(items: MockAirtable, base: Airtable, tmp_path: Path, plan: str | None) -> None:
    items.clear_requests()
    synced(base, tmp_path, airtable_plan=plan)
    assert items.request_counts() == {"get_schema": 1, "list_records": 1}


def test_a_load_beyond_the_plan_is_warned_of(
    mock_airtable: MockAirtable, tmp_path: Path, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small pages make many calls of few records.
    mock_airtable.create_table("Many", [{"name": "Name"}], [{"Name": str(number)} for number in range(90)])
    base = Airtable(**mock_airtable.options(), page_size=1)
    how: dict[str, Any] = {"to": str(tmp_path), "format": "delta", "ingestion_type": "cdc", "airtable_plan": "free"}
    monkeypatch.setitem(CALLS_A_MONTH, "free", 50)
    assert not base.sync(["Many"], **how).failed
    assert len(warnings(warned)) == 1
    assert "plan is free, which grants 50 calls a month: this run alone takes about 92" in warnings(warned)[0]
    warned.clear()
    assert not base.sync(["Many"], **how).failed
    assert warnings(warned) == [], "the copy is there, and only changes are read"
    assert not base.sync(["Many"], refresh=True, **how).failed
    assert len(warnings(warned)) == 1


def test_runs_beyond_the_plan_are_warned_of_once(
    items: MockAirtable, tmp_path: Path, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []

    class Ended(Exception):
        pass

    def sleep(_: float) -> None:
        runs.append(1)
        if len(runs) == 2:
            raise Ended

    monkeypatch.setattr(schedule, "sleep", sleep)
    with pytest.raises(Ended):
        synced(Airtable(**items.options()), tmp_path, every="15m", airtable_plan="free")
    assert warnings(warned) == [
        "airtable_plan is free, which grants 1,000 calls a month: a run every 15 minutes takes about 5,952 a month; "
        "run less often, or set another ingestion_type, as Airtable.estimate compares them"
    ]


def test_a_size_that_cannot_be_had_is_none_of_the_runs(
    items: MockAirtable, base: Airtable, tmp_path: Path, warned: pytest.LogCaptureFixture
) -> None:
    body = {"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": "not today"}}
    items.set_faults(rules=[{"path": "/tbl", "times": 1, "action": {"respond": {"status": 422, "body": body}}}])
    synced(base, tmp_path, airtable_plan="free")
    assert items.request_counts()["list_records"] == 2
    assert warnings(warned) == []

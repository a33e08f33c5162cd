"""`scan_polars` asks for what a query needs and no more; `read_async` leaves the event loop alone."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
import threading
from typing import Any
from urllib.parse import parse_qsl

import polars as pl
import pyarrow as pa
import pytest

import lakeflow_airtable
from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable


@pytest.fixture
def base(mock_airtable: MockAirtable) -> Airtable:
    return Airtable(**mock_airtable.options())


def pages(mock: MockAirtable) -> list[dict[str, list[str]]]:
    """The queries of the listings of records, by their keys."""
    found = []
    for request in mock.requests():
        if "/tbl" in request["path"]:
            query: dict[str, list[str]] = {}
            for name, value in parse_qsl(request["query"]):
                query.setdefault(name, []).append(value)
            found.append(query)
    return found


def ids(mock: MockAirtable, table: str, *names: str) -> list[str]:
    fields = next(one for one in mock.schema()["tables"] if one["name"] == table)["fields"]
    return [field["id"] for field in fields if field["name"] in names]


def test_a_frame_is_the_table(base: Airtable) -> None:
    for table in base.list_tables():
        frame = base.scan_polars(table)
        expected = base.read(table).to_polars()
        assert frame.collect_schema() == expected.schema
        assert repr(frame.collect().rows()) == repr(expected.rows())
        assert repr(frame.collect(engine="streaming").rows()) == repr(expected.rows())


def test_a_plan_is_one_request_and_serves_every_query(mock_airtable: MockAirtable, base: Airtable) -> None:
    frame = base.scan_polars("Vendors")
    frame.collect_schema()
    assert len(mock_airtable.requests()) == 1
    assert frame.collect().height == frame.collect().height == len(mock_airtable.records("Vendors"))
    assert sum("/meta/" in request["path"] for request in mock_airtable.requests()) == 1


QUERIES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "select": (lambda frame: frame.select("name", "country"), ("Name", "Country")),
    "an expression": (lambda frame: frame.select(pl.col("name").str.len_chars()), ("Name",)),
    "drop": (lambda frame: frame.drop("country").select("name"), ("Name",)),
    "filter": (lambda frame: frame.filter(pl.col("country") == "Japan").select("name"), ("Name", "Country")),
    "group_by": (lambda frame: frame.group_by("country").len(), ("Country",)),
    "our own columns": (lambda frame: frame.select("id", "createdTime"), ("Name",)),
}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("what", QUERIES)
def test_only_what_a_query_uses_is_asked_for(
    mock_airtable: MockAirtable, base: Airtable, what: str, engine: Any
) -> None:
    query, fields = QUERIES[what]
    whole = base.read("Vendors").to_polars().lazy()
    frame = base.scan_polars("Vendors")
    mock_airtable.clear_requests()
    found = query(frame).collect(engine=engine)
    assert [page["fields[]"] for page in pages(mock_airtable)] == [ids(mock_airtable, "Vendors", *fields)]
    expected = query(whole).collect()
    assert found.columns == expected.columns
    assert sorted(map(repr, found.rows())) == sorted(map(repr, expected.rows()))


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_count_asks_for_one_field(mock_airtable: MockAirtable, base: Airtable, engine: Any) -> None:
    frame = base.scan_polars("Vendors")
    mock_airtable.clear_requests()
    assert frame.select(pl.len()).collect(engine=engine).item() == len(mock_airtable.records("Vendors"))
    assert [len(page["fields[]"]) for page in pages(mock_airtable)] == [1]


def test_without_a_choice_the_query_asks_for_what_the_plan_has(mock_airtable: MockAirtable, base: Airtable) -> None:
    frame = base.scan_polars("Vendors", fields=["Name"])
    assert frame.collect().columns == ["id", "createdTime", "name", "_rescued_data"]
    assert [page["fields[]"] for page in pages(mock_airtable)] == [ids(mock_airtable, "Vendors", "Name")]


@pytest.mark.parametrize("rows", [0, 1, 7, 250, 5_000])
def test_a_head_is_no_more_than_a_head(mock_airtable: MockAirtable, base: Airtable, rows: int) -> None:
    mock_airtable.generate_table("Large", 1_250)
    frame = base.scan_polars("Large")
    mock_airtable.clear_requests()
    found = frame.head(rows).collect()
    asked = pages(mock_airtable)
    assert repr(found.rows()) == repr(base.read("Large").to_polars().head(rows).rows())
    assert found.height == min(rows, 1_250)
    assert {page.get("maxRecords", [""])[0] for page in asked} == ({str(rows)} if rows else set())


def test_a_head_costs_its_pages(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.generate_table("Large", 1_250)
    frame = base.scan_polars("Large")
    for rows, expected in [(0, 0), (1, 1), (100, 1), (101, 2), (250, 3)]:
        mock_airtable.clear_requests()
        assert frame.head(rows).collect().height == rows
        assert len(pages(mock_airtable)) == expected


def test_a_head_within_the_options_bound(mock_airtable: MockAirtable, base: Airtable) -> None:
    frame = base.scan_polars("Vendors", max_records=5)
    assert frame.collect().height == 5
    assert frame.head(3).collect().height == 3
    assert frame.head(9).collect().height == 5


def test_a_head_of_what_a_condition_leaves(base: Airtable) -> None:
    whole = base.read("Vendors").to_polars()
    country = whole["country"][-1]
    expected = whole.filter(pl.col("country") == country).select("id").head(2)
    assert (
        base.scan_polars("Vendors").filter(pl.col("country") == country).select("id").head(2).collect().equals(expected)
    )
    first = whole.head(5).filter(pl.col("country") == country).select("id")
    assert base.scan_polars("Vendors").head(5).filter(pl.col("country") == country).select("id").collect().equals(first)


def test_an_empty_table(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.generate_table("Empty", 0)
    frame = base.scan_polars("Empty")
    assert frame.collect().height == 0
    assert frame.collect().schema == frame.collect_schema()
    assert frame.select(pl.len()).collect().item() == 0


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_what_goes_wrong_has_our_text(mock_airtable: MockAirtable, base: Airtable, engine: Any) -> None:
    with pytest.raises(lakeflow_airtable.NotFoundError, match="did you mean"):
        base.scan_polars("Vendor")
    frame = base.scan_polars("Vendors")
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "monthly_block"}]}
    # Which of the two depends on polars.
    own = (lakeflow_airtable.RateLimitError, pl.exceptions.ComputeError)
    with pytest.raises(own, match="API calls of this month"):
        frame.collect(engine=engine)
    mock_airtable.faults = {}
    assert frame.collect().height > 0


def test_polars_that_is_missing_is_named(
    mock_airtable: MockAirtable, base: Airtable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install"):
        base.scan_polars("Vendors")


def run(main: Any) -> Any:
    return asyncio.run(main)


def test_it_gives_the_batches_of_a_read(base: Airtable) -> None:
    async def read() -> list[pa.RecordBatch]:
        return [batch async for batch in base.read_async("SKU Candidates", fields=["Stage"])]

    batches = run(read())
    assert repr(pa.Table.from_batches(batches).to_pylist()) == repr(
        base.read("SKU Candidates", fields=["Stage"]).to_arrow().to_pylist()
    )


def test_nothing_is_asked_for_before_it_is_awaited(mock_airtable: MockAirtable, base: Airtable) -> None:
    async def read() -> None:
        batches = base.read_async("Vendors")
        await asyncio.sleep(0)
        assert mock_airtable.requests() == []
        await anext_of(batches)
        assert mock_airtable.requests()
        await batches.aclose()

    run(read())


async def anext_of(batches: Any) -> Any:
    return await batches.__anext__()


def test_several_reads_at_once_and_the_loop_is_free(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.faults = {"delay_ms": 200}

    async def rows(table: str) -> int:
        return sum([batch.num_rows async for batch in base.read_async(table)])

    async def read() -> tuple[list[int], int]:
        ticks, is_over = 0, False

        async def tick() -> None:
            nonlocal ticks
            while not is_over:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        found = await asyncio.gather(rows("Vendors"), rows("SKU Candidates"))
        is_over = True
        await ticking
        return list(found), ticks

    found, ticks = run(read())
    assert found == [len(mock_airtable.records(table)) for table in ("Vendors", "SKU Candidates")]
    assert ticks > 3, "while the reads waited"


def test_errors_are_our_own(mock_airtable: MockAirtable, base: Airtable) -> None:
    async def read(table: str) -> None:
        async for _ in base.read_async(table):
            pass

    with pytest.raises(lakeflow_airtable.NotFoundError):
        run(read("Vendor"))
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "monthly_block"}]}
    with pytest.raises(lakeflow_airtable.RateLimitError):
        run(read("Vendors"))


def test_a_task_that_is_cancelled_ends_its_read(mock_airtable: MockAirtable, base: Airtable) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": "stall"}]}

    async def read() -> None:
        async def take() -> None:
            async for _ in base.read_async("Vendors"):
                pass

        task = asyncio.create_task(take())
        while not pages(mock_airtable):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # It waits for the threads of the loop, which without an end to the read wait for many minutes.
    run(read())
    asked = len(mock_airtable.requests())
    assert base.list_tables()
    assert len(mock_airtable.requests()) == asked + 1, "and nothing goes on beside it"


def test_a_loop_that_is_left_early(mock_airtable: MockAirtable, base: Airtable) -> None:
    async def read() -> int:
        async with contextlib.aclosing(base.read_async("Vendors", page_size=1)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                return batch.num_rows
        return 0

    assert run(read()) >= 1
    asked = len(pages(mock_airtable))
    for _ in range(3):
        base.read("Vendors").to_arrow()
    assert sum(page["pageSize"] == ["1"] for page in pages(mock_airtable)) <= asked + 1


def test_a_base_pickles_after_all_of_it(base: Airtable) -> None:
    frame = base.scan_polars("Vendors")
    assert pickle.loads(pickle.dumps(base)).scan_polars("Vendors").collect().equals(frame.collect())
    assert threading.main_thread().is_alive()

"""A seeded script of changes to a base, as people at their screens make them: the same seed makes the same changes.

Three tables feed each other: orders link to companies, companies to regions, and an order shows what it links to by
lookups, a rollup, a count and formulas. So a change of a region alone changes cells of orders that nobody edited.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from lakeflow_airtable.mock import MockAirtable

ORDERS, COMPANIES, REGIONS = "tblChaosOrders001", "tblChaosCompany02", "tblChaosRegions03"
COMPUTED = ("companies", "company_titles", "regions", "rank_sum", "summary", "ratio")
"""The columns of orders that are computed from other cells."""

WORDS = ("amber", "birch", "c'est", 'de"lta', "élan", "北島", "grove", "line\nbreak", "{x}", "a, b", "kelp", "0")
STATES, TAGS = ("Open", "Packed", "Sent", "Cancelled"), ("rush", "gift", "fragile", "heavy")
EDITABLE = ("Label", "Amount", "Status", "Tags", "Due", "Sent at", "Paid", "Notes")
# Mostly time passes as it does, or a few times as fast: what readers hold back, and what does not show yet, are then of
# the same age as what they read. Now and then it is past that, past the lookback, or past noon.
SHORT_PAUSES, LONG_PAUSES = (0.0, 0.3, 1.0, 2.0, 3.0), (11.0, 65.0, 700.0, 9_000.0)

Fields = dict[str, Any]


def _tables(orders: int, rng: random.Random, *, tells_edits: bool) -> list[Fields]:
    def link(table: str, **options: Any) -> Fields:
        return {"type": "multipleRecordLinks", "options": {"linkedTableId": table, **options}}

    def through(kind: str, link: str, field: str | None = None, **more: Any) -> Fields:
        target = {} if field is None else {"fieldIdInLinkedTable": field}
        return {"type": kind, "options": {"recordLinkFieldId": link, **target}, **more}

    def formula(text: str, kind: str) -> Fields:
        return {"type": "formula", "options": {"formula": text, "result": {"type": kind, "options": {"precision": 4}}}}

    number = {"type": "number", "options": {"precision": 2}}
    order_fields: list[Fields] = [
        {"name": "Label", "type": "singleLineText"},
        {"name": "Amount", **number},
        {"name": "Status", "type": "singleSelect", "options": {"choices": STATES}},
        {"name": "Tags", "type": "multipleSelects", "options": {"choices": TAGS}},
        {"name": "Due", "type": "date"},
        {"name": "Sent at", "type": "dateTime"},
        {"name": "Paid", "type": "checkbox"},
        {"name": "Notes", "type": "multilineText"},
        {"name": "Company", **link(COMPANIES)},
        {"name": "Follows", **link(ORDERS)},
        {"name": "Companies", **through("count", "Company")},
        {"name": "Company titles", **through("multipleLookupValues", "Company", "Title")},
        {"name": "Regions", **through("multipleLookupValues", "Company", "Region names")},
        {"name": "Rank sum", **through("rollup", "Company", "Rank", mock={"aggregation": "SUM(values)"})},
        {"name": "Summary", **formula("{Label} & ' / ' & {Status} & ' / ' & {Regions}", "singleLineText")},
        # Division by nothing: what does not fit its column is rescued.
        {"name": "Ratio", **formula("{Amount} / {Rank sum}", "number")},
        {"name": "Number", "type": "autoNumber"},
        {"name": "Changed by", "type": "lastModifiedBy"},
    ]
    if tells_edits:
        order_fields.append({"name": "Changed", "type": "lastModifiedTime"})
    order_fields[13]["options"]["result"] = number
    company_fields = [
        {"name": "Name", "type": "singleLineText"},
        {"name": "Rank", **number},
        {"name": "Orders", **link(ORDERS, inverseLinkFieldId="Company", isReversed=True)},
        {"name": "Region", **link(REGIONS)},
        {"name": "Region names", **through("multipleLookupValues", "Region", "Name")},
        {"name": "Title", **formula("{Name} & ' (' & {Region names} & ')'", "singleLineText")},
    ]
    region_fields = [{"name": "Name", "type": "singleLineText"}]

    def records(rows: Sequence[Fields]) -> list[Fields]:
        return [{"fields": row} for row in rows]

    return [
        {"id": REGIONS, "name": "Regions", "fields": region_fields, "records": records([{"Name": n} for n in "NESW"])},
        {"id": COMPANIES, "name": "Companies", "fields": company_fields},
        {
            "id": ORDERS,
            "name": "Orders",
            "fields": order_fields,
            "records": records([_cells(rng, EDITABLE[: 1 + n % len(EDITABLE)]) for n in range(orders)]),
        },
    ]


def _cells(rng: random.Random, fields: Sequence[str]) -> Fields:
    """New values for these editable fields of an order."""
    values: dict[str, Callable[[], Any]] = {
        "Label": lambda: f"{rng.choice(WORDS)} {rng.randrange(1000)}",
        "Amount": lambda: rng.randrange(-500, 100_000) / 100,
        "Status": lambda: rng.choice(STATES),
        "Tags": lambda: rng.sample(TAGS, rng.randint(1, len(TAGS))),
        "Due": lambda: f"20{rng.randrange(10, 40)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "Sent at": lambda: f"2031-05-{rng.randrange(1, 29):02}T{rng.randrange(24):02}:30:00.000Z",
        "Paid": lambda: rng.random() < 0.5,
        "Notes": lambda: " ".join(rng.choices(WORDS, k=rng.randint(1, 40))),
    }
    return {field: values[field]() for field in fields}


class Script:
    """Changes a base made for it in `mock`; `done` counts the changes.

    Args:
        deletes: Whether records are deleted, and cells spoilt, which no modification time tells of.
        tells_edits: Whether orders have a field of the time of their last edit, by which changes can be told.
    """

    def __init__(
        self, mock: MockAirtable, seed: int, *, deletes: bool = False, tells_edits: bool = True, orders: int = 300
    ) -> None:
        self.done = 0
        self.created: list[str] = []
        self._mock = mock
        self._rng = random.Random(seed)
        self.base = mock.create_base("Chaos", _tables(orders, self._rng, tells_edits=tells_edits))
        self._orders = [record["id"] for record in mock.records(ORDERS, base=self.base)]
        self._regions = [record["id"] for record in mock.records(REGIONS, base=self.base)]
        self.created += self._orders
        self._companies: list[str] = []
        for _ in range(20):
            self._new_company()
        kinds = {
            self._insert: 10,
            self._insert_many: 3,
            self._insert_then_update: 4,
            self._update: 20,
            self._update_twice: 4,
            self._update_many: 6,
            self._clear: 8,
            self._link: 8,
            self._follow: 5,
            self._link_from_the_other_side: 8,
            self._new_company: 2,
            self._edit_company: 10,
            self._move_company: 4,
            self._rename_region: 3,
            self._rename_table: 1,
        }
        if deletes:
            kinds |= {
                self._delete: 8,
                self._delete_many: 3,
                self._insert_then_delete: 5,
                self._update_then_delete: 5,
                self._delete_company: 2,
                self._spoil: 3,
            }
        self._kinds = list(kinds)
        self._weights = list(kinds.values())

    def burst(self, most: int = 26) -> None:
        """Some changes, one soon after the other, then as much time for the server as it may like."""
        for _ in range(self._rng.randint(1, most)):
            self.step()
            if self._rng.random() < 0.1:
                self._mock.advance_clock(self._rng.choice(SHORT_PAUSES))
        pauses = LONG_PAUSES if self._rng.random() < 0.08 else SHORT_PAUSES
        self._mock.advance_clock(self._rng.choice(pauses))

    def step(self) -> None:
        """One change of any kind."""
        self._rng.choices(self._kinds, self._weights)[0]()
        self.done += 1

    # Orders

    def _some(self, ids: Sequence[str], least: int, most: int) -> list[str]:
        return self._rng.sample(ids, min(len(ids), self._rng.randint(least, most)))

    def _values(self, most: int = 5) -> Fields:
        return _cells(self._rng, self._rng.sample(EDITABLE, self._rng.randint(1, most)))

    def _create(self, records: int) -> list[str]:
        rows = [self._values(len(EDITABLE)) | {"Company": self._some(self._companies, 0, 2)} for _ in range(records)]
        ids = self._mock.create_records(ORDERS, rows, base=self.base)
        self._orders += ids
        self.created += ids
        return ids

    def _edit(self, ids: Sequence[str]) -> None:
        self._mock.update_records(ORDERS, {record: self._values() for record in ids}, base=self.base)

    def _remove(self, ids: Sequence[str]) -> None:
        self._mock.delete_records(ORDERS, ids, base=self.base)
        gone = set(ids)
        self._orders = [record for record in self._orders if record not in gone]

    def _insert(self) -> None:
        self._create(1)

    def _insert_many(self) -> None:
        self._create(self._rng.randint(2, 25))

    def _insert_then_update(self) -> None:
        self._edit(self._create(self._rng.randint(1, 3)))

    def _insert_then_delete(self) -> None:
        self._remove(self._create(self._rng.randint(1, 3)))

    def _update(self) -> None:
        self._edit(self._some(self._orders, 1, 1))

    def _update_many(self) -> None:
        # Up to ten are one transaction, more are several at the same instant.
        self._edit(self._some(self._orders, 2, self._rng.choice((10, 10, 60))))

    def _update_twice(self) -> None:
        for record in self._some(self._orders, 1, 1):
            values = self._values()
            for fields in (values, values if self._rng.random() < 0.5 else self._values()):
                self._mock.update_records(ORDERS, {record: fields}, base=self.base)

    def _update_then_delete(self) -> None:
        ids = self._some(self._orders, 1, 3)
        self._edit(ids)
        self._remove(ids)

    def _clear(self) -> None:
        for record in self._some(self._orders, 1, 1):
            field = self._rng.choice((*EDITABLE, "Company", "Follows"))
            self._mock.update_records(ORDERS, {record: {field: None}}, base=self.base)

    def _link(self) -> None:
        links = {record: {"Company": self._some(self._companies, 0, 3)} for record in self._some(self._orders, 1, 4)}
        self._mock.update_records(ORDERS, links, base=self.base)

    def _follow(self) -> None:
        links = {record: {"Follows": self._some(self._orders, 0, 3)} for record in self._some(self._orders, 1, 2)}
        self._mock.update_records(ORDERS, links, base=self.base)

    def _delete(self) -> None:
        self._remove(self._some(self._orders, 1, 1))

    def _delete_many(self) -> None:
        self._remove(self._some(self._orders, 2, 15))

    def _spoil(self) -> None:
        for record in self._some(self._orders, 1, 1):
            self._mock.set_raw_cell(ORDERS, record, "Amount", {"error": "#ERROR!"}, base=self.base)

    def _rename_table(self) -> None:
        self._mock.update_table(ORDERS, base=self.base, name=f"Orders {self._rng.randrange(1_000_000)}")

    # What orders link to

    def _new_company(self) -> None:
        row = {"Name": self._rng.choice(WORDS), "Rank": self._rng.randrange(4), "Region": [self._region()]}
        self._companies += self._mock.create_records(COMPANIES, [row], base=self.base)

    def _region(self) -> str:
        return self._rng.choice(self._regions)

    def _change_companies(self, ids: Sequence[str], values: Callable[[], Fields]) -> None:
        self._mock.update_records(COMPANIES, {company: values() for company in ids}, base=self.base)

    def _edit_company(self) -> None:
        def values() -> Fields:
            name = {"Name": f"{self._rng.choice(WORDS)} {self._rng.randrange(100)}"}
            rank = {"Rank": self._rng.choice((None, 0, 1, 2.5, 4))}
            return self._rng.choice((name, rank, name | rank))

        self._change_companies(self._some(self._companies, 1, 2), values)

    def _move_company(self) -> None:
        self._change_companies(self._some(self._companies, 1, 1), lambda: {"Region": [self._region()]})

    def _link_from_the_other_side(self) -> None:
        self._change_companies(self._some(self._companies, 1, 2), lambda: {"Orders": self._some(self._orders, 0, 15)})

    def _rename_region(self) -> None:
        name = f"{self._rng.choice('NESW')}{self._rng.randrange(100)}"
        self._mock.update_records(REGIONS, {self._region(): {"Name": name}}, base=self.base)

    def _delete_company(self) -> None:
        if len(self._companies) > 5:
            ids = self._some(self._companies, 1, 1)
            self._mock.delete_records(COMPANIES, ids, base=self.base)
            self._companies = [company for company in self._companies if company not in ids]

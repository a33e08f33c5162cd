"""What a table, its target and its view are called in a pipeline."""

from __future__ import annotations

import re
import unicodedata

import pytest

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.specification.names import (
    LONGEST,
    LONGEST_GIVEN,
    format_name,
    identifier,
    identifiers,
    quoted,
    view_name,
)


@pytest.mark.parametrize(
    "name",
    ["SKU Code (#)", "  Unit  Cost ", "% of Sales", "R&D", "Vendor's Name", "2025 Plan", "a/b\\c{d}`e`", "Café", "A.b"],
)
def test_a_table_is_called_as_a_column_would_be(name: str) -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Names", [{"name": "Names", "fields": [{"name": "Name"}, {"name": name}]}])
        column = Airtable(**mock.options()).schema("Names").names[3]
    plain = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    assert identifier(name) == plain


def test_default_names_are_legal_and_apart() -> None:
    names = [
        "Größe",
        "名前",
        "名前 2",
        "🚀",
        "🚀🚀",
        "x" * 300,
        "x" * 301,
        "Vendors",
        "A b",
        "a-B",
        "`; DROP TABLE x",
        "Ünïcode",
    ]
    chosen = identifiers(names)
    assert len(set(chosen.values())) == len(names)
    for short in chosen.values():
        assert re.fullmatch(r"[a-z0-9_]+", short), short
        assert len(short) <= LONGEST + 20
    # Written down: another name tomorrow would be another table.
    assert chosen["Größe"] == "grosse"
    assert chosen["🚀"] == "table_ebbc0b28"
    assert chosen["A b"].startswith("a_b_")
    assert identifiers(reversed(names)) == chosen
    assert identifiers(["A b"]) == {"A b": "a_b"}


def test_names_as_spark_reads_them() -> None:
    assert quoted(["main", "bronze", "vendors"]) == "main.bronze.vendors"
    assert quoted(["main", "2025", "a`b.c"]) == "main.`2025`.`a``b.c`"
    assert quoted(["größe"]) == "`größe`"


def test_views_of_different_tables_have_different_names() -> None:
    destinations = [("vendors",), ("Vendors x",), ("a", "b_c"), ("a_b", "c"), ("a", "b", "c"), ("größe",), ("gr_e",)]
    names = {view_name(destination, "changes") for destination in destinations}
    assert len(names) == len(destinations)
    assert "source_vendors_changes" in names
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


def test_no_name_is_longer_than_catalogs_take() -> None:
    destinations = [("x" * 199,), ("x" * 255,), ("x" * 254 + "y",), ("c" * 255, "s" * 255, "x" * 255)]
    names = {view_name(destination, "changes") for destination in destinations}
    assert len(names) == len(destinations)
    assert max(map(len, names)) <= LONGEST_GIVEN
    assert max(len(format_name(destination)) for destination in destinations) <= LONGEST_GIVEN
    # As it was before there was a bound.
    assert view_name(("x" * 199,), "changes") == f"source_{'x' * 199}_changes"

"""`verify` of several bases: a record is named by its base and its id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeflow_airtable import Airtable, OptionError
from lakeflow_airtable.mock import MockAirtable

FIELDS = [{"name": "Name", "type": "singleLineText"}]


@pytest.fixture
def shops(mock_airtable: MockAirtable) -> list[str]:
    """Two bases of one template."""
    bases = [mock_airtable.create_base(name, [{"name": "Orders", "fields": FIELDS}]) for name in ("North", "South")]
    for base in bases:
        mock_airtable.create_records("Orders", [{"Name": f"order {number}"} for number in range(60)], base=base)
    return bases


@pytest.fixture
def airtable(mock_airtable: MockAirtable, shops: list[str]) -> Airtable:
    given = {name: value for name, value in mock_airtable.options().items() if name != "base_id"}
    return Airtable(**given, namespace=shops)


def copied(airtable: Airtable, target: Path) -> pa.Table:
    table = airtable.read("Orders").to_arrow()
    pq.write_table(table, target)
    return table


@pytest.mark.parametrize("cells", [False, True])
def test_a_copy_of_several_bases_is_equal_and_its_faults_name_their_base(
    airtable: Airtable, mock_airtable: MockAirtable, shops: list[str], tmp_path: Path, cells: bool
) -> None:
    target = tmp_path / "orders.parquet"
    copied(airtable, target)
    assert airtable.verify("Orders", target, cells=cells).is_equal
    gone = mock_airtable.records("Orders", base=shops[0])[7]["id"]
    (new,) = mock_airtable.create_records("Orders", [{"Name": "new"}], base=shops[1])
    mock_airtable.delete_records("Orders", [gone], base=shops[0])
    found = airtable.verify("Orders", target, cells=cells)
    assert found.surplus.ids == (f"{shops[0]}/{gone}",)
    assert found.missing.ids == (f"{shops[1]}/{new}",)
    assert (found.base_rows, found.target_rows) == (120, 120)


def test_one_id_in_two_bases_is_two_records(airtable: Airtable, shops: list[str], tmp_path: Path) -> None:
    """A record moved to the other base, which a comparison by ids alone does not see."""
    target = tmp_path / "orders.parquet"
    table = copied(airtable, target)
    rows: list[dict[str, Any]] = table.to_pylist()
    own = rows[3]["_base_id"]
    (other,) = set(shops) - {own}
    rows[3]["_base_id"] = other
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), target)
    found = airtable.verify("Orders", target)
    assert found.missing.ids == (f"{own}/{rows[3]['id']}",)
    assert found.surplus.ids == (f"{other}/{rows[3]['id']}",)
    # Twice the same record of the same base is a double one.
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), target)
    assert airtable.verify("Orders", target).double.ids == (f"{rows[0]['_base_id']}/{rows[0]['id']}",)


def test_a_copy_without_bases_is_refused_and_another_key_is_the_users(airtable: Airtable, tmp_path: Path) -> None:
    target = tmp_path / "orders.parquet"
    table = copied(airtable, target)
    pq.write_table(table.drop_columns(["_base_id"]), target)
    with pytest.raises(OptionError, match="has no column '_base_id'"):
        airtable.verify("Orders", target)
    assert airtable.verify("Orders", target, key="name").missing.count == 60

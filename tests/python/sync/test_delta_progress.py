"""A text in the numbers of a Delta table's applications."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake

from lakeflow_airtable import OptionError
from lakeflow_airtable.sync import delta_progress
from lakeflow_airtable.sync.target import Progress

TEXTS = [
    "",
    "x",
    "é 北 \N{GRINNING FACE}",
    '{"version":1}',
    "".join(random.Random(1).choices(string.printable, k=9_000)),
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_comes_back(text: str) -> None:
    numbers = delta_progress.numbers_of(text, 7)
    assert delta_progress.text_of(numbers.get) == text
    assert delta_progress.commit_of(numbers.get) == 7
    assert all(0 <= number < 1 << 63 for number in numbers.values())


def test_a_shorter_text_takes_the_place_of_a_longer_one() -> None:
    kept = {**delta_progress.numbers_of(TEXTS[-1], 1), **delta_progress.numbers_of("short", 2)}
    assert delta_progress.text_of(kept.get) == "short"


def test_without_numbers_there_is_no_text() -> None:
    assert delta_progress.text_of({}.get) is None
    assert delta_progress.commit_of({}.get) is None
    numbers = delta_progress.numbers_of(TEXTS[2], 1)
    del numbers["lakeflow_airtable.0"]
    assert delta_progress.text_of(numbers.get) is None


def test_what_was_written_once_stays_readable() -> None:
    """As the first version wrote it."""
    written = {
        "lakeflow_airtable": 1,
        "lakeflow_airtable.bytes": 17,
        "lakeflow_airtable.0": 34_051_670_690_441_155,
        "lakeflow_airtable.1": 64_641_425_242_456_191,
        "lakeflow_airtable.2": 3_082_448,
    }
    assert delta_progress.text_of(written.get) == '{"version":1,"base":"appX"}'


def test_it_outlives_checkpoints_and_the_cleaning_of_the_log(tmp_path: Path) -> None:
    rows = pa.table({"id": ["a"]})
    numbers = delta_progress.numbers_of("how far", 1)
    ours = CommitProperties(app_transactions=[Transaction(name, number) for name, number in numbers.items()])
    write_deltalake(
        tmp_path,
        rows,
        commit_properties=ours,
        configuration={"delta.logRetentionDuration": "interval 0 seconds", "delta.enableExpiredLogCleanup": "true"},
    )
    for _ in range(3):
        write_deltalake(tmp_path, rows, mode="append", post_commithook_properties=PostCommitHookProperties(False))
    table = DeltaTable(tmp_path)
    table.create_checkpoint()
    table.cleanup_metadata()
    log = sorted(path.name for path in (tmp_path / "_delta_log").glob("*.json"))
    assert "00000000000000000000.json" not in log, "the commit's own file is still there, and this shows nothing"
    assert delta_progress.text_of(DeltaTable(tmp_path).transaction_version) == "how far"


PROGRESS = Progress("appX", "tblX", "cdc", "1", ("id",), "_changed_at", '{"version":2}')


def test_progress_comes_back() -> None:
    assert Progress.from_text(PROGRESS.to_text(), "here") == PROGRESS
    snapshot = Progress("appX", "tblX", "snapshot", "")
    assert Progress.from_text(snapshot.to_text(), "here") == snapshot


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PROGRESS.to_text().replace('"version":1', '"version":2', 1), "newer version"),
        ("{", "does not say how far"),
        ("[]", "does not say how far"),
        ('{"version":1}', "does not say how far"),
        ('{"version":1,"base":"a","table":"t","mode":"cdc","more":1}', "does not say how far"),
    ],
)
def test_what_is_no_progress_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=f"here .*{message}"):
        Progress.from_text(text, "here")

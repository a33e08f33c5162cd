"""What SCD 2 makes of three changes: the rows that a read of changes gives, and the versions that come of them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

from .drawing import Drawing, in_both_themes

DAY = "2026-03-02T"
FIELDS = ["Name", "Score"]
WIDTH = 880
LEFT, RIGHT = 48, 832
FIRST, LAST = 8 * 60 + 30, 17 * 60
"""Minutes of the day at both ends of the line."""

Row = dict[str, Any]


def run() -> dict[str, list[Row]]:
    """Two edits and the deletion of one record of the mock's, each read by `changes`."""
    with MockAirtable() as mock:
        base = Airtable(**mock.options(), ingestion_type="cdc_with_deletes", fields=FIELDS)
        vendor = mock.create_records("Vendors", [{"Name": "Acme Boxes", "Score": 7}])[0]
        base.latest_offset("Vendors")  # makes the webhook
        mock.set_clock(f"{DAY}09:00:10Z")
        offset = base.latest_offset("Vendors")
        rows = [row for row in _rows(base.changes("Vendors", end=offset)) if row["id"] == vendor]
        edits: dict[str, dict[str, object] | None] = {
            "11:00": {"Score": 8},
            "13:00": {"Name": "Acme Packaging"},
            "15:30": None,
        }
        for time, cells in edits.items():
            mock.set_clock(f"{DAY}{time}:00Z")
            if cells is None:
                mock.delete_records("Vendors", [vendor])
            else:
                mock.update_records("Vendors", {vendor: cells})
            mock.advance_clock(30)
            later = base.latest_offset("Vendors", start=offset)
            rows += _rows(base.changes("Vendors", start=offset, end=later))
            offset = later
    return {"rows": rows}


def versions(rows: list[Row]) -> list[Row]:
    """What AUTO CDC keeps as SCD 2: a version begins where a cell changes and ends with the next, or with a delete."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: row["_changed_at"]):
        cells = {name: value for name, value in row.items() if not name.startswith("_")}
        current = kept[-1] if kept and kept[-1]["__END_AT"] is None else None
        if current and not row["_deleted"] and all(current[name] == value for name, value in cells.items()):
            continue
        if current:
            current["__END_AT"] = row["_changed_at"]
        if not row["_deleted"]:
            kept.append({**cells, "__START_AT": row["_changed_at"], "__END_AT": None})
    return kept


def draw(recorded: dict[str, list[Row]]) -> dict[str, str]:
    """The picture's files."""
    rows = recorded["rows"]
    kept = versions(rows)
    told = "; ".join(
        f"{one['name']}, score {one['score']:g}, from {_time(one['__START_AT'])} to {_time(one['__END_AT'])}"
        for one in kept
    )
    description = (
        f"A read of changes gives {len(rows)} rows of one record: as it was first, two edits, and a delete. AUTO CDC "
        f"with SCD_TYPE_2 makes {len(kept)} versions of them: {told}."
    )
    return in_both_themes(
        "history",
        "What SCD 2 makes of three changes",
        description,
        (WIDTH, 500),
        lambda drawing: _history(drawing, rows, kept),
    )


def _history(drawing: Drawing, rows: list[Row], kept: list[Row]) -> None:
    drawing.text(24, 34, "Three changes of one record, and the versions that SCD 2 keeps", size=17, bold=True)
    drawing.text(24, 70, "What a stream of cdc_with_deletes gives", bold=True, color="quiet")
    cells: list[tuple[str, ...]] = [("id", "name", "score", "_changed_at", "_deleted")]
    cells += [
        (row["id"], _shown(row["name"]), _shown(row["score"]), _time(row["_changed_at"]), _shown(row["_deleted"]))
        for row in rows
    ]
    _table(drawing, 82, (24, 224, 424, 524, 674), cells)
    for row in rows:
        x = _x(row["_changed_at"])
        drawing.line(x, 236, x, 318, color="bad" if row["_deleted"] else "edge", width=1.5)
        drawing.text(x, 228, _time(row["_changed_at"])[:5], size=13, color="quiet", anchor="middle")
    for one in kept:
        x, end = _x(one["__START_AT"]), _x(one["__END_AT"])
        drawing.box(x, 246, end - x - 2, 60, fill="ours", round=6)
        drawing.text(x + 10, 272, one["name"], size=14, color="on_ours", bold=True)
        drawing.text(x + 10, 292, f"score {one['score']:g}", size=13, color="on_ours")
    gone = _x(rows[-1]["_changed_at"])
    drawing.text(gone + 10, 281, "deleted", color="bad", bold=True)
    drawing.text(24, 356, "The target of AUTO CDC, SCD_TYPE_2", bold=True, color="quiet")
    cells = [("id", "name", "score", "__START_AT", "__END_AT")]
    cells += [
        (one["id"], one["name"], f"{one['score']:g}", _time(one["__START_AT"]), _time(one["__END_AT"])) for one in kept
    ]
    _table(drawing, 368, (24, 224, 424, 524, 674), cells)


def _table(drawing: Drawing, top: float, columns: tuple[int, ...], cells: list[tuple[str, ...]]) -> None:
    for number, row in enumerate(cells):
        y = top + 24 * number
        if number % 2:
            drawing.box(16, y, WIDTH - 32, 24, round=3)
        for x, cell in zip(columns, row, strict=True):
            drawing.text(x, y + 17, cell, size=13, color="text" if number else "quiet", mono=True)


def _x(stamp: str | None) -> float:
    minutes = LAST if stamp is None else int(stamp[11:13]) * 60 + int(stamp[14:16])
    return LEFT + (RIGHT - LEFT) * (minutes - FIRST) / (LAST - FIRST)


def _time(stamp: str | None) -> str:
    return "NULL" if stamp is None else stamp[11:19]


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _rows(stream: Any) -> list[Row]:
    """Rows as JSON has them, times in whole seconds."""
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "score": row["score"],
            "_changed_at": f"{row['_changed_at']:%Y-%m-%dT%H:%M:%SZ}",
            "_deleted": row["_deleted"],
        }
        for row in pa.table(stream).to_pylist()
    ]

"""What a pipeline's events say of one run: rows of each table, or the first error.

The events come from the REST API as it gives them: Databricks' command line has fewer of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import cures

_LONGEST = 600


def of_update(events: Iterable[Mapping[str, Any]], update: str) -> list[Mapping[str, Any]]:
    """The events of one run, oldest first. Databricks gives the newest first."""
    return [event for event in events if event.get("origin", {}).get("update_id") == update][::-1]


def rows(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many rows a run has written into each table, by the last part of the table's name.

    A flow tells its rows once for each batch. One that changes rows by key tells how many it has put in and taken out.
    """
    found: dict[str, int] = {}
    for event in events:
        origin = event.get("origin", {})
        metrics = event.get("details", {}).get("flow_progress", {}).get("metrics")
        name = str(origin.get("dataset_name") or origin.get("flow_name") or "").replace("`", "")
        if metrics is None or not name:
            continue
        table = name.rpartition(".")[2]
        counted = [metrics.get(key) for key in ("num_upserted_rows", "num_deleted_rows")]
        written = sum(filter(None, counted)) if any(count is not None for count in counted) else None
        found[table] = found.get(table, 0) + int(
            written if written is not None else metrics.get("num_output_rows") or 0
        )
    return found


def first_error(events: Iterable[Mapping[str, Any]]) -> str | None:
    """The first error of a run in one line, with its cure where that is known."""
    for event in events:
        if event.get("level") != "ERROR":
            continue
        exceptions = event.get("error", {}).get("exceptions", [])
        texts = [str(event.get("message", "")), *(str(one.get("message", "")) for one in exceptions)]
        # A traceback ends with what is wrong.
        last = [line.strip() for text in texts for line in text.splitlines() if line.strip()][-1:]
        said = (last[0] if last else "a run failed without a word")[:_LONGEST].rstrip(".:")
        where = event.get("origin", {}).get("dataset_name") or event.get("origin", {}).get("flow_name")
        advice = cures.cure("\n".join(texts)) or "see the run's page, whose address stands above"
        return f"{where}: {said}: {advice}" if where else f"{said}: {advice}"
    return None

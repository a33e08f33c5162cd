"""A read under Airtable's limit, as the mock's log tells it: when each request went, how long it took, what came."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from lakeflow_airtable import Airtable
from lakeflow_airtable.mock import MockAirtable

TABLE = "Orders"
LIMIT = 5

Recorded = dict[str, Any]


def recorded(
    records: int, *, answer_ms: int, during: Callable[[MockAirtable], None] | None = None, **options: object
) -> Recorded:
    """Reads a table of so many records from a mock that grants 5 requests a second, and gives the log of it.

    Cursors are numbered as they begin: 0 is the request for the table's definition, 1 the first page's.

    `during` is called before the read begins, and may start what disturbs it.
    """
    with MockAirtable(sample=False, faults={"requests_per_second": LIMIT, "delay_ms": answer_ms}) as mock:
        mock.create_base("Base")
        mock.generate_table(TABLE, records, 6, scalars=True)
        given: dict[str, Any] = {**mock.options(), "requests_per_second": "4.5", **options}
        base = Airtable(**given)
        if during:
            during(mock)
        rows = sum(batch.num_rows for batch in base.read(TABLE))
        if rows != records:
            raise SystemExit(f"read {rows} records of {records}")
        log = mock.requests()
    began = min(_seconds(request) for request in log)
    shown = [_shown(request, began) for request in log]
    cursors = {cursor: number for number, cursor in enumerate(dict.fromkeys(one["cursor"] for one in shown))}
    requests = [{**one, "cursor": cursors[one["cursor"]]} for one in shown]
    return {"records": records, "answer_ms": answer_ms, "requests": requests}


def burst(mock: MockAirtable, requests: int) -> None:
    """What another program asks of the same base, all at once and without any pace."""
    url = f"{mock.url}/v0/{mock.base_id}/{TABLE}?maxRecords=1"
    for _ in range(requests):
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {mock.token}", "User-Agent": "other"})
        try:
            urllib.request.urlopen(request).close()
        except urllib.error.HTTPError as refused:
            refused.close()


def _shown(request: dict[str, Any], began: float) -> dict[str, Any]:
    """What a picture needs of a request."""
    return {
        "at": round(_seconds(request) - began, 3),
        "took": round(request["duration_ms"] / 1000, 3),
        "status": request["status"],
        "is_ours": request["user_agent"].startswith("lakeflow-airtable"),
        "cursor": _cursor(request),
    }


def _cursor(request: dict[str, Any]) -> str:
    """The filter by which a cursor reads its share; `definition` where no records are asked for."""
    if request["endpoint"] != "list_records":
        return "definition"
    if request["method"] == "POST":
        return str(json.loads(request["body"]).get("filterByFormula", ""))
    return "".join(parse_qs(str(request["query"])).get("filterByFormula", []))


def _seconds(request: dict[str, Any]) -> float:
    return datetime.fromisoformat(request["time"].replace("Z", "+00:00")).timestamp()

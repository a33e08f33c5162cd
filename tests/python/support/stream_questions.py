"""What is asked of a mock by HTTP, because only a client may know it: the webhooks of a base and their payloads."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from typing import Any

from lakeflow_airtable.mock import MockAirtable


def ask(mock: MockAirtable, path: str, method: str = "GET") -> Any:
    """The JSON of an answer; none where the answer is empty."""
    headers = {"Authorization": f"Bearer {mock.token}"}
    request = urllib.request.Request(f"{mock.url}/v0/{path}", headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


def webhooks(mock: MockAirtable, base: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(mock, f"bases/{base}/webhooks")["webhooks"]
    return found


def largest_transaction(mock: MockAirtable, base: str, table: str) -> int:
    """How many records of a table one transaction changed at most, as the base's only webhook tells it."""
    (webhook,) = webhooks(mock, base)
    cursor, sizes = 1, Counter[int]()
    while True:
        page = ask(mock, f"bases/{base}/webhooks/{webhook['id']}/payloads?cursor={cursor}")
        for payload in page["payloads"]:
            change = payload.get("changedTablesById", {}).get(table, {})
            parts = ("createdRecordsById", "changedRecordsById", "destroyedRecordIds")
            sizes[payload["baseTransactionNumber"]] += sum(len(change.get(part, ())) for part in parts)
        cursor = page["cursor"]
        if not page["mightHaveMore"]:
            return max(sizes.values())

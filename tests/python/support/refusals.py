"""How pyairtable tells what the service refused."""

from __future__ import annotations

import pytest
from requests import HTTPError


def refused(error: pytest.ExceptionInfo[HTTPError]) -> tuple[int, str]:
    body = error.value.response.json()["error"]
    return error.value.response.status_code, body if isinstance(body, str) else body["type"]

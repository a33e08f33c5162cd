"""What programs find in an exception besides its text: `status`, `kind`, `option` and `request`."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import lakeflow_airtable
from lakeflow_airtable import (
    Airtable,
    AirtableError,
    AuthError,
    DataError,
    NotFoundError,
    OptionError,
    RateLimitError,
    RejectedError,
    TransportError,
)
from lakeflow_airtable.mock import MockAirtable

Facts = tuple[Any, ...]


def facts(error: AirtableError) -> Facts:
    return error.status, error.kind, error.option, error.request


def raised(call: Any) -> AirtableError:
    with pytest.raises(AirtableError) as caught:
        call()
    return caught.value


ANSWERS: dict[str, tuple[Any, type[AirtableError], int | None, str | None]] = {
    "monthly_block": ("monthly_block", RateLimitError, 429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED"),
    "401": (
        {"respond": {"status": 401, "body": {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "m"}}}},
        AuthError,
        401,
        "AUTHENTICATION_REQUIRED",
    ),
    "403 without a kind": ({"respond": {"status": 403, "body": {}}}, AuthError, 403, None),
    "404": ({"respond": {"status": 404, "body": {"error": "NOT_FOUND"}}}, NotFoundError, 404, "NOT_FOUND"),
    "422": ({"respond": {"status": 422, "body": {"error": {"type": "ODD"}}}}, RejectedError, 422, "ODD"),
    "502": ("bad_gateway", TransportError, 502, None),
    "no answer": ("close", TransportError, None, None),
    "no JSON of records": ({"respond": {"status": 200, "body": {"records": 7}}}, DataError, None, None),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_the_reason(mock_airtable: MockAirtable, answer: str) -> None:
    action, kind, status, word = ANSWERS[answer]
    base = Airtable(**mock_airtable.options(), max_retries=0)
    batches = base.read("Vendors")
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": action}]}
    error = raised(lambda: next(batches))
    assert type(error) is kind
    table = next(one["id"] for one in mock_airtable.schema()["tables"] if one["name"] == "Vendors")
    assert facts(error) == (status, word, None, f"GET {mock_airtable.url}/v0/{mock_airtable.base_id}/{table}")
    assert str(error).startswith(str(error.request))


def test_a_definition_and_a_list_of_bases(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options(), max_retries=0)
    mock_airtable.faults = {"rules": [{"action": {"respond": {"status": 200, "body": {"tables": 7, "bases": 7}}}}]}
    for call, path in ((base.tables, f"bases/{mock_airtable.base_id}/tables"), (base.list_bases, "bases")):
        error = raised(call)
        assert facts(error) == (200, None, None, f"GET {mock_airtable.url}/v0/meta/{path}")


def test_a_formula_is_an_option_and_an_answer(mock_airtable: MockAirtable) -> None:
    batches = Airtable(**mock_airtable.options()).read("Vendors", filter_formula="{Nothing")
    error = raised(lambda: next(batches))
    assert type(error) is RejectedError
    assert facts(error)[:3] == (422, "INVALID_FILTER_BY_FORMULA", "filter_formula")
    assert "?" not in str(error.request)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a value": ({"max_records": "x"}, "max_records"),
    "a choice": ({"nested": "list"}, "nested"),
    "an unknown name": ({"max_record": 5}, "max_record"),
    "another's word": ({"limit": 5}, "limit"),
    "an id": ({"webhook_id": "a b"}, "webhook_id"),
    "an address": ({"base_url": "http://example.com"}, "base_url"),
    "a Python value": ({"fields": object()}, "fields"),
    "two that go together": ({"on_lost_feed": "reread"}, "on_lost_feed"),
    "no token": ({"token": None}, "token"),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_an_option_that_is_wrong(mock_airtable: MockAirtable, what: str) -> None:
    given, option = OPTIONS[what]
    error = raised(lambda: Airtable(**{**mock_airtable.options(), **given}))
    assert type(error) is OptionError
    assert facts(error) == (None, None, option, None)


@pytest.mark.parametrize(
    ("given", "option"),
    [({"view": "Gird"}, "view"), ({"fields": ["Nmae"]}, "fields"), ({"table": "Vendor"}, "tableName")],
)
def test_what_a_base_does_not_have(mock_airtable: MockAirtable, given: dict[str, Any], option: str) -> None:
    base = Airtable(**mock_airtable.options())
    error = raised(lambda: base.read(**{"table": "Vendors", **given}))
    assert type(error) is NotFoundError
    assert facts(error) == (None, None, option, None)


NAMES = [name for name in lakeflow_airtable.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("name", NAMES)
def test_facts_survive_copies(name: str) -> None:
    kind = getattr(lakeflow_airtable, name)
    error = kind("what to do", status=422, kind="ODD", option="view", request="GET https://x/v0/app")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert (str(again), *facts(again)) == ("what to do", 422, "ODD", "view", "GET https://x/v0/app")
    assert facts(kind("what to do")) == (None, None, None, None)
    assert facts(kind()) == (None, None, None, None)


def test_no_fact_holds_a_token(mock_airtable: MockAirtable) -> None:
    token = f"patAbCdEfGhIjKlM1.{'0123456789abcdef' * 4}"
    errors = [
        raised(lambda: Airtable(token="patA", **{token: 1})),
        raised(lambda: Airtable(token="patA", **{token: object()})),
        OptionError("", option=token, kind=token, request=f"GET https://x/{token}"),
    ]
    # What a server says back.
    body = {"error": {"type": f"NO_{mock_airtable.token}", "message": ""}}
    base = Airtable(**mock_airtable.options())
    mock_airtable.faults = {"rules": [{"action": {"respond": {"status": 422, "body": body}}}]}
    errors.append(raised(base.list_tables))
    assert errors[-1].kind == "NO_[token]"
    for error in errors:
        shown = f"{facts(error)} {vars(error)} {error.args}"
        assert token not in shown
        assert mock_airtable.token not in shown

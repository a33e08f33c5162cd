"""OAuth's access tokens: a read that outlasts the hour, and secrets that nothing shows."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from lakeflow_airtable import Airtable, AuthError
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import CREDENTIALS, Options, table

SECRET = "a-secret-of-the-client"


def given(mock: MockAirtable) -> dict[str, Any]:
    access, refresh = mock.authorize("me", SECRET)
    options = {name: str(value) for name, value in mock.options().items()}
    return {**options, "token": access, "refresh_token": refresh, "client_id": "me", "client_secret": SECRET}


def assert_hidden(text: str, options: dict[str, Any]) -> None:
    for name in ("token", "refresh_token", "client_secret"):
        assert options[name] not in text, name


def test_a_read_goes_on_after_the_hour_and_says_what_became_of_the_refresh_token(
    mock_airtable: MockAirtable, caplog: pytest.LogCaptureFixture
) -> None:
    options = given(mock_airtable)
    base = Airtable(**options)
    before = base.read("Vendors").to_arrow()
    mock_airtable.advance_clock(3_700)
    with caplog.at_level("DEBUG"):
        assert base.read("Vendors").to_arrow().num_rows == before.num_rows
        # Another reader of this process has the new token, too.
        assert Airtable(**options).read("Vendors").to_arrow().num_rows == before.num_rows
    assert mock_airtable.request_counts()["oauth_token"] == 1
    assert "the refresh_token that was given is used up" in caplog.text
    assert_hidden(caplog.text, options)
    assert "oarMock" not in caplog.text
    assert "oaaMock" not in caplog.text


def test_an_error_of_the_token_endpoint_says_what_to_do(mock_airtable: MockAirtable) -> None:
    options = {**given(mock_airtable), "client_id": "somebody-else"}
    mock_airtable.advance_clock(3_700)
    with pytest.raises(AuthError, match=r"401 invalid_client: .*check client_id and client_secret") as caught:
        Airtable(**options).read("Vendors")
    assert_hidden(str(caught.value) + repr(caught.value), options)


def test_without_a_refresh_token_the_error_says_that_the_hour_is_over(mock_airtable: MockAirtable) -> None:
    options: dict[str, Any] = {**mock_airtable.options(), "token": mock_airtable.authorize("me")[0]}
    base = Airtable(**options)
    base.read("Vendors").to_arrow()
    mock_airtable.advance_clock(3_700)
    with pytest.raises(AuthError, match="the access token has expired: OAuth access tokens last 60 minutes"):
        base.read("Vendors").to_arrow()


def test_nothing_shows_a_credential(mock_airtable: MockAirtable) -> None:
    options = given(mock_airtable)
    base = Airtable(**options)
    for value in (base, Options(options), pickle.loads(pickle.dumps(base)), base.read("Vendors")):
        assert_hidden(repr(value), options)


def test_the_credentials_are_options_of_a_connection() -> None:
    rows = {row["name"]: row for row in table()}
    assert {rows[name]["scope"] for name in CREDENTIALS} == {"connection"}
    assert not any(rows[name]["is_shown"] for name in CREDENTIALS)

"""The environment's options: the same for the command line and for `ingest`, after what is given, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context

from graph_registry import Registry, Session
from lakeflow_airtable import Airtable, AirtableDataSource, OptionError, cli, environment, ingest, pipeline
from lakeflow_airtable.mock import MockAirtable
from project import PROJECT

Tables = Callable[[dict[str, Any]], list[str]]
"""A front end: the tables that it finds by some options, of which there may be none."""


@pytest.fixture(params=["command line", "ingest"])
def tables(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Tables:
    def by_command_line(options: dict[str, Any]) -> list[str]:
        flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        code = cli.main(["tables", "--json", *flags])
        printed = capsys.readouterr()
        if code:
            raise OptionError(printed.err) if code == 2 else PermissionError(printed.err)
        return [table["name"] for table in json.loads(printed.out)]

    def by_ingest(options: dict[str, Any]) -> list[str]:
        spec = {"connection_options": options, "objects": "*"} if options else {"objects": "*"}
        with graph_element_registration_context(Registry()):
            return [one.source_table for one in ingest(Session(), spec)]  # type: ignore[arg-type]

    return by_command_line if request.param == "command line" else by_ingest


@pytest.fixture
def mock(mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> MockAirtable:
    """A mock to which every variable leads."""
    access, refresh = mock_airtable.authorize("me", "sesame")
    options: dict[str, Any] = {
        **mock_airtable.options(),
        "token": access,
        "refresh_token": refresh,
        "client_id": "me",
        "client_secret": "sesame",
        "airtable_plan": "team",
    }
    assert options.keys() == set(environment.variables())
    for option, value in options.items():
        monkeypatch.setenv(environment.variables()[option], value)
    return mock_airtable


def test_what_is_left_out_is_in_the_environment(tables: Tables, mock: MockAirtable) -> None:
    assert tables({}) == Airtable(**mock.options()).list_tables()
    mock.advance_clock(3_700)
    assert tables({}) == Airtable(**mock.options()).list_tables(), "renewed"


def test_what_is_given_comes_first(tables: Tables, mock: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = ["Vendors", "Notes"]
    assert tables({"base_id": "appMockArchive002"}) == archive
    assert tables({"namespace": "Launch Archive"}) == archive
    with pytest.raises(PermissionError, match="401"):
        tables({"bearer_token": "patWRONG.0"})
    monkeypatch.setenv("AIRTABLE_BASE_URL", "https://127.0.0.1:9")
    assert tables({"base_url": mock.url})
    monkeypatch.setenv("AIRTABLE_REQUESTS_PER_SECOND", "many")
    with pytest.raises(OptionError, match=r'(?i)requests_per_second is "many"'):
        tables({"base_url": mock.url})
    assert tables({"base_url": mock.url, "requests_per_second": 100})


def test_an_empty_variable_is_none(tables: Tables, mock: MockAirtable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRTABLE_REQUESTS_PER_SECOND", "")
    assert tables({})
    monkeypatch.setenv("AIRTABLE_TOKEN", "")
    with pytest.raises(OptionError, match="token"):
        tables({})


def test_programs_give_their_options_themselves(mock: MockAirtable) -> None:
    with pytest.raises(OptionError, match="option token is missing"):
        Airtable(base_id=mock.base_id)
    with pytest.raises(OptionError, match="option token is missing"):
        AirtableDataSource({"tableName": "Vendors"})


def test_no_connection_is_made_from_the_environment(mock: MockAirtable, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connection", "--name", "airtable"]) == 0
    printed = capsys.readouterr().out
    assert mock.token not in printed
    assert mock.base_id not in printed


@pytest.mark.parametrize("command", ["tables", "schema", "read"])
def test_the_variables_are_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    told = {
        "--help": capsys.readouterr().out,
        "options.md": (PROJECT / "docs" / "reference" / "options.md").read_text(),
        "ingest": pipeline.ingest.__doc__ or "",
    }
    for place, text in told.items():
        for variable in environment.variables().values():
            assert variable in text, place

"""A token that somebody has put in the wrong place is shown nowhere: no error, log line, usage or `repr` repeats it."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

import lakeflow_airtable
from graph_registry import Session
from lakeflow_airtable import (
    Airtable,
    AirtableDataSource,
    AirtableError,
    AuthError,
    ColumnChange,
    OptionError,
    _native,
    cli,
    ingest,
)
from lakeflow_airtable.databricks_kit.connection import ConnectionDefinition
from lakeflow_airtable.databricks_kit.facts import Facts
from lakeflow_airtable.databricks_kit.rights import Right
from lakeflow_airtable.databricks_kit.up import Settings
from lakeflow_airtable.drift import Change
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import Options
from lakeflow_airtable.pipeline import IngestedTable
from lakeflow_airtable.spark.partition import ScanPartition
from lakeflow_airtable.specification.spec import Entry, PipelineSpec
from project import PROJECT

ID = "patAbCdEfGhIjKlM1"
TOKEN = f"{ID}.{'0123456789abcdef' * 4}"
"""In Airtable's form, and nobody's."""

OAUTH = "oaaAbCdEfGhIjKlM1.v1.eyJ1c2VySWQi/0123456789abcdef+0123456789abcdef=0123456789abcdef%x0123456789abcdef"
SIGNED = "eyJhbGciOiJIUzI1NiJ9.AbCdEfGhIjKlM1AbCdEfGhIjKlM1.0123456789abcdef"
"""What OAuth may give: base64 in parts, and JSON that is signed."""

SESSION: Any = Session()

NAMES = [row["name"] for row in _native.option_table() if row["name"] not in ("token", "rescued_data_column")]


FORMS = {
    "whole": OAUTH,
    "in lower case": OAUTH.lower(),
    "encoded": quote(OAUTH, safe=""),
    "encoded twice": quote(quote(OAUTH, safe=""), safe=""),
    "signed": SIGNED,
    "signed, in lower case": SIGNED.lower(),
    "signed, encoded": SIGNED.replace(".", "%2E"),
}


def assert_hidden(*texts: str) -> None:
    for text in texts:
        assert ID[3:].lower() not in text.lower()
        assert "0123456789abcdef" not in text


def refused(call: Callable[[], object]) -> None:
    """Whatever the call raises, in all forms in which it is shown. Not every place refuses."""
    try:
        assert_hidden(repr(call()))
    except AirtableError as error:
        copy = pickle.loads(pickle.dumps(error))
        assert_hidden(str(error), repr(error), repr(error.args), str(copy), *traceback.format_exception_only(error))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [TOKEN, f'["{TOKEN}"]', f"Bearer {TOKEN}", f"https://{TOKEN}/v0"])
def test_as_the_value_of_an_option(
    mock_airtable: MockAirtable, name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = {**mock_airtable.options(), "max_retries": "0", "timeout_seconds": "5", name: value}
    if name == "base_url":
        given["timeout_seconds"] = "0.2"  # nobody is there
    with caplog.at_level("DEBUG"):
        refused(lambda: AirtableDataSource({"tableName": "Vendors", **given}).schema())
        refused(lambda: Airtable(**given))
        given.pop("base_url" if name != "base_url" else "tableName", None)
        base = Airtable(**mock_airtable.options(), max_retries=0, timeout_seconds=0.2)
        refused(lambda: list(base.read("Vendors", **{name: value})))
    assert_hidden(caplog.text)


CALLS: dict[str, Callable[[Airtable, dict[str, str]], object]] = {
    "a table": lambda base, _: base.read(TOKEN),
    "a table in lower case": lambda base, _: base.schema(TOKEN.lower()),
    "a table of metadata": lambda base, _: base.metadata(TOKEN),
    "a table of changes": lambda base, _: base.changes(TOKEN, ingestion_type="cdc"),
    "a namespace": lambda base, _: base.list_tables(TOKEN),
    "a name of an option": lambda base, _: base.read("Vendors", **{TOKEN: "x"}),
    "a name of Spark's": lambda _, given: AirtableDataSource({**given, TOKEN: "x"}),
    "a virtual table": lambda _, given: AirtableDataSource({**given, "tableName": f"_community_{TOKEN}"}),
    "an offset": lambda base, _: base.latest_offset("Vendors", {TOKEN: 1}, ingestion_type="cdc"),
    "a key of a specification": lambda _, given: ingest(SESSION, {TOKEN: 1, "connection_options": given}),
    "a key of a table": lambda _, given: ingest(
        SESSION,
        {"connection_options": given, "objects": [{"table": {"source_table": TOKEN, TOKEN: 1}}]},
    ),
    "options": lambda _, given: Options({**given, "tablename": TOKEN, "base_id": TOKEN}),
    "an error": lambda *_: OptionError(f"what is {TOKEN}?", 5),
}


@pytest.mark.parametrize("place", CALLS)
def test_anywhere_else(mock_airtable: MockAirtable, place: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        refused(lambda: CALLS[place](Airtable(**mock_airtable.options()), mock_airtable.options()))
    assert_hidden(caplog.text)


def test_a_configured_token_of_another_form_is_hidden_too(mock_airtable: MockAirtable) -> None:
    token = "not/of/the/usual/form"
    base = Airtable(**{**mock_airtable.options(), "token": token})
    with pytest.raises(AirtableError) as caught:
        base.read(token)
    assert token not in str(caught.value)
    assert str(OptionError(f"option view is {token.upper()}")) == "option view is [token]"


PLACES: dict[str, Callable[[Airtable, dict[str, str], str], object]] = {
    "a table": lambda base, _, secret: base.read(secret),
    "a view": lambda base, _, secret: base.read("Vendors", view=secret),
    "an address": lambda _, given, secret: Airtable(**{**given, "base_url": secret}),
    "an address with a scheme": lambda base, _, secret: base.read("Vendors", base_url=f"https://{secret}/v0"),
    "a path": lambda base, _, secret: base.read("Vendors", base_url=f"https://api.example/{secret}/v0"),
    "a number": lambda base, _, secret: base.read("Vendors", page_size=secret),
    "a name of an option": lambda base, _, secret: base.read("Vendors", **{secret: "x"}),
    "a key of a connection": lambda _, given, secret: ingest(
        SESSION, {"connection_options": {**given, secret: "x"}, "objects": "*"}
    ),
    "a key of a configuration": lambda _, given, secret: ingest(
        SESSION,
        {
            "connection_options": given,
            "objects": [{"table": {"source_table": "Vendors", "table_configuration": {secret: "x"}}}],
        },
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES)
def test_tokens_of_oauth(mock_airtable: MockAirtable, place: str, form: str, caplog: pytest.LogCaptureFixture) -> None:
    given = mock_airtable.options()
    with caplog.at_level("DEBUG"), pytest.raises(AirtableError) as caught:
        PLACES[place](Airtable(**given), given, FORMS[form])
    assert_hidden(str(caught.value), repr(caught.value), caplog.text)


@pytest.mark.parametrize("encode", [str, str.upper, lambda text: quote(text, safe="")])
def test_a_configured_token_is_hidden_when_it_is_encoded(
    mock_airtable: MockAirtable, encode: Callable[[str], str]
) -> None:
    token = "of/no+form=that%is/known"
    base = Airtable(**{**mock_airtable.options(), "token": token})
    with pytest.raises(AirtableError) as caught:
        base.read("Vendors", base_url=f"https://api.example/{encode(token)}")
    assert "holds what looks like a token" in str(caught.value)
    assert str(OptionError(f"what is {encode(token)}?")) == "what is [token]?"


@pytest.mark.parametrize("token", ["end", "the", "table"])
def test_a_short_token_is_no_part_of_a_word(mock_airtable: MockAirtable, token: str) -> None:
    base = Airtable(**{**mock_airtable.options(), "token": token})
    with pytest.raises(AuthError) as caught:
        base.read("Vendors and other tables")
    assert "token" in str(caught.value).replace("[token]", "")
    assert not re.search(r"\w\[token\]|\[token\]\w", str(caught.value))


def shown_values() -> list[object]:
    """One of every kind of value that users may print, with a token where a text belongs."""
    entry = Entry("objects[0].table", TOKEN, Options({"view": TOKEN}), table=TOKEN, sequence_by=TOKEN)
    return [
        entry,
        PipelineSpec(TOKEN, Options({"tablename": TOKEN}), [entry]),
        IngestedTable(TOKEN, TOKEN.lower(), "append", "append", "APPEND_ONLY", primary_keys=(TOKEN,)),
        ColumnChange(Change.ADDED, None, None, TOKEN, None, "string"),
        ConnectionDefinition(TOKEN, stored={"base_url": TOKEN}),
        Facts(TOKEN, "main", "airtable"),
        Right(("USE CONNECTION",), "CONNECTION", TOKEN, "to read"),
        Settings(PROJECT, print, variables={"connection": TOKEN}),
        ScanPartition(f'{{"filter_formula": "{TOKEN}"}}'),
    ]


@pytest.mark.parametrize("value", shown_values(), ids=lambda value: type(value).__name__)
def test_no_repr_shows_one(value: object) -> None:
    assert "[token]" in repr(value)
    assert_hidden(repr(value), repr([value]))
    assert type(value).__name__ in repr(value)


def test_every_dataclass_is_shown_without_secrets() -> None:
    for path in (PROJECT / "python").rglob("*.py"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if line.startswith("@dataclass"):
                assert lines[number - 1] == "@scrubbed", f"{path}: {lines[number + 1]}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", TOKEN, "Vendors"],
        ["read", TOKEN],
        [TOKEN, "read", "Vendors"],
        ["schema", "Vendors", TOKEN],
        ["tables", "--base-id", TOKEN],
        ["tables", "--base-url", TOKEN],
        ["tables", f"--{TOKEN}"],
        ["tables", f"--token{TOKEN}=x"],
        ["read", "Vendors", "--view", TOKEN, "--base-id", "appX"],
        ["read", "Vendors", "--page-size", TOKEN],
        ["read", "Vendors", "--output", TOKEN],
        ["read", "Vendors", "--output", f"/{TOKEN}/x.csv"],
        ["connection", "--name", TOKEN],
        ["connection", "--name", "c", "--secret", f"{TOKEN}/x", "--format", "sql"],
        ["connection", "--name", "c", "--type", TOKEN],
        ["connection", "--name", "c", "--base-id", TOKEN],
        ["options", TOKEN],
        ["mock", TOKEN],
        ["mock", "--port", TOKEN],
        ["mock", "--host", TOKEN],
    ],
)
def test_on_the_command_line(
    mock_airtable: MockAirtable,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in mock_airtable.options().items():
        monkeypatch.setenv(f"AIRTABLE_{name.upper()}", value)
    try:
        code: Any = cli.main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code != 0
    out, err = capsys.readouterr()
    assert_hidden(out, err)
    assert err
    if arguments[:2] == ["read", TOKEN]:
        assert "put it into the environment as AIRTABLE_TOKEN, or give it as --token" in err


def test_log_lines_of_a_table_named_like_a_token(mock_airtable: MockAirtable, caplog: pytest.LogCaptureFixture) -> None:
    mock_airtable.create_table(TOKEN, [{"name": "Name", "type": "singleLineText"}], [{"Name": "x"}])
    [record] = mock_airtable.records(TOKEN)
    mock_airtable.set_raw_cell(TOKEN, record["id"], "Name", {"error": "#ERROR!"})
    with caplog.at_level(logging.DEBUG):
        list(lakeflow_airtable.Airtable(**mock_airtable.options()).read(TOKEN, rescued_data_column=""))
    assert 'table "[token]"' in caplog.text
    assert_hidden(caplog.text)

"""The Python face of the mock: class, fixture, plugin and command."""

from __future__ import annotations

import doctest
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

import lakeflow_airtable.mock
from lakeflow_airtable.mock import MockAirtable, main


def get(mock: MockAirtable, path: str, token: str | None = None) -> Any:
    request = urllib.request.Request(mock.url + path, headers={"Authorization": f"Bearer {token or mock.token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_examples_in_docstrings() -> None:
    outcome = doctest.testmod(lakeflow_airtable.mock)
    assert outcome.attempted > 5
    assert outcome.failed == 0


def test_fixture_starts_with_the_sample(mock_airtable: MockAirtable) -> None:
    tables = [table["name"] for table in get(mock_airtable, f"/v0/meta/bases/{mock_airtable.base_id}/tables")["tables"]]
    assert tables[-1] == "Vendors"
    assert set(mock_airtable.bases.values()) == {"Product Launches", "Launch Archive"}
    # Changes must not reach the next test's server.
    mock_airtable.delete_records("Vendors", [record["id"] for record in mock_airtable.records("Vendors")])
    with MockAirtable() as other:
        assert len(other.records("Vendors")) == 60


def test_options_are_strings_for_spark(mock_airtable: MockAirtable) -> None:
    options = mock_airtable.options(tableName="Vendors")
    assert options["base_url"] == mock_airtable.base_url == mock_airtable.url
    assert all(isinstance(value, str) for value in options.values())


def test_faults(mock_airtable: MockAirtable) -> None:
    mock_airtable.set_faults(rules=[{"times": 1, "action": "bad_gateway"}], gzip=False)
    mock_airtable.set_faults(delay_ms=1)
    assert (mock_airtable.faults["gzip"], mock_airtable.faults["delay_ms"]) == (False, 1)
    with pytest.raises(urllib.error.HTTPError, match="502"):
        get(mock_airtable, "/v0/meta/whoami")
    assert get(mock_airtable, "/v0/meta/whoami")["id"].startswith("usr")
    assert [request["status"] for request in mock_airtable.requests()] == [502, 200]
    assert mock_airtable.request_counts() == {"whoami": 2}
    mock_airtable.reset_faults()
    assert mock_airtable.faults["gzip"] is True
    with pytest.raises(ValueError, match="unknown field"):
        mock_airtable.faults = {"gzpi": True}


def test_tokens(mock_airtable: MockAirtable) -> None:
    mock_airtable.add_token("patMockOther.1", scopes=["data.records:read"], bases=["appMockArchive002"])
    assert len(get(mock_airtable, "/v0/appMockArchive002/Vendors", "patMockOther.1")["records"]) == 12
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(mock_airtable, f"/v0/{mock_airtable.base_id}/Vendors", "patMockOther.1")
    mock_airtable.remove_token("patMockOther.1")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(mock_airtable, "/v0/appMockArchive002/Vendors", "patMockOther.1")


def test_tables_records_and_fields() -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Empty")
        fields = [{"name": "Name"}, {"name": "Tags", "type": "multipleSelects", "options": {"choices": ["a"]}}]
        mock.create_table("T", fields, [{"Name": "one", "Tags": ["a", "b"]}])
        (new,) = mock.create_records("T", [{"Name": "two"}])
        mock.set_raw_cell("T", new, "Tags", {"error": "#ERROR!"})
        assert [record["fields"] for record in mock.records("T")] == [
            {"Name": "one", "Tags": ["a", "b"]},
            {"Name": "two", "Tags": {"error": "#ERROR!"}},
        ]
        assert mock.last_modified("T", new) is None
        mock.set_clock("2031-05-06T12:00:00Z")
        mock.update_records("T", {new: {"Name": "three"}})
        assert (mock.last_modified("T", new) or "")[:10] == mock.now[:10]
        mock.rename_field("T", "Tags", "Labels")
        mock.set_raw_field("T", "Labels", {"type": "hologram"})
        mock.create_field("T", {"name": "More", "type": "checkbox"})
        mock.update_table("T", name="U")
        (table,) = mock.schema()["tables"]
        assert [(field["name"], field["type"]) for field in table["fields"]] == [
            ("Name", "singleLineText"),
            ("Labels", "hologram"),
            ("More", "checkbox"),
        ]
        mock.remove_field("U", "More")
        mock.remove_table("U")
        assert mock.schema() == {"tables": []}
        with pytest.raises(ValueError, match='no table "U"'):
            mock.records("U")


def test_numbers_keep_their_last_digit(mock_airtable: MockAirtable) -> None:
    numbers = [99999999.99999999, 9007199254740991.0, 0.30000000000000004, 1e-7]
    precise = {"name": "Number", "type": "number", "options": {"precision": 8}}
    mock_airtable.create_table("Precise", [{"name": "Name"}, precise], [{"Number": number} for number in numbers])
    records = get(mock_airtable, f"/v0/{mock_airtable.base_id}/Precise")["records"]
    assert [record["fields"]["Number"] for record in records] == numbers


def test_generated_tables(mock_airtable: MockAirtable) -> None:
    mock_airtable.generate_table("Big", 5000, 20)
    mock_airtable.generate_table("Narrow", 10, [("Key", "singleLineText"), ("When", "dateTime")])
    assert len(mock_airtable.records("Big")) == 5000
    assert len(get(mock_airtable, f"/v0/{mock_airtable.base_id}/Big?pageSize=100")["records"]) == 100
    narrow = mock_airtable.records("Narrow")
    assert {key for record in narrow for key in record["fields"]} == {"Key", "When"}


def test_the_interpreter_is_free_while_the_mock_works(mock_airtable: MockAirtable) -> None:
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    mock_airtable.generate_table("Big", 30_000, 20)
    waited = time.monotonic() - started
    done.set()
    thread.join()
    # With the lock held, the other thread would not have run at all.
    assert ticks >= waited * 20


def test_a_stopped_mock_says_so() -> None:
    mock = MockAirtable()
    url = mock.url
    mock.stop()
    mock.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        mock.records("Vendors")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)


def test_the_token_is_not_in_the_repr(mock_airtable: MockAirtable) -> None:
    assert mock_airtable.url in repr(mock_airtable)
    assert mock_airtable.token not in repr(mock_airtable)


def test_the_plugin_loads_nothing() -> None:
    code = "import sys, lakeflow_airtable.pytest_plugin; print([m for m in sys.modules if m.startswith('lakeflow')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "_native" not in loaded.stdout
    assert "lakeflow_airtable.mock" not in loaded.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_the_command_runs_until_it_is_stopped() -> None:
    code = (
        "import sys; from lakeflow_airtable.mock import main; sys.exit(main(['--rate-limit', '7', '--records', '150']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        shown = dict(line.removeprefix("export ").rstrip().split("=") for line in lines[1:])
        assert sorted(shown) == ["AIRTABLE_BASE_ID", "AIRTABLE_BASE_URL", "AIRTABLE_TOKEN"]
        with urllib.request.urlopen(shown["AIRTABLE_BASE_URL"] + "/_mock/faults", timeout=30) as answer:
            assert json.load(answer)["requests_per_second"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("arguments", "takes"),
    [
        (["--port", "99999"], "--port: takes a whole number from 0 to 65535"),
        (["--port=-1"], "--port: takes a whole number from 0 to 65535"),
        (["--port", "http"], "--port: takes a whole number from 0 to 65535"),
        (["--rate-limit", "0"], "--rate-limit: takes a whole number from 1 to 4294967295"),
        (["--rate-limit", "4294967296"], "--rate-limit: takes a whole number from 1 to"),
        (["--penalty", "nan"], "--penalty: takes a number from 0 to 86400"),
        (["--penalty=-1"], "--penalty: takes a number from 0 to 86400"),
        (["--delay=-5"], "--delay: takes a whole number from 0 to 86400000"),
        (["--records=-5"], "--records: takes a whole number from 0 to 100000000"),
        (["--seed", "18446744073709551616"], "--seed: takes a whole number from 0 to 18446744073709551615"),
    ],
)
def test_numbers_out_of_range_are_answered_with_the_range(
    arguments: list[str], takes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert takes in capsys.readouterr().err


def test_numbers_of_the_class_have_a_range_too() -> None:
    with pytest.raises(ValueError, match="port is 99999: it takes a whole number from 0 to 65535"):
        MockAirtable(port=99999)
    with pytest.raises(ValueError, match="seed is -1: it takes a whole number from 0 to"):
        MockAirtable(seed=-1)
    with MockAirtable() as mock, pytest.raises(ValueError, match="records is -1: it takes"):
        mock.generate_table("Generated", -1)

"""`check`: each line passed, or what to do; the exit code of the first failure."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

from command_line import run
from lakeflow_airtable.cli import users
from lakeflow_airtable.mock import MockAirtable

CHECKS = ["address", "token", "base", "table", "page", "webhooks", "budget"]


def told(mock: MockAirtable, *arguments: str, code: int = 0, **settings: Any) -> dict[str, tuple[str, str]]:
    ran = run(mock, "check", *arguments, "--json", **settings)
    assert ran.returncode == code, ran.stdout + ran.stderr
    lines = json.loads(ran.stdout)
    assert [line["check"] for line in lines] == CHECKS
    return {line["check"]: (line["state"], line["said"]) for line in lines}


def test_all_is_well(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable)
    assert {state for state, _ in lines.values()} == {"passed"}
    assert lines["address"][1] == f"{mock_airtable.url} answers, on this machine and without a certificate"
    assert "a personal access token of user usrMockPerson0001" in lines["token"][1]
    assert lines["base"][1].startswith(f"'Product Launches' ({mock_airtable.base_id}), role create")
    assert re.fullmatch(r"'SKU Candidates', the first of 6 tables: \d+ columns", lines["table"][1])
    assert re.match(r"100 records in ", lines["page"][1])
    assert lines["webhooks"][1] == "may be made; 0 of 10 are there"
    assert f"10000 requests a second for {mock_airtable.base_id} on this machine: " in lines["budget"][1]
    # Nothing is made, and it is quick.
    assert {request["method"] for request in mock_airtable.requests()} == {"GET"}
    assert len(mock_airtable.requests()) <= 6


def test_lines_for_people(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "check", "Vendors")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [line.split()[:2] for line in ran.stdout.splitlines()] == [["passed", check] for check in CHECKS]
    assert re.search(r"^passed    table       'Vendors': \d+ columns$", ran.stdout, re.MULTILINE)
    assert re.search(r"^passed    page        60 records in ", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "base"),
    [
        (["--base-id", "https://airtable.com/{base}/tblMockVendors006/viwAAAAAAAAAAAAAA"], ""),
        (["https://airtable.com/{base}/tblMockVendors006"], ""),
        (["Vendors", "--base-id", "https://airtable.com/{base}"], ""),
        (["https://airtable.com/{base}/tblMockVendors006"], "{base}"),
    ],
)
def test_web_addresses_name_base_and_table(mock_airtable: MockAirtable, arguments: list[str], base: str) -> None:
    written = [argument.format(base=mock_airtable.base_id) for argument in arguments]
    lines = told(mock_airtable, *written, env={"AIRTABLE_BASE_ID": base.format(base=mock_airtable.base_id)})
    assert {state for state, _ in lines.values()} == {"passed"}
    assert lines["table"][1].startswith("'Vendors': ")
    assert lines["page"][1].startswith("60 records")


def test_a_web_address_of_another_base_contradicts(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, "https://airtable.com/appMockArchive002/tblMockVendors006", code=2)
    assert lines["table"][0] == "failed"
    assert "they contradict each other" in lines["table"][1]


def test_an_empty_base_is_none(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, "--base-id", "", code=2, env={"AIRTABLE_BASE_ID": ""})
    assert "no base is named, and the token sees 2" in lines["base"][1]


def test_no_address(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, "--base-url", "http://127.0.0.1:9", "--max-retries", "0", code=6)
    assert lines["address"][0] == "failed"
    assert {state for state, _ in list(lines.values())[1:]} == {"left out"}


def test_a_token_that_is_not_accepted(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, code=3, env={"AIRTABLE_TOKEN": "patWRONG"})
    assert [state for state, _ in lines.values()] == ["passed", "failed", *["left out"] * 5]
    assert "the token was not accepted" in lines["token"][1]
    assert "patWRONG" not in str(lines)


@pytest.mark.parametrize(
    ("scopes", "states", "code"),
    [
        (["data.records:read"], ["passed", "passed", "failed", *["left out"] * 4], 3),
        (
            ["schema.bases:read"],
            ["passed", "passed", "passed", "passed", "failed", "unknown", "passed"],
            3,
        ),
        (
            ["schema.bases:read", "data.records:read"],
            ["passed", "passed", "passed", "passed", "passed", "unknown", "passed"],
            0,
        ),
    ],
)
def test_scopes(mock_airtable: MockAirtable, scopes: list[str], states: list[str], code: int) -> None:
    mock_airtable.add_token("patFew", scopes=scopes)
    lines = told(mock_airtable, code=code, env={"AIRTABLE_TOKEN": "patFew"})
    assert [state for state, _ in lines.values()] == states
    failed = next((said for state, said in lines.values() if state == "failed"), "")
    missing = {"schema.bases:read", "data.records:read"} - set(scopes)
    assert all(scope in failed for scope in missing)


def test_a_base_that_the_token_does_not_see(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, "--base-id", "appXXXXXXXXXXXXXX", code=4)
    assert lines["base"] == (
        "failed",
        "the token sees no base appXXXXXXXXXXXXXX: correct --base-id, or give the token access to it at "
        "https://airtable.com/create/tokens",
    )


def test_no_base_is_named(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, code=2, env={"AIRTABLE_BASE_ID": ""})
    assert lines["base"][0] == "failed"
    assert f"give --base-id ({mock_airtable.base_id} is 'Product Launches'" in lines["base"][1]
    by_name = told(mock_airtable, "--namespace", '["Product Launches"]', env={"AIRTABLE_BASE_ID": ""})
    assert by_name["page"][0] == "passed"


def test_a_table_that_is_not_there(mock_airtable: MockAirtable) -> None:
    lines = told(mock_airtable, "Vendor", code=4)
    assert [state for state, _ in lines.values()] == ["passed"] * 3 + ["failed", "left out", "passed", "passed"]
    assert '"Vendors"' in lines["table"][1]


@pytest.mark.parametrize("level", ["read", "comment", "edit"])
def test_a_role_that_may_make_no_webhook(mock_airtable: MockAirtable, level: str) -> None:
    mock_airtable.set_permission(level)
    state, said = told(mock_airtable)["webhooks"]
    assert state == "unknown"
    assert said.startswith(f"none may be made: the role is {level}, ")


def test_an_empty_base() -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Base")
        lines = told(mock, code=4)
    assert lines["table"] == ("failed", "the base has no tables that the token sees: make one")


def test_a_base_that_is_left_alone(mock_airtable: MockAirtable) -> None:
    mock_airtable.faults = {"rules": [{"path": "/tbl", "action": {"rate_limited": {}}}]}
    assert run(mock_airtable, "read", "Vendors", "--max-retries", "0").returncode == 5
    lines = told(mock_airtable, code=5)
    assert [state for state, _ in lines.values()] == ["passed"] * 3 + ["left out"] * 3 + ["failed"]
    assert re.search(r"left alone for \d\d\.\d s after too many requests.*: try again then$", lines["budget"][1])


def test_who_has_a_file_open(tmp_path: Any) -> None:
    import subprocess

    path = tmp_path / "one.budget"
    assert users.of_file(str(path)) == []
    path.write_text("x")
    assert users.of_file(str(path)) == [], "this process does not count"
    program = "import sys; file = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        found = users.of_file(str(path))
        other.communicate("")
    assert found is not None
    assert [re.sub(r".* ", "", name) for name in found] == [f"({other.pid})"]

"""The page that takes the failures of sources in Repos to their cures: it is complete, and quotes what is really said.

Spark's own words are held to it by `test_missing_wheel.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakeflow_airtable import AirtableDataSource, OptionError, _native
from project import PROJECT

GUIDE = (PROJECT / "docs" / "troubleshooting" / "from-repos-to-wheel.md").read_text()


@pytest.mark.parametrize(
    "page",
    [
        PROJECT / "docs" / "troubleshooting" / "from-repos-to-wheel.md",
        PROJECT / "examples" / "databricks" / "README.md",
    ],
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for target in links:
        assert "://" in target or target in anchors or (page.parent / target.partition("#")[0]).exists(), target


def test_every_symptom_of_the_guide_is_in_its_contents() -> None:
    sections = re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
    listed = re.findall(r"^- \[(.+)\]\(#", GUIDE, re.MULTILINE)
    assert [*listed, "What to delete"] == sections
    for section in GUIDE.split("\n## ")[1:-1]:
        assert "\nCause: " in section
        assert "\nCure: " in section


@pytest.mark.parametrize(
    "options",
    [
        {"databricks.connection": "airtable"},
        {"token": "pat", "max_record": "5"},
        {"token": "pat", "base_url": "/v0"},
    ],
    ids=lambda options: list(options)[-1],
)
def test_the_guide_quotes_our_messages(options: dict[str, str]) -> None:
    with pytest.raises(OptionError) as raised:
        _native.Connector(options, among_others=True)  # as reads of Spark do
    assert f"```text\n{raised.value}\n```" in GUIDE


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"sourceName": "airtable"}, "NAME"),
        ({"databricks.connection": "sales"}, "sales"),
        ({"externalOptionsAllowList": "view"}, "NAME"),
        ({}, None),
    ],
)
def test_a_read_whose_table_does_not_arrive_says_where_it_may_be_lost(more: dict[str, str], name: str | None) -> None:
    source = AirtableDataSource({"token": "patA", "base_id": "appXXXXXXXXXXXXXX", **more})
    with pytest.raises(OptionError, match=r"^option tableName is missing: ") as raised:
        source.schema()
    cure = f"by `lakeflow-airtable connection --name {name} --update`"
    assert (cure in str(raised.value)) == (name is not None)
    assert "patA" not in str(raised.value)
    if name == "sales":
        page = (PROJECT / "docs" / "troubleshooting" / "options-missing.md").read_text()
        assert f"```text\n{raised.value}\n```" in page


@pytest.mark.parametrize("scheme", ["", "https://"])
@pytest.mark.parametrize("path", ["", "/", "/v0", "/v0/"])
def test_addresses_mean_the_same(scheme: str, path: str) -> None:
    made = repr(_native.Connector({"token": "pat", "base_url": f"{scheme}api.airtable.com{path}"}))
    assert (
        made == repr(_native.Connector({"token": "pat"})) == repr(_native.Connector({"token": "pat", "base_url": ""}))
    )

"""What package indexes and the repository's page show: metadata, links, versions and dates, forms."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

import lakeflow_airtable
from project import PROJECT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ADDRESS = "https://git.example/owner/name"
READMES = ("README.md", "crates/airtable-mock/README.md")
MANIFESTS = ("Cargo.toml", "crates/airtable-mock/Cargo.toml")
FORMS = sorted(path.name for path in (PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
# In Markdown, as a reference, and in HTML.
LINK = re.compile(r"\]\(([^)\s]+)|^\[[^\]]+\]: +(\S+)|\b(?:href|src|srcset)=[\"']([^\"'\s]+)", re.MULTILINE)


def toml(name: str, project: Path = PROJECT) -> dict[str, Any]:
    return tomllib.loads((project / name).read_text(encoding="utf-8"))


def links(text: str) -> list[str]:
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [next(target for target in found if target) for found in LINK.findall(prose)]


def addresses(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = PROJECT / ".ci" / "addresses"
    return subprocess.run([sys.executable, script, *arguments], cwd=project, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a release starts from: the metadata and READMEs, and links to everything else."""
    changed = {PROJECT / name for name in ("pyproject.toml", *READMES, *MANIFESTS)}
    for path in changed:
        copy = tmp_path / path.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for path in [*PROJECT.iterdir(), *(PROJECT / "crates" / "airtable-mock").iterdir()]:
        link = tmp_path / path.relative_to(PROJECT)
        if not link.exists():
            link.symlink_to(path)
    return tmp_path


# Links and addresses.


def test_a_released_readme_has_absolute_links(checkout: Path) -> None:
    done = addresses(checkout, ADDRESS, "v0.1.0")
    assert done.returncode == 0, done.stderr
    for name in READMES:
        text = (checkout / name).read_text(encoding="utf-8")
        anchors = {
            "#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        for target in links(text):
            assert target.startswith("https://") or target in anchors, f"{name}: {target}"
    for target in links((checkout / "README.md").read_text(encoding="utf-8")):
        if target.startswith(ADDRESS):
            kind, tag, path = target.removeprefix(f"{ADDRESS}/").partition("#")[0].split("/", 2)
            assert tag == "v0.1.0"
            assert (PROJECT / path).exists(), target
            assert (PROJECT / path).is_dir() == (kind == "tree"), target


@pytest.mark.parametrize(
    ("written", "released"),
    [
        ("[a](CONTRIBUTING.md#layout)", f"[a]({ADDRESS}/blob/v1/CONTRIBUTING.md#layout)"),
        ("[a](CONTRIBUTING.md 'Changes')", f"[a]({ADDRESS}/blob/v1/CONTRIBUTING.md 'Changes')"),
        ("[a](examples)", f"[a]({ADDRESS}/tree/v1/examples)"),
        ("[a](./LICENSE)", f"[a]({ADDRESS}/blob/v1/LICENSE)"),
        ("![a](picture.svg)", f"![a]({ADDRESS}/raw/v1/picture.svg)"),
        ('<source srcset="picture.svg">', f'<source srcset="{ADDRESS}/raw/v1/picture.svg">'),
        ("[a]: LICENSE", f"[a]: {ADDRESS}/blob/v1/LICENSE"),
        ("[a](#there)", "[a](#there)"),
        ("[a](https://airtable.com/create/tokens)", "[a](https://airtable.com/create/tokens)"),
        ("[a](mailto:a@b.example)", "[a](mailto:a@b.example)"),
        ("```python\nx[0](LICENSE)\n```", "```python\nx[0](LICENSE)\n```"),
    ],
)
def test_each_kind_of_link(checkout: Path, written: str, released: str) -> None:
    (checkout / "picture.svg").touch()
    (checkout / "README.md").write_text(f"# A\n\n{written}\n", encoding="utf-8")
    assert addresses(checkout, ADDRESS, "v1").returncode == 0
    assert (checkout / "README.md").read_text(encoding="utf-8") == f"# A\n\n{released}\n"


def test_the_address_stands_in_every_metadata(checkout: Path) -> None:
    assert addresses(checkout, ADDRESS, "v0.1.0").returncode == 0
    urls = toml("pyproject.toml", checkout)["project"]["urls"]
    assert {"Homepage", "Documentation", "Repository", "Changelog", "Issues"} <= urls.keys()
    assert all(url.startswith(ADDRESS) for url in urls.values())
    assert toml("Cargo.toml", checkout)["workspace"]["package"]["repository"] == ADDRESS
    for name in MANIFESTS:
        package = toml(name, checkout)["package"]
        assert package["repository"] == package["homepage"] == {"workspace": True}


@pytest.mark.parametrize(
    ("link", "arguments", "says"),
    [
        ("[a](docs/none.md)", (ADDRESS, "v1"), "docs/none.md is not there"),
        ("[a](../other/README.md)", (ADDRESS, "v1"), "leads out of the repository"),
        ("", ("http://git.example/owner/name", "v1"), "usage"),
        ("", (ADDRESS,), "usage"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    checkout: Path, link: str, arguments: tuple[str, ...], says: str
) -> None:
    (checkout / "README.md").write_text(f"{link}\n", encoding="utf-8")
    before = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    done = addresses(checkout, *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert (checkout / "pyproject.toml").read_text(encoding="utf-8") == before


def test_an_address_is_written_once(checkout: Path) -> None:
    assert addresses(checkout, ADDRESS, "v1").returncode == 0
    assert "fresh checkout" in addresses(checkout, ADDRESS, "v1").stderr


# Metadata.


def test_the_package_on_an_index() -> None:
    told = metadata("lakeflow-airtable")
    assert set(told.get_all("Provides-Extra") or []) == {"spark", "cli", "sync"}
    assert told["License-Expression"] == "Apache-2.0"
    assert told["Author"] == "lakeflow-airtable developers"
    assert told["Keywords"]
    assert told["Description-Content-Type"].startswith("text/markdown")
    classifiers = told.get_all("Classifier") or []
    assert "Programming Language :: Python :: 3.10" in classifiers
    assert not [line for line in classifiers if line.startswith("License ::")], "the SPDX name says it"


def test_developers_install_a_group() -> None:
    project = toml("pyproject.toml")
    assert project["project"]["optional-dependencies"].keys() == {"spark", "cli", "sync"}
    assert project["dependency-groups"].keys() == {"dev"}
    assert "--group pyproject.toml:dev" in (PROJECT / "Makefile").read_text()


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_crate_holds_what_it_needs_and_nothing_else(name: str) -> None:
    manifest = toml(name)
    package = manifest["package"]
    assert package.keys() >= {"description", "license", "authors", "readme", "keywords", "categories", "rust-version"}
    assert len(package["keywords"]) <= 5
    assert package["documentation"] == f"https://docs.rs/{package['name']}"
    command = ["cargo", "package", "--list", "--offline", "--allow-dirty", "--package", package["name"]]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    files = {Path(line) for line in listed}
    assert {Path("README.md"), Path("LICENSE"), Path("Cargo.lock"), Path("src/lib.rs")} <= files
    folders = {path.parts[0] for path in files if len(path.parts) > 1}
    assert folders <= {"src", "benches", "examples", "tests"}
    assert {path.suffix for path in files if len(path.parts) > 1} <= {".rs", ".json", ".proptest-regressions"}
    for kind, folder in (("test", "tests"), ("bench", "benches")):
        for target in manifest.get(kind, []):
            assert Path(target.get("path", f"{folder}/{target['name']}.rs")) in files


# Versions and dates.


def test_every_version_that_is_written_down_is_this_one() -> None:
    cargo = toml("Cargo.toml")
    version = cargo["workspace"]["package"]["version"]
    assert lakeflow_airtable.__version__ == metadata("lakeflow-airtable")["Version"] == version
    assert toml("pyproject.toml")["project"]["dynamic"] == ["version"]
    assert cargo["workspace"]["dependencies"]["airtable-mock"]["version"] == version
    assert all(toml(name)["package"]["version"] == {"workspace": True} for name in MANIFESTS)
    locked = {package["name"]: package["version"] for package in toml("Cargo.lock")["package"]}
    assert locked["lakeflow-airtable"] == locked["airtable-mock"] == version
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.splitlines()
    kinds = (".md", ".py", ".yml", ".yaml", ".sql", ".sh", ".json", ".ipynb", ".toml", ".txt", ".cff")
    names = [name for name in tracked if name.endswith(kinds) and not name.startswith(("tests/", "CHANGELOG"))]
    written = r"(?:lakeflow[-_]airtable|airtable-mock)[`\"]?(?: ?== ?|-| |: | = \")v?(\d+(?:\.\w+)+)"
    said = {name: re.findall(written, (PROJECT / name).read_text(encoding="utf-8")) for name in names}
    said = {name: versions for name, versions in said.items() if versions}
    assert ".github/ISSUE_TEMPLATE/feature.yml" in said
    wrong = {name: versions for name, versions in said.items() if set(versions) != {version}}
    assert not wrong


def releases(changelog: str) -> list[tuple[str, str]]:
    """Versions and their dates, the newest first; every heading of the second level is one."""
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    found = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d|unreleased)", heading) for heading in headings]
    assert all(found), headings
    return [(match[1], match[2]) for match in found if match]


def test_the_changelog_ends_at_this_version() -> None:
    """Lines of a version that is not out yet stand under its number, with `unreleased` in place of the date."""
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = releases(text)
    assert versions[0][0] == lakeflow_airtable.__version__
    numbers = [tuple(map(int, version.split("."))) for version, _ in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    dates = [day for _, day in versions if day != "unreleased"]
    assert all(day != "unreleased" for _, day in versions[1:])
    assert dates == sorted(dates, reverse=True)
    assert all(date.fromisoformat(day) <= date.today() for day in dates)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_a_citation_has_the_changelogs_version_and_date() -> None:
    version, day = releases((PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"))[0]
    for name in ("CITATION.cff", "codemeta.json", ".zenodo.json"):
        if (PROJECT / name).exists():
            text = (PROJECT / name).read_text(encoding="utf-8")
            assert version in text, name
            assert set(re.findall(r"\b\d{4}-\d\d-\d\d\b", text)) <= {day}, name


# The repository's pages.


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_is_one(name: str) -> None:
    form = yaml.safe_load((PROJECT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    assert form.keys() >= {"name", "description", "body"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in asked} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert len({part["id"] for part in asked}) == len(asked)
    assert len({part["attributes"]["label"] for part in asked}) == len(asked)


def test_a_bug_report_has_what_support_needs() -> None:
    form = yaml.safe_load((PROJECT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))
    required = {part["id"] for part in form["body"] if part.get("validations", {}).get("required")}
    assert {"version", "runtime", "platform", "options", "error"} <= required
    assert "no token" in str(form)


def test_pages_of_the_repository_lead_somewhere() -> None:
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", ".github/PULL_REQUEST_TEMPLATE.md"):
        page = PROJECT / name
        text = page.read_text(encoding="utf-8")
        for target in links(text):
            assert "://" in target or (page.parent / target.partition("#")[0]).exists(), f"{name}: {target}"
        targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
        assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets, name

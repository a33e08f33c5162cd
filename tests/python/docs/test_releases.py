"""What a release rests on: the tag, the workflows, and the tool that builds the wheels."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.tags import cpython_tags
from packaging.utils import parse_wheel_filename

from project import PROJECT

sys.path.insert(0, str(PROJECT / "tools"))

import debian
import wheels
from debian import Debian, Refused

MANIFEST = """[workspace]\nmembers = []\n\n[workspace.package]\nversion = "1.2.3"\nedition = "2024"

[workspace.dependencies]\nother = { path = "o", version = "9.9.9" }\n"""
CHANGELOG = """# Changelog\n\n## [2.0.0] - unreleased\n\nLater.\n\n## [1.2.3] - 2026-11-26\n\n### Added\n\n- This.

## [1.2.2] - 2026-11-01\n\nBefore.\n"""
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = PROJECT / ".ci" / "release"
    return subprocess.run([sys.executable, script, *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


# The tag.


def test_the_notes_of_a_release_are_its_section(checkout: Path) -> None:
    done = release(checkout, "v1.2.3")
    assert (done.returncode, done.stdout) == (0, "### Added\n\n- This.\n"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "change", "says"),
    [
        (["v1.2.4"], ("", ""), "the tag is v1.2.4 and Cargo.toml has 1.2.3; tag v1.2.3, or change the version first"),
        (["1.2.3"], ("", ""), "the tag is 1.2.3 and Cargo.toml has 1.2.3; tag v1.2.3"),
        (["v1.2.3"], ("2026-11-26", "unreleased"), "no day for 1.2.3 but 'unreleased'; write the day"),
        (["v1.2.3"], ("2026-11-26", "2026-13-26"), "no day for 1.2.3 but '2026-13-26'; write the day"),
        (["v1.2.3"], ("[1.2.3]", "[1.2.33]"), "no section [1.2.3]; write one"),
        (["v1.2.3"], ("### Added\n\n- This.\n", ""), "says nothing of 1.2.3; write what changed"),
        ([], ("", ""), "usage: .ci/release vX.Y.Z"),
        (["v1.2.3", "v1.2.4"], ("", ""), "usage: .ci/release vX.Y.Z"),
    ],
)
def test_a_tag_that_is_no_release_is_refused(
    checkout: Path, arguments: list[str], change: tuple[str, str], says: str
) -> None:
    (checkout / "CHANGELOG.md").write_text(CHANGELOG.replace(*change, 1), encoding="utf-8")
    done = release(checkout, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_version_of_this_project_is_found() -> None:
    assert "Cargo.toml has 0" in release(PROJECT, "v999").stderr


# The workflows.


def jobs(name: str) -> dict[str, Any]:
    told = yaml.safe_load((PROJECT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    found: dict[str, Any] = told["jobs"]
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_named_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)", workflow.read_text(encoding="utf-8"))
    assert used
    for action in used:
        local = action.startswith("./.github/workflows/")
        assert local or re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", action), action


def test_nothing_is_published_before_tests_lints_advisories_and_every_wheel() -> None:
    told = jobs("release.yml")

    def before(job: str) -> set[str]:
        needs = told[job].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*(before(name) for name in direct))

    for job in ("publish", "release"):
        assert before(job) >= {"version", "ci", "audit", "wheel", "sdist", "attest"}
        assert told[job]["if"] == told["ci"]["if"] == told["version"]["if"]
        assert "refs/tags/v" in told[job]["if"]
    assert told["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert told["audit"]["uses"] == "./.github/workflows/audit.yml"


def test_the_wheels_of_a_release_have_the_glibc_of_those_by_hand() -> None:
    entries = jobs("release.yml")["wheel"]["strategy"]["matrix"]["include"]
    built = {entry["target"]: entry["manylinux"] for entry in entries}
    oldest = {"manylinux2014": "2_17", "manylinux_2_28": "2_28"}
    for architecture in wheels.ARCHITECTURES:
        assert built[architecture.target] == oldest[architecture.compatibility]


# Which Python takes a wheel.


@pytest.mark.parametrize(
    ("version", "abi", "taken"),
    [
        ((3, 9), "cp39", False),
        ((3, 10), "cp310", True),
        ((3, 14), "cp314", True),
        # Free-threaded builds have no `abi3` among their tags.
        ((3, 13), "cp313t", False),
        ((3, 14), "cp314t", False),
    ],
)
def test_every_python_but_free_threaded_ones_takes_the_wheel(version: tuple[int, int], abi: str, taken: bool) -> None:
    platform = "manylinux_2_17_x86_64"
    *_, tags = parse_wheel_filename(f"lakeflow_airtable-0.1.0-cp310-abi3-manylinux2014_x86_64.{platform}.whl")
    assert any(tag in tags for tag in cpython_tags(version, [abi], [platform])) == taken


def test_the_wheels_are_of_the_stable_interface_from_python_3_10_on() -> None:
    """As the names of the wheels say, and the metadata."""
    manifest = (PROJECT / "Cargo.toml").read_text(encoding="utf-8")
    assert 'features = ["abi3-py310"]' in manifest
    assert 'requires-python = ">=3.10"' in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")


# The tool that builds the wheels.


def library(machine: int, *versions: str) -> bytes:
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0" + machine.to_bytes(2, "little")
    return header + bytes(44) + b"".join(b"\0" + version.encode() for version in ("", *versions)) + b"\0"


def wheel(folder: Path, architecture: str, *modules: bytes) -> Path:
    path = folder / f"lakeflow_airtable-0.1.0-cp310-abi3-manylinux_2_28_{architecture}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lakeflow_airtable/__init__.py", "")
        for number, module in enumerate(modules):
            archive.writestr(f"lakeflow_airtable/_native{number}.abi3.so", module)
    return path


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.9"], (2, 17)),
        (["GLIBC_2.34", "GLIBC_2.4", "GCC_3.0"], (2, 34)),
        (["GLIBC_PRIVATE", "GLIBCXX_3.4.30"], (0,)),
    ],
)
def test_the_newest_glibc_is_by_number(versions: list[str], newest: tuple[int, ...]) -> None:
    found = wheels.library(library(62, *versions))
    assert (found.elf, found.glibc) == (62, newest)


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF\x01\x01" + bytes(40), b"\x7fELF\x02\x02" + bytes(40)])
def test_another_file_is_no_module(content: bytes) -> None:
    with pytest.raises(Refused, match="no 64-bit ELF file"):
        wheels.library(content)


def test_a_wheel_is_what_its_name_says(tmp_path: Path) -> None:
    x86_64, aarch64 = wheels.ARCHITECTURES
    arm = library(aarch64.elf, "GLIBC_2.28")
    about = wheels.checked(wheel(tmp_path, "aarch64", arm), aarch64)
    assert about.endswith("glibc 2.28 at most")
    with pytest.raises(Refused, match="should be for x86_64, its module has the ELF machine 183"):
        wheels.checked(wheel(tmp_path, "x86_64", arm), x86_64)
    with pytest.raises(Refused, match="should be for x86_64"):
        wheels.checked(wheel(tmp_path, "aarch64", library(x86_64.elf)), x86_64)
    for modules in ([], [arm, arm]):
        with pytest.raises(Refused, match=f"holds {len(modules)} compiled modules"):
            wheels.checked(wheel(tmp_path, "aarch64", *modules), aarch64)


def test_packages_as_apt_takes_them() -> None:
    assert debian.at(("libc6=2.36-*", "libllvm22=1:22.*"), "aarch64") == [
        "libc6:arm64=2.36-*",
        "libllvm22:arm64=1:22.*",
    ]
    every = (*debian.COMPILER, *debian.STANDARD_LIBRARY, *debian.EMULATOR, *debian.INTERPRETER)
    assert all(
        re.fullmatch(r"[a-z0-9.+-]+=(\d+:)?\d+\.\d[\w.+-]*\*|[a-z0-9]+=\d+:\d+\.\*", package) for package in every
    )


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "Reading\nE: Version '1.96.*' for 'rustc-web' was not found\nE: more\n",
            "E: Version '1.96.*' for 'rustc-web' was not found",
        ),
        ("info: downloading\nerror: could not download\n", "error: could not download"),
        ("", "no message"),
    ],
)
def test_the_reason_is_one_line(output: str, line: str) -> None:
    assert debian.reason(output) == line


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without rustup, apt and qemu: no program is on the path. Called in a test, whose marks set the path."""
    monkeypatch.setenv("PATH", "")


def test_without_rustup_and_apt_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    builder = wheels.Wheels(tmp_path / "build")
    with pytest.raises(Refused) as caught:
        builder.compiler(wheels.ARCHITECTURES[1])
    said = str(caught.value)
    assert said.startswith("no Rust for aarch64-unknown-linux-gnu can be had: rustup: this machine has none; Debian: ")
    assert "this machine has no apt-get" in said
    assert "Run `rustup target add aarch64-unknown-linux-gnu`, or build on Debian 12" in said
    assert "libstd-rust-web-dev:arm64=1.96.*" in said
    assert "\n" not in said


def test_without_an_emulator_the_message_says_that_the_wheel_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    with pytest.raises(Refused) as caught:
        wheels.Wheels(tmp_path / "build").emulated(wheels.ARCHITECTURES[1])
    assert str(caught.value).startswith("the wheel for aarch64 is built and not tried: this machine has no apt-get. ")
    assert ".github/smoke.py" in str(caught.value)


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> Path:
    """Programs of these names on the path, before what else is there; each notes what it was called with."""
    place = folder / "programs"
    place.mkdir(exist_ok=True)
    for name, script in scripts.items():
        program = place / name.replace("_", "-")
        program.write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >> "{folder}/calls"\n{script}\n', encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    return folder / "calls"


def test_rustups_target_is_all_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = programs(tmp_path, monkeypatch, rustup="exit 0", apt_get="exit 1")
    assert wheels.Wheels(tmp_path / "build").compiler(wheels.ARCHITECTURES[1]) == {}
    assert calls.read_text().splitlines() == ["rustup target add aarch64-unknown-linux-gnu"]


def test_where_rustup_refuses_debian_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = "echo 'error: no route' >&2; exit 1"
    calls = programs(tmp_path, monkeypatch, rustup=refuses, apt_get="echo 'E: Version was not found' >&2; exit 100")
    programs(tmp_path, monkeypatch, dpkg_deb="exit 1")
    with pytest.raises(
        Refused, match=r"rustup: error: no route; Debian: apt-get update: E: Version was not found\. Run"
    ):
        wheels.Wheels(tmp_path / "build").compiler(wheels.ARCHITECTURES[1])
    assert [line.split()[0] for line in calls.read_text().splitlines()] == ["rustup", "apt-get"]


def test_packages_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = 'case "$*" in *download*) touch a.deb ;; esac'
    archive = f'cd "{tmp_path}/content" && tar --create .'
    (tmp_path / "content" / "usr").mkdir(parents=True)
    (tmp_path / "content" / "usr" / "file").write_text("here")
    calls = programs(tmp_path, monkeypatch, apt_get=fetch, dpkg_deb=archive)
    packages = Debian(tmp_path / "debian")
    for _ in range(2):
        root = packages.unpacked("root", ["a:arm64=1.*"])
        assert (root / "usr" / "file").read_text() == "here"
    assert [line.split()[-2:] for line in calls.read_text().splitlines() if line.startswith("apt-get")] == [
        ["--yes", "update"],
        ["download", "a:arm64=1.*"],
    ]
    packages.unpacked("root", ["a:arm64=2.*"])
    assert calls.read_text().count("a:arm64=2.*") == 1


def test_a_package_that_cannot_be_unpacked_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = 'case "$*" in *download*) touch a.deb ;; esac'
    programs(tmp_path, monkeypatch, apt_get=fetch, dpkg_deb="echo no archive")
    packages = Debian(tmp_path / "debian")
    for _ in range(2):
        with pytest.raises(Refused, match=r"a\.deb cannot be unpacked"):
            packages.unpacked("root", ["a:arm64=1.*"])

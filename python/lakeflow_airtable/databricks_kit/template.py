"""The folder of the kit: the files in `template/`, with the answers in their places.

Rendering is pure: the same answers give the same files. Each answer has one place, a variable of `databricks.yml`, from
where the other files take it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from ..shown import scrubbed
from . import wheels

_SUFFIX = ".template"
# A file of this name in the sources would be obeyed by git, and by what builds the wheel.
_RENAMED = {"gitignore": ".gitignore"}
_PLACE = re.compile(r"@([A-Z_]+)@")

_NOBODY = "00000000-0000-0000-0000-000000000000"
_PLATFORM = "manylinux2014_x86_64.manylinux_2_17_x86_64"
_ID = re.compile(r"app[A-Za-z0-9]{14}")
# What Unity Catalog takes without quotes, and YAML as a text.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@scrubbed
@dataclass(frozen=True)
class Index:
    """Wheels by name from a package index: that of the workspace, or of an address."""

    address: str = ""


@scrubbed
@dataclass(frozen=True)
class Answers:
    """What the kit is filled with. Without wheels of its own it takes those that are put into dist/."""

    version: str
    bases: Sequence[str] = ()
    catalog: str = "main"
    schema: str = "airtable"
    connection: str = "airtable"
    prod_catalog: str = ""
    prod_schema: str = ""
    run_as: str = _NOBODY
    notify: Sequence[str] = ()
    index: Index | None = None
    cluster_platform: str = _PLATFORM

    def __post_init__(self) -> None:
        for flag, text in (
            ("--catalog", self.catalog),
            ("--schema", self.schema),
            ("--connection", self.connection),
            ("--prod-catalog", self.prod_catalog),
            ("--prod-schema", self.prod_schema),
        ):
            if text and not _NAME.fullmatch(text):
                raise OptionError(
                    f'{flag} is "{text}": it takes letters, digits, _ and -, and begins with a letter or _'
                )
        for base in self.bases:
            if not _ID.fullmatch(base):
                raise OptionError(f'--base-id is "{base}": it takes the id of a base, app and 14 letters or digits')
        if not re.fullmatch(r"[0-9a-fA-F-]{36}", self.run_as):
            raise OptionError("--run-as takes the application id of a service principal, 36 digits, letters a-f and -")
        if self.index is not None and "@" in self.index.address:
            raise OptionError("--index has a user name or password in it, which would stand in the kit: leave it out")


def files(answers: Answers) -> dict[str, str]:
    """Every file of the kit by its path in the folder."""
    filled = _filled(answers)
    found = {}
    for path, source in _sources(Path(__file__).parent / "template"):
        found[path] = _rendered(source.read_text(encoding="utf-8"), filled)
    return dict(sorted(found.items()))


def write(folder: Path, answers: Answers, source: Path | None) -> list[str]:
    """Writes the kit into a folder, and the wheels of `source` into its dist/. Returns the paths that are new.

    A file that is there with other content is left alone: then nothing is written, and the error names it.
    """
    wanted = {folder / path: text for path, text in files(answers).items()}
    changed = [
        str(path.relative_to(folder))
        for path, text in wanted.items()
        if path.exists() and path.read_text(encoding="utf-8") != text
    ]
    if changed:
        raise OptionError(
            f"{folder} has these files with other content: {', '.join(changed)}: give another folder, or move them away"
        )
    chosen = wheels.chosen(source, answers.version)[0] if source is not None else []
    copies = {folder / "dist" / wheel.path.name: wheel.path.read_bytes() for wheel in chosen}
    new = [path for path in (*wanted, *copies) if not path.exists()]
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path, content in copies.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.resolve() != (source or folder).resolve() / path.name:
            path.write_bytes(content)
    return [str(path.relative_to(folder)) for path in new]


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    for source in folder.rglob(f"*{_SUFFIX}"):
        name = source.name.removesuffix(_SUFFIX)
        yield (source.parent.relative_to(folder) / _RENAMED.get(name, name)).as_posix(), source


def _rendered(text: str, filled: Mapping[str, str]) -> str:
    """The text with its places filled. A line that is a place becomes as many lines as it is filled with, which may be
    none."""
    lines = []
    for line in text.splitlines():
        whole = _PLACE.fullmatch(line)
        if whole is None:
            lines.append(_PLACE.sub(lambda found: filled[found[1]], line))
        elif filled[whole[1]]:
            lines.append(filled[whole[1]])
    return "\n".join(lines) + "\n"


def _filled(answers: Answers) -> dict[str, str]:
    index = answers.index
    package = "lakeflow-airtable==${var.wheel_version}"
    if index is not None:
        lines = [f"--index-url={index.address}"] if index.address else []
        dependencies = [f"- {line}" for line in (*lines, package)]
        install = " ".join((*lines, "lakeflow-airtable"))
        library = ["- pypi:", f"    package: {package}"]
        if index.address:
            library.append(f"    repo: {index.address}")
        sync, cluster = [], []
    else:
        dependencies = [
            "# Serverless machines are x86-64 or ARM: from a folder pip takes the wheel that fits. A path cannot.",
            "- --find-links=${workspace.file_path}/dist",
            "# Nobody else's package of that name. Leave it out with dependencies of your own: the wheel needs none.",
            "- --no-index",
            f"- {package}",
        ]
        install = "--no-index --find-links=./dist lakeflow-airtable"
        library = [
            "- whl: ${workspace.file_path}/dist/lakeflow_airtable-${var.wheel_version}-cp310-abi3-"
            "${var.cluster_wheel_platform}.whl"
        ]
        sync = ["# The wheels, although git passes over them.", "include:", "  - dist/*.whl"]
        cluster = [
            "cluster_wheel_platform:",
            "  # manylinux_2_28_aarch64 where node_type is ARM.",
            "  description: The end of the wheel's file name that fits the cluster's machines",
            f"  default: {answers.cluster_platform}",
        ]
    bare = [line for line in dependencies if not line.startswith("#")]
    return {
        "CATALOG": answers.catalog,
        "SCHEMA": answers.schema,
        "CONNECTION": answers.connection,
        "BASE_ID": answers.bases[0] if len(answers.bases) == 1 else "",
        "BASE_FLAG": f" --base-id {answers.bases[0]}" if len(answers.bases) == 1 else "",
        "VERSION": answers.version,
        "NOTIFY": json.dumps(list(answers.notify)),
        "RUN_AS": answers.run_as,
        "PROD_CATALOG": answers.prod_catalog or answers.catalog,
        "PROD_SCHEMA": answers.prod_schema or f"{answers.schema}_prod",
        "OBJECTS": _objects(answers.bases),
        "SYNC": _indented(sync, 2),
        "CLUSTER_WHEEL_VARIABLE": _indented(cluster, 2),
        "DEPENDENCIES": _indented(dependencies, 10),
        "JOB_DEPENDENCIES": _indented(bare, 14),
        "LIBRARY": _indented(library, 12),
        "NOTEBOOK_INSTALL": install,
    }


def _objects(bases: Sequence[str]) -> str:
    """Every table of the connection's base, or of each of several bases."""
    if len(bases) < 2:
        return '"*"'
    entries = [
        {"table": {"source_table": "*", "table_configuration": {"namespace": json.dumps([base])}}} for base in bases
    ]
    return json.dumps(entries, indent=2).replace("\n", "\n  ")


def _indented(lines: Sequence[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)

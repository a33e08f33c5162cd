"""The wheels in a folder: which version each is of, and for which machines.

Serverless machines of Databricks are x86-64 or ARM. From a folder, pip takes the wheel that fits. Environments are kept
by name and version, so two builds of one version cannot be told apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from ..shown import scrubbed

ARCHITECTURES = ("x86_64", "aarch64")

_NAME = re.compile(r"lakeflow_airtable-(?P<version>[^-]+)(?:-(?P<build>\d[^-]*))?-[^-]+-[^-]+-(?P<platform>[^-]+)\.whl")
_LINUX = re.compile(rf"manylinux\w*_({'|'.join(ARCHITECTURES)})(?![a-z0-9])")


@scrubbed
@dataclass(frozen=True)
class Wheel:
    """A wheel of this package."""

    path: Path
    version: str
    platform: str

    @property
    def architecture(self) -> str | None:
        """Which of Databricks' machines take it, if any do."""
        found = _LINUX.search(self.platform)
        return found[1] if found else None


def found(folder: Path) -> list[Wheel]:
    """The wheels of this package in a folder, by name."""
    wheels = []
    for path in sorted(folder.glob("*.whl")):
        if name := _NAME.fullmatch(path.name):
            wheels.append(Wheel(path, name["version"], name["platform"]))
    return wheels


def chosen(folder: Path, version: str) -> tuple[list[Wheel], list[str]]:
    """The wheels of a version that Databricks' machines take, and what to tell of them.

    Raises OptionError where there is none, and where two are for the same machines.
    """
    everything = found(folder)
    of_version = [wheel for wheel in everything if wheel.version == version]
    if not of_version:
        others = sorted({wheel.version for wheel in everything})
        there = f"it holds {', '.join(others)}" if others else "it holds no wheel of lakeflow-airtable"
        raise OptionError(
            f"{folder} has no wheel of version {version}: {there}: put the wheels of that version there, or set "
            "wheel_version in databricks.yml"
        )
    by_machine: dict[str, list[Wheel]] = defaultdict(list)
    for wheel in of_version:
        if wheel.architecture is not None:
            by_machine[wheel.architecture].append(wheel)
    if not by_machine:
        raise OptionError(
            f"{folder} has version {version} for {_listed(of_version)} only: Databricks runs on Linux with glibc, so "
            f"put the manylinux wheels of {' and '.join(ARCHITECTURES)} there (`make dist-manylinux`)"
        )
    for architecture, same in by_machine.items():
        if len(same) > 1:
            raise OptionError(
                f"{folder} has {len(same)} wheels of version {version} for {architecture}, "
                f"{', '.join(wheel.path.name for wheel in same)}: keep one; a new build needs a new version, because "
                "environments are kept by name and version"
            )
    told = [
        f"{folder} has no wheel of version {version} for {architecture}: a serverless machine of that kind would fail "
        "to install it; put it there as well"
        for architecture in ARCHITECTURES
        if architecture not in by_machine
    ]
    return [wheel for same in by_machine.values() for wheel in same], told


def version_in(folder: Path) -> str:
    """The one version of which there are wheels."""
    versions = sorted({wheel.version for wheel in found(folder)})
    if len(versions) == 1:
        return versions[0]
    there = f"wheels of {', '.join(versions)}" if versions else "no wheel of lakeflow-airtable"
    raise OptionError(f"--wheels {folder} has {there}: give a folder with the wheels of one version")


def cluster_platform(folder: Path, version: str) -> str:
    """The platform in the file name of the wheel for a cluster, of x86-64 where there is one."""
    fitting = {wheel.architecture: wheel.platform for wheel in found(folder) if wheel.version == version}
    return next((fitting[architecture] for architecture in ARCHITECTURES if architecture in fitting), "")


def _listed(wheels: Sequence[Wheel]) -> str:
    return ", ".join(sorted({wheel.platform for wheel in wheels}))

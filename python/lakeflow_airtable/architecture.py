"""Says what is wrong when the compiled module is for machines of another kind.

Installers choose a wheel that fits. A wheel that was unpacked by hand, or copied to machines of another kind, may not
fit. The loader of Linux then says that the file is not there. This looks into the file's first bytes before anything
loads it, which costs less than a tenth of a millisecond. macOS and Windows name the reason by themselves.
"""

from __future__ import annotations

import os
from importlib.machinery import EXTENSION_SUFFIXES

# The numbers that ELF files have for machines, under the names that Linux gives the machines.
_MACHINES = {62: "x86_64", 183: "aarch64"}


def machine_of(header: bytes) -> str | None:
    """For which machine a file is, by its first twenty bytes: `None` for what is no ELF file."""
    if len(header) < 20 or header[:4] != b"\x7fELF":
        return None
    number = int.from_bytes(header[18:20], "big" if header[5] == 2 else "little")
    return _MACHINES.get(number, f"ELF machine {number}")


def check(package: str, machine: str) -> None:
    """Raises an ImportError if the package's compiled module is for another machine than this one."""
    if machine not in _MACHINES.values():
        return
    for suffix in EXTENSION_SUFFIXES:
        module = os.path.join(package, f"_native{suffix}")
        try:
            with open(module, "rb") as file:
                built_for = machine_of(file.read(20))
        except OSError:
            continue
        # Python loads the first that is there.
        if built_for not in (None, machine):
            raise ImportError(
                f"lakeflow-airtable in {package} is the wheel for {built_for}, and this machine is {machine}: install "
                f"the wheel whose name ends in {machine}.whl here, or let pip choose one of both by --find-links",
                name="lakeflow_airtable._native",
                path=module,
            )
        return


def check_here() -> None:
    """Checks this package on this machine."""
    if hasattr(os, "uname"):
        check(os.path.dirname(__file__), os.uname().machine)

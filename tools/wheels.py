"""Release wheels for Linux, x86-64 and aarch64, from one machine of either, and a try of each: `make dist-manylinux`.

`python tools/wheels.py FOLDER` builds both with zig as the linker, so that they need an old glibc only. The standard
library of the other architecture comes from rustup; where rustup cannot give it, Debian's compiler builds that wheel.

A wheel for this machine is tried in a fresh environment. A wheel for the other runs under qemu's emulation, with a
Python of Debian's. What is fetched goes to `build/wheels-manylinux`, in versions that are written down here and in
`debian.py`.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import debian
from debian import Debian, Refused

PROJECT = Path(__file__).resolve().parents[1]
SMOKE = PROJECT / ".github" / "smoke.py"
# For the try, which reads by it. Every Python that the wheel is for has one of these.
PYARROW = "pyarrow>=21,<27"


class Architecture(NamedTuple):
    """An architecture as `uname` calls it: Rust's name, the oldest glibc, and the number that ELF files have for it."""

    name: str
    compatibility: str
    elf: int

    @property
    def target(self) -> str:
        return f"{self.name}-unknown-linux-gnu"


ARCHITECTURES = (
    # glibc 2.17, older than anything Spark runs on.
    Architecture("x86_64", "manylinux2014", 62),
    # Databricks' images have glibc 2.35 or later on either architecture.
    Architecture("aarch64", "manylinux_2_28", 183),
)


class Library(NamedTuple):
    """What the compiled module of a wheel says of itself."""

    elf: int
    glibc: tuple[int, ...]
    size: int


def library(content: bytes) -> Library:
    """Reads a module: for which machine it is, and the newest glibc of which it asks for something."""
    if content[:6] != b"\x7fELF\x02\x01":
        raise Refused("the compiled module is no 64-bit ELF file; build it again")
    versions = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"\0GLIBC_([0-9]+(?:\.[0-9]+)+)", content)}
    return Library(int.from_bytes(content[18:20], "little"), max(versions, default=(0,)), len(content))


def checked(wheel: Path, architecture: Architecture) -> str:
    """A line about a wheel. Refuses one whose module is not what its name says."""
    with zipfile.ZipFile(wheel) as archive:
        modules = [name for name in archive.namelist() if name.endswith(".so")]
        if len(modules) != 1:
            raise Refused(f"{wheel.name} holds {len(modules)} compiled modules and not one; build it again")
        module = library(archive.read(modules[0]))
    if architecture.name not in wheel.name or module.elf != architecture.elf:
        raise Refused(f"{wheel.name} should be for {architecture.name}, its module has the ELF machine {module.elf}")
    glibc = ".".join(map(str, module.glibc))
    return f"{wheel.stat().st_size / 1e6:.1f} MB, module {module.size / 1e6:.1f} MB, glibc {glibc} at most"


def run(*command: str | Path, **environment: str) -> None:
    """Runs a step, with its output on the terminal."""
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environment})
    if done.returncode:
        raise Refused(f"{Path(command[0]).name} ended with {done.returncode}; its output is above")


class Wheels:
    """What builds and tries the wheels, with its files in one folder."""

    def __init__(self, folder: Path, *, rustup: bool = True) -> None:
        self.folder = folder
        self.debian = Debian(folder / "debian")
        self.rustup = rustup

    def build(self, architecture: Architecture, out: Path) -> Path:
        environment = {} if architecture.name == platform.machine() else self.compiler(architecture)
        command = ["build", "--release", "--locked", "--zig", "--target", architecture.target]
        place = self.folder / architecture.name
        shutil.rmtree(place, ignore_errors=True)
        run(tool("maturin"), *command, "--compatibility", architecture.compatibility, "--out", place, **environment)
        [wheel] = place.glob("*.whl")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, out / wheel.name))

    def compiler(self, architecture: Architecture) -> dict[str, str]:
        """The environment in which cargo builds for another architecture: rustup's compiler, else Debian's."""
        refused = self.added(architecture.target)
        if refused is None:
            return {}
        print(f"rustup gives no {architecture.target} ({refused}); Debian's compiler is taken", flush=True)
        packages = debian.at(debian.COMPILER, platform.machine())
        packages += debian.at(debian.STANDARD_LIBRARY, architecture.name)
        try:
            root = self.debian.unpacked("compiler", packages)
        except Refused as error:
            raise Refused(
                f"no Rust for {architecture.target} can be had: rustup: {refused}; Debian: {error}. Run `rustup target "
                f"add {architecture.target}`, or build on Debian 12, whose packages are {' '.join(packages)}"
            ) from None
        # A script, because the compiler's libraries are in the folder, and no other program is to find them.
        script = self.folder / "rustc"
        libraries = sorted(
            {str(found.parent.resolve()) for found in root.rglob("lib*.so*") if "rustlib" not in str(found)}
        )
        script.write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{":".join(libraries)}" exec "{root.resolve()}/usr/bin/rustc" "$@"\n',
            encoding="utf-8",
        )
        script.chmod(0o755)
        return {"RUSTC": str(script.resolve())}

    def added(self, target: str) -> str | None:
        """Adds a target to rustup's toolchain. `None` when it is there, else why not."""
        if not self.rustup:
            return "not asked"
        if shutil.which("rustup") is None:
            return "this machine has none"
        done = subprocess.run(["rustup", "target", "add", target], cwd=PROJECT, capture_output=True, text=True)
        return debian.reason(done.stderr) if done.returncode else None

    def attempt(self, architecture: Architecture, wheel: Path) -> None:
        """Installs a wheel and reads by it, on its own architecture or under emulation of that."""
        place = self.folder / f"try-{architecture.name}"
        shutil.rmtree(place, ignore_errors=True)
        if architecture.name == platform.machine():
            run(tool("uv"), "venv", "--quiet", "--python", sys.executable, place)
            install = (tool("uv"), "pip", "install", "--quiet", "--only-binary", ":all:")
            run(*install, "--python", place / "bin" / "python", wheel, PYARROW)
            run(place / "bin" / "python", "-I", SMOKE)
        else:
            emulator, root = self.emulated(architecture)
            target = ("--python-platform", f"{architecture.name}-manylinux_2_28", "--python-version", debian.PYTHON)
            install = (tool("uv"), "pip", "install", "--quiet", "--only-binary", ":all:", "--python", sys.executable)
            run(*install, *target, "--target", place, wheel, PYARROW)
            interpreter = root / "usr" / "bin" / f"python{debian.PYTHON}"
            # -s: a user's own packages are for this machine's architecture.
            run(emulator, "-L", root, interpreter, "-s", SMOKE, PYTHONPATH=str(place), PYTHONHOME=str(root / "usr"))
        shutil.rmtree(place)

    def emulated(self, architecture: Architecture) -> tuple[Path, Path]:
        """An emulator of an architecture, and the folder that stands for the emulated machine's root."""
        name = f"qemu-{architecture.name}"
        installed = shutil.which(f"{name}-static") or shutil.which(name)
        try:
            if installed is None:
                packages = debian.at(debian.EMULATOR, platform.machine())
                only = f"./usr/bin/{name}-static"
                emulator = self.debian.unpacked("emulator", packages, only) / only
            else:
                emulator = Path(installed)
            root = self.debian.unpacked("root", debian.at(debian.INTERPRETER, architecture.name))
        except Refused as error:
            raise Refused(
                f"the wheel for {architecture.name} is built and not tried: {error}. Try it on Debian 12, whose "
                "packages give an emulator and a Python, or install it on a machine of its own and run "
                ".github/smoke.py there"
            ) from None
        return emulator, root


def tool(name: str) -> Path:
    """A program of this Python's environment."""
    return Path(sys.executable).parent / name


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder that the wheels go to")
    parser.add_argument("--only", choices=[one.name for one in ARCHITECTURES], help="one architecture")
    parser.add_argument("--without-rustup", action="store_true", help="take Debian's Rust for the other one")
    given = parser.parse_args(arguments)
    host = (platform.system(), platform.machine())
    try:
        if host not in [("Linux", one.name) for one in ARCHITECTURES]:
            raise Refused(f"wheels for Linux are built on Linux, x86-64 or aarch64, and not on {' '.join(host)}")
        wheels = Wheels(PROJECT / "build" / "wheels-manylinux", rustup=not given.without_rustup)
        lines = []
        for architecture in ARCHITECTURES:
            if given.only in (None, architecture.name):
                wheel = wheels.build(architecture, given.out)
                about = checked(wheel, architecture)
                wheels.attempt(architecture, wheel)
                lines.append(f"{given.out}/{wheel.name}: {about}, tried")
        print(*lines, sep="\n")
    except Refused as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main(sys.argv[1:])

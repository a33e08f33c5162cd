"""Debian's packages, unpacked into a folder and not installed: a compiler for the other architecture, an emulator of
it, and a Python for it to run.

Packages come by `apt-get download` from the sources that the machine is set up with, and apt checks their signatures.
The lists of both architectures are kept in the folder: the system's own apt stays as it is, and nobody has to be root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Debian's names of architectures.
NAMES = {"x86_64": "amd64", "aarch64": "arm64"}

# One version each, of Debian 12. The last part of a version is Debian's own count. It grows with each mend of a fault,
# and the servers drop the build before it. So that part is left open.
PYTHON = "3.11"
COMPILER = ("rustc-web=1.96.*", "libstd-rust-web-1.96=1.96.*", "libstd-rust-web-dev=1.96.*", "libllvm22=1:22.*")
STANDARD_LIBRARY = ("libstd-rust-web-dev=1.96.*",)
EMULATOR = ("qemu-user-static=1:7.2+*",)
INTERPRETER = (
    *("python3.11-minimal=3.11.*", "libpython3.11-minimal=3.11.*", "libpython3.11-stdlib=3.11.*"),
    # What the interpreter, its standard library and pyarrow are linked with.
    *("libc6=2.36-*", "libgcc-s1=12.2.*", "libstdc++6=12.2.*", "zlib1g=1:1.2.13.*", "libexpat1=2.5.*", "libffi8=3.4.*"),
    *("libssl3=3.0.*", "libbz2-1.0=1.0.8-*", "liblzma5=5.4.*", "libsqlite3-0=3.40.*", "libuuid1=2.38.*"),
    "libcrypt1=1:4.4.*",
)


class Refused(Exception):
    """What could not be had, with the reason in one line."""


def at(packages: tuple[str, ...], architecture: str) -> list[str]:
    """Packages as apt takes them, of one architecture: `libc6=2.36-*` becomes `libc6:arm64=2.36-*`."""
    split = (package.split("=", 1) for package in packages)
    return [f"{name}:{NAMES[architecture]}={version}" for name, version in split]


def reason(output: str) -> str:
    """The line that says why apt stopped: the first of its errors, or its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("E:")), lines[-1] if lines else "no message")


class Debian:
    """Packages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Lists of an earlier run name builds that may be gone.
        self.listed = False

    def unpacked(self, name: str, packages: list[str], only: str | None = None) -> Path:
        """The folder that holds these packages, or `only` one file of them. Fetched anew for another list."""
        place = self.folder / name
        stamp = self.folder / f"{name}.packages"
        wanted = "\n".join(packages)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return place
        shutil.rmtree(place, ignore_errors=True)
        downloads = self.folder / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        if not self.listed:
            self._apt(self.folder, "update")
            self.listed = True
        self._apt(downloads, "download", *packages)
        place.mkdir()
        for package in sorted(downloads.iterdir()):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
                command = ["tar", "--extract", "--directory", place, *([only] if only else [])]
                done = subprocess.run(command, stdin=archive.stdout, capture_output=True, text=True)
            if done.returncode or archive.returncode:
                raise Refused(f"{package.name} cannot be unpacked: {reason(done.stderr)}")
        shutil.rmtree(downloads)
        stamp.write_text(wanted, encoding="utf-8")
        return place

    def _apt(self, directory: Path, *arguments: str) -> None:
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise Refused("this machine has no apt-get")
        command = ["apt-get", "--quiet", "--yes", *arguments]
        settings = {"APT_CONFIG": str(self._settings()), "LC_ALL": "C"}
        done = subprocess.run(command, cwd=directory, env={**os.environ, **settings}, capture_output=True, text=True)
        if done.returncode:
            raise Refused(f"apt-get {arguments[0]}: {reason(done.stderr)}")

    def _settings(self) -> Path:
        """apt's settings for both architectures, with lists in the folder."""
        lists = self.folder / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        (self.folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        settings = self.folder / "apt.conf"
        lines = [
            f'Dir::State::Lists "{lists.resolve()}";',
            f'Dir::Cache "{(self.folder / "cache").resolve()}";',
            "APT::Architectures { " + " ".join(f'"{name}";' for name in NAMES.values()) + " };",
            'Acquire::Languages "none";',
            # Downloads run as another user otherwise, who may not look into the folder.
            *(['APT::Sandbox::User "root";'] if os.geteuid() == 0 else []),
        ]
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return settings

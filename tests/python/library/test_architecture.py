"""A compiled module of another architecture: the import says so, and for which machine it is."""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import lakeflow_airtable
from lakeflow_airtable import architecture

X86_64, AARCH64, RISC_V = 62, 183, 243


def elf(machine: int, order: int = 1) -> bytes:
    """The first bytes of a 64-bit ELF library, little-endian (1) or big-endian (2)."""
    return b"\x7fELF\x02" + bytes([order, 1]) + bytes(9) + struct.pack("<HH" if order == 1 else ">HH", 3, machine)


def package(directory: Path, content: bytes | None, suffix: str = EXTENSION_SUFFIXES[0]) -> str:
    if content is not None:
        (directory / f"_native{suffix}").write_bytes(content)
    return str(directory)


@pytest.mark.parametrize(
    ("header", "machine"),
    [
        (elf(X86_64), "x86_64"),
        (elf(AARCH64), "aarch64"),
        (elf(AARCH64, order=2), "aarch64"),
        (elf(RISC_V), "ELF machine 243"),
        (elf(X86_64)[:19], None),
        (b"", None),
        (b"\xcf\xfa\xed\xfe" + bytes(16), None),
        (b"MZ" + bytes(18), None),
    ],
)
def test_the_machine_of_a_file(header: bytes, machine: str | None) -> None:
    assert architecture.machine_of(header) == machine


@pytest.mark.parametrize(
    ("content", "built_for", "machine"),
    [
        (elf(AARCH64), "aarch64", "x86_64"),
        (elf(X86_64), "x86_64", "aarch64"),
        (elf(RISC_V), "ELF machine 243", "x86_64"),
    ],
)
@pytest.mark.parametrize("suffix", EXTENSION_SUFFIXES)
def test_the_error_names_both(tmp_path: Path, suffix: str, content: bytes, built_for: str, machine: str) -> None:
    place = package(tmp_path, content, suffix)
    with pytest.raises(ImportError) as caught:
        architecture.check(place, machine)
    assert str(caught.value) == (
        f"lakeflow-airtable in {place} is the wheel for {built_for}, and this machine is {machine}: install the wheel "
        f"whose name ends in {machine}.whl here, or let pip choose one of both by --find-links"
    )
    assert caught.value.name == "lakeflow_airtable._native"
    assert caught.value.path == os.path.join(place, f"_native{suffix}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("content", "machine"),
    [
        (elf(X86_64), "x86_64"),
        (elf(AARCH64), "aarch64"),
        # What the loader has to say about: no file, no ELF file, and machines for which there is no wheel.
        (None, "x86_64"),
        (b"", "x86_64"),
        (b"not a library, but longer than a header", "aarch64"),
        (elf(X86_64), "riscv64"),
        (elf(X86_64), "arm64"),
    ],
)
def test_everything_else_is_the_loaders(tmp_path: Path, content: bytes | None, machine: str) -> None:
    architecture.check(package(tmp_path, content), machine)


def test_the_first_module_that_python_would_load_decides(tmp_path: Path) -> None:
    package(tmp_path, elf(X86_64), EXTENSION_SUFFIXES[0])
    architecture.check(package(tmp_path, elf(AARCH64), EXTENSION_SUFFIXES[-1]), "x86_64")
    with pytest.raises(ImportError, match="the wheel for x86_64"):
        architecture.check(str(tmp_path), "aarch64")


@pytest.mark.skipif(sys.platform != "linux", reason="the modules of other systems are no ELF files")
@pytest.mark.parametrize("statement", ["import lakeflow_airtable", "from lakeflow_airtable._native import Scan"])
def test_an_import_of_the_package_says_it(tmp_path: Path, statement: str) -> None:
    installed = Path(lakeflow_airtable.__file__).parent
    shutil.copytree(installed, tmp_path / "lakeflow_airtable", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    machine = os.uname().machine
    other = AARCH64 if machine == "x86_64" else X86_64
    package(tmp_path / "lakeflow_airtable", elf(other), ".abi3.so")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {statement}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: lakeflow-airtable in {tmp_path / 'lakeflow_airtable'} is the wheel for ")
    assert f"and this machine is {machine}: install" in last


# What Spark does with every package of such a name, and a worker with the class that it was sent.
FOUND_BY_SPARK = """
import sys
sys.path.insert(0, sys.argv[1])
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.datasource import DataSource
import pyspark_airtable

found = pyspark_airtable.DefaultSource
assert issubclass(found, DataSource) and found.name() == "airtable"
made = CloudPickleSerializer().loads(CloudPickleSerializer().dumps(found))
try:
    made({"tableName": "Vendors", "token": "patA"})
except Exception as error:
    print(type(error).__name__, error)
"""


def broken_package(directory: Path) -> str:
    (directory / "lakeflow_airtable" / "__init__.py").write_text("from . import nothing")
    return "ImportError cannot import name 'nothing' from partially initialized module 'lakeflow_airtable'"


def no_package(directory: Path) -> str:
    (directory / "lakeflow_airtable" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'lakeflow_airtable'\", name='lakeflow_airtable')"
    )
    return "ImportError No module named 'lakeflow_airtable'"


def another_architecture(directory: Path) -> str:
    other, built_for = (AARCH64, "aarch64") if os.uname().machine == "x86_64" else (X86_64, "x86_64")
    installed = Path(lakeflow_airtable.__file__).parent
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(installed, directory / "lakeflow_airtable", ignore=ignored, dirs_exist_ok=True)
    package(directory / "lakeflow_airtable", elf(other), ".abi3.so")
    return f"ImportError lakeflow-airtable in {directory / 'lakeflow_airtable'} is the wheel for {built_for}, and this "


@pytest.mark.skipif(sys.platform != "linux", reason="the modules of other systems are no ELF files")
@pytest.mark.parametrize("spoil", [another_architecture, broken_package, no_package])
def test_the_format_without_registration_says_it_too(tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    """And hides no other format: the package itself can be imported."""
    (tmp_path / "lakeflow_airtable").mkdir()
    installed = Path(lakeflow_airtable.__file__).parents[1]
    shutil.copytree(installed / "pyspark_airtable", tmp_path / "pyspark_airtable")
    says = spoil(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", FOUND_BY_SPARK, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.startswith(says), ran.stderr
    assert "patA" not in ran.stdout + ran.stderr

"""Records the runs and draws all pictures.

python -m pictures            records anew, two minutes, and draws
python -m pictures --drawn    draws what is recorded
python -m pictures cursors    records and draws some
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

NAMES = ("flow", "cursors", "refused", "speed", "memory", "groups", "history", "sample_base")
"""The modules."""

RUNS = Path(__file__).resolve().parent / "runs"
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"


def record(name: str) -> None:
    """Keeps what a picture's run has found, where the picture has a run."""
    module = importlib.import_module(f"pictures.{name}")
    if hasattr(module, "run"):
        text = json.dumps(module.run(), indent=None, separators=(", ", ": ")).replace("}, {", "},\n{")
        (RUNS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def drawn(name: str) -> dict[str, str]:
    """A module's files, from what is recorded."""
    module = importlib.import_module(f"pictures.{name}")
    file = RUNS / f"{name}.json"
    arguments: list[Any] = [json.loads(file.read_text(encoding="utf-8"))] if hasattr(module, "run") else []
    files: dict[str, str] = module.draw(*arguments)
    return files


def main() -> int:
    """Records, draws, writes."""
    parser = argparse.ArgumentParser(
        prog="python -m pictures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--drawn", action="store_true", help="draw only, from what is recorded")
    given = parser.parse_args()
    for name in given.names:
        if name not in NAMES:
            parser.error(f"no picture {name!r}: there are {', '.join(NAMES)}")
    for name in given.names or NAMES:
        if not given.drawn:
            record(name)
        for file, text in drawn(name).items():
            (PICTURES / file).write_text(text, encoding="utf-8")
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())

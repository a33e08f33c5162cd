"""The decoder alone, as criterion measures it: `cargo bench --bench decode`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .process import PLACE

PROJECT = PLACE.parent
RECORDS = 1_000
"""Records of one run of the benchmark."""

KINDS = ("Decoder", "IgnoredAny", "Value")
TITLES = {"scalar": "20 scalar fields", "mixed": "25 mixed fields"}


def records_per_second() -> dict[str, dict[str, float]]:
    """By table and by what reads it: the decoder, serde_json reading past everything, serde_json making its tree."""
    # PyO3 builds differently inside and outside maturin, and would be built twice.
    environment = {**os.environ, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    arguments = ["cargo", "bench", "--quiet", "--bench", "decode", "--", "--noplot"]
    ran = subprocess.run(arguments, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(ran.stderr)
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    said = subprocess.run(metadata, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    results = Path(json.loads(said)["target_directory"]) / "criterion"
    return {
        table: {kind: RECORDS / _seconds(results / title / kind / "new" / "estimates.json") for kind in KINDS}
        for table, title in TITLES.items()
    }


def _seconds(estimates: Path) -> float:
    median: float = json.loads(estimates.read_text())["median"]["point_estimate"]
    return median / 1e9

"""Lakes need a Spark of another release than the other tests, or none: `make lakes` runs these, each where it fits."""

from __future__ import annotations

import os
from pathlib import Path

LAKE = os.environ.get("LAKE")
FILES = {
    "sail": {"test_sail.py"},
    "delta": {"test_lakes.py", "test_pipelines.py"},
    "iceberg": {"test_lakes.py", "test_pipelines.py"},
}

collect_ignore = [
    path.name for path in Path(__file__).parent.glob("test_*.py") if path.name not in FILES.get(LAKE or "", ())
]

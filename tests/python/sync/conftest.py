"""Where copies go to."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A directory for copies, which is not there yet."""
    return tmp_path / "lake"

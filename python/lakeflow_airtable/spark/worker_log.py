"""Where the log lines of a task's read go.

Spark's workers set no logging up, and Python then shows warnings alone. What a task has read is a line of INFO, which
Spark's own tasks write to the executors' stderr as well. What somebody has set up stays as it is.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def told_by_worker() -> Iterator[None]:
    """While a task reads, lines of INFO are made, and go to stderr where no handler takes them."""
    logger = logging.getLogger("lakeflow_airtable")
    level, handler = logger.level, None
    if level == logging.NOTSET and logger.getEffectiveLevel() == logging.WARNING:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(FORMAT))
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level)
        if handler is not None:
            logger.removeHandler(handler)

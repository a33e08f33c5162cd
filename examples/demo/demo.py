"""The demo: a mock Airtable, a real Spark cluster, and every table of the sample base read into a table of Spark's.

The workers' Python is an environment with pyarrow and this project's wheel alone, and the driver runs in a directory
from which the sources cannot be imported: what works here works on a cluster that was given the wheel.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster import StandaloneCluster, session_settings

from lakeflow_airtable.mock import MockAirtable


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executors-python", type=Path, required=True, help="the Python of Spark's workers")
    # Absolute, not resolved: an environment's python is a link, and its target belongs to another environment.
    executors_python = parser.parse_args().executors_python.absolute()
    # So that `kill` ends the cluster as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    with tempfile.TemporaryDirectory(prefix="lakeflow-airtable-demo-") as name:
        directory = Path(name)
        shutil.copy(Path(__file__).with_name("driver.py"), directory)
        with MockAirtable() as mock, StandaloneCluster(directory / "cluster") as cluster:
            print(f"Mock Airtable at {mock.url}, Spark at {cluster.url} with two workers", flush=True)
            return subprocess.run(
                [sys.executable, "driver.py"],
                cwd=directory,
                env={
                    **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                    "PYSPARK_PYTHON": str(executors_python),
                    "DEMO_MASTER": cluster.url,
                    "DEMO_SETTINGS": json.dumps(session_settings(directory)),
                    "DEMO_OPTIONS": json.dumps(mock.options()),
                },
            ).returncode


if __name__ == "__main__":
    sys.exit(main())

"""`--version`: what a support person asks for."""

from __future__ import annotations

import platform
from importlib import metadata

# What makes more of the package, where it is installed.
_OTHERS = ("pyarrow", "pyspark", "polars", "pandas", "duckdb", "deltalake", "pyiceberg", "rich")


def said() -> str:
    """Version, features and build, a line each."""
    from .._native import __version__, build_info

    features, build = build_info()
    found = [f"{name} {version}" for name in _OTHERS if (version := _version(name))]
    return "\n".join(
        [
            f"lakeflow-airtable {__version__}",
            f"features: {', '.join(features)}",
            f"build: {build}",
            f"python: {platform.python_version()}, with {', '.join(found) or 'none of the packages that it can use'}",
        ]
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""

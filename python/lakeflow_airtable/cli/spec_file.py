"""A specification in a file: JSON, or YAML where PyYAML is installed."""

from __future__ import annotations

import json
from typing import Any

from ..errors import OptionError

LARGEST = 16 * 1024 * 1024
"""Bytes. What is longer is no specification."""


def read(name: str) -> dict[str, Any]:
    """What the file holds, which is to be an object.

    Raises:
        OptionError: The file cannot be read, with the line where that is known.
        ModuleNotFoundError: It is YAML, and PyYAML is not installed.
    """
    try:
        with open(name, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise _fault(name, f"it is longer than {LARGEST >> 20} MiB")
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(name, "it is no text in UTF-8") from error
    except (OSError, ValueError) as error:
        raise _fault(name, getattr(error, "strerror", None) or "it is not the name of a file") from error
    found = _yaml(name, text) if name.lower().endswith((".yaml", ".yml")) else _json(name, text)
    if not isinstance(found, dict):
        raise _fault(name, "it holds no object: a specification begins with objects")
    return found


def _json(name: str, text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise _fault(name, f"{twice} is there twice in one object: the first would be left out")
        return made

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise _fault(name, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise _fault(name, "it is nested too deep") from error


def _yaml(name: str, text: str) -> object:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} is YAML, which takes PyYAML: pip install pyyaml, or give the specification as JSON", name="yaml"
        ) from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        """Of a key that is there twice YAML takes the last, and says nothing."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value} is there twice in one object", key.start_mark
                    )
                keys.add(str(key.value))
            made: dict[Any, Any] = super().construct_mapping(node, deep)
            return made

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise _fault(name, f"{where}{getattr(error, 'problem', None) or 'it is no YAML'}") from error
    except RecursionError as error:
        raise _fault(name, "it is nested too deep") from error


def _fault(name: str, why: str) -> OptionError:
    return OptionError(f"--spec {name}: {why}")

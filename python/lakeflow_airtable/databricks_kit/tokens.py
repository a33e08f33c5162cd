"""Where the token for a connection comes from: a file, the environment, or a prompt. It is never an argument."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from ..errors import OptionError

VARIABLE = "AIRTABLE_TOKEN"


def token(file: str | None) -> str:
    """The token, in this order: of the file, of the environment, of a prompt."""
    if file is not None:
        return _checked(Path(file).read_text(encoding="utf-8"), f"the file {file}")
    if found := os.environ.get(VARIABLE):
        return _checked(found, VARIABLE)
    if not sys.stdin.isatty():
        raise OptionError(
            f"no token is given, and there is no terminal to ask at: set {VARIABLE}, or give --token-file"
        )
    try:
        typed = getpass.getpass("Airtable token (it is not shown): ")
    except EOFError:  # Ctrl-D; the cursor still stands behind the prompt
        print(file=sys.stderr)
        typed = ""
    return _checked(typed, "what was typed")


def _checked(text: str, where: str) -> str:
    found = text.strip()
    if not found:
        raise OptionError(f"{where} holds no token: make one at airtable.com/create/tokens")
    if len(found.split()) > 1:
        raise OptionError(f"{where} holds more than a token: leave everything else out")
    return found

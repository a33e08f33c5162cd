"""Runs one command: its arguments, what it is ended by, and its exit code.

What goes wrong is one line on stderr. `codes` says with which code it ends.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .. import environment
from ..errors import AirtableError, OptionError
from . import codes, flags
from .console import Console, Logging
from .ending import Ended, signals
from .parser import PROGRAM, find, parser, refuse


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names and cells hold any character, and a console or pipe may know few.
        sys.stdout.reconfigure(encoding="utf-8")
    parsed = argparse.Namespace()
    console = Console()
    try:
        _check_stdout(arguments)
        if arguments[:1] == ["mock"]:
            from ..mock import main as run_mock

            return run_mock(arguments[1:])
        with signals():
            _refuse_a_token(arguments)
            whole = parser(arguments)
            parsed, left = whole.parse_known_args(arguments)
            left = [*left, *_misread(parsed, arguments)]
            if left:
                refuse(whole, left, parsed)
            command = find(parsed.command)
            console = Console(is_quiet=getattr(parsed, "quiet", False), is_verbose=getattr(parsed, "verbose", False))
            with Logging(console):
                module = command.load()
                run = getattr(module, f"run_{command.name}", None) or module.run
                code: int = run(parsed, console)
                if sys.stdout is not None:
                    sys.stdout.flush()
                return code
    except (AirtableError, ImportError, OSError) as error:
        # `... | head`: the reader has what it wants, or nobody is left to read where the mock is.
        if isinstance(error, BrokenPipeError):
            _close_stdout()
            return codes.DONE
        return _complain(error, parsed, console)
    except KeyboardInterrupt:
        return codes.INTERRUPTED
    except Ended as ended:
        console.show("")
        _close_stdout()
        return ended.code


def _check_stdout(arguments: Sequence[str]) -> None:
    """Raises where what a command prints would go nowhere. `read` and `changes` look at their own places."""
    words = {word for word in arguments if word in ("-h", "--help", "--version")}
    called = next((word for word in arguments if not word.startswith("-")), "")
    if sys.stdout is None and (words or called not in ("read", "changes")):
        raise OSError("stdout is closed, so nothing can be written: leave it open, or send it to a file or /dev/null")


def _misread(parsed: argparse.Namespace, arguments: Sequence[str]) -> list[str]:
    """Flags that argparse takes for tables, because there are spaces in their values. After `--` all are tables."""
    tables = getattr(parsed, "table", None)
    named = tables if isinstance(tables, list) else [tables]
    return [] if "--" in arguments else [name for name in named if name is not None and name.startswith("--")]


def _complain(error: Exception, parsed: argparse.Namespace, console: Console) -> int:
    # Not all errors are ours, and some name a file as the user did.
    said = str(error)
    if isinstance(error, AirtableError):
        said = flags.spelled(said, environment.used(flags.named(parsed)))
    elif isinstance(error, OSError) and error.strerror:
        said = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    console.say(f"{PROGRAM}: {said}")
    if isinstance(error, OSError) and not isinstance(error, AirtableError):
        _close_stdout()
    return codes.code_of(error)


def _close_stdout() -> None:
    """What Python still holds for stdout is dropped: it would fail once more at exit."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse_a_token(arguments: Sequence[str]) -> None:
    """A token that stands by itself, where a command or a table's name belongs."""
    from .._native import scrub

    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not before.startswith("-") and not argument.startswith("-") and scrub(argument) == "[token]":
            raise OptionError(
                "a token stands where a command or a table's name belongs: put it into the environment as "
                "AIRTABLE_TOKEN, or give it as --token"
            )

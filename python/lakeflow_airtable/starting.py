"""How Ctrl-C and SIGTERM end the command line while it is still being imported: quietly, with their exit codes.

`python -m lakeflow_airtable` imports the package before any code of a command runs, and so does the script that pip
installs. A traceback there tells users nothing. Where the package is imported for anything else, signals stay as they
are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

PACKAGE = "lakeflow_airtable"
PROGRAM = "lakeflow-airtable"

_SIGNALS = ("SIGINT", "SIGTERM")


def is_command(argv: Sequence[str], orig_argv: Sequence[str]) -> bool:
    """Whether these are the arguments of the command line.

    While Python looks for the module of `-m`, `sys.argv` begins with `-m` in place of the module's name.
    """
    if not argv:
        return False
    if argv[0] == "-m":
        return orig_argv[-len(argv)].removeprefix("-m") == PACKAGE
    return os.path.basename(argv[0]).partition(".")[0] == PROGRAM


def end_quietly() -> None:
    """From here on a signal ends the process at once, where this is the command line: there is nothing to clean up."""
    if not is_command(getattr(sys, "argv", ()), sys.orig_argv):
        return
    try:
        import signal

        for name in _SIGNALS:
            number = getattr(signal, name)
            # Those that the process ignores stay ignored.
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, end)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except ValueError:  # only the main thread sets handlers
        return


def end(number: int, _frame: object) -> None:
    """The handler."""
    os._exit(128 + number)

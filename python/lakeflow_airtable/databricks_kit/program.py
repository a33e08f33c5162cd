"""Databricks' command line, as this package calls it.

Every call is shown as the line that does the same by hand. What the program says is kept and not repeated as it is:
its answers hold the options of connections. A complaint becomes an error with its cure. The environment that it gets
has no token of Airtable's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import OptionError
from ..shown import scrubbed
from . import cures, tokens

NAME = "databricks"


class DatabricksError(OSError):
    """Databricks refused something, or its command line did. The message says what was asked and what to do.

    None of this package's own errors: the words of others stay as they are, but for what looks like a token.

    `answer` is what the program said, for those who ask whether it is a refusal that they expect.
    """

    def __init__(self, message: str, answer: str = "") -> None:
        from .._native import scrub

        super().__init__(scrub(message))
        self.answer = answer

    @property
    def is_missing(self) -> bool:
        """What was asked for is not there, or is not shown to this user."""
        return cures.MISSING.search(self.answer) is not None

    @property
    def is_there_already(self) -> bool:
        return cures.EXISTS.search(self.answer) is not None


@scrubbed
@dataclass(frozen=True)
class Program:
    """The command line with a profile, in a directory. `show` is given every line before it is run."""

    show: Callable[[str], None]
    profile: str | None = None
    directory: str | None = None
    path: str = field(default=NAME)

    @classmethod
    def found(cls, show: Callable[[str], None], profile: str | None = None, directory: str | None = None) -> Program:
        """That of the PATH."""
        path = shutil.which(NAME)
        if path is None:
            raise DatabricksError(
                f"{NAME} is not on the PATH: install Databricks' command line "
                "(docs.databricks.com/dev-tools/cli/install), or run the lines by hand where it is installed"
            )
        return cls(show, profile, directory, path)

    def line(self, arguments: Sequence[str]) -> str:
        """The call as somebody types it, in the program's directory."""
        return shlex.join([NAME, *self._whole(arguments)])

    def text(self, arguments: Sequence[str], stdin: str | None = None, shown: str | None = None) -> str:
        """What the program prints. `shown` is shown in the place of a call whose standard input is secret."""
        self.show(shown or self.line(arguments))
        ran = subprocess.run(
            [self.path, *self._whole(arguments)],
            # Without a standard input of its own, it has none to wait for.
            input="" if stdin is None else stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=self.directory,
            env=_environment(),
        )
        if ran.returncode:
            raise self._refused(arguments, ran.stderr or ran.stdout)
        return ran.stdout

    def json(self, arguments: Sequence[str]) -> Any:
        """What the program answers."""
        said = self.text([*arguments, "--output", "json"])
        try:
            return json.loads(said)
        except json.JSONDecodeError:
            raise DatabricksError(f"{self.line(arguments)}: it did not answer with JSON: update {NAME}") from None

    def followed(self, arguments: Sequence[str], tell: Callable[[str], None]) -> str:
        """Runs a call that takes its time, and hands on each line that it prints. Returns all of them.

        A failure is raised as an error with its cure.
        """
        self.show(self.line(arguments))
        lines = []
        with subprocess.Popen(
            [self.path, *self._whole(arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            cwd=self.directory,
            env=_environment(),
        ) as running:
            assert running.stdout is not None
            for line in running.stdout:
                lines.append(line.rstrip())
                tell(lines[-1])
        said = "\n".join(lines)
        if running.returncode:
            raise self._refused(arguments, said)
        return said

    def _whole(self, arguments: Sequence[str]) -> list[str]:
        profile = ["--profile", self.profile] if self.profile else []
        return [*arguments, *profile]

    def _refused(self, arguments: Sequence[str], said: str) -> DatabricksError:
        complaint = _complaint(said)
        cure = cures.cure(said) or "see the line above, and run it by hand with --debug"
        return DatabricksError(f"{self.line(arguments)}: {complaint}: {cure}", said)


def names(**given: str | None) -> None:
    """Refuses names that hold what looks like a token: a definition, a line or a file would show it."""
    from .._native import scrub

    for flag, value in given.items():
        if value is not None and scrub(value) != value:
            written = "--" + flag.replace("_", "-")
            raise OptionError(
                f"{written} holds what looks like a token, which must not stand there: keep it in a secret"
            )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != tokens.VARIABLE}


def _complaint(said: str) -> str:
    """The one line of an output that says what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if line.lower().startswith("error:")]
    chosen = (marked or lines or ["it failed without a word"])[0 if marked else -1]
    return chosen.removeprefix("Error:").strip().rstrip(".:")

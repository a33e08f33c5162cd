"""Where rows go: stdout, a file, a device or a FIFO. What can be known of a place is checked before Airtable is asked.

A file appears under its name only when it is complete: until then its rows are in a hidden file beside it, which is
locked for as long as its writer lives. Hidden files that nobody holds any more were left by runs that were killed, and
the next one into the same directory removes them.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from ..shown import scrubbed

_PARTIAL = re.compile(r"\.lakeflow-airtable-([0-9a-f]{8})-(\d+)-[0-9a-f]{16}\.partial")

_STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}


@scrubbed
@dataclass(frozen=True)
class Descriptor:
    """What the process has open already. `shown` is how the user calls it."""

    number: int
    shown: str

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The descriptor to write to."""
        if self.number == 1:
            sys.stdout.flush()
        yield self.number


@scrubbed
@dataclass(frozen=True)
class Direct:
    """A device or a FIFO, which takes rows as they come."""

    shown: str

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The descriptor to write to. A FIFO is waited for until somebody reads it."""
        descriptor = os.open(self.shown, os.O_WRONLY)
        try:
            with _named(self.shown):
                yield descriptor
        finally:
            os.close(descriptor)


@scrubbed
@dataclass(frozen=True)
class Whole:
    """A file that takes its name when it is complete. `path` is where it is, behind all links."""

    shown: str
    path: Path

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The descriptor to write to. Where the block raises, nothing is left and what was there is as it was."""
        with _named(self.shown):
            remove_leftovers(self.path.parent)
            partial = self.path.parent / f".lakeflow-airtable-{_machine()}-{os.getpid()}-{secrets.token_hex(8)}.partial"
            # Python opens files close-on-exec; the mode is what `umask` leaves of it.
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            try:
                try:
                    _lock(descriptor)
                    _take_mode(descriptor, self.path)
                    yield descriptor
                finally:
                    os.close(descriptor)
                os.replace(partial, self.path)
            except BaseException:
                with suppress(OSError):
                    partial.unlink()
                raise


Place = Descriptor | Direct | Whole


def place(shown: str) -> Place:
    """The place that a user names, looked at.

    Raises:
        OptionError: Nothing can be written there.
    """
    if shown in _STREAMS:
        return _stream(_STREAMS[shown], shown)
    if inherited := re.fullmatch(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)", shown):
        return _stream(int(inherited[1] or inherited[2]), shown)
    mode = _mode(shown)
    if mode is not None and stat.S_ISDIR(mode):
        raise refused(shown, "is a directory", "name a file in it")
    if mode is not None and stat.S_ISSOCK(mode):
        raise refused(shown, "is a socket", "name a file, a FIFO or a device")
    if mode is not None and not os.access(shown, os.W_OK):
        raise refused(shown, "may not be written to", "change its mode, or name another file")
    if mode is not None and not stat.S_ISREG(mode):
        return Direct(shown)
    path = Path(os.path.realpath(shown))
    check_directory(shown, path.parent)
    return Whole(shown, path)


def check_directory(shown: str, directory: Path) -> None:
    """Raises where no file can be made in a directory; `shown` is what the user has named."""
    if not directory.exists():
        raise refused(shown, f"there is no directory {_shown_directory(shown, directory)}", "make it first")
    if not directory.is_dir():
        raise refused(shown, f"{_shown_directory(shown, directory)} is no directory", "name another place")
    if not os.access(directory, os.W_OK | os.X_OK):
        where = _shown_directory(shown, directory)
        raise refused(
            shown, f"no file may be made in {where}, where it grows until it is complete", "name another place"
        )


def refused(shown: str, why: str, what_to_do: str) -> OptionError:
    return OptionError(f"--output {shown}: {why}: {what_to_do}")


def remove_leftovers(directory: Path) -> None:
    """Removes what killed runs of this machine have left in a directory."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            named = _PARTIAL.fullmatch(entry.name)
            if named and named[1] == _machine() and _is_left(entry, int(named[2])):
                with suppress(OSError):
                    os.unlink(entry.path)


def _stream(number: int, shown: str) -> Descriptor:
    try:
        os.fstat(number)
    except (OSError, OverflowError) as error:
        raise refused(shown, "is closed", "name a file, or open it") from error
    return Descriptor(number, shown)


def _mode(shown: str) -> int | None:
    """What is there; None where nothing is."""
    try:
        return os.stat(shown).st_mode
    except FileNotFoundError:
        if not shown or shown.endswith(("/", os.sep)):
            raise refused(shown or '""', "is no name of a file", "name a file") from None
        return None
    except NotADirectoryError:
        return None  # told with the directory's name
    except ValueError as error:
        raise OptionError("--output: the name of a file holds no NUL: name another file") from error
    except OSError as error:
        raise refused(shown, error.strerror or str(error), "name another place") from error


def _shown_directory(shown: str, directory: Path) -> str:
    """A directory as the user has written it, where it was written."""
    return str(directory) if os.path.islink(shown) else os.path.dirname(shown) or "."


@contextmanager
def _named(shown: str) -> Iterator[None]:
    """Failures of the system name the file as the user does, and not the hidden one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = shown, None
        raise


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _lock(descriptor: int) -> None:
    """Tells other runs that the file's writer lives. Where locks cannot be, its process number does."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_left(entry: os.DirEntry[str], process: int) -> bool:
    """Whether a hidden file has no writer any more."""
    try:
        import fcntl
    except ImportError:
        return True  # here what somebody holds open cannot be removed
    try:
        os.kill(process, 0)
        return False
    except ProcessLookupError:
        pass
    except OSError:
        return False
    # A process of another container has a number that is nobody's here.
    try:
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _take_mode(descriptor: int, path: Path) -> None:
    """A file that replaces one keeps its mode, and its owner where that is allowed."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return
    if not hasattr(os, "fchmod"):
        return
    with suppress(OSError):
        os.fchown(descriptor, there.st_uid, there.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(there.st_mode))

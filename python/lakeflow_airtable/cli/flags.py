"""Options as the command line spells them: a flag, the argument TABLE, or a variable of the environment.

Messages name options as Python and Spark do. Here they name what the user has typed, or should type.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..options import table

if TYPE_CHECKING:
    from .._native import OptionRow
    from ..options import Scope

POSITIONAL = "tableName"
"""A positional argument here, not a flag."""

_TABLE = "the argument TABLE"
_DEST = "option_"

# What is quoted is the user's own, and may be called like an option.
_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')

# A place in a specification, whose keys are written as they are in its file.
_PLACE = re.compile(r"(?:objects(?:\[\d+\])?|connection_options|connection_name)(?:[.\w]*)(?: \(.*\))?: ")

# What Python's methods call their arguments, where messages name them.
_ARGUMENT = re.compile(
    r"(?<=\bby )refresh\b|(?<=\bas )records(?=\.$)|^(?:to|refresh|key|every|records|changed_per_run)(?= (?:is|names) )"
)

# What Spark keeps in a checkpoint, the command line keeps in a file; and where copies go is a flag.
_OWN_WORDS = {
    "a checkpointLocation of its own": "an --offset-file of its own",
    "a new checkpoint": "a new --offset-file",
    "the checkpoint belongs": "the offset belongs",
    "the checkpoint's offset": "the offset",
    "give another destination": "give another --to",
}
_OWN_WORD = re.compile(rf"(?:{'|'.join(_OWN_WORDS)})(?!\w)")

# Longer ones of the command line's arguments are not repeated: they may be secrets of any form.
_LONGEST_SHOWN = 40


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def dest(name: str) -> str:
    """Under which name a flag's value is found in what was parsed."""
    return _DEST + name


def add_options(command: ArgumentParser, *scopes: Scope, defaults: Mapping[str, str] | None = None) -> None:
    """The options of these scopes as flags of a command that asks Airtable, and what the command says meanwhile.

    `defaults` are those that are others for this command than the table's.
    """
    command.add_argument("--token-file", metavar="FILE", help="a file that holds the token alone")
    for option in table():
        if option["scope"] in scopes and option["name"] != POSITIONAL:
            add_option(command, option, (defaults or {}).get(option["name"], option["default"]))
    add_console(command)


def add_console(command: ArgumentParser) -> None:
    """How much a command says on stderr."""
    said = command.add_mutually_exclusive_group()
    said.add_argument("--quiet", action="store_true", help="say nothing on stderr but what went wrong")
    said.add_argument("--verbose", action="store_true", help="say every request, and each wait")


def add_option(command: ArgumentParser, option: OptionRow, default: str) -> None:
    """One option as a flag."""
    settings: dict[str, Any] = {
        "dest": dest(option["name"]),
        # argparse formats help texts with %.
        "help": (option["meaning"] + (f" (default {default})" if default else "")).replace("%", "%%"),
    }
    words = option["kind"].split("|")
    if len(words) > 1:
        settings.update(choices=words, type=_word(words))
    else:
        settings.update(metavar=option["kind"].upper())
    if option["kind"] == "list":
        settings.update(action="append")
    command.add_argument(*map(flag, (option["name"], *option["aliases"])), **settings)


def _word(words: Sequence[str]) -> Any:
    """Reads a word without regard to case, as everything else that takes options does."""

    def read(text: str) -> str:
        return next((word for word in words if word.lower() == text.strip().lower()), text)

    return read


def interval(text: str) -> str:
    """Reads a time with its unit, as the type of a flag."""
    from ..intervals import seconds

    try:
        seconds(text)
    except OptionError as error:
        raise ArgumentTypeError(str(error).removeprefix("every is ")) from None
    return text


def given(parsed: Namespace) -> dict[str, object]:
    """The options for which there were flags."""
    return {name: _joined(name, value) for name, value in named(parsed).items()}


def named(parsed: Namespace) -> dict[str, object]:
    """The same as it was given, for who needs no more than the names."""
    return {
        name.removeprefix(_DEST): value
        for name, value in vars(parsed).items()
        if name.startswith(_DEST) and value is not None
    }


def _joined(name: str, value: object) -> object:
    """What several flags of one list say together. A single one is handed on as it is."""
    if not isinstance(value, list):
        return value
    if len(value) == 1:
        return value[0]
    every: list[object] = []
    for text in value:
        if not text.lstrip().startswith("["):
            every.extend(part.strip() for part in text.split(","))
            continue
        try:
            every.extend(json.loads(text))
        except ValueError as error:
            raise OptionError(f"option {name} is no JSON list: give names, or a list of them", option=name) from error
    return every


def spelled(message: str, variables: Mapping[str, str] | None = None) -> str:
    """A message of this package about options, in the words of the command line. `variables` names those options that
    came from the environment."""
    spellings = {name: flag(name) for option in table() for name in (option["name"], *option["aliases"])}
    of_the_table = next((option["name"], *option["aliases"]) for option in table() if option["name"] == POSITIONAL)
    spellings = {**spellings, **dict.fromkeys(of_the_table, _TABLE), **(variables or {})}
    lines = re.split(r"(\n\s*)", message)
    return "".join(line if _PLACE.match(line) else _spelled(line, spellings) for line in lines)


def _spelled(message: str, spellings: Mapping[str, str]) -> str:
    """A line of a message, each option as these spellings have it."""
    names = "|".join(sorted(map(re.escape, spellings), key=len, reverse=True))
    # A word such as `view` is an option only after that word; one such as `base_id` is no other word.
    option = re.compile(
        rf"\boption ({names})(?![\w/-])|(?<![\w/.-])((?=\w*(?:_|N))(?:{names}))(?![\w/=-]|\.\w)"
        rf"|\b(?:(?<=leave )({names})(?= out\b)|(?<=set )({names})(?= to\b))"
    )
    # As Python and Spark write an option with its value.
    given = re.compile(rf"(?:\boption |(?<![\w/.?&-]))({names})=(?=\w)")
    parts = _QUOTED.split(_ARGUMENT.sub(lambda found: flag(found[0]), message))
    parts[::2] = [given.sub(lambda found: f"{spellings[found[1]]} ", part) for part in parts[::2]]
    parts[::2] = [option.sub(lambda found: spellings[next(filter(None, found.groups()))], part) for part in parts[::2]]
    parts[::2] = [_OWN_WORD.sub(lambda found: _OWN_WORDS[found[0]], part) for part in parts[::2]]
    return "".join(parts)


def unrecognized(left: Sequence[str], parsed: Namespace, known: Sequence[str], arguments: Sequence[str] = ()) -> str:
    """What to say of the arguments that a command does not take. `known` are the flags that it takes, and `arguments`
    what else it does."""
    takes = f" ({parsed.command} takes one {' and one '.join(arguments)})" if arguments else ""
    if "TABLE" in arguments:
        takes = f"{takes[:-1]}; a name with spaces needs quotes)"
    shown = []
    for before, argument in zip(("", *left), left, strict=False):
        if argument.startswith("-"):
            shown.append(_explained(argument.partition("=")[0], parsed, known))
        elif not before.startswith("-") or "=" in before:
            is_short = len(argument) <= _LONGEST_SHOWN
            shown.append((f'"{argument}"' if is_short else f"one of {len(argument)} characters") + takes)
    return f"unrecognized arguments: {', '.join(shown)}"


def _explained(written: str, parsed: Namespace, known: Sequence[str]) -> str:
    """A flag that the command does not take, with what it is for where it is an option, and what it may mean."""
    from .._native import option_meant
    from .nearest import nearest

    about = {"read": "what of a table is read", "stream": "how a stream follows changes", "tables": "tables of a base"}
    if written == "-o" and "--output" in known:
        return f"{written} (did you mean --output?)"
    if written in ("--option", "--options", "-o"):
        return f"{written} (each option is a flag of its own: {flag('base_id')} app..., not base_id=app...)"
    meant, is_sure = option_meant(written.lstrip("-"))
    for option in table():
        is_meant = meant.rstrip("?").endswith(f" {option['name']}")
        for name in (option["name"], *option["aliases"]):
            is_written = flag(name).lower() == written.replace("_", "-").lower()
            if not is_written and not (is_meant and option["name"] == POSITIONAL):
                continue
            if hasattr(parsed, dest(option["name"])):
                return f"{written} (did you mean {flag(name)}?)"
            if option["name"] == POSITIONAL and hasattr(parsed, "table"):
                return f"{written} (the table is {_TABLE})"
            return f"{written} (which is about {about.get(option['scope'], 'the connection')})"
    if is_sure:
        return f"{written} ({_named(meant)})"
    if near := nearest(written, known):
        return f"{written} (did you mean {near}?)"
    return f"{written} (lakeflow-airtable {parsed.command} --help lists all flags)"


def _named(hint: str) -> str:
    """A hint at an option, in which every name of one is meant as such."""
    names = {name for option in table() for name in (option["name"], *option["aliases"])}
    return re.sub(r"\w+", lambda word: flag(word[0]) if word[0] in names else word[0], hint)

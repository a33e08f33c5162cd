"""`completion`: scripts that complete commands, flags and values, made of the parser that reads them."""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..shown import scrubbed
from . import codes

if TYPE_CHECKING:
    from .console import Console

PROGRAM = "lakeflow-airtable"

EXAMPLES = (
    "completion bash > ~/.local/share/bash-completion/completions/lakeflow-airtable",
    'completion zsh > "${fpath[1]}/_lakeflow-airtable"',
    "completion fish > ~/.config/fish/completions/lakeflow-airtable.fish",
)

SHELLS = ("bash", "zsh", "fish")

_FILES = ("FILE", "DIRECTORY")


@scrubbed
@dataclass(frozen=True)
class _Flag:
    names: tuple[str, ...]
    help: str
    takes: str
    """Nothing, `FILE`, or another word for a value."""
    values: tuple[str, ...]


@scrubbed
@dataclass(frozen=True)
class _Command:
    name: str
    help: str
    flags: tuple[_Flag, ...]
    values: tuple[str, ...]
    """Of its own argument."""


def add(command: ArgumentParser) -> None:
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help="the shell that the script is for")


def run(parsed: Namespace, console: Console) -> int:
    from .parser import parser

    print({"bash": bash, "zsh": zsh, "fish": fish}[parsed.shell](list(_commands(parser()))))
    return codes.DONE


def _commands(whole: ArgumentParser) -> Iterator[_Command]:
    [commands] = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    helps = {action.dest: str(action.help) for action in commands._choices_actions}
    for name, command in commands.choices.items():
        flags = tuple(_flag(action) for action in command._actions if action.option_strings)
        own = [action for action in command._actions if not action.option_strings and action.choices]
        yield _Command(name, helps[name], flags, tuple(map(str, own[0].choices or ())) if own else ())


def _flag(action: argparse.Action) -> _Flag:
    takes = "" if action.nargs == 0 else str(action.metavar or "VALUE")
    meaning = re.sub(r"%\((\w+)\)s", lambda found: str(getattr(action, found[1])), action.help or "")
    return _Flag(tuple(action.option_strings), meaning.replace("%%", "%"), takes, tuple(map(str, action.choices or ())))


def bash(commands: list[_Command]) -> str:
    """For bash, and its completion of files where a flag takes one."""
    lines = [
        f"# Completes {PROGRAM}.",
        "_lakeflow_airtable() {",
        '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="" i',
        "    COMPREPLY=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        '        if [[ ${COMP_WORDS[i]} != -* ]]; then command="${COMP_WORDS[i]}"; break; fi',
        "    done",
        '    case "$command:$before" in',
    ]
    for command in commands:
        for flag in command.flags:
            if flag.takes:
                names = "|".join(f"{command.name}:{name}" for name in flag.names)
                words = f'-W "{" ".join(flag.values)}"' if flag.values else "-f" if flag.takes in _FILES else '-W ""'
                lines.append(f'        {names}) COMPREPLY=($(compgen {words} -- "$word")); return;;')
    lines += ["    esac", '    case "$command" in']
    every = " ".join(command.name for command in commands)
    lines.append(f'        "") COMPREPLY=($(compgen -W "{every} --help --version" -- "$word"));;')
    for command in commands:
        words = " ".join([*command.values, *(name for flag in command.flags for name in flag.names)])
        lines.append(f'        {command.name}) COMPREPLY=($(compgen -W "{words}" -- "$word"));;')
    lines += ["    esac", "}", f"complete -o filenames -o bashdefault -F _lakeflow_airtable {PROGRAM}"]
    return "\n".join(lines)


def zsh(commands: list[_Command]) -> str:
    """For zsh, as a function that its completion finds by the file's name."""
    lines = [f"#compdef {PROGRAM}", "_lakeflow_airtable() {", "    local -a commands", "    commands=("]
    lines += [f"        {_single(f'{command.name}:{command.help}')}" for command in commands]
    lines += [
        "    )",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
        '    local command="$words[2]"',
        "    shift words; (( CURRENT-- ))",
        '    case "$command" in',
    ]
    for command in commands:
        lines.append(f"        {command.name}) _arguments \\")
        for flag in command.flags:
            lines += [f"            {_single(_zsh_flag(name, flag))} \\" for name in flag.names]
        own = f"*:value:({' '.join(command.values)})" if command.values else "*: :"
        lines.append(f"            {_single(own)};;")
    lines += ["    esac", "}", '_lakeflow_airtable "$@"']
    return "\n".join(lines)


def _zsh_flag(name: str, flag: _Flag) -> str:
    meaning = re.sub(r"([\[\]:\\])", r"\\\1", flag.help)
    takes = ""
    if flag.takes:
        word = flag.takes.lower().replace(":", "")
        takes = (
            f":{word}:({' '.join(flag.values)})"
            if flag.values
            else f":{word}:_files"
            if flag.takes in _FILES
            else f":{word}: "
        )
    return f"*{name}[{meaning}]{takes}"


def fish(commands: list[_Command]) -> str:
    """For fish."""
    lines = [f"complete -c {PROGRAM} -f"]
    for command in commands:
        lines.append(f"complete -c {PROGRAM} -n __fish_use_subcommand -a {command.name} -d {_fish(command.help)}")
        where = f"-n '__fish_seen_subcommand_from {command.name}'"
        if command.values:
            lines.append(f"complete -c {PROGRAM} {where} -a '{' '.join(command.values)}'")
        for flag in command.flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            takes = ""
            if flag.takes:
                takes = (
                    f" -x -a '{' '.join(flag.values)}'" if flag.values else " -r -F" if flag.takes in _FILES else " -x"
                )
            lines.append(f"complete -c {PROGRAM} {where} {names}{takes} -d {_fish(flag.help)}")
    return "\n".join(lines)


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

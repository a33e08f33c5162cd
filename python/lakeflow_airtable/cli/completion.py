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

_FILES = ("FILE", "DIRECTORY", "TARGET")
_FOLDERS = ("DIR", "FOLDER")


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
    """Of a command of a command, both: `databricks init`."""
    help: str
    flags: tuple[_Flag, ...]
    values: tuple[str, ...]
    """Of its own argument: also the commands that it has."""
    takes: str
    """The word of its own argument that is a file or a folder, if one is."""


def add(command: ArgumentParser) -> None:
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help="the shell that the script is for")


def run(parsed: Namespace, console: Console) -> int:
    from .parser import parser

    print({"bash": bash, "zsh": zsh, "fish": fish}[parsed.shell](list(_commands(parser()))))
    return codes.DONE


def _commands(whole: ArgumentParser, above: str = "") -> Iterator[_Command]:
    [commands] = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    helps = {action.dest: str(action.help) for action in commands._choices_actions}
    for name, command in commands.choices.items():
        flags = tuple(_flag(action) for action in command._actions if action.option_strings)
        own = [action for action in command._actions if not action.option_strings]
        values = tuple(str(value) for action in own for value in action.choices or ())
        takes = [str(action.metavar) for action in own if action.metavar in _FILES + _FOLDERS]
        yield _Command(above + name, helps[name], flags, values, takes[0] if takes else "")
        if any(isinstance(action, argparse._SubParsersAction) for action in own):
            yield from _commands(command, f"{name} ")


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
        # bash takes --format=csv for three words.
        '    if [[ $word == "=" ]]; then word=""',
        '    elif [[ $before == "=" ]]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi',
        '    local below="${COMP_WORDS[i+1]-}"',
        '    if ((i + 1 < COMP_CWORD)); then case "$command $below" in',
        f'        {"|".join(_bash(name) for name in _below(commands))}) command+=" $below";;',
        "    esac; fi",
        '    case "$command:$before" in',
    ]
    for command in commands:
        for flag in command.flags:
            if flag.takes:
                names = "|".join(_bash(f"{command.name}:{name}") for name in flag.names)
                files = "-f" if flag.takes in _FILES else "-d" if flag.takes in _FOLDERS else '-W ""'
                words = f'-W "{" ".join(flag.values)}"' if flag.values else files
                lines.append(f'        {names}) COMPREPLY=($(compgen {words} -- "$word")); return;;')
    lines += ["    esac", '    case "$command" in']
    every = " ".join(command.name for command in commands if " " not in command.name)
    lines.append(f'        "") COMPREPLY=($(compgen -W "{every} --help --version" -- "$word"));;')
    for command in commands:
        words = " ".join([*command.values, *(name for flag in command.flags for name in flag.names)])
        files = "-f " if command.takes in _FILES else "-d " if command.takes in _FOLDERS else ""
        lines.append(f'        {_bash(command.name)}) COMPREPLY=($(compgen {files}-W "{words}" -- "$word"));;')
    lines += ["    esac", "}", f"complete -o filenames -o bashdefault -F _lakeflow_airtable {PROGRAM}"]
    return "\n".join(lines)


def zsh(commands: list[_Command]) -> str:
    """For zsh, as a function that its completion finds by the file's name."""
    lines = [f"#compdef {PROGRAM}", "_lakeflow_airtable() {", "    local -a commands", "    commands=("]
    lines += [f"        {_single(f'{command.name}:{command.help}')}" for command in commands if " " not in command.name]
    lines += [
        "    )",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
        '    local command="$words[2]"',
        "    shift words; (( CURRENT-- ))",
        '    case "$command $words[2]" in',
        f"        {'|'.join(_single(name) for name in _below(commands))})",
        '            if (( CURRENT > 2 )); then command+=" $words[2]"; shift words; (( CURRENT-- )); fi;;',
        "    esac",
        '    case "$command" in',
    ]
    for command in commands:
        lines.append(f"        {_single(command.name)}) _arguments \\")
        for flag in command.flags:
            lines += [f"            {_single(_zsh_flag(name, flag))} \\" for name in flag.names]
        own = f"*:value:({' '.join(command.values)})" if command.values else f"*:value:{_zsh_files(command.takes)}"
        lines.append(f"            {_single(own)};;")
    lines += ["    esac", "}", '_lakeflow_airtable "$@"']
    return "\n".join(lines)


def _zsh_flag(name: str, flag: _Flag) -> str:
    meaning = re.sub(r"([\[\]:\\])", r"\\\1", flag.help)
    takes = ""
    if flag.takes:
        word = flag.takes.lower().replace(":", "")
        offered = f"({' '.join(flag.values)})" if flag.values else _zsh_files(flag.takes)
        takes = f":{word}:{offered}"
    # With the sign its value may stand in the same word, and in the next as well.
    sign = "=" if takes and name.startswith("--") else ""
    return f"*{name}{sign}[{meaning}]{takes}"


def _zsh_files(takes: str) -> str:
    return "_files" if takes in _FILES else "_files -/" if takes in _FOLDERS else " "


def fish(commands: list[_Command]) -> str:
    """For fish."""
    lines = [f"complete -c {PROGRAM} -f"]
    for command in commands:
        above, _, name = command.name.rpartition(" ")
        if above:
            where = f"-n '__fish_seen_subcommand_from {above}; and __fish_seen_subcommand_from {name}'"
            others = " ".join(other.rpartition(" ")[2] for other in _below(commands) if other.startswith(f"{above} "))
            use = f"-n '__fish_seen_subcommand_from {above}; and not __fish_seen_subcommand_from {others}'"
        else:
            where = f"-n '__fish_seen_subcommand_from {name}'"
            use = "-n __fish_use_subcommand"
        lines.append(f"complete -c {PROGRAM} {use} -a {name} -d {_fish(command.help)}")
        # Commands below are told with what they do, further on.
        if command.values and not any(other.startswith(f"{command.name} ") for other in _below(commands)):
            lines.append(f"complete -c {PROGRAM} {where} -a '{' '.join(command.values)}'")
        elif command.takes in _FILES:
            lines.append(f"complete -c {PROGRAM} {where} -F")
        elif command.takes in _FOLDERS:
            lines.append(f"complete -c {PROGRAM} {where} -a '(__fish_complete_directories)'")
        for flag in command.flags:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            takes = ""
            if flag.takes:
                folders = " -x -a '(__fish_complete_directories)'"
                files = " -r -F" if flag.takes in _FILES else folders if flag.takes in _FOLDERS else " -x"
                takes = f" -x -a '{' '.join(flag.values)}'" if flag.values else files
            lines.append(f"complete -c {PROGRAM} {where} {names}{takes} -d {_fish(flag.help)}")
    return "\n".join(lines)


def _below(commands: list[_Command]) -> list[str]:
    """The commands of commands, by both names."""
    return [command.name for command in commands if " " in command.name]


def _bash(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

"""What a command says of itself, and of what it does not understand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import PROGRAM, run
from lakeflow_airtable import __version__, cli
from lakeflow_airtable.cli import completion
from lakeflow_airtable.cli.parser import COMMANDS, parser
from lakeflow_airtable.mock import MockAirtable

NAMES = [command.name for command in COMMANDS]


def help_of(*arguments: str) -> str:
    ran = subprocess.run([*PROGRAM, *arguments, "--help"], capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout


def test_the_help_names_every_command() -> None:
    shown = help_of()
    for command in COMMANDS:
        assert re.search(rf"^    {command.name}( |$)", shown, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command(name: str) -> None:
    shown = help_of(name)
    assert shown.startswith(f"usage: lakeflow-airtable {name} ")
    assert len(re.findall(r"^options:$", shown, re.MULTILINE)) == 1
    assert "Exit codes" in shown or name == "mock"
    examples = re.findall(rf"^  lakeflow-airtable {name}( .*)?$", shown, re.MULTILINE)
    assert examples or name == "mock"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mock"])
def test_examples_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("fpath", "x")
    for line in re.findall(rf"^  lakeflow-airtable ({name}\b.*)$", help_of(name), re.MULTILINE):
        arguments = shlex.split(re.split(r" >>? ", line)[0])
        parser(arguments).parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["read", "Vendors", "--column-names", "snak"], '--column-names: no such value; did you mean "snake"?'),
        (["read", "Vendors", "--on-bad-value", "x"], "--on-bad-value: no such value: there are rescue, fail"),
        (["completion", "bsh"], 'SHELL: no such value; did you mean "bash"?'),
        (["read", "Vendors", "--outptu", "x.csv"], "--outptu (did you mean --output?)"),
        (["read", "Vendors", "--formt", "csv"], "--formt (did you mean --format?)"),
        (["check", "--jsn"], "--jsn (did you mean --json?)"),
        (["read", "Vendors", "--quite"], "--quite (did you mean --quiet?)"),
        (["tables", "--tokenfile", "x"], "--tokenfile (did you mean --token-file?)"),
        (["completion", "tcsh"], "SHELL: no such value: there are bash, zsh, fish"),
        (["completion", "powershell"], "SHELL: no such value: there are bash, zsh, fish"),
        (["completion", "ZSH"], 'SHELL: no such value; did you mean "zsh"?'),
        (["read", "Vendors", "-o", "x.csv"], "-o (did you mean --output?)"),
        (["check", "--option", "base_id=app1"], "--option (each option is a flag of its own: --base-id app..., not "),
        (["synk"], 'no such command; did you mean "sync"?'),
        (["complete"], 'no such command; did you mean "completion"?'),
    ],
)
def test_the_nearest_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("abbreviated", ["--out", "--fo", "--al"])
def test_flags_are_not_abbreviated(abbreviated: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["read", "Vendors", abbreviated, "x"])
    assert f"unrecognized arguments: {abbreviated}" in capsys.readouterr().err


def test_words_are_taken_without_regard_to_case(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "read", "Vendors", "--fields", "Name", "--column-names", "ID")
    assert ran.returncode == 0
    assert '"fldVendorName0001":' in ran.stdout


@pytest.mark.parametrize(
    "given",
    [
        ("--fields", "Name,Country"),
        ("--fields", "Name", "--fields", "Country"),
        ("--fields", '["Name"]', "--fields", "Country"),
    ],
)
def test_fields_may_be_repeated(mock_airtable: MockAirtable, given: tuple[str, ...]) -> None:
    ran = run(mock_airtable, "schema", "Vendors", "--json", *given)
    assert re.findall(r'"column": "(\w+)"', ran.stdout) == ["id", "createdTime", "name", "country", "_rescued_data"]


def test_a_list_that_is_none(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "schema", "Vendors", "--fields", "Name", "--fields", "[Country")
    assert ran.returncode == 2
    assert ran.stderr == "lakeflow-airtable: --fields is no JSON list: give names, or a list of them\n"


def test_version() -> None:
    ran = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, timeout=60, check=True)
    version, features, build, python = ran.stdout.splitlines()
    assert version == f"lakeflow-airtable {__version__}"
    assert features == "features: files, mock"
    assert re.fullmatch(r"build: (debug|release), \w+ \w+", build)
    assert re.fullmatch(r"python: 3\.\d+\.\S+, with .*\bpyarrow [\d.]+.*", python)


def test_a_token_file(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{mock_airtable.token}\n")
    path.chmod(0o600)
    ran = run(mock_airtable, "tables", "--token-file", str(path), env={"AIRTABLE_TOKEN": "patWRONG"})
    assert (ran.returncode, ran.stderr) == (0, "")
    path.chmod(0o604)
    ran = run(mock_airtable, "tables", "--token-file", str(path))
    assert ran.returncode == 0
    assert ran.stderr == f"lakeflow-airtable: every user of this machine can read {path}: chmod 600 {path}\n"
    assert run(mock_airtable, "tables", "--quiet", "--token-file", str(path)).stderr == ""


@pytest.mark.parametrize("content", ['"{}"', "Bearer {}", '"Bearer {}"\r\n', "'{}'\n"])
def test_what_stands_around_a_token_in_a_file_is_taken_off(
    mock_airtable: MockAirtable, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content.format(mock_airtable.token))
    path.chmod(0o600)
    ran = run(mock_airtable, "tables", "--token-file", str(path), env={"AIRTABLE_TOKEN": "patWRONG"})
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"patA patB", "holds more than a token"),
        (b"token = patA", "holds more than a token"),
        (b"\xff\xfe\x00", "holds more than a token"),
        (b"x" * 100_000, "holds more than a token"),
        (None, "No such file or directory"),
    ],
)
def test_a_token_file_that_is_none(
    mock_airtable: MockAirtable, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    ran = run(mock_airtable, "tables", "--token-file", str(path))
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr
    assert "patA" not in ran.stderr
    assert mock_airtable.requests() == []


def test_two_tokens(mock_airtable: MockAirtable, tmp_path: Path) -> None:
    ran = run(mock_airtable, "tables", "--token", "patA", "--token-file", "x")
    assert ran.returncode == 2
    assert ran.stderr == "lakeflow-airtable: --token and --token-file are given: leave one of them out\n"


def test_secrets_of_oauth_on_the_command_line_are_taken_with_a_warning(mock_airtable: MockAirtable) -> None:
    access, refresh = mock_airtable.authorize("me", "sesame")
    oauth = {"token": access, "refresh-token": refresh, "client-id": "me", "client-secret": "sesame"}
    ran = run(mock_airtable, "tables", *(f"--{name}={value}" for name, value in oauth.items()))
    assert ran.returncode == 0, ran.stderr
    for flag, variable in (("refresh-token", "AIRTABLE_REFRESH_TOKEN"), ("client-secret", "AIRTABLE_CLIENT_SECRET")):
        assert f"can see --{flag} on the command line: put it into the environment as {variable}" in ran.stderr
    assert "--client-id" not in ran.stderr
    assert refresh not in ran.stderr
    assert "sesame" not in ran.stderr


def test_a_token_on_the_command_line_is_taken_with_a_warning(mock_airtable: MockAirtable) -> None:
    ran = run(mock_airtable, "tables", "--token", mock_airtable.token, env={"AIRTABLE_TOKEN": ""})
    assert ran.returncode == 0
    assert "other users of this machine can see a token on the command line" in ran.stderr
    assert mock_airtable.token not in ran.stderr


def test_mock_prints_lines_for_a_shell() -> None:
    process = subprocess.Popen([*PROGRAM, "mock"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(5)]
        script = "".join(
            line.replace("lakeflow-airtable", f"{shlex.quote(sys.executable)} -m lakeflow_airtable") for line in lines
        )
        ran = subprocess.run(["sh", "-e", "-u", "-c", script], capture_output=True, text=True, timeout=60)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith('{"id":"rec')
    assert process.returncode == 0


def test_mock_says_what_to_do_where_it_cannot_listen(mock_airtable: MockAirtable) -> None:
    port = mock_airtable.url.rpartition(":")[2]
    for arguments, said in [
        (
            ["--port", port],
            f"another program, such as an older mock, has port {port}: end it, give another --port, or ",
        ),
        (["--host", "192.0.2.1"], "this machine has no such address: give --host one of its own, such as 127.0.0.1"),
        (["--host", "localhost"], "host is not an IP address: localhost"),
    ]:
        ran = subprocess.run([*PROGRAM, "mock", *arguments], capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith("cannot listen on ")
        assert said in ran.stderr


def test_the_help_of_changes_names_its_own_default() -> None:
    assert "what a read of the table gives (default cdc)" in re.sub(r"\s+", " ", help_of("changes"))
    assert "what a read of the table gives (default snapshot)" in re.sub(r"\s+", " ", help_of("read"))


@pytest.mark.parametrize("arguments", [[], ["--empty"], ["--records", "150"]])
def test_a_mock_whose_reader_has_gone_ends_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [*PROGRAM, "mock", *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("command", NAMES)
def test_every_help_names_the_same_program(command: str) -> None:
    assert help_of(command).startswith(f"usage: lakeflow-airtable {command} ")


def completed(tmp_path: Path, line: str) -> list[str]:
    """What bash offers at the end of a line."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "script").write_text(completion.bash(list(completion._commands(parser()))))
    words = line.split(" ")
    array = " ".join(map(shlex.quote, words))
    program = "\n".join(
        [
            "source ./script",
            f"COMP_WORDS=({array})",
            f"COMP_CWORD={len(words) - 1}",
            "_lakeflow_airtable",
            'printf "%s\n" "${COMPREPLY[@]}"',
        ]
    )
    ran = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lakeflow-airtable ba", ["bases"]),
        ("lakeflow-airtable ch", ["check", "changes"]),
        ("lakeflow-airtable read --out", ["--output"]),
        ("lakeflow-airtable read --format ", ["jsonl", "csv", "arrow", "parquet"]),
        ("lakeflow-airtable read --format p", ["parquet"]),
        ("lakeflow-airtable read Vendors --column-names s", ["snake"]),
        ("lakeflow-airtable completion ", ["bash", "zsh", "fish"]),
        ("lakeflow-airtable read --output sc", ["script"]),
        ("lakeflow-airtable read --format = p", ["parquet"]),
        ("lakeflow-airtable read --column-names =", ["snake", "original", "id"]),
        ("lakeflow-airtable databricks ", ["init", "up"]),
        ("lakeflow-airtable databricks in", ["init"]),
        ("lakeflow-airtable databricks up --dry", ["--dry-run"]),
        ("lakeflow-airtable databricks init --whe", ["--wheels"]),
        ("lakeflow-airtable databricks init fol", ["folder"]),
        ("lakeflow-airtable databricks init --wheels ", ["folder"]),
        ("lakeflow-airtable sync --to sc", ["script"]),
        ("lakeflow-airtable verify sc", ["script"]),
        ("lakeflow-airtable tables --vie", []),
        ("lakeflow-airtable nothing --vie", []),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, words: list[str]) -> None:
    offered = completed(tmp_path, line)
    assert [word for word in offered if not word.startswith("-") or " --" in line] == words


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_scripts_are_of_their_shells(tmp_path: Path, shell: str) -> None:
    ran = subprocess.run([*PROGRAM, "completion", shell], capture_output=True, text=True, timeout=60, check=True)
    script = tmp_path / "script"
    script.write_text(ran.stdout)
    for name in NAMES:
        assert name in ran.stdout
    assert "--output" in ran.stdout or "-l output" in ran.stdout
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    checked = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("module", ["console", "main", "parser"])
def test_an_interrupt_while_python_imports_is_quiet(module: str) -> None:
    program = f"""
import sys
class Interrupted:
    def find_spec(name, *_):
        if name == "lakeflow_airtable.cli.{module}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted)
from lakeflow_airtable.cli import main
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_only_the_command_that_is_called_is_imported() -> None:
    program = "import sys; from lakeflow_airtable.cli import main; main(['options']); "
    program += (
        "print(sorted(name for name in sys.modules if name.startswith('lakeflow_airtable.cli.')), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    loaded = ran.stderr
    assert "cli.options" in loaded
    for other in ("read", "check", "changes", "schema", "listing", "completion", "progress"):
        assert f"cli.{other}'" not in loaded

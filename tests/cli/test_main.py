"""What all commands have in common: help, wrong usage, exit codes, quiet ends."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import claude_replay

Run = Callable[..., tuple[int, str, str]]

CASSETTE = """\
version: 1
exchanges:
- request:
    url: https://api.anthropic.com/v1/messages
    body: {model: claude-sonnet-5, messages: [{role: user, content: Hi}]}
  response:
    status: 200
    body: {type: message, role: assistant, content: [{type: text, text: Hello}], usage: {output_tokens: 1}}
...
"""


@pytest.fixture
def cassette() -> str:
    Path("one.yaml").write_text(CASSETTE)
    return "one.yaml"


def test_the_installed_command_tells_its_version(program: str) -> None:
    """`claude-replay --version` is the version of the package."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"claude-replay {claude_replay.__version__}\n",
        "",
    )


def test_help_has_one_line_for_each_command_and_an_example(run: Run) -> None:
    """The help text fits on a screen, and leads to the commands."""
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "usage: claude-replay [-h] [--version] COMMAND ..."
    start = lines.index("commands:")
    assert [line.split()[0] for line in lines[start + 1 : start + 8]] == [
        "list",
        "show",
        "check",
        "verify",
        "prune",
        "migrate",
        "export",
    ]
    assert lines[-2] == "example:"
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("command", ["list", "show", "check", "migrate", "export"])
def test_each_command_explains_itself_with_an_example(command: str, run: Run) -> None:
    """`COMMAND --help` shows the usage and a command line to copy."""
    status, out, _ = run(command, "--help")
    assert status == 0
    assert out.startswith(f"usage: claude-replay {command} ")
    assert f"example:\n  claude-replay {command} " in out


def test_without_a_command_the_help_text_is_an_error(run: Run) -> None:
    """A script that lost the command's name must not go on."""
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "commands:" in err


def test_a_misspelt_command_names_the_nearest_one(program: str) -> None:
    """The exit code is 2, and there is a message instead of a traceback."""
    done = subprocess.run([program, "chekc", "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "claude-replay: there is no command 'chekc'; did you mean 'check'?\nsee: claude-replay --help\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["frobnicate"],
            "there is no command 'frobnicate'; there are: list, show, check, verify, prune, migrate, export, cache",
        ),
        (["--verison"], "there is no option '--verison'; did you mean '--version'?"),
        (["check", "--stict"], "there is no option '--stict'; did you mean '--strict'?"),
        (["list", "--jso"], "there is no option '--jso'; did you mean '--json'?"),
        (["show", "a", "1", "b"], "'b' is one argument too many"),
        (["show"], "the following arguments are required: CASSETTE, N"),
        (["show", "a", "0"], "argument N: the number of an exchange was expected, from 1 on, not '0'"),
        (["show", "a", "x"], "argument N: the number of an exchange was expected, from 1 on, not 'x'"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], message: str, run: Run) -> None:
    """Wrong options and arguments: what is wrong, the nearest thing there is, the way to the help text."""
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.splitlines()[0] == f"claude-replay: {message}".replace(", N", "")
    assert err.splitlines()[1].startswith("see: claude-replay")


def test_an_invalid_setting_in_the_environment_is_named(
    cassette: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment says about redaction is used, so it has to be valid."""
    monkeypatch.setenv("CLAUDE_REPLAY_REDACT", "[")
    status, _, err = run("show", cassette)
    assert status == 2
    assert "redact: '[' is not a regular expression" in err


def test_what_the_system_refuses_is_one_line(run: Run) -> None:
    """An error of the operating system names the file and its reason."""
    name = "x" * 300
    assert run("list", name) == (2, "", f"claude-replay: {name}: File name too long\n")


def test_an_accident_is_reported_without_a_traceback(run: Run) -> None:
    """Numbers of 4,300 digits, which Python adds but does not print: a file that nobody thought of."""
    large = "9" * 4300
    Path("odd.yaml").write_text(
        CASSETTE.replace("output_tokens: 1", f"output_tokens: {large}, input_tokens: {large}")
    )
    status, out, err = run("list", "odd.yaml")
    assert (status, out) == (2, "")
    assert err.startswith("claude-replay: ValueError: Exceeds the limit")
    assert err.endswith("This should not happen; please report it together with the file that caused it.\n")


def test_messages_hold_no_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential of the environment is taken out of error messages, too."""
    key = "sk-ant-" + "api03-" + "Zz9" * 8
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    Path("bad.yaml").write_text(f"version: 1\n{key}: 1\nexchanges: []\n...\n")
    status, _, err = run("show", "bad.yaml")
    assert status == 2
    assert "the key '[redacted]' is not known" in err


@pytest.fixture
def long_cassette() -> str:
    """One whose conversation is longer than what a pipe holds."""
    Path("long.yaml").write_text(CASSETTE.replace("text: Hello", f"text: '{'word ' * 100_000}'"))
    return "long.yaml"


def test_a_closed_pipe_ends_it_quietly(long_cassette: str, program: str) -> None:
    """`claude-replay show … | head -1` prints no complaint of Python's."""
    command = [program, "show", long_cassette]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "long.yaml · 1 exchange\n".encode()
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141


def test_a_closed_pipe_for_errors_ends_it_quietly(program: str) -> None:
    """Where nobody reads the message the exit code still tells."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([program, "lst"], stdout=subprocess.PIPE, stderr=writer, check=False)
    os.close(writer)
    assert (done.returncode, done.stdout) == (2, b"")


def test_an_interrupt_ends_it_quietly(long_cassette: str, program: str) -> None:
    """Ctrl-C in the middle of the output: exit code 130 and no traceback."""
    command = [program, "show", long_cassette]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "long.yaml · 1 exchange\n".encode()
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate()
    assert (child.returncode, errors) == (130, b"")


def test_an_interrupt_at_the_first_word_ends_it_quietly(
    cassette: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before there is any output."""

    class Interrupted(io.StringIO):
        def write(self, text: str) -> int:
            signal.raise_signal(signal.SIGINT)
            return len(text)

    monkeypatch.setattr(sys, "stdout", Interrupted())
    assert run("show", cassette) == (130, "", "")


@pytest.mark.parametrize(
    ("variables", "has_bold"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_only_a_terminal_gets_bold_heads(
    variables: dict[str, str], has_bold: bool, cassette: str, program: str
) -> None:
    """Colour is for terminals, and for those who did not ask for none."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **variables}
    subprocess.run([program, "show", cassette], stdout=terminal, env=environment, check=True)
    os.close(terminal)
    shown = os.read(controller, 10_000).decode()
    os.close(controller)
    assert ("\x1b[1m1 · messages" in shown) is has_bold
    assert ("\x1b" in shown) is has_bold


def test_a_narrow_encoding_is_no_obstacle(cassette: str, program: str) -> None:
    """What the output's encoding lacks is written as a backslash sequence."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([program, "list", cassette], capture_output=True, env=environment, check=True)
    assert b"messages \\xb7 claude-sonnet-5" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"yaml", "claude_replay.cassette"}),
        (["show", "one.yaml"], {"anthropic", "pytest", "vcr"}),
    ],
)
def test_only_what_a_command_needs_is_imported(
    arguments: list[str], unneeded: set[str], cassette: str
) -> None:
    """Help costs no parser of YAML, and no command the SDK."""
    code = "import sys, claude_replay.cli as c; c.main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert unneeded.isdisjoint(done.stderr.split())

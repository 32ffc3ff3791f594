"""The command line reads the settings of the project where pytest would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from anthropic import Anthropic

from claude_replay import use_cassette
from standin import ClaudeServer

Run = Callable[..., tuple[int, str, str]]

CODE = "ACME-" + "123456"
NAME = "0123456789abcdef" * 2 + ".png"
CASSETTE = """\
version: 1
exchanges:
- request:
    url: https://api.anthropic.com/v1/messages
    body: {model: claude-sonnet-5, messages: [{role: user, content: Hi ACME-123456}]}
  response:
    status: 200
    body: {type: message, role: assistant, content: [{type: text, text: Hello}], usage: {output_tokens: 1}}
...
"""
# Each says: the folder is `tapes`, and ACME numbers are secret.
CONFIGURATIONS = {
    "pytest.toml": "[pytest]\nclaude_replay_dir = 'tapes'\nclaude_replay_redact = ['ACME-[0-9]{6}']\n",
    ".pytest.toml": "[pytest]\nclaude_replay_dir = 'tapes'\nclaude_replay_redact = ['ACME-[0-9]{6}']\n",
    "pytest.ini": (
        "[pytest]\nclaude_replay_dir = tapes\nclaude_replay_redact =\n    # ours\n    ACME-[0-9]{6}\n    %z\n"
    ),
    ".pytest.ini": "[pytest]\nclaude_replay_dir: tapes\nclaude_replay_redact = ACME-[0-9]{6}\n",
    "pyproject.toml": (
        "[tool.pytest]\nclaude_replay_dir = 'tapes'\nclaude_replay_redact = ['ACME-[0-9]{6}']\n"
        "claude_replay_repeat = true\n"
    ),
    "tox.ini": "[tox]\nx=1\n[pytest]\nclaude_replay_dir = tapes\nclaude_replay_redact = ACME-[0-9]{6}\n",
    "setup.cfg": "[tool:pytest]\nclaude_replay_dir = tapes\nclaude_replay_redact = ACME-[0-9]{6}\n",
}
INI_OPTIONS = (
    "[tool.pytest.ini_options]\nclaude_replay_dir = 'tapes'\nclaude_replay_redact = 'ACME-[0-9]{6}'\n"
)


def put(name: str, text: str = CASSETTE) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def check_that_it_is_read(run: Run) -> None:
    """The folder of `dir` is looked at, and what `redact` says is a secret found and not printed."""
    put("tapes/one.yaml")
    status, out, _ = run("check")
    assert status == 1
    assert out.startswith("tapes/one.yaml:5: error: exchange 1: a secret stands at ")
    assert CODE not in out
    status, out, _ = run("list")
    assert (status, "tapes/one.yaml" in out) == (0, True)
    _, out, _ = run("show", "tapes/one.yaml")
    assert "Hi [redacted]" in out


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_file_that_pytest_reads_is_read(run: Run, name: str) -> None:
    """By itself, and before files that pytest looks at later."""
    put(name, CONFIGURATIONS[name])
    for later in list(CONFIGURATIONS)[list(CONFIGURATIONS).index(name) + 1 :]:
        put(later, CONFIGURATIONS[later].replace("tapes", "elsewhere"))

    check_that_it_is_read(run)


def test_the_older_table_of_pyproject_is_read(run: Run) -> None:
    """`[tool.pytest.ini_options]`, where text may stand for a list."""
    put("pyproject.toml", INI_OPTIONS)
    check_that_it_is_read(run)


def test_files_that_say_nothing_to_pytest_are_passed_over(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on the way up from a folder below the project, whose cassettes are told from there."""
    put("tox.ini", "[pytest]\nclaude_replay_dir = tapes\n")
    put("pyproject.toml", "[tool.ruff]\nline-length = 110\n")
    put("tapes/one.yaml")
    put("below/pyproject.toml", "[project]\nname = 'x'\n")
    put("below/setup.cfg", "[metadata]\nname = x\n")
    monkeypatch.chdir("below")

    status, out, _ = run("check")

    assert (status, out.splitlines()[-1]) == (0, "1 cassette, 1 exchange: no findings")
    assert "../tapes/one.yaml" in run("list")[1]


def test_an_empty_file_of_pytests_own_ends_the_search(run: Run) -> None:
    """As it does for pytest."""
    put("pytest.ini", "")
    put("pyproject.toml", INI_OPTIONS)
    assert run("list")[2] == "claude-replay: there is no folder 'cassettes' here; name a file or folder\n"
    Path("pytest.ini").rename("pytest.toml")
    assert run("list")[2] == "claude-replay: there is no folder 'cassettes' here; name a file or folder\n"


def test_the_environment_is_stronger_and_lists_add_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a run of pytest."""
    put("pytest.ini", "[pytest]\nclaude_replay_dir = tapes\nclaude_replay_redact = ACME-[0-9]{6}\n")
    put("other/one.yaml", CASSETTE.replace("Hello", "Hello BETA-1"))
    monkeypatch.setenv("CLAUDE_REPLAY_DIR", "other")
    monkeypatch.setenv("CLAUDE_REPLAY_REDACT", "BETA-[0-9]")

    _, out, _ = run("check")

    assert out.startswith("other/one.yaml:5: error: exchange 1: a secret stands at ")
    _, out, _ = run("show", "other/one.yaml")
    assert "Hi [redacted]" in out
    assert "Hello [redacted]" in out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pytest.ini", "[pytest]\nclaude_replay_redact = (\n", "pytest.ini: redact: '(' is not a regular "),
        (
            "pytest.ini",
            "[pytest]\nclaude_replay_dri = x\n",
            "pytest.ini: there is no setting 'dri'; did you mean 'dir'?",
        ),
        ("pytest.ini", "claude_replay_dir = x\n", "pytest.ini: File contains no section headers."),
        ("pyproject.toml", "[tool\n", "pyproject.toml: "),
    ],
)
def test_what_is_wrong_is_told_with_its_file(run: Run, name: str, text: str, message: str) -> None:
    """Settings and files; wrong usage is 2."""
    put(name, text)
    put("cassettes/one.yaml")

    status, _, errors = run("check")

    assert status == 2
    assert message in errors
    assert "Traceback" not in errors


def test_prune_looks_into_the_folder_of_the_project(run: Run) -> None:
    """For side files that no cassette names."""
    put("pytest.ini", "[pytest]\nclaude_replay_dir = tapes\n")
    put("tapes/one.yaml")
    put(f"tapes/_media/{NAME}", "x")

    status, out, _ = run("prune")

    assert status == 0
    assert out.startswith(f"would remove tapes/_media/{NAME} (1 bytes): no cassette names it")


def test_migrate_takes_out_and_takes_along_what_the_project_says(run: Run) -> None:
    """`redact`, `record_hosts` and `dir`; options add to them."""
    exchange = {
        "request": {"method": "GET", "uri": "https://tools.example.com/a", "body": None, "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"string": f"{CODE} B-1"},
        },
    }
    put(
        "pytest.ini",
        "[pytest]\nclaude_replay_dir = tapes\nclaude_replay_redact = ACME-[0-9]{6}\n"
        "claude_replay_record_hosts = tools.example.com\n",
    )
    path = put("tapes/one.yaml", json.dumps({"version": 1, "interactions": [exchange]}))

    status, out, _ = run("migrate", "--redact", "B-[0-9]")

    assert (status, "1 rewritten." in out) == (0, True)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# claude_replay cassette")
    assert "[redacted] [redacted]" in text


def test_verify_keeps_to_the_settings_of_the_project(
    run: Run, client: Anthropic, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder, and the budget."""
    put("pytest.ini", "[pytest]\nclaude_replay_dir = tapes\nclaude_replay_max_calls = 0\n")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    with use_cassette("tapes/one.yaml", mode="once"):
        client.messages.create(
            model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "one"}]
        )

    assert "1 skipped" in run("verify")[1]
    assert "1 same" in run("verify", "--max-calls", "1")[1]


def test_pytest_is_not_imported() -> None:
    """The command works where only the library is installed."""
    put("pytest.ini", "[pytest]\n")
    put("cassettes/one.yaml")
    code = (
        "import sys; from claude_replay.cli import main; main(['check']); sys.exit('pytest' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""`claude-replay check`: what is an error, what a warning, and what is neither."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from anthropic import Anthropic, BadRequestError

from claude_replay import use_cassette
from claude_replay.cassette import load_cassette
from claude_replay.cassette.identity import identify_request, make_id
from claude_replay.exchange import Json
from standin import ClaudeServer
from standin.clients import KEY, make_request

Run = Callable[..., tuple[int, str, str]]

SECRET = "sk-ant-" + "api03-" + "Zz9" * 8
REVOKE = (
    "A secret that was committed is known: revoke it and take it out of the git history. Then record the "
    "cassette anew (pytest --claude-record=rewrite), or write [redacted] in its place."
)
FINISH = "pytest --claude-record=once finishes an incomplete cassette: it records what is missing there."
TAKE_UP = "pytest --claude-record=once takes up what a killed run left in a journal."
RECORDING = """
import os, signal, sys
from anthropic import Anthropic
from claude_replay import use_cassette

with use_cassette(sys.argv[3], mode="once"):
    client = Anthropic(base_url=sys.argv[1], api_key=sys.argv[2])
    for text in ("A", "B"):
        client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": text}])
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def talk(client: Anthropic) -> Path:
    """A cassette with two exchanges."""
    path = Path("cassettes/talk.yaml")
    with use_cassette(path, mode="once"):
        for prompt in ("Hello there", "Good bye"):
            client.messages.create(**make_request(prompt, {}))
    return path


def change(path: Path, old: str, new: str) -> int:
    """Replace a text that stands in a file once; gives its line."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def find_line(path: Path, start: str, number: int = 1) -> int:
    """The line of the file that is the n-th to begin like this."""
    lines = path.read_text().splitlines()
    return [place for place, line in enumerate(lines, 1) if line.startswith(start)][number - 1]


def test_a_sound_cassette_has_no_findings(client: Anthropic, run: Run) -> None:
    """Messages, streams, errors, other endpoints: exit code 0 and one line."""
    with use_cassette("cassettes/talk.yaml", mode="once"):
        client.messages.create(**make_request("A", {}))
        with client.messages.stream(**make_request("B", {})) as stream:
            stream.until_done()
        with pytest.raises(BadRequestError):
            client.messages.create(**make_request("[status 400]", {"stream": True}))
        client.models.list()
    assert run("check") == (0, "1 cassette, 4 exchanges: no findings\n", "")


def test_each_cassette_is_checked_once(talk: Path, run: Run) -> None:
    """However often it is named; other files in the folder are passed over."""
    Path("cassettes/notes.yaml").write_text("a: 1\n")
    assert run("check", "cassettes", str(talk)) == (0, "1 cassette, 2 exchanges: no findings\n", "")


def test_an_empty_folder_has_no_findings(run: Run) -> None:
    """A project that has not recorded yet passes."""
    Path("cassettes").mkdir()
    assert run("check") == (0, "0 cassettes, 0 exchanges: no findings\n", "")


def test_a_secret_is_located_and_never_shown(talk: Path, run: Run) -> None:
    """Line, exchange and path; its value is nowhere."""
    line = change(talk, "content: Good bye", f"content: Good {SECRET}")
    id_line = find_line(talk, "- id:", 2)
    status, out, err = run("check")
    assert (status, err) == (1, "")
    assert SECRET not in out
    assert out.splitlines() == [
        f"{talk}:{id_line}: warning: exchange 2: its id no longer fits the request: "
        "edited by hand, it answers what it asks now",
        f"{talk}:{line}: error: exchange 2: a secret stands at request.body.messages[0].content",
        "",
        REVOKE,
        "",
        "1 cassette, 2 exchanges: 1 error, 1 warning",
    ]


def test_every_place_of_secrets_in_an_exchange_is_named(talk: Path, run: Run) -> None:
    """Address, each header, and the first place in each body; further lines of the file beside it."""
    hidden = f"headers: {{x-note: {SECRET}, "
    text = talk.read_text().replace("/v1/messages\n", f"/v1/messages?key={SECRET}\n", 1)
    text = text.replace("headers: {", f"{hidden}x-api-key: abc, ", 1).replace("headers: {c", f"{hidden}c", 1)
    text = text.replace("content: Hello there", f"content: {SECRET}")
    text = text.replace("'You said: Hello there'", SECRET)
    talk.write_text(text)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if SECRET in line]
    _, out, _ = run("check")
    found = [line for line in out.splitlines() if ": error: " in line]
    assert len(found) == 1
    assert found[0].startswith(
        f"{talk}:{lines[0]}: error: exchange 1: a secret stands at request.url, request.headers.x-note, "
        "request.headers.x-api-key, request.body.messages[0].content, response.headers.x-note, response.body"
    )
    assert found[0].endswith(f" (also line {', '.join(map(str, lines[1:]))})")


def test_secrets_outside_of_exchanges_are_found(talk: Path, run: Run) -> None:
    """In comments, and in files that cannot be read at all."""
    talk.write_text(f"# recorded with {SECRET}\n{talk.read_text()}")
    Path("cassettes/cut.yaml").write_text(talk.read_text()[:300])
    status, out, _ = run("check")
    assert status == 1
    assert f"{talk}:1: error: a secret stands on this line" in out.splitlines()
    assert "cassettes/cut.yaml:1: error: a secret stands on this line" in out.splitlines()
    assert SECRET not in out


def test_a_secret_over_several_lines_is_found(talk: Path, run: Run) -> None:
    """A private key has its shape only as a whole."""
    label = "PRIVATE" + " KEY"
    body = "\n".join(f"# {'Ab1+' * 16}" for _ in range(3))
    talk.write_text(f"# -----BEGIN {label}-----\n{body}\n# -----END {label}-----\n{talk.read_text()}")
    _, out, _ = run("check")
    assert f"{talk}:1: error: a secret stands on this line" in out.splitlines()


def test_credentials_of_the_environment_and_the_users_patterns_count(
    talk: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this environment holds as a key, and what CLAUDE_REPLAY_REDACT names."""
    monkeypatch.setenv("SOME_API_KEY", "hello-" * 3 + "1")
    monkeypatch.setenv("CLAUDE_REPLAY_REDACT", "Good b")
    change(talk, "content: Hello there", f"content: {'hello-' * 3}1")
    _, out, _ = run("check")
    assert "exchange 1: a secret stands at request.body.messages[0].content" in out
    assert "exchange 2: a secret stands at request.body.messages[0].content" in out


def make_vcrpy(request_headers: object = None, response_headers: object = None, text: str = "Hi") -> str:
    request = {
        "method": "POST",
        "uri": "https://api.anthropic.com/v1/messages",
        "body": json.dumps({"model": "claude-x", "messages": [{"role": "user", "content": text}]}),
        "headers": request_headers or {},
    }
    answer = {"body": {"string": "Hello"}, "headers": response_headers or {}, "status": {"code": 200}}
    return json.dumps({"version": 1, "interactions": [{"request": request, "response": answer}]}, indent=1)


def test_cassettes_of_vcrpy_are_checked_as_well(run: Run) -> None:
    """Cookies and keys in headers, keys in bodies (compressed or not); what a filter wrote is no secret."""
    Path("cassettes").mkdir()
    masked = {"x-api-key": ["**REDACTED**"], "authorization": ["Bearer test_authorization_header"]}
    Path("cassettes/a.json").write_text(make_vcrpy(masked, {"set-cookie": ["theme=dark; path=/"]}))
    Path("cassettes/b.json").write_text(make_vcrpy(masked, {"set-cookie": ["_cfuvid=Ab1" + "x9" * 20]}))
    Path("cassettes/c.yaml.gz").write_bytes(gzip.compress(make_vcrpy(masked, text=SECRET).encode()))
    Path("cassettes/d.json").write_text(make_vcrpy().replace('"version"', f'"note": "{SECRET}", "version"'))
    status, out, _ = run("check")
    assert status == 1
    line = make_vcrpy(masked, text=SECRET).split(SECRET)[0].count("\n") + 1
    assert out.splitlines()[:-4] == [
        "cassettes/b.json:1: error: exchange 1: a secret stands at response.headers.set-cookie",
        "cassettes/c.yaml.gz:1: error: exchange 1: a secret stands at request.body.messages[0].content",
        f"cassettes/c.yaml.gz:{line}: error: a secret stands on this line",
    ]


def test_what_vcrpy_recorded_in_vain_is_a_warning(run: Run) -> None:
    """A Claude exchange that cannot be used; other services have their place in such files."""
    Path("cassettes").mkdir()
    document = json.loads(make_vcrpy())
    broken, other, masked = (json.loads(make_vcrpy())["interactions"][0] for _ in range(3))
    broken["response"]["status"] = None
    other["request"].update(uri="https://example.org/", body="")
    masked["request"]["uri"] = "https://**REDACTED**/v1/messages"
    document["interactions"] += [broken, other, masked]
    Path("cassettes/a.json").write_text(json.dumps(document))
    status, out, _ = run("check")
    assert status == 0
    assert out.splitlines() == [
        "cassettes/a.json:1: warning: left out: interactions[1]: "
        "response.status: an HTTP status was expected, not None",
        "",
        "1 cassette, 2 exchanges: 1 warning",
    ]


def test_damage_is_located(talk: Path, run: Run) -> None:
    """Conflicts, files without an end, a wrong value in an exchange; the others are checked still."""
    text = talk.read_text()
    half = text.index("- id:", text.index("- id:") + 1)
    files = {
        "conflict": f"{text[:half]}<<<<<<< HEAD\n{text[half:]}",
        "cut": text[:half],
        "wrong": text.replace("status: 200", "status: OK", 1).replace("Good bye", SECRET),
    }
    for name, content in files.items():
        Path(f"cassettes/{name}.yaml").write_text(content)
    status, out, _ = run("check")
    assert status == 1
    line = text[:half].count("\n") + 1
    findings = [finding for finding in out.splitlines() if ": error: " in finding]
    assert [finding.split(": error: ")[0] for finding in findings] == [
        f"cassettes/conflict.yaml:{line}",
        f"cassettes/cut.yaml:{line - 1}",
        f"cassettes/wrong.yaml:{find_line(Path('cassettes/wrong.yaml'), '- id:')}",
        f"cassettes/wrong.yaml:{find_line(Path('cassettes/wrong.yaml'), '- id:', 2) + 5}",
    ]
    assert "git left a merge conflict here" in findings[0]
    assert "git checkout --ours" in out
    assert "may be cut" in findings[1]
    assert findings[2].endswith("response.status: an HTTP status was expected, not 'OK'")
    assert "exchange 2: a secret stands at" in findings[3]


@pytest.mark.parametrize("left", ["", "\n", "# claude_rep", "version: 1\r\nexch", "\0" * 100_000])
def test_a_cassette_of_which_next_to_nothing_is_left_is_an_error(left: str, talk: Path, run: Run) -> None:
    """Emptied, or cut off before it says what it is: found below the cassette folder, nowhere else."""
    for place in ("cassettes/deep/left.yml", "cassettes/notes.txt", "cassettes/.left.yaml", "data/left.yaml"):
        Path(place).parent.mkdir(exist_ok=True)
        Path(place).write_text(left, newline="")
    Path("cassettes/foreign.yaml").write_text("version: 2\n")

    for arguments in ([], ["."], [str(Path("cassettes").resolve())]):
        status, out, _ = run("check", *arguments)

        assert status == 1
        assert re.search(r"cassettes/deep/left\.yml:\d: error: ", out)
        assert out.endswith("\n2 cassettes, 2 exchanges: 1 error\n")


def test_named_files_must_be_cassettes(talk: Path, run: Run) -> None:
    """As pre-commit names them; what a folder search would pass over is an error here."""
    Path("notes.yaml").write_text("a: 1\n")
    Path("empty.yaml").write_text("")
    Path("image.png").write_bytes(bytes(range(256)))
    Path("half.yaml.gz").write_bytes(gzip.compress(talk.read_bytes())[:40])
    Path("huge.yaml").touch()
    os.truncate("huge.yaml", 10**9)
    names = ["notes.yaml", "empty.yaml", "image.png", "half.yaml.gz", "huge.yaml", "socket.yaml"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        status, out, err = run("check", str(talk), *names)
    assert (status, err) == (1, "")
    assert [line.split(":")[0] for line in out.splitlines() if ": error: " in line] == names
    assert "huge.yaml:1: error: 1,000,000,000 bytes, more than the " in out
    assert "socket.yaml:1: error: cannot be read: No such device or address\n" in out
    assert out.endswith("\n7 cassettes, 2 exchanges: 6 errors\n")


def test_a_missing_file_is_wrong_usage(talk: Path, run: Run) -> None:
    """Not a finding: nothing was checked."""
    status, out, err = run("check", "cassettes/tal.yaml")
    assert (status, out) == (2, "")
    assert err.endswith(f"did you mean '{talk}'?\n")


def test_incomplete_cassettes_are_warnings_and_with_strict_errors(client: Anthropic, run: Run) -> None:
    """The line that names the test; `--strict` changes word and exit code."""

    @use_cassette("cassettes/half.yaml", mode="once")
    def fail() -> None:
        client.messages.create(**make_request("Hi", {}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    line = find_line(Path("cassettes/half.yaml"), "incomplete:")
    text = "incomplete: not passed since it was recorded: use_cassette('cassettes/half.yaml')"
    place = f"cassettes/half.yaml:{line}"
    end = "\n1 cassette, 1 exchange: 1"
    assert run("check") == (0, f"{place}: warning: {text}\n\n{FINISH}\n{end} warning\n", "")
    assert run("check", "--strict") == (1, f"{place}: error: {text}\n\n{FINISH}\n{end} error\n", "")


def test_an_edited_request_is_a_warning(talk: Path, run: Run) -> None:
    """Its id no longer fits, but replay notices that; other edits do not count."""
    change(talk, "content: Hello there", "content: Hello, you there")
    change(talk, "'You said: Good bye'", "'You said: Farewell'")
    status, out, _ = run("check")
    assert status == 0
    assert out.splitlines() == [
        f"{talk}:{find_line(talk, '- id:')}: warning: exchange 1: its id no longer fits the request: "
        "edited by hand, it answers what it asks now",
        "",
        "1 cassette, 2 exchanges: 1 warning",
    ]


def test_a_request_that_was_only_laid_out_anew_fits_its_id(talk: Path, run: Run) -> None:
    """What matters is what is asked; an id may also be missing."""
    change(talk, "content: Hello there", "content: 'Hello there'")
    lines = talk.read_text().splitlines(keepends=True)
    number = find_line(talk, "- id:", 2)
    lines[number - 1 : number + 1] = ["-" + lines[number][1:]]
    talk.write_text("".join(lines))
    assert run("check")[:2] == (0, "1 cassette, 2 exchanges: no findings\n")


@pytest.mark.parametrize("content", ["Good bye", [{"type": "text", "text": "Hello there"}]])
def test_an_id_made_for_another_request_is_an_error(talk: Path, run: Run, content: object) -> None:
    """Replay trusts an id whose check sum holds, so this answer would go to a request that nobody sees."""
    data = talk.read_bytes()
    written = data[data.index(b"  request:") : data.index(b"  response:")]
    found = load_cassette(talk)
    assert found is not None
    shown = found.entries[0].request
    body = {**shown.json, "messages": [{"role": "user", "content": content}]}
    line = find_line(talk, "- id:")
    lines = data.splitlines(keepends=True)
    lines[line - 1] = (
        f"- id: {make_id(identify_request(replace(shown, body=Json(body))), written)}\n".encode()
    )
    talk.write_bytes(b"".join(lines))
    status, out, _ = run("check")
    assert status == 1
    assert out.splitlines()[0] == (
        f"{talk}:{line}: error: exchange 1: its id is that of another request, "
        "which it would answer instead of the one written here"
    )


def test_streams_that_are_not_whole_are_warnings(client: Anthropic, run: Run) -> None:
    """Left by the application, cut by hand, or in answer to a request for none."""
    path = Path("cassettes/streams.yaml")
    with use_cassette(path, mode="once"):
        with client.messages.create(**make_request("[words 500]", {}), stream=True) as events:
            next(iter(events))
        for prompt in ("A", "B"):
            with client.messages.stream(**make_request(prompt, {})) as stream:
                stream.until_done()
        client.messages.create(**make_request("C", {}))
    head, left, cut, plain, asked = path.read_text().split("- id:")
    cut = cut.replace("    - message_stop: {}\n", "")
    plain = plain.replace(", stream: true", "", 1)
    asked = asked.replace("body: {", "body: {stream: true, ", 1)
    path.write_text("- id:".join((head, left, cut, plain, asked)))
    status, out, _ = run("check")
    assert status == 0
    assert [line.split(": ", 2)[2] for line in out.splitlines() if ": warning: " in line] == [
        "exchange 1: the application stopped reading this stream; a program that reads on fails there",
        "exchange 2: the stream stops before its end (no message_stop)",
        "exchange 3: its id no longer fits the request: edited by hand, it answers what it asks now",
        "exchange 3: the answer is a stream although none was asked for",
        "exchange 4: its id no longer fits the request: edited by hand, it answers what it asks now",
        "exchange 4: the answer is no stream although one was asked for",
    ]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process left that was killed after two exchanges."""
    folder = tmp_path_factory.mktemp("killed")
    with ClaudeServer() as server:
        command = [sys.executable, "-c", RECORDING, server.url, KEY, "cassettes/talk.yaml"]
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        killed = subprocess.run(command, cwd=folder, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = (folder / "cassettes").iterdir()
    return left


@pytest.fixture
def journal(left: Path) -> Path:
    """A journal in the folder of cassettes."""
    Path("cassettes").mkdir()
    return Path(shutil.copy(left, "cassettes"))


def test_journals_of_killed_runs_are_warnings(journal: Path, run: Run) -> None:
    """With how many exchanges wait in them, although there is no cassette yet."""
    text = "the journal of a run that was killed, not a cassette: 2 exchanges, "
    text += "recorded by use_cassette('cassettes/talk.yaml')"
    end = "\n0 cassettes, 0 exchanges: 1 warning\n"
    assert run("check") == (0, f"{journal}:1: warning: {text}\n\n{TAKE_UP}\n{end}", "")


def test_a_journal_is_found_beside_the_file_that_is_named(journal: Path, run: Run) -> None:
    """pre-commit names files, not folders."""
    Path("cassettes/talk.yaml").write_text("version: 1\nexchanges: []\n...\n")
    status, out, _ = run("check", "cassettes/talk.yaml")
    assert status == 0
    assert out.startswith(f"{journal}:1: warning: the journal of a run")


def test_a_journal_that_is_named_is_an_error(journal: Path, run: Run) -> None:
    """Somebody is about to commit it."""
    status, out, _ = run("check", str(journal))
    assert status == 1
    assert out.startswith(f"{journal}:1: error: the journal of a run that was killed, not a cassette: ")


def test_findings_outside_of_this_folder_have_whole_paths(
    journal: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that they can be followed from here."""
    folder = Path("cassettes").resolve()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    _, out, _ = run("check", str(folder))
    assert out.startswith(f"{folder / journal.name}:1: warning: ")


def test_stale_recordings_are_warnings_also_where_those_are_errors(run: Run) -> None:
    """Nothing that was green turns red because a day has come; `--max-age` adds what is old."""
    Path("old.yaml").write_text(
        "version: 1\nexchanges:\n- meta: {recorded_at: '2026-01-01T00:00:00Z', sdk: '0.1.0'}\n"
        "  request:\n    url: https://api.anthropic.com/v1/messages\n"
        "    headers: {anthropic-version: '2020-01-01'}\n"
        "    body: {model: claude-2.1, messages: []}\n"
        "  response: {status: 200, body: {type: message, model: claude-2.1, content: []}}\n...\n"
    )
    status, out, _ = run("check", "--strict", "--max-age", "30", "old.yaml")
    assert status == 0
    found = [line for line in out.splitlines() if line.startswith("old.yaml:")]
    assert [line.partition("exchange 1: stale: ")[2].split(" (")[0] for line in found] == sorted(
        line.partition("exchange 1: stale: ")[2].split(" (")[0] for line in found
    )
    assert len(found) == 4
    assert all(": warning: " in line for line in found)
    assert any("the model claude-2.1 was retired on 2025-07-21" in line for line in found)
    assert any("recorded more than 30 days ago (max_age)" in line for line in found)
    assert "claude-replay verify asks Claude whether it would answer the same" in out
    assert len(run("check", "old.yaml")[1].splitlines()) == len(out.splitlines()) - 1
    assert run("check", "--max-age", "long", "old.yaml")[0] == 2

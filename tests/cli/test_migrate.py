"""`claude-replay migrate`: other tools' cassettes become ours, all or none, and the report says what happened."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import yaml

from claude_replay import use_cassette
from claude_replay.cassette import dump_cassette, load_cassette, save_cassette
from claude_replay.cassette.entry import Entry
from claude_replay.cassette.yamltext import Limits
from claude_replay.exchange import Exchange, Json
from foreign_samples import ASKED, EXCHANGES, SAMPLES, URL
from vcrpy_cassettes import ASKED_TEXT, JSON, cassette, interaction

Run = Callable[..., tuple[int, str, str]]

KEY = "sk-ant-" + "api03-" + "x" * 24
OTHER: dict[str, object] = {"uri": "https://api.example.com/v1/chat"}


def write(name: str, content: bytes) -> Path:
    path = Path("old", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def look() -> dict[str, bytes]:
    return {
        path.relative_to("old").as_posix(): path.read_bytes()
        for path in Path("old").rglob("*")
        if path.is_file()
    }


@pytest.fixture
def samples() -> list[Path]:
    return [write(f"{number}{suffix}", content) for number, (suffix, content) in enumerate(SAMPLES.values())]


def test_a_file_of_each_tool_becomes_one_of_ours(samples: list[Path], run: Run) -> None:
    """In place; where the name did not end like YAML it does now."""
    status, out, err = run("migrate", "old")
    assert (status, err) == (0, "")
    assert sorted(look()) == sorted(
        path.name if path.suffix in (".yaml", ".yml") else f"{path.stem}.yaml" for path in samples
    )
    for path in Path("old").iterdir():
        loaded = load_cassette(path)
        assert loaded is not None
        assert loaded.foreign is None
        bodies = [(entry.request.body, entry.answer[0].body) for entry in loaded.entries]
        assert bodies == [(item.request.body, item.response.body) for item in EXCHANGES][: len(bodies)]
    lines = out.splitlines()
    assert "old/8.toml: cassetter, 2 exchanges -> 8.yaml" in lines
    assert "old/9.json: ddapm-test-agent, 1 exchange -> 9.yaml" in lines
    assert lines[-3] == "12 files of other tools · 23 exchanges · 23 equal when replayed"
    assert lines[-2].startswith("Headers that cassettes do not keep: content-type")
    assert lines[-1] == "12 rewritten."


def test_a_dry_run_changes_nothing_and_says_the_same(samples: list[Path], run: Run) -> None:
    """The disk is as it was."""
    before = look()
    status, out, _ = run("migrate", "--dry-run", "old")
    assert status == 0
    assert look() == before
    assert out.splitlines()[-1] == "Nothing was written (--dry-run)."


def test_the_second_time_there_is_nothing_to_do(samples: list[Path], run: Run) -> None:
    """Cassettes of ours are left alone."""
    run("migrate", "old")
    before = look()
    status, out, _ = run("migrate", "old")
    assert (status, out) == (
        0,
        "0 files of other tools · 0 exchanges · 0 equal when replayed · 12 ours already\n"
        "There was nothing to rewrite.\n",
    )
    assert look() == before


def test_the_report_for_programs_has_every_number_and_reason(run: Run) -> None:
    """Files, exchanges, equal, refused, held back, left out, guessed, redacted."""
    masked = interaction({"uri": "https://**REDACTED**/v1/messages"})
    write("a.yaml", cassette(interaction({"headers": {**JSON, "x-api-key": [KEY]}}), masked))
    write("b.yaml", cassette(interaction(), interaction(OTHER)))
    write("c.yaml", cassette(interaction({}, {"status": {"code": 1}})))
    write("d.yaml", b"interactions:\n- x\n")
    status, out, _ = run("migrate", "--dry-run", "--json", "old")
    assert status == 1
    assert KEY not in out
    assert json.loads(out) == {
        "files": 4,
        "exchanges": 4,
        "equal": 3,
        "written": 0,
        "already_ours": 0,
        "tools": {"None": 1, "vcrpy": 3},
        "refused": [
            {
                "path": "old/c.yaml",
                "place": "interactions[0]",
                "reason": "response.status: an HTTP status was expected, not 1",
            }
        ],
        "held_back": {
            "old/b.yaml": "1 exchange is with other services: --record-hosts HOST rewrites them, too, "
            "--drop-others the file without them",
            "old/d.yaml": "1: 'version: 1' was expected at the end, there is none; the file may be cut",
        },
        "others": {"old/b.yaml": ["interactions[1]: not a Claude exchange (api.example.com)"]},
        "guessed": {
            "old/a.yaml": ["interactions[1]: kept; its host '**REDACTED**' was taken for api.anthropic.com"]
        },
        "redacted": {},
        "headers_not_kept": {"content-type": 3, "x-api-key": 1},
    }


def test_one_refused_exchange_leaves_every_file_as_it_is(run: Run) -> None:
    """`--keep-going` rewrites the others."""
    write("a.yaml", cassette(interaction()))
    write("b.yaml", cassette(interaction(), {}))
    before = look()
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert look() == before
    assert out.splitlines() == [
        "old/a.yaml: vcrpy, 1 exchange",
        "old/b.yaml: vcrpy, 2 exchanges",
        "  refused: interactions[1]: the request is missing",
        "",
        "2 files of other tools · 3 exchanges · 2 equal when replayed · 1 refused",
        "Headers that cassettes do not keep: content-type.",
        "Nothing was written, because something was refused or held back. To rewrite the rest: "
        "claude-replay migrate --keep-going",
    ]

    status, out, _ = run("migrate", "--keep-going", "old")
    assert status == 1
    assert look()["b.yaml"] == before["b.yaml"]
    assert look()["a.yaml"] != before["a.yaml"]
    assert out.splitlines()[-1] == "1 rewritten. What was refused or held back is as it was."


def test_exchanges_with_other_services_are_not_lost_by_accident(run: Run) -> None:
    """Only `--drop-others` leaves them out; a file that holds nothing else is left alone."""
    write("a.yaml", cassette(interaction(), interaction(OTHER), interaction(OTHER)))
    write("b.yaml", cassette(interaction(OTHER)))
    before = look()
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert "  held back: 2 exchanges are with other services" in out
    assert "· 1 held back" in out
    assert look() == before

    status, out, _ = run("migrate", "--drop-others", "old")
    assert status == 0
    assert "  left out: interactions[1]: not a Claude exchange (api.example.com)" in out.splitlines()
    assert look()["b.yaml"] == before["b.yaml"]
    loaded = load_cassette(Path("old/a.yaml"))
    assert loaded is not None
    assert (loaded.foreign, len(loaded.entries)) == (None, 1)


def test_exchanges_with_hosts_that_are_recorded_are_rewritten_as_well(run: Run) -> None:
    """As the setting `record_hosts` says, which then answers them; their credentials are taken out."""
    token = "hunter22-hunter22-hunter22"
    asked: dict[str, object] = {**OTHER, "headers": {**JSON, "authorization": [f"Bearer {token}"]}}
    path = write("a.yaml", cassette(interaction(), interaction(asked)))
    with use_cassette(path, record_hosts=["*.example.com"], unplayed="ignore"), httpx2.Client() as client:
        before = client.post(str(OTHER["uri"]), json=json.loads(ASKED_TEXT)).json()

    status, out, _ = run("migrate", "--record-hosts", "*.example.com", "old")
    assert status == 0
    assert "old/a.yaml: vcrpy, 2 exchanges" in out
    assert token not in path.read_text(encoding="utf-8")
    with use_cassette(path, record_hosts=["*.example.com"], unplayed="ignore"), httpx2.Client() as client:
        assert client.post(str(OTHER["uri"]), json=json.loads(ASKED_TEXT)).json() == before

    status, _, err = run("migrate", "--record-hosts", "https://x", "old")
    assert status == 2
    assert "record_hosts: 'https://x' is not a host" in err


def test_two_files_that_would_become_one_are_held_back(run: Run) -> None:
    """As is one whose new name is taken already."""
    write("a.json", SAMPLES["http-snapshot"][1])
    write("a.toml", SAMPLES["cassetter (TOML)"][1])
    write("b.json", SAMPLES["http-snapshot"][1])
    write("b.yaml", SAMPLES["vcrpy"][1])
    write("c.json", SAMPLES["http-snapshot"][1])
    write("c.yaml", b"mine\n")
    before = look()
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert look() == before
    assert out.count("held back: another file would become a.yaml, too") == 2
    assert out.count("held back: another file would become b.yaml, too") == 2
    assert out.count("held back: would become c.yaml, which is there already") == 1


def test_a_run_that_was_killed_between_two_names_is_finished(run: Run) -> None:
    """The new file was there, the old one not yet gone, and neither was what it held before."""
    run("migrate", str(write("a.json", SAMPLES["http-snapshot"][1])))
    done = look()
    write("a.json", SAMPLES["http-snapshot"][1])
    write(".a.yaml.0123456789ab.before", b"what it held")
    write(".a.yaml.0123456789ab.tmp", b"half")
    status, out, _ = run("migrate", "old")
    assert status == 0
    assert "1 rewritten." in out
    assert look() == done


def secret_file() -> Path:
    """A cassette in which a key stands in a body, in a stream, in a header and in an address."""
    body = json.dumps({**ASKED, "system": f"The key is {KEY}."})
    address: dict[str, object] = {
        "uri": f"{URL}?key={KEY}",
        "headers": {**JSON, "x-api-key": ["hunter22-hunter22-hunter22"]},
    }
    sample = yaml.safe_load(SAMPLES["vcrpy"][1])["interactions"][1]
    sample["response"]["body"]["string"] = sample["response"]["body"]["string"].replace("mind", KEY)
    quoted = json.dumps({"type": "message", "content": [], "note": "hunter22-hunter22-hunter22"})
    return write(
        "a.yaml",
        cassette(
            interaction({"body": body}),
            interaction(address, {"body": {"string": quoted}}),
            sample,
            interaction({}, {"headers": {**JSON, "request-id": [KEY]}, "body": {"string": f"text {KEY}"}}),
        ),
    )


def test_secrets_are_taken_out_and_named_by_their_places(run: Run) -> None:
    """Also a key that has no known shape but stands in a credential header; the file is still found."""
    path = secret_file()
    status, out, _ = run("migrate", "old")
    assert status == 0
    assert [line for line in out.splitlines() if "redacted" in line] == [
        "  redacted: exchanges[0].request.body.system",
        "  redacted: exchanges[1].response.body.note",
        "  redacted: exchanges[1].request.url",
        "  redacted: exchanges[2].response.events[2]",
        "  redacted: exchanges[3].response.headers.request-id",
        "  redacted: exchanges[3].response.body",
    ]
    assert "· 6 secrets taken out" in out
    text = path.read_text(encoding="utf-8")
    assert KEY not in text
    assert "hunter22" not in text


def test_large_media_go_into_files_of_their_own(run: Run) -> None:
    """Beside the folder of all cassettes; the new file is found by them, and a secret in one is refused."""
    data = base64.b64encode(bytes(range(256)) * 20).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    messages = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    path = write("a.yaml", cassette(interaction({"body": json.dumps({**ASKED, "messages": messages})})))
    status, out, _ = run("migrate", "old")
    assert status == 0
    assert "1 equal when replayed" in out
    (side_file,) = Path("old/_media").glob("*.png")
    assert side_file.read_bytes() == bytes(range(256)) * 20
    assert data not in path.read_text(encoding="utf-8")
    loaded = load_cassette(path)
    assert loaded is not None
    assert loaded.entries[0].request.json["messages"] == messages


def test_patterns_of_the_user_are_taken_out_as_well(run: Run) -> None:
    """The ini file of the tests is not read here; `--redact` says the same."""
    body = json.dumps({**ASKED, "system": "Customer ACME-123456."})
    path = write("a.yaml", cassette(interaction({"body": body})))
    status, _, _ = run("migrate", "--redact", "ACME-[0-9]{6}", "old")
    assert status == 0
    assert "ACME-123456" not in path.read_text(encoding="utf-8")
    status, _, err = run("migrate", "--redact", "[", "old")
    assert status == 2
    assert "is not a regular expression" in err


def test_a_secret_that_cannot_be_taken_out_is_refused(run: Run) -> None:
    """Binary bodies are not redacted, so a file that holds a key there is not written."""
    data = b"\x00\xff" + KEY.encode()
    headers = {"content-type": ["application/octet-stream"]}
    path = write("a.yaml", cassette(interaction({"body": data, "headers": headers})))
    before = path.read_bytes()
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert "  refused: exchanges[0]: a secret would be left at request.body" in out.splitlines()
    assert path.read_bytes() == before


def test_a_secret_that_only_the_written_text_shows_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look is at the text as it would stand in the file."""
    monkeypatch.setenv("CLAUDE_REPLAY_REDACT", r"max_tokens: \d")
    write("a.yaml", cassette(interaction()))
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert "  refused: exchanges[0]: a secret would be left at the written text" in out.splitlines()


def test_what_ours_cannot_hold_is_refused(run: Run) -> None:
    """A header with half a character."""
    headers: dict[str, object] = {**JSON, "anthropic-beta": ["\ud800"]}
    content = json.dumps({"interactions": [interaction({"headers": headers})], "version": 1})
    write("a.json", content.encode())
    status, out, _ = run("migrate", "--dry-run", "old")
    assert status == 1
    assert "  refused: exchanges[0]: cannot be written: " in out


def test_what_would_be_too_large_is_held_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader's limit holds for what is written, too."""
    limits = iter([Limits(), Limits(bytes=100), Limits(bytes=100)])
    monkeypatch.setattr("claude_replay.cassette.file.Limits", lambda: next(limits))
    write("a.yaml", cassette(interaction()))
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert "  held back: the cassette would have more than 100 bytes" in out


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda exchange: replace(exchange, request=replace(exchange.request, body=Json({}))),
            "does not answer it",
        ),
        (
            lambda exchange: replace(exchange, response=replace(exchange.response, status=201)),
            "answers it otherwise",
        ),
    ],
)
def test_a_fault_of_the_writer_would_be_found(
    change: Callable[[Exchange], Exchange], problem: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written that was not seen to answer as the original does."""

    def save(path: Path, entries: list[Entry]) -> None:
        save_cassette(path, [Entry(exchange=change(entry.exchange)) for entry in entries])

    monkeypatch.setattr("claude_replay.cli.conversion.save_cassette", save)
    path = write("a.yaml", cassette(interaction()))
    before = path.read_bytes()
    status, out, _ = run("migrate", "old")
    assert status == 1
    assert f"  refused: exchanges[0]: the new file {problem}" in out
    assert path.read_bytes() == before


def test_duplicate_questions_are_answered_in_order(run: Run) -> None:
    """The proof replays them one after the other, as the application did."""
    path = write(
        "a.yaml",
        cassette(
            *(
                interaction({}, {"body": {"string": json.dumps({"type": "message", "n": n})}})
                for n in range(3)
            )
        ),
    )
    status, out, _ = run("migrate", "old")
    assert status == 0
    assert "3 equal when replayed" in out
    loaded = load_cassette(path)
    assert loaded is not None
    assert dump_cassette([Entry.of(entry.exchange) for entry in loaded.entries]) == path.read_bytes()

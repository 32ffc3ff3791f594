"""`claude-replay cache`: stores looked into, cleared, and exported from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from cryptography.fernet import Fernet

from claude_replay import EncryptedStore, RedisStore, ResponseCache, SQLiteStore
from claude_replay.cache import Entry as CacheEntry
from claude_replay.cassette import load_cassette
from redis_server import RedisServer
from standin import ClaudeServer
from standin.clients import KEY, MODEL

Run = Callable[..., tuple[int, str, str]]

CAPITAL = "[echo The capital of France is Paris.] What is the capital of France?"


def ask(client: Anthropic, text: str, **options: Any) -> Any:
    request = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **options}
    return client.messages.create(**request)


def fill(store: Any, server: ClaudeServer, *, encryption: str = "") -> None:
    """Three answers, of which one is tagged and one streamed; one of them given twice."""
    kept = EncryptedStore(store, encryption) if encryption else store
    cache = ResponseCache(kept)
    with Anthropic(base_url=server.url, api_key=KEY, max_retries=0, middleware=[cache]) as client:
        ask(client, "[echo Paris.] What is the capital of France?")
        ask(client, "[echo Paris.] What is the capital of France?")
        with cache.options(tags=["colors"], ttl="2h"):
            ask(client, "Name three colors.", system="You are terse.", extra_body={"temperature": 0.5})
        with client.messages.stream(
            model="claude-opus-5", max_tokens=50, messages=[{"role": "user", "content": "Hello"}]
        ) as stream:
            stream.until_done()
    cache.close()
    store.close()


@pytest.fixture
def store(server: ClaudeServer) -> str:
    """The path of a store with three answers."""
    fill(SQLiteStore("answers.db"), server)
    return "answers.db"


def keys(run: Run, store: str, *options: str) -> list[str]:
    return [row["key"] for row in json.loads(run("cache", "list", store, "--json", *options)[1])]


def test_stats_say_what_there_is_and_what_it_saved(run: Run, store: str) -> None:
    """Counts of all processes together."""
    status, out, _ = run("cache", "stats", store)

    assert status == 0
    assert re.search(r"^answers\.db$", out, re.MULTILINE)
    assert re.search(r"^  holds     3 answers, [\d,]+ bytes$", out, re.MULTILINE)
    assert re.search(r"^  from      \d{4}-\d\d-\d\d \d\d:\d\d to .* UTC$", out, re.MULTILINE)
    assert f"  models    {MODEL} 2, claude-opus-5 1\n" in out
    assert "  tags      colors 1\n" in out
    assert "1 hits · 3 misses" in out


def test_stats_for_programs(run: Run, store: str) -> None:
    """One object."""
    data = json.loads(run("cache", "stats", store, "--json")[1])

    assert (data["entries"], data["answers"], data["tags"]) == (3, 3, {"colors": 1})
    assert data["counters"]["hits"] == 1
    assert data["oldest"] <= data["newest"]


def test_an_empty_store(run: Run) -> None:
    """Has nothing to tell, and that is no error."""
    SQLiteStore("answers.db").close()

    status, out, _ = run("cache", "stats", "answers.db")
    assert status == 0
    assert "holds     0 answers, 0 bytes" in out
    assert run("cache", "list", "answers.db")[:2] == (0, "no answer in answers.db\n")
    assert run("cache", "stats", "answers.db", "--json")[0] == 0


def test_answers_are_listed(run: Run, store: str) -> None:
    """Newest first, with the prompt; looking does not count as use."""
    _, out, _ = run("cache", "list", store)
    run("cache", "show", store, keys(run, store)[0])
    head, *lines = out.splitlines()

    assert head.split() == ["key", "asked", "model", "ends", "in", "hits", "size", "tags", "prompt"]
    assert [line.rpartition("  ")[2] for line in lines] == [
        "Hello",
        "Name three colors.",
        "[echo Paris.] What is the capital of France?",
    ]
    assert re.search(rf"^[0-9a-f]{{12}}  \S+ \S+  {MODEL}  +1h +0 .*colors +Name three", lines[1])
    assert [row["hits"] for row in json.loads(run("cache", "list", store, "--json")[1])] == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--model", "claude-opus-5"], 1),
        (["--tag", "colors"], 1),
        (["--namespace", ""], 3),
        (["--namespace", "other"], 0),
        (["--older-than", "1h"], 0),
        (["--limit", "2"], 2),
        (["--limit", "1", "--all"], 3),
    ],
)
def test_a_part_is_listed(run: Run, store: str, options: list[str], count: int) -> None:
    """By the conditions given."""
    assert len(keys(run, store, *options)) == count


def test_a_list_says_what_it_leaves_out(run: Run, store: str) -> None:
    """And when nothing meets the conditions."""
    assert run("cache", "list", store, "--limit", "1")[1].endswith("… and 2 older ones (--all lists them)\n")
    assert run("cache", "list", store, "--tag", "no")[1] == "no answer in answers.db meets these conditions\n"


def test_an_answer_is_shown_as_a_conversation(run: Run, store: str) -> None:
    """What was asked, what was answered."""
    key = keys(run, store, "--tag", "colors")[0]
    status, out, _ = run("cache", "show", store, key[:8])

    assert status == 0
    assert f"key {key}\n" in out
    assert "tags colors" in out
    assert "You are terse." in out
    assert "Name three colors." in out
    assert "end_turn" in out
    raw = run("cache", "show", store, key[:8], "--raw")[1]
    assert "POST " in raw
    assert KEY not in raw


def test_answers_are_cleared(run: Run, store: str) -> None:
    """By condition or all of them; it says how many."""
    assert (
        run("cache", "clear", store, "--tag", "colors", "--dry-run")[1]
        == "1 answer would be cleared from answers.db\n"
    )
    assert len(keys(run, store)) == 3
    assert run("cache", "clear", store, "--tag", "colors")[1] == "1 answer cleared from answers.db\n"
    assert run("cache", "clear", store, "--older-than", "7d")[1] == "0 answers cleared from answers.db\n"
    assert run("cache", "clear", store, "--all")[1] == "2 answers cleared from answers.db\n"
    assert keys(run, store) == []


def test_clearing_needs_to_be_told_what(run: Run, store: str) -> None:
    """Neither nothing nor a contradiction will do."""
    status, _, err = run("cache", "clear", store)
    assert status == 2
    assert "give --model, --tag, --namespace or --older-than, or --all for everything" in err
    status, _, err = run("cache", "clear", store, "--all", "--tag", "a")
    assert (status, "contradict" in err) == (2, True)
    assert len(keys(run, store)) == 3


def test_a_cached_exchange_becomes_a_test(run: Run, store: str) -> None:
    """One command writes a test and its cassette; a real run of pytest replays it, without key and network."""
    key = keys(run, store)[2]
    status, out, _ = run("cache", "export", store, key[:10], "--test", "tests/test_capital.py")

    assert status == 0
    cassette = "cassettes/tests/test_capital/test_echo_paris_what_is_the_capital_of_france.yaml"
    assert out.splitlines() == [
        f"{cassette}: 1 exchange",
        "tests/test_capital.py: 1 test; run it: pytest tests/test_capital.py",
    ]
    replayed = run_pytest("tests/test_capital.py")
    assert replayed.returncode == 0, replayed.stdout
    assert "1 replayed · 0 recorded · 0 live" in replayed.stdout
    assert "text.startswith('Paris.')" in Path("tests/test_capital.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [[], ["--stream"], ["--no-stream"]])
def test_all_answers_become_tests(run: Run, store: str, options: list[str]) -> None:
    """However they were asked and are to be asked; what `create` does not take by name goes along too."""
    run("cache", "export", store, "--all", *options, "--test", "test_all.py")

    text = Path("test_all.py").read_text(encoding="utf-8")
    streamed = {"": 1, "--stream": 3, "--no-stream": 0}["".join(options)]
    assert text.count("messages.stream(") == streamed
    assert "extra_body={'temperature': 0.5}" in text
    replayed = run_pytest("test_all.py")
    assert replayed.returncode == 0, replayed.stdout
    assert "3 replayed · 0 recorded · 0 live" in replayed.stdout


def run_pytest(path: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANTHROPIC", "PYTEST_", "COV_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", path],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_answers_are_added_to_a_cassette(run: Run, store: str) -> None:
    """In the order in which they were asked; what it has already is not added again."""
    assert (
        run("cache", "export", store, "--tag", "colors", "-o", "a.yaml")[1]
        == "a.yaml: 1 of 1 exchanges added\n"
    )
    assert run("cache", "export", store, "--all", "-o", "a.yaml")[1] == "a.yaml: 2 of 3 exchanges added\n"

    cassette = load_cassette(Path("a.yaml"))
    assert cassette is not None
    texts = [entry.exchange.request.json["messages"][0]["content"] for entry in cassette.entries]
    assert texts == ["Name three colors.", "[echo Paris.] What is the capital of France?", "Hello"]
    assert KEY not in Path("a.yaml").read_text(encoding="utf-8")
    assert run("check", "a.yaml")[0] == 0


def test_equal_prompts_get_names_of_their_own(run: Run, server: ClaudeServer) -> None:
    """And what has no words gets one, too."""
    cache = ResponseCache("answers.db")
    with Anthropic(base_url=server.url, api_key=KEY, middleware=[cache]) as client:
        for text in ("Hi!", "hi", "?", "日本"):
            ask(client, text, extra_headers={"anthropic-beta": "context-1m-2025-08-07"})
    cache.close()

    run("cache", "export", "answers.db", "--all", "--test", "test_it.py")

    text = Path("test_it.py").read_text(encoding="utf-8")
    assert re.findall(r"def (\w+)", text) == ["test_hi", "test_hi_2", "test_answer", "test_answer_2"]
    assert text.count("extra_headers={'anthropic-beta': 'context-1m-2025-08-07'}") == 4
    assert run_pytest("test_it.py").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all"], "say where to: -o CASSETTE, or --test FILE"),
        (["--all", "-o", "a.yaml", "--test", "a.py"], "say where to"),
        (["-o", "a.yaml"], "say which answers: KEYs, conditions"),
        (["abcd", "--all", "-o", "a.yaml"], "say which answers"),
        (
            ["--tag", "no", "-o", "a.yaml"],
            "no answer in answers.db meets these conditions; nothing was written",
        ),
        (["--all", "--test", "../a.py"], "is no .py file below this folder"),
        (["--all", "--test", "a.txt"], "is no .py file below this folder"),
        (["--all", "--test", "there.py"], "there.py exists; nothing was written"),
        (["--all", "--test", "file/a.py"], "file/a.py: cannot be written"),
        (["xyz", "-o", "a.yaml"], "'xyz' is no key: give 4 to 64 hex digits"),
        (["0000", "-o", "a.yaml"], "no answer in answers.db has a key that begins with 0000"),
        (["--all", "-o", "foreign.yaml"], "vcrpy has written this cassette; name another one"),
    ],
)
def test_an_export_that_cannot_be(run: Run, store: str, arguments: list[str], said: str) -> None:
    """Says why, and what would do."""
    Path("there.py").touch()
    Path("file").touch()
    Path("foreign.yaml").write_text(
        "interactions:\n- request: {body: '{}', headers: {}, method: POST, uri: 'https://api.anthropic.com/v1/messages'}\n"
        "  response: {body: {string: '{}'}, headers: {}, status: {code: 200, message: OK}}\nversion: 1\n"
    )
    status, _, err = run("cache", "export", store, *arguments)

    assert status == 2
    assert said in err
    assert not Path("a.yaml").exists()


def test_a_key_may_be_too_short(run: Run, store: str) -> None:
    """Then it names what it could mean."""
    opened = SQLiteStore(store)
    one = opened.load(keys(run, store)[0])
    assert one is not None
    for digit in "ab":
        opened.put(replace(one, key="0123" + digit * 60))
    opened.close()

    status, _, err = run("cache", "show", store, "0123")
    assert status == 2
    assert "2 answers have a key that begins with 0123: 0123bbbbbbbbbbbb, 0123aaaaaaaaaaaa" in err or (
        "2 answers have a key that begins with 0123: 0123aaaaaaaaaaaa, 0123bbbbbbbbbbbb" in err
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"request": b""}, "does not hold what was asked, so no cassette can be made of it"),
        ({"request": b"no zlib"}, "the request of answer abcdefabcdef cannot be read"),
        ({"request": zlib.compress(b"x" * 100)[:-6]}, "cannot be read: it is cut"),
        ({"request": zlib.compress(b"[]")}, "cannot be read"),
        ({"envelope": b"{}"}, "answer abcdefabcdef cannot be read"),
    ],
)
def test_a_damaged_answer_is_named(run: Run, store: str, change: dict[str, Any], said: str) -> None:
    """It is listed, and breaks nothing else."""
    opened = SQLiteStore(store)
    one = opened.load(keys(run, store)[0])
    assert one is not None
    opened.put(replace(one, key="abcdef" * 10 + "abcd", **change))
    opened.close()

    status, _, err = run("cache", "show", store, "abcdef")
    assert status == 2
    assert said in err
    assert len(run("cache", "list", store)[1].splitlines()) == 5


def test_a_store_in_redis(run: Run, server: ClaudeServer, tmp_path: Path) -> None:
    """By its URL."""
    with RedisServer(tmp_path, unix=True) as redis:
        fill(RedisStore(redis.url), server)

        assert "holds     3 answers" in run("cache", "stats", redis.url)[1]
        assert len(keys(run, redis.url)) == 3
        assert run("cache", "clear", redis.url, "--model", MODEL)[1].startswith("2 answers cleared")
    status, _, err = run("cache", "stats", redis.url)
    assert status == 2
    assert f"Redis at {redis.url}: " in err


def test_an_encrypted_store(run: Run, server: ClaudeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key in the environment it is one like any other; without it, what was asked stays hidden."""
    key = Fernet.generate_key().decode()
    fill(SQLiteStore("answers.db"), server, encryption=key)
    found = keys(run, "answers.db")
    assert len(found) == 3
    status, _, err = run("cache", "show", "answers.db", found[0])
    assert (status, "cannot be read" in err) == (2, True)

    monkeypatch.setenv("CLAUDE_REPLAY_CACHE_KEY", f"{Fernet.generate_key().decode()}, {key}")
    assert "Name three colors." in run("cache", "list", "answers.db")[1]
    assert run("cache", "show", "answers.db", found[0])[0] == 0
    monkeypatch.setenv("CLAUDE_REPLAY_CACHE_KEY", Fernet.generate_key().decode())
    with pytest.warns(UserWarning, match="does not open"):
        status, _, err = run("cache", "show", "answers.db", found[0])
    assert "another key than CLAUDE_REPLAY_CACHE_KEY holds" in err


def test_a_store_that_is_not_there(run: Run, store: str) -> None:
    """Is not made, and the nearest file is named."""
    status, _, err = run("cache", "stats", "answer.db")
    assert status == 2
    assert "there is no store 'answer.db'; did you mean 'answers.db'?" in err
    assert not Path("answer.db").exists()
    assert "there is no store 'nowhere/x.db'" in run("cache", "stats", "nowhere/x.db")[2]
    Path("folder").mkdir()
    assert "is a folder; name the SQLite file" in run("cache", "stats", "folder")[2]
    Path("other.db").write_text("no database")
    assert run("cache", "stats", "other.db")[0] == 2


def test_the_command_alone_explains_itself(run: Run) -> None:
    """And names the nearest of its commands."""
    status, _, err = run("cache")
    assert status == 2
    assert "usage: claude-replay cache [-h] COMMAND ..." in err
    for name in ("stats", "list", "show", "clear", "export"):
        assert re.search(rf"^  {name} +\w", err, re.MULTILINE)
        assert run("cache", name, "--help")[1].startswith(f"usage: claude-replay cache {name} ")
    assert run("cache", "--help")[0] == 0
    assert "there is no command 'cache state'; did you mean 'stats'?" in run("cache", "state")[2]
    assert "must be more than 0" in run("cache", "list", "a.db", "--older-than", "0")[2]


def test_stats_tell_indices_and_evictions_apart(run: Run) -> None:
    """An index is no answer; what was pushed out is counted."""
    store = SQLiteStore("answers.db", max_bytes=4000)
    for number in range(8):
        entry = CacheEntry(
            f"{number:064x}", b"x" * 600, 1000.0 + number, lineage="~similar" if number > 5 else ""
        )
        store.put(entry)
    store.close()

    out = run("cache", "stats", "answers.db")[1]
    assert re.search(r"holds     1 answer, [\d,]+ bytes \(with 2 entries of indices\)", out)
    assert "evicted   5\n" in out


def test_what_ends_soon_and_has_no_text(run: Run, server: ClaudeServer) -> None:
    """Seconds are shown as such, and the test of a tool call checks how it ends only."""
    cache = ResponseCache("answers.db", ttl="40s")
    tool = {"name": "look_up", "description": "", "input_schema": {"type": "object"}}
    with Anthropic(base_url=server.url, api_key=KEY, middleware=[cache]) as client:
        ask(client, "[pieces ][tool look_up {}]", tools=[tool])
    cache.close()

    assert re.search(r"  \d+s  ", run("cache", "list", "answers.db")[1])
    assert run("cache", "export", "answers.db", "--all", "--test", "test_tool.py")[0] == 0
    assert "stop_reason == 'tool_use'" in Path("test_tool.py").read_text(encoding="utf-8")


def test_what_must_not_or_cannot_be_written_is_refused(
    run: Run, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last guard before a file is written names the place."""
    with monkeypatch.context() as patch:
        patch.setattr("claude_replay.redact.Redactor.find", lambda self, exchange: "body.system")
        status, _, err = run("cache", "export", store, "--all", "-o", "a.yaml")
        assert (status, "still holds a secret at body.system; nothing was written" in err) == (2, True)

    def refuse(exchange: object) -> object:
        raise ValueError("a lone surrogate")

    monkeypatch.setattr("claude_replay.cli.cache.export.Recording.of", refuse)
    status, _, err = run("cache", "export", store, "--all", "-o", "a.yaml")
    assert (status, "a.yaml: not written, for a lone surrogate" in err) == (2, True)
    assert not Path("a.yaml").exists()

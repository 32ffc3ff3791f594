"""`claude-replay list`: which files it finds, and what it says of each."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, BadRequestError

from claude_replay import use_cassette
from standin.clients import MODEL, make_request

Run = Callable[..., tuple[int, str, str]]

VCRPY = """\
interactions:
- request:
    body: '{"model":"claude-3-5-haiku-latest","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}'
    headers: {content-type: [application/json]}
    method: POST
    uri: https://api.anthropic.com/v1/messages
  response:
    body:
      string: '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],
        "usage":{"input_tokens":8,"output_tokens":3}}'
    headers: {content-type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""


def write(name: str, content: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def list_paths(out: str) -> list[str]:
    return [row["path"] for row in json.loads(out)]


@pytest.fixture
def talk(client: Anthropic) -> str:
    """A cassette with three exchanges."""
    path = "cassettes/tests/talk.yaml"
    with use_cassette(path, mode="once"):
        client.messages.create(**make_request("Hi", {}))
        with pytest.raises(BadRequestError):
            client.messages.create(**make_request("[status 400]", {}))
        client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    return path


@pytest.fixture
def halfway(client: Anthropic) -> str:
    """A cassette of a test that failed."""
    path = "cassettes/halfway.yaml"

    @use_cassette(path, mode="once")
    def fail() -> None:
        client.messages.create(**make_request("Hi", {}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    return path


def test_a_table_with_one_line_for_each_cassette(talk: str, halfway: str, run: Run) -> None:
    """Counts, models, tokens, size, the first day, the state; totals below."""
    write("cassettes/old.yaml", VCRPY)
    write("cassettes/cut.yaml", Path(talk).read_bytes()[:500])
    status, out, err = run("list")
    assert (status, err) == (0, "")
    out = re.sub(r"\d{4}-\d\d-\d\d", "DAY", re.sub(r"  +", "  ", out))
    out = re.sub(r"\d+ tokens", "N tokens", re.sub(r"\d+  [\d.]+ k?B", "N  SIZE", out))
    assert re.sub(r"line \d+: .*", "line N: REASON", out).splitlines() == [
        "cassette  exchanges  asked for  tokens  size  recorded  state",
        "cassettes/cut.yaml  0  N  SIZE  unreadable: line N: REASON",
        "cassettes/halfway.yaml  1  messages · claude-sonnet-5  N  SIZE  DAY  incomplete",
        "cassettes/old.yaml  1  messages · claude-3-5-haiku-latest  N  SIZE  foreign: vcrpy; "
        f"stale: the model claude-3-5-haiku-latest was retired on DAY (anthropic {anthropic.__version__})",
        "cassettes/tests/talk.yaml  3  2 messages, messages.count_tokens · claude-sonnet-5"
        "  N  SIZE  DAY  complete",
        "",
        out.splitlines()[-1],
    ]
    assert re.fullmatch(
        r"4 cassettes · 5 exchanges · N tokens · [\d.]+ kB · 1 incomplete · 1 foreign · 1 unreadable",
        out.splitlines()[-1],
    )


def test_columns_are_aligned(talk: str, halfway: str, run: Run) -> None:
    """Every cell begins, or for numbers ends, below its heading."""
    _, out, _ = run("list")
    head, *rows = out.splitlines()[:3]
    for heading in ("asked for", "recorded", "state"):
        column = head.index(heading)
        assert all(row[column - 2 : column] == "  " and row[column] != " " for row in rows)
    for heading in ("exchanges", "tokens", "size"):
        end = head.index(heading) + len(heading)
        assert all(row[end - 1] != " " and row[end : end + 2] == "  " for row in rows)


def test_json_has_everything_the_table_has(talk: str, halfway: str, run: Run) -> None:
    """`--json` prints a list of objects for programs."""
    _, out, _ = run("list", "--json")
    rows: list[dict[str, Any]] = json.loads(out)
    days = [row.pop("recorded_at") for row in rows]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", day) for day in days)
    usage = {"input_tokens": 8, "output_tokens": 3}
    usage |= {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    tokens = [row.pop("usage") for row in rows]
    assert [set(counts) for counts in tokens] == [set(usage)] * 2
    assert tokens[0]["output_tokens"] > 0
    assert rows == [
        {
            "path": halfway,
            "state": "incomplete",
            "reason": f"use_cassette({halfway!r})",
            "bytes": os.path.getsize(halfway),
            "exchanges": 1,
            "operations": {"messages": 1},
            "models": [MODEL],
            "stale": [],
        },
        {
            "path": talk,
            "state": "complete",
            "reason": "",
            "bytes": os.path.getsize(talk),
            "exchanges": 3,
            "operations": {"messages": 2, "messages.count_tokens": 1},
            "models": [MODEL],
            "stale": [],
        },
    ]


def test_folders_are_searched_for_what_looks_like_a_cassette(halfway: str, run: Run) -> None:
    """Ours and vcrpy's, compressed and JSON; not other files, hidden ones, rejected recordings or pipes."""
    own = Path(halfway).read_bytes()
    found: dict[str, str | bytes] = {
        "lib/b.yml": own,
        "lib/c.yaml.gz": gzip.compress(VCRPY.encode()),
        "lib/d.json": '{"version": 1, "interactions": []}',
        "lib/e.yaml": "# by hand\nversion: 1\nexchanges: []\n...\n",
        "lib/f.yaml": b"\xef\xbb\xbf" + own,
        "lib/g.yaml": b"<<<<<<< HEAD\n" + own,
    }
    others: dict[str, str | bytes] = {
        "lib/.hidden.yaml": own,
        "lib/.git/h.yaml": own,
        "lib/i.yaml.rejected": own,
        "lib/j.yaml": "services: {web: {image: x}}\n",
        "lib/k.json": "{}",
        "lib/l.yaml": "",
        "lib/m.yaml.gz": b"no gzip at all",
    }
    for name, content in {**found, **others}.items():
        write(name, content)
    os.mkfifo("lib/n.yaml")
    Path("lib/o.yaml").symlink_to("nowhere.yaml")
    _, out, _ = run("list", "--json", "lib")
    assert list_paths(out) == sorted(found)


def test_files_are_taken_as_they_are_named(halfway: str, run: Run) -> None:
    """A file that was named is listed whatever it is, in the order of the command line, once."""
    write("notes.txt", "hello")
    _, out, _ = run("list", "--json", "notes.txt", "cassettes", halfway)
    assert list_paths(out) == ["notes.txt", halfway]
    assert json.loads(out)[0]["state"] == "unreadable"


def test_large_numbers_have_units_and_long_lists_an_end(run: Run) -> None:
    """Sizes are in B, kB or MB; of many operations or models the first three are named."""
    exchange = (
        "- request: {url: 'https://api.anthropic.com/v1/%s', method: GET}\n"
        "  response: {status: 200, text: '%s'}\n"
    )
    names = ["models", "models/a", "models/b", "models/c", "models/d"]
    head = "version: 1\nexchanges:\n"
    write("many.yaml", head + "".join(exchange % (name, "") for name in names) + "...\n")
    write("large.yaml", head + exchange % ("models", "x" * 2_500_000) + "...\n")
    _, out, _ = run("list", "many.yaml", "large.yaml")
    _, many, large, _, totals = out.splitlines()
    assert "GET /v1/models, GET /v1/models/a, GET /v1/models/b and 2 more  " in many
    assert f"  {os.path.getsize('many.yaml')} B  " in many
    assert "  2.5 MB  " in large
    assert totals == "2 cassettes · 6 exchanges · 0 tokens · 2.5 MB"


def test_nothing_found_is_no_error(run: Run) -> None:
    """A folder without cassettes is a fact, not a mistake."""
    Path("empty").mkdir()
    assert run("list", "empty") == (0, "no cassette in empty\n", "")
    assert run("list", "empty", "--json") == (0, "[]\n", "")


def test_a_path_that_does_not_exist_names_its_neighbor(talk: str, halfway: str, run: Run) -> None:
    """The nearest name in the same folder, else a file of nearly that name below the cassettes."""
    message = "claude-replay: there is no file or folder {!r}; did you mean {!r}?\n"
    assert run("list", "cassettes/halfwya.yaml") == (2, "", message.format("cassettes/halfwya.yaml", halfway))
    assert run("list", "cassetes") == (2, "", message.format("cassetes", "cassettes"))
    assert run("list", "x/tallk.yaml") == (2, "", message.format("x/tallk.yaml", talk))
    assert run("list", "zzz") == (2, "", "claude-replay: there is no file or folder 'zzz'\n")


def test_without_the_default_folder_a_path_is_asked_for(run: Run) -> None:
    """Started in the wrong folder, the command says so."""
    message = "claude-replay: there is no folder 'cassettes' here; name a file or folder\n"
    assert run("list") == (2, "", message)

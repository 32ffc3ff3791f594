"""Agents through the SDK: what their cassettes hold, and what recording again, killing and failing leave."""

from __future__ import annotations

import asyncio
import base64
import difflib
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from claude_replay import CassetteSaveError, SecretFound
from claude_replay.cassette import load_cassette
from claude_replay.exchange import Exchange
from conversation_samples import SYSTEM, TOOLS
from recordings import KEY, MODEL, Studio, make_client
from standin import ClaudeServer

SECRET = "sk-ant-" + "api03-" + "Zz9" * 8
PIXELS = bytes(range(256)) * 20
_META = re.compile(r"(?m)^  meta: .*\n")
_IDS = re.compile(r"\b(?:req|msg|toolu)_[0-9A-Za-z]{10,}")


def run_agent(
    client: anthropic.Anthropic,
    turns: int,
    *,
    stream: bool = False,
    say: Callable[[int], str] = "go on".format,
) -> list[Any]:
    """A tool loop of so many turns; what it has sent and heard."""
    messages: list[Any] = [{"role": "user", "content": f"Begin, please. {_call(0)}"}]
    for turn in range(1, turns + 1):
        given: Any = {
            "model": MODEL,
            "max_tokens": 500,
            "system": SYSTEM,
            "tools": TOOLS,
            "messages": messages,
        }
        if stream:
            with client.messages.stream(**given) as events:
                answer: Any = events.get_final_message()
        else:
            answer = client.messages.create(**given)
        messages.append({"role": "assistant", "content": answer.content})
        call = next(block for block in answer.content if block.type == "tool_use")
        text = f"Result {turn}:\n{say(turn)}\n{_call(turn)}"
        messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": text}]}
        )
    return messages


def _call(turn: int) -> str:
    return f'[tool tool_1 {{"b": "item {turn}"}}]'


def exchanges(path: Path) -> list[Exchange]:
    """What a cassette holds."""
    cassette = load_cassette(path)
    assert cassette is not None
    return [entry.exchange for entry in cassette.entries]


def content(path: Path) -> str:
    """The text of a cassette without when and how fast it was recorded."""
    return _META.sub("", path.read_text())


@contextmanager
def begin_again(studio: Studio) -> Iterator[None]:
    """Within, the stand-in is another one at the same address, that has not seen any request yet."""
    port = int(studio.server.url.rpartition(":")[2])
    studio.server.close()
    with ClaudeServer(port=port):
        yield


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop_is_recorded_once_and_replayed(studio: Studio, stream: bool) -> None:
    """Each turn stores what is new, whether its answer came as a stream or not."""
    client = make_client(studio.server)
    with studio.open("once") as cassette:
        said = run_agent(client, 6, stream=stream)
        sent = [request.json for request in cassette.sent]
    count = studio.server.count
    with studio.open("none"):
        again = run_agent(client, 6, stream=stream)
    assert repr(again) == repr(said)
    assert studio.server.count == count
    assert [item.request.json for item in exchanges(studio.path)] == sent
    text = studio.path.read_text()
    assert text.count("- earlier: all") == text.count("- {answer: all, keys: sorted}") == 5
    assert text.count("Result 1:") == 2  # the stand-in quotes what it is told


def test_a_killed_run_leaves_the_same_as_one_that_was_not(studio: Studio) -> None:
    """A journal points at what stands above in it, and is written into the cassette as if it had closed."""
    client = make_client(studio.server)
    with studio.open("once"):
        run_agent(client, 5)
        (journal,) = studio.find("*.journal")
        left = journal.read_bytes()
    assert left.count(b"    continues: ") == 4
    whole = studio.path.read_text()
    studio.path.unlink()
    journal.write_bytes(left)
    with studio.open("once"):
        run_agent(client, 5)
    assert studio.path.read_text() == whole
    assert studio.tallies[-1].replayed == 5


def test_a_torn_journal_gives_back_what_was_whole(studio: Studio) -> None:
    """The last item is cut in two; those above it need nothing below."""
    client = make_client(studio.server)
    with studio.open("once"):
        run_agent(client, 4)
        (journal,) = studio.find("*.journal")
        left = journal.read_bytes()
    studio.path.unlink()
    journal.write_bytes(left[: left.rindex(b"  response:")])
    with studio.open("new_episodes"):
        run_agent(client, 4)
    assert (studio.tallies[-1].replayed, studio.tallies[-1].recorded) == (3, 1)
    assert studio.path.read_text().count("- earlier: all") == 3


def test_a_conversation_goes_on_where_a_cassette_ends(studio: Studio) -> None:
    """New turns point at those that were there, and the file is the same as if recorded in one go."""
    client = make_client(studio.server)
    with studio.open("once"):
        run_agent(client, 3)
    before = studio.path.read_text()
    with studio.open("new_episodes"):
        run_agent(client, 6)
    after = content(studio.path)
    assert after.startswith(_META.sub("", before).removesuffix("...\n"))
    studio.path.unlink()
    with begin_again(studio), studio.open("once"):
        run_agent(client, 6)
    assert content(studio.path) == after


def test_a_word_changed_in_turn_7_changes_nothing_above_it(studio: Studio) -> None:
    """The difference in git is the lines of that turn and of those after it, dates and durations included."""
    client = make_client(studio.server)
    with studio.open("rewrite"):
        run_agent(client, 12, say=lambda turn: f"all is well in turn {turn}")
    before = studio.path.read_text().splitlines()
    with begin_again(studio), studio.open("rewrite"):
        run_agent(client, 12, say=lambda turn: f"all is {'bad' if turn == 6 else 'well'} in turn {turn}")
    after = studio.path.read_text().splitlines()
    # The result of tool call 6 is what turn 7 says.
    starts = [place for place, line in enumerate(before) if line.startswith("- id: ")]
    changed = [line for line in difflib.ndiff(before[: starts[6]], after[: starts[6]]) if line[0] in "+-?"]
    assert changed == []
    turn = list(zip(before[starts[6] : starts[7]], after[starts[6] : starts[7]], strict=True))
    plain = [tuple(_META.sub("", _IDS.sub("", line)) for line in pair) for pair in turn]
    different = [pair for pair, (old, new) in zip(turn, plain, strict=True) if old != new]
    asked = [new.strip() for _, new in different if new.startswith((" " * 12, "- id: "))]
    assert "all is bad in turn 6" in asked
    assert len(different) <= 5  # the id, the changed line, and what the answer says and counts of it


def test_recording_a_turn_again_leaves_the_others_as_they_are(studio: Studio) -> None:
    """Mode `all` replaces what is asked for; what pointed at the old answer still has it."""
    client = make_client(studio.server)
    with studio.open("once"):
        said = run_agent(client, 4)
    before = exchanges(studio.path)
    with studio.open("all"):
        given: Any = {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "tools": TOOLS}
        client.messages.create(**given, messages=said[:3])
    after = exchanges(studio.path)
    assert [item.request for item in after] == [item.request for item in before]
    assert after[1].response.headers["request-id"] != before[1].response.headers["request-id"]
    with studio.open("none", repeat=True):
        run_agent(client, 1)


@pytest.mark.parametrize("way", ["gather", "threads"])
def test_two_recordings_of_concurrent_calls_are_the_same_file(
    studio: Studio, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Twenty at once, from tasks or threads, with a briefing that all share, and the date fixed.

    Each answer takes a while, as live ones do, so all twenty are under way before the first is over.
    """
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    _fan_out(studio, way)
    first = studio.path.read_text()
    studio.path.unlink()
    with begin_again(studio):
        _fan_out(studio, way)
    assert studio.path.read_text() == first
    assert first.count("\n- id: ") == 20
    assert first.count("You work through a list of tasks.") == 8
    assert first.count("  meta: {recorded_at: '2023-11-14T22:13:20Z', sdk: '") == 20


@pytest.mark.parametrize("way", ["gather", "threads"])
def test_recording_anew_what_has_not_changed_changes_nothing(studio: Studio, way: str) -> None:
    """No line of twenty concurrent calls, not even a date: nobody has to review it."""
    _fan_out(studio, way)
    first = studio.path.read_bytes()
    with begin_again(studio):
        _fan_out(studio, way, "rewrite")
    assert studio.path.read_bytes() == first
    assert studio.tallies[-1].recorded == 20


def _fan_out(studio: Studio, way: str, mode: str = "once") -> None:
    def given(number: int) -> dict[str, Any]:
        prompt = {"role": "user", "content": f"Number {number}: say something. [slow 1000]"}
        return {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "tools": TOOLS, "messages": [prompt]}

    async def ask_all() -> None:
        async with anthropic.AsyncAnthropic(base_url=studio.server.url, api_key=KEY) as client:
            await asyncio.gather(*(client.messages.create(**given(number)) for number in range(20)))

    with studio.open(mode):
        if way == "gather":
            asyncio.run(ask_all())
            return
        with make_client(studio.server) as client, ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda number: client.messages.create(**given(number)), range(20)))


def picture(content: bytes) -> dict[str, Any]:
    """An image block."""
    data = base64.b64encode(content).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def look(studio: Studio, mode: str, content: bytes = PIXELS) -> None:
    """Ask about a picture, twice in one conversation."""
    messages: list[Any] = [{"role": "user", "content": [picture(content), {"type": "text", "text": "What?"}]}]
    client = make_client(studio.server, max_retries=0)
    with studio.open(mode):
        answer = client.messages.create(model=MODEL, max_tokens=100, messages=messages)
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": "Why?"}]
        client.messages.create(model=MODEL, max_tokens=100, messages=messages)


def test_images_are_kept_beside_the_cassettes_and_not_needed_for_replay(studio: Studio) -> None:
    """Once, however often they are sent; and there before the cassette is."""
    look(studio, "once")
    (file,) = studio.path.parent.glob("_media/[!.]*")
    assert file.read_bytes() == PIXELS
    assert studio.path.stat().st_size < 3000
    shutil.rmtree(file.parent)
    look(studio, "none")
    assert studio.tallies[-1].replayed == 2


def test_a_secret_in_an_image_is_not_saved(studio: Studio) -> None:
    """The last look before anything is written is at side files, too."""
    with pytest.raises(SecretFound, match=r"still holds a secret at the side file [0-9a-f]{32}\.png"):
        look(studio, "once", b"\x89PNG " + SECRET.encode() + b"\0" * 5000)
    assert not list(studio.path.parent.glob("_media/[!.]*"))
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in studio.find("*") if path.is_file())


def test_what_cannot_be_kept_in_side_files_is_kept_whole_elsewhere(studio: Studio) -> None:
    """A file where the folder is to be: the exchange is rescued with its image, and no cassette names it."""
    studio.path.parent.mkdir()
    (studio.path.parent / "_media").write_text("no folder")
    with pytest.raises(
        CassetteSaveError, match=r"2 exchanges were recorded and kept in (.*), which is"
    ) as caught:
        look(studio, "once")
    assert not studio.path.exists()
    found = re.search("kept in (.*), which is", str(caught.value))
    assert found is not None
    rescued = Path(found[1])
    assert base64.b64encode(PIXELS).decode() in str(exchanges(rescued)[1].request.json)
    assert any("the journal of" in note and "cannot be written" in note for note in studio.notes)
    shutil.rmtree(rescued.parent)

"""Recordings in processes that are killed."""

from __future__ import annotations

import signal

import pytest

from claude_replay import CassetteMiss
from recordings import MODEL, Studio, ask, make_client

SYNC = """
with use_cassette(path, mode="once"):
    for number in range(3):
        ask(client, f"question {number}")
    os.kill(os.getpid(), signal.SIGKILL)
"""
STREAMS = """
with use_cassette(path, mode="once"):
    for number in range(4):
        messages = [{"role": "user", "content": f"question {number}"}]
        with client.messages.stream(model=MODEL, max_tokens=100, messages=messages) as stream:
            for text in stream.text_stream:
                if number == 3:
                    os.kill(os.getpid(), signal.SIGKILL)
"""
ASYNC = """
import asyncio

client = anthropic.AsyncAnthropic(base_url=url, max_retries=0)

async def put(number):
    messages = [{"role": "user", "content": f"question {number}"}]
    await client.messages.create(model=MODEL, max_tokens=100, messages=messages)

async def main():
    async with use_cassette(path, mode="once"):
        await asyncio.gather(*map(put, range(3)))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("script", [SYNC, STREAMS, ASYNC], ids=["sync", "streams", "asyncio"])
def test_a_killed_process_loses_no_finished_exchange(studio: Studio, script: str) -> None:
    """What was complete when a process was killed is played by the next recording; it sends the rest."""
    killed = studio.run_script(script)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.suffix for path in studio.find("*")] == [".journal"]

    client = make_client(studio.server)
    with studio.open("once"):
        for number in range(5):
            if script == STREAMS:
                messages = [{"role": "user", "content": f"question {number}"}]
                with client.messages.stream(model=MODEL, max_tokens=100, messages=messages) as stream:  # type: ignore[arg-type]
                    stream.until_done()
            else:
                ask(client, f"question {number}")
    (tally,) = studio.tallies
    assert (tally.replayed, tally.recorded, tally.live) == (3, 2, 0)
    assert studio.notes == [f"{studio.path}: 3 exchanges of a run that was killed recovered from its journal"]
    assert studio.files == ["chat.yaml"]
    assert "incomplete" not in studio.path.read_text(encoding="utf-8")


def test_a_killed_process_leaves_nothing_of_a_cassette_without_a_finished_exchange(studio: Studio) -> None:
    """There is no journal before the first answer is complete."""
    script = """
    with use_cassette(path, mode="once"):
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert studio.run_script(script).returncode == -signal.SIGKILL
    assert studio.files == []


ONE = """
with use_cassette(path, mode="once"):
    ask(client, "one")
"""


def test_the_journal_of_a_living_process_is_left_alone(studio: Studio) -> None:
    """Another recording of the same cassette takes up nothing that is still being recorded."""
    client = make_client(studio.server)
    with studio.open("once"):
        ask(client, "one")
        (journal,) = studio.files
        done = studio.run_script(ONE)
        assert (done.returncode, done.stderr) == (0, "")
        assert studio.files == [journal, "chat.yaml"]
    assert studio.path.read_text(encoding="utf-8").count("content: one") == 2
    assert studio.files == ["chat.yaml"]


def test_nothing_is_twice_where_a_living_process_was_taken_for_dead(studio: Studio) -> None:
    """Processes with different temporary folders do not see each other's locks; exchanges stay single."""
    elsewhere = studio.path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    client = make_client(studio.server)
    with studio.open("once"):
        ask(client, "one")
        done = studio.run_script(ONE, TMPDIR=str(elsewhere))
        assert (done.returncode, done.stderr) == (0, "")
        assert studio.files == ["chat.yaml"]
        ask(client, "two")
    text = studio.path.read_text(encoding="utf-8")
    assert (text.count("content: one"), text.count("content: two")) == (1, 1)
    assert studio.files == ["chat.yaml"]


def test_none_speaks_of_a_journal_in_the_miss_alone(studio: Studio) -> None:
    """Replaying changes nothing, journals included, and says what a recording would take up."""
    journal = studio.be_killed("one", "two")
    studio.tallies.clear()
    with pytest.raises(CassetteMiss) as caught:
        studio.ask("one", mode="none")
    assert "2 exchanges" in str(caught.value)
    assert studio.notes == []
    assert studio.files == [journal.name]

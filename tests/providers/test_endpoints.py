"""Every endpoint of the API, those by name and whatever else the SDK has methods for."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic._resource import SyncAPIResource

from claude_replay import CassetteMiss, use_cassette
from claude_replay.cli import main
from provider_clients import API_KEY
from standin import ClaudeServer
from standin.resources import make_content

REQUESTS: Any = [
    {
        "custom_id": name,
        "params": {
            "model": "claude-sonnet-5",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": name}],
        },
    }
    for name in ("first", "second")
]


@pytest.fixture
def both(server: ClaudeServer, path: Path) -> Callable[[Callable[[Any], Any]], Any]:
    """Runs with a client twice, recording and replaying with nobody there; gives what both gave."""

    def run(work: Callable[[Any], Any]) -> Any:
        with (
            use_cassette(path, mode="once"),
            anthropic.Anthropic(base_url=server.url, api_key=API_KEY) as client,
        ):
            live = work(client)
        server.close()
        with use_cassette(path), anthropic.Anthropic(max_retries=0) as client:
            assert work(client) == live
        return live

    return run


def poll(client: Any, batch_id: str, waits: list[float]) -> Any:
    """Wait for a batch as applications do: until it has ended, as long as the answer says."""
    while True:
        raw = client.messages.batches.with_raw_response.retrieve(batch_id)
        batch = raw.parse()
        if batch.processing_status == "ended":
            return batch
        waits.append(float(raw.headers["retry-after"]))
        # An hour live; only the recorded answers may say that there is nothing to wait for.
        time.sleep(0 if waits[-1] == 3600 else waits[-1])


def test_a_batch_is_polled_until_it_has_ended(both: Any, path: Path) -> None:
    """Equal requests are answered in sequence, and replay says that nobody has to wait."""
    waits: list[float] = []

    def work(client: Any) -> Any:
        batch = client.messages.batches.create(requests=REQUESTS)
        done = poll(client, batch.id, waits)
        results = [result.model_dump() for result in client.messages.batches.results(batch.id)]
        return batch.model_dump(), done.model_dump(), results

    _, done, results = both(work)

    assert done["processing_status"] == "ended"
    assert [result["custom_id"] for result in results] == ["first", "second"]
    assert waits == [3600, 3600, 0, 0]
    assert "    lines:\n    - custom_id: first\n" in path.read_text()


def test_batches_are_canceled_listed_and_deleted(both: Any) -> None:
    """And found by their ids."""

    def work(client: Any) -> Any:
        batches = client.messages.batches
        batch = batches.create(requests=REQUESTS)
        return [
            batches.cancel(batch.id).model_dump(),
            [each.model_dump() for each in batches.list(limit=2)],
            batches.delete(batch.id).model_dump(),
        ]

    assert both(work)[0]["processing_status"] == "canceling"


def test_another_batch_is_a_miss(server: ClaudeServer, path: Path) -> None:
    """Its requests are compared."""
    with use_cassette(path, mode="once"), anthropic.Anthropic(base_url=server.url, api_key=API_KEY) as client:
        client.messages.batches.create(requests=REQUESTS)
    with use_cassette(path, unplayed="ignore") as handle, anthropic.Anthropic() as client:
        other: Any = [REQUESTS[0], {**REQUESTS[1], "custom_id": "third"}]
        with pytest.raises(CassetteMiss, match=r"requests\[1\]"):
            client.messages.batches.create(requests=other)
        handle.misses.clear()


def test_files_are_uploaded_and_downloaded(
    both: Any, path: Path, capsys: pytest.CaptureFixture[str], server: ClaudeServer
) -> None:
    """By their parts, whatever boundary is drawn; what comes down are the same bytes."""

    def work(client: Any) -> Any:
        notes = client.beta.files.upload(file=("notes.txt", b"One line\nand another.\n", "text/plain"))
        picture = client.beta.files.upload(file=("a.png", b"\x89PNG\xff\x00", "image/png"))
        content = client.beta.files.download(picture.id)
        with client.beta.files.with_streaming_response.download(picture.id) as response:
            streamed = b"".join(response.iter_bytes())
        assert content.read() == streamed == make_content(picture.id)
        listed = [each.model_dump() for each in client.beta.files.list()]
        return notes.model_dump(), listed, client.beta.files.delete(notes.id).model_dump()

    both(work)

    boundaries = {received.headers["content-type"] for received in server.requests if b"PNG" in received.body}
    text = path.read_text()
    assert not [boundary for boundary in boundaries if boundary.partition("=")[2] in text]
    assert "    - name: file\n      filename: notes.txt\n      type: text/plain\n      text: |2\n" in text
    assert main(["show", "--full", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "[part file notes.txt text/plain]" in shown
    assert "and another." in shown
    assert main(["show", "--raw", str(path)]) == 0


@pytest.mark.parametrize(
    "file",
    [
        ("notes.txt", b"Something else.", "text/plain"),
        ("other.txt", b"One line.", "text/plain"),
        ("notes.txt", b"One line.", "text/markdown"),
        ("notes.txt", b"\xff", "text/plain"),
    ],
    ids=["content", "name", "type", "bytes"],
)
def test_another_file_is_a_miss(file: Any, server: ClaudeServer, path: Path) -> None:
    """Name, type and content of a part count."""
    with use_cassette(path, mode="once"), anthropic.Anthropic(base_url=server.url, api_key=API_KEY) as client:
        client.beta.files.upload(file=("notes.txt", b"One line.", "text/plain"))
    with use_cassette(path, unplayed="ignore") as handle, anthropic.Anthropic() as client:
        with pytest.raises(CassetteMiss, match="POST /v1/files"):
            client.beta.files.upload(file=file)
        handle.misses.clear()


def test_paths_into_an_upload_may_be_ignored(server: ClaudeServer, path: Path) -> None:
    """As into any other body."""
    with use_cassette(path, mode="once"), anthropic.Anthropic(base_url=server.url, api_key=API_KEY) as client:
        client.beta.files.upload(file=("a-1.txt", b"One line.", "text/plain"))
    with use_cassette(path, ignore=["parts[*].filename"]), anthropic.Anthropic() as client:
        client.beta.files.upload(file=("a-2.txt", b"One line.", "text/plain"))


def test_events_of_a_session_are_a_stream(both: Any) -> None:
    """Of names other than those of messages."""

    def work(client: Any) -> Any:
        session = client.beta.sessions.create(agent="agent_1", environment_id="env_1")
        client.beta.sessions.events.send(session.id, events=[])
        with client.beta.sessions.events.stream(session.id) as stream:
            return [event.model_dump() for event in stream]

    assert len(both(work)) >= 1


# ---------------------------------------------------------------------- whatever else there is


# Others only send later, as pollers and workers do, in loops of their own.
_SENDS = re.compile(r"self\._(?:get|post|put|patch|delete|get_api_list)\(")


def walk(resource: Any, path: str = "client") -> Iterator[tuple[str, Any]]:
    """The methods of a client and of all that hangs on it, but for messages, which have tests of their own."""
    for name in sorted(dir(type(resource))):
        if name.startswith(("_", "with_")) or f"{path}.{name}" in ("client.messages", "client.beta.messages"):
            continue
        member = getattr(resource, name, None)
        if isinstance(member, SyncAPIResource):
            yield from walk(member, f"{path}.{name}")
        elif inspect.ismethod(member) and _SENDS.search(inspect.getsource(member)):
            yield f"{path}.{name}", member


def fill(method: Any) -> dict[str, Any]:
    """Something for each argument that a method insists on."""
    filled: dict[str, Any] = {}
    for name, parameter in inspect.signature(method).parameters.items():
        kind = str(parameter.annotation)
        if parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if "File" in kind and "Id" not in kind:
            filled[name] = (
                [("a.txt", b"x", "text/plain")] if "Sequence" in kind else ("a.txt", b"x", "text/plain")
            )
        elif kind.startswith(("Iterable", "List", "Sequence", "SequenceNotStr")):
            filled[name] = []
        elif kind.startswith(("int", "float")):
            filled[name] = 1
        elif "Dict" in kind or "Param" in kind:
            filled[name] = {}
        else:
            filled[name] = "obj_1"
    return filled


def call(method: Any) -> Any:
    """What a method gives, as plain data; what the SDK itself refuses to send is None."""
    try:
        result = method(**fill(method))
    except anthropic.APIStatusError as error:
        return type(error).__name__, error.body
    except (TypeError, ValueError, AttributeError, anthropic.AnthropicError):
        return None
    if isinstance(result, anthropic.Stream):
        return [event.model_dump(warnings=False) for event in result]
    if hasattr(result, "model_dump"):
        return result.model_dump(warnings=False)
    return result.read() if hasattr(result, "read") else repr(result)


def test_every_method_of_the_sdk_is_recorded_and_replayed(server: ClaudeServer, path: Path) -> None:
    """Skills, memory stores, vaults, agents, deployments, organizations, webhooks: nothing needs a change of ours."""
    before = server.count
    with (
        use_cassette(path, mode="once"),
        anthropic.Anthropic(base_url=server.url, api_key=API_KEY, max_retries=0) as client,
    ):
        live = {name: call(method) for name, method in walk(client)}
    asked = server.count - before
    assert asked > 250
    for part in (
        "skills",
        "sessions",
        "memory_stores",
        "vaults",
        "agents",
        "deployments",
        "organization",
        "webhooks",
    ):
        assert [name for name, answer in live.items() if f".{part}." in name and answer is not None], part

    server.close()
    with use_cassette(path) as handle, anthropic.Anthropic(max_retries=0) as client:
        replayed = {name: call(method) for name, method in walk(client)}
    assert replayed == live
    assert len(handle.played) == asked


def test_an_endpoint_of_the_future_is_recorded(server: ClaudeServer, path: Path) -> None:
    """JSON in and out, text, bytes and no body at all, by method, path, query and body."""

    async def work(client: Any) -> Any:
        async with client:
            made = await client.post("/v1/dreamers", cast_to=object, body={"n": 1.5, "list": [None]})
            found = await client.get("/v1/dreamers/drm_1?a=1&b=2", cast_to=object)
            gone = await client.delete("/v1/dreamers/drm_1", cast_to=object)
            return made, found, gone

    with use_cassette(path, mode="once"):
        live = asyncio.run(work(anthropic.AsyncAnthropic(base_url=server.url, api_key=API_KEY)))
    server.close()
    with use_cassette(path):
        assert asyncio.run(work(anthropic.AsyncAnthropic())) == live

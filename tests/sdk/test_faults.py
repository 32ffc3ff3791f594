"""Faults that are injected into good cassettes come out as the SDK's own errors, in every way to call."""

from __future__ import annotations

import contextlib
from typing import Any

import anthropic
import pytest

from claude_replay import SettingsError, UnusedFault, inject, use_cassette
from claude_replay.cassette import load_cassette
from sdk_ways import UNFINISHED_GENERATORS, WAYS, Scenario, Tape, Way, ask, each, enter, settle

EIGHT = "[pieces a|b|c|d]"  # message_start, content_block_start, 4 deltas, stop …


async def hello(client: Any) -> Any:
    answer = await settle(client.messages.create(**ask("Hello")))
    return answer.content[0].text


async def stream_text(client: Any) -> list[str]:
    """The deltas of a stream, for as long as they come; then the error, if any."""
    seen = []
    try:
        async for event in each(await settle(client.messages.create(**ask(EIGHT), stream=True))):
            if event.type == "content_block_delta":
                seen.append(event.delta.text)  # noqa: PERF401  # what came before an error is kept
    except Exception as error:
        # The HTTP library's, or the SDK's.
        seen.append(type(error).__name__)
    return seen


def failing(scenario: Scenario = hello) -> Scenario:
    """The SDK's error that a scenario ends with."""

    async def scenario_that_fails(client: Any) -> Any:
        with pytest.raises(anthropic.APIError) as error:
            await scenario(client)
        return error.value

    return scenario_that_fails


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("fault", ["overloaded", "rate_limit", "server_error", "timeout", "connection_error"])
def test_the_sdk_overcomes_one_fault_without_sleeping(
    tape: Tape, way: Way, fault: str, sleeps: list[float]
) -> None:
    """The second attempt gets the recorded answer, and nobody sleeps in between."""
    tape.record(hello, way)

    assert tape.replay(hello, way, inject=fault) == "You said: Hello"

    assert tape.attempts == 2
    assert sum(sleeps) < 0.01
    assert (tape.tallies[-1].replayed, tape.tallies[-1].injected, tape.tallies[-1].unplayed) == (1, 1, [])


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    ("fault", "error", "status", "kind"),
    [
        ("overloaded", "OverloadedError", 529, "overloaded_error"),
        ("rate_limit", "RateLimitError", 429, "rate_limit_error"),
        ("server_error", "InternalServerError", 500, "api_error"),
        ("bad_request", "BadRequestError", 400, "invalid_request_error"),
        ("authentication", "AuthenticationError", 401, "authentication_error"),
        ("permission", "PermissionDeniedError", 403, "permission_error"),
        ("not_found", "NotFoundError", 404, "not_found_error"),
        ("too_large", "RequestTooLargeError", 413, "request_too_large"),
        (504, "GatewayTimeoutError", 504, "timeout_error"),
        (503, "ServiceUnavailableError", 503, "api_error"),
        (422, "UnprocessableEntityError", 422, "invalid_request_error"),
    ],
)
def test_an_error_reaches_the_application_as_the_sdks_own(
    tape: Tape, way: Way, fault: str | int, error: str, status: int, kind: str
) -> None:
    """Type, status, body and request id, once the SDK has given up; its retries are those of life."""
    tape.record(hello, way)

    raised = tape.replay(failing(), way, inject=inject(fault, times="always"))

    # Which class it is differs between versions of the SDK; each is a subclass of the general one.
    names = [base.__name__ for base in type(raised).__mro__]
    assert error in names or "APIStatusError" in names
    assert raised.status_code == status
    assert raised.body == {
        "type": "error",
        "error": {"type": kind, "message": raised.body["error"]["message"]},
        "request_id": "req_injected_by_claude_replay",
    }
    assert raised.request_id == "req_injected_by_claude_replay"
    assert tape.attempts == (3 if status == 429 or status >= 500 else 1)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    ("fault", "error"), [("timeout", "APITimeoutError"), ("connection_error", "APIConnectionError")]
)
def test_no_answer_at_all(tape: Tape, way: Way, fault: str, error: str, sleeps: list[float]) -> None:
    """As the SDK's error for it, after all of its attempts and none of its pauses."""
    tape.record(hello, way)

    raised = tape.replay(failing(), way, inject=inject(fault, times=3))

    assert type(raised).__name__ == error
    assert tape.attempts == 3
    assert sum(sleeps) == 0


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_first_failing_class_is_the_one_of_the_sdk(tape: Tape, way: Way) -> None:
    """Overloaded is told from other failures where the SDK knows the difference."""
    tape.record(hello, way)

    raised = tape.replay(failing(), way, inject=inject("overloaded", times=3))

    assert type(raised).__name__ in ("OverloadedError", "InternalServerError")


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_a_stream_is_cut_after_the_kth_event(tape: Tape, way: Way) -> None:
    """What came before it is there; then the connection breaks as in life. The next attempt is whole."""
    recorded = tape.record(stream_text, way)
    assert recorded == ["a", "b", "c", "d"]

    async def twice(client: Any) -> Any:
        return await stream_text(client), await stream_text(client)

    # message_start, content_block_start, ping, a, b
    first, second = tape.replay(twice, way, inject=inject("cut", after=5))

    assert first[:2] == ["a", "b"]
    assert len(first) == 3
    assert first[2] in ("RemoteProtocolError", "ReadError", "APIConnectionError")
    assert second == recorded


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_a_cut_stream_breaks_as_it_does_in_life(tape: Tape, way: Way) -> None:
    """With the class of error that a server causes that really goes away."""
    tape.run(stream_text, way, mode="once")
    tape.server.script("[cut-after 2]")
    live = tape.run(stream_text, way, mode="off")

    assert live[:2] == ["a", "b"]
    assert tape.replay(stream_text, way, inject=inject("cut", after=5)) == live


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
def test_an_error_event_in_the_middle(tape: Tape, way: Way) -> None:
    """`event: error` makes the SDK raise, with the body that Claude sends."""
    tape.record(stream_text, way)

    async def until_error(client: Any) -> Any:
        seen = []
        try:
            async with enter(client.messages.stream(**ask(EIGHT))) as stream:
                async for text in each(stream.text_stream):
                    seen.append(text)  # noqa: PERF401  # the same
        except anthropic.APIStatusError as error:
            return seen, error.body
        return seen, None

    seen, body = tape.replay(until_error, way, inject=inject("error_event", after=4))

    assert seen == ["a"]
    assert body == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_cut_answer_that_is_no_stream(tape: Tape, way: Way, sleeps: list[float]) -> None:
    """Half of the body is a broken connection, which the SDK tries again."""
    tape.record(hello, way)

    assert tape.replay(hello, way, inject="cut") == "You said: Hello"
    assert (tape.attempts, sum(sleeps)) == (2, 0)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_slow_first_token_only_takes_time_where_that_is_wanted(
    tape: Tape, way: Way, sleeps: list[float]
) -> None:
    """Without `sleep` it is there at once; with it the pause comes before the first event."""
    recorded = tape.record(stream_text, way)

    assert tape.replay(stream_text, way, inject=inject("slow", seconds=7)) == recorded
    assert sleeps == []
    assert tape.replay(stream_text, way, inject=inject("slow", seconds=7, sleep=True)) == recorded
    assert sleeps == [7]
    assert tape.tallies[-1].replayed == 1


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_what_is_slower_than_the_client_waits_is_a_timeout(tape: Tape, way: Way, sleeps: list[float]) -> None:
    """Decided by its read timeout (20 s here), at once; the next attempt gets the answer."""
    tape.record(hello, way)

    assert tape.replay(hello, way, inject=inject("slow", seconds=30)) == "You said: Hello"
    assert (tape.attempts, sum(sleeps)) == (2, 0)
    raised = tape.replay(failing(), way, inject=inject("slow", seconds=30, times=3, sleep=True))
    assert isinstance(raised, anthropic.APITimeoutError)
    assert sleeps.count(20) == 3


def test_a_timeout_may_take_its_time(tape: Tape, sleeps: list[float]) -> None:
    """With `sleep`, and the pauses of the SDK too."""
    tape.record(hello)

    tape.replay(hello, inject=inject("timeout", seconds=9, sleep=True))

    assert sleeps[0] == 9
    assert len(sleeps) == 2
    assert sleeps[1] > 0


def test_a_rate_limit_says_when_to_come_back(tape: Tape, sleeps: list[float]) -> None:
    """The header is there for the application; the SDK obeys it only with `sleep`."""
    tape.record(hello)

    raised = tape.replay(failing(), inject=inject("rate_limit", retry_after=30, times=3))
    assert raised.response.headers["retry-after"] == "30"
    assert sum(sleeps) < 0.01
    tape.replay(hello, inject=inject("rate_limit", retry_after=30, sleep=True))
    assert sleeps[-1] == 30


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_nth_answer_is_meant(tape: Tape, way: Way) -> None:
    """Counted from when the fault was put in place; the others are as they were."""

    async def three(client: Any) -> list[str]:
        found = []
        for number in range(3):
            try:
                found.append((await settle(client.messages.create(**ask(str(number))))).content[0].text)
            except anthropic.APIStatusError as error:
                found.append(error.status_code)
        return found

    tape.record(three, way)

    texts = ["You said: 0", "You said: 1", "You said: 2"]
    assert tape.replay(three, way, inject=inject(529, answer=2)) == texts
    assert tape.attempts == 4
    many = [inject(529, answer=2, times=3), inject(400)]
    # The first answer fails at once, so the second is that of the third call, and meets the other fault.
    assert tape.replay(three, way, inject=many) == [400, "You said: 1", 529]


def test_the_block_and_the_handle_put_faults_in_place(tape: Tape) -> None:
    """For as long as the block runs; both tell how often they struck."""
    tape.record(hello)

    async def scenario(client: Any) -> Any:
        with inject("overloaded", times=2) as fault:
            first = await hello(client)
        assert fault.strikes == 2
        return first

    assert tape.replay(scenario) == "You said: Hello"


def test_the_handle_injects_until_the_block_ends_or_the_cassette_closes(tape: Tape) -> None:
    """With and without `with`."""
    tape.record(hello)
    with use_cassette(tape.path, repeat=True) as handle, anthropic.Anthropic(max_retries=0) as client:
        with handle.inject("permission"), pytest.raises(anthropic.PermissionDeniedError):
            client.messages.create(**ask("Hello"))
        client.messages.create(**ask("Hello"))
        last = handle.inject("not_found")
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(**ask("Hello"))
        client.messages.create(**ask("Hello"))
    assert last.strikes == 1
    assert len(handle.sent) == 4
    assert len(handle.played) == len(handle.messages) == 2


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_block_works_in_async_code(tape: Tape, way: Way) -> None:
    """As `async with`, in tasks and threads of every kind."""
    tape.record(hello, way)

    async def scenario(client: Any) -> Any:
        assert tape.handle is not None
        async with inject("overloaded") as fault, tape.handle.inject("server_error") as other:
            text = await hello(client)
        return text, fault.strikes, other.strikes

    with use_cassette(tape.path) as tape.handle:
        assert way.run(scenario, tape.server.url) == ("You said: Hello", 1, 1)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (inject("overloaded", answer=3), "1 answer was given, and nobody asked for more"),
        (
            inject("overloaded", times=4),
            r"4 times \(but 3\): 0 answers were given, and nobody asked for more",
        ),
        (inject("error_event"), "answer 1 is no stream"),
    ],
)
def test_a_fault_that_does_not_happen_is_an_error(tape: Tape, fault: inject, why: str) -> None:
    """A test that meets no fault shows nothing about it."""
    tape.record(hello)

    async def scenario(client: Any) -> None:
        with contextlib.suppress(anthropic.APIStatusError):
            await hello(client)

    with pytest.raises(UnusedFault, match=why):
        tape.replay(scenario, inject=fault)


def test_a_block_that_a_fault_never_reached_is_an_error(tape: Tape) -> None:
    """Also for the block alone, and not where another error ended it."""
    tape.record(hello)

    async def scenario(client: Any) -> None:
        with pytest.raises(UnusedFault, match="0 answers were given"), inject("overloaded"):
            pass
        with pytest.raises(KeyError), inject("overloaded"):
            raise KeyError
        await hello(client)

    tape.replay(scenario)


def test_a_stream_that_is_shorter_is_not_cut(tape: Tape) -> None:
    """The number of its events is told."""
    tape.record(stream_text)

    with pytest.raises(UnusedFault, match=r"answer 1 has only \d+ events"):
        tape.replay(stream_text, inject=inject("cut", after=99))


def test_an_error_that_was_recorded_is_not_spoiled(tape: Tape) -> None:
    """A fault within an answer needs a good one."""
    tape.server.script("[status 400]")
    tape.record(failing())

    with pytest.raises(UnusedFault, match="answer 1 is an error itself"):
        tape.replay(failing(), inject="cut")


def test_what_an_application_never_came_to_is_not_missing(tape: Tape) -> None:
    """It gave up at the fault, so what follows in the cassette was not asked for; what comes before counts."""

    async def three(client: Any) -> None:
        for number in range(3):
            await settle(client.messages.create(**ask(str(number))))

    async def give_up(client: Any) -> None:
        with pytest.raises(anthropic.APIStatusError):
            await three(client)

    tape.record(three)
    tape.replay(give_up, inject=inject(403, answer=2))
    assert tape.handle is not None
    tape.handle.assert_all_played()

    async def skip(client: Any) -> None:
        with pytest.raises(anthropic.APIStatusError):
            await settle(client.messages.create(**ask("1")))

    tape.replay(skip, inject=inject(403))
    with pytest.raises(AssertionError, match=r"number 1 \(messages\)"):
        tape.handle.assert_all_played()


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.filterwarnings(UNFINISHED_GENERATORS)
@pytest.mark.parametrize("fault", [inject("cut", after=4), inject("error_event", after=4)], ids=str)
def test_faults_within_answers_happen_while_recording_too(tape: Tape, way: Way, fault: inject) -> None:
    """The good answer is recorded, and the application gets the spoiled one; replay does the same."""

    async def twice(client: Any) -> Any:
        return await stream_text(client), await stream_text(client)

    recorded = tape.record(twice, way, inject=fault)
    assert recorded[0][0] == "a"
    assert len(recorded[0]) == 2
    assert recorded[1] == ["a", "b", "c", "d"]
    found = load_cassette(tape.path)
    assert found is not None
    assert [len(entry.answer[0].body.items) for entry in found.entries] == [7, 7]  # type: ignore[union-attr]

    assert tape.replay(twice, way, inject=fault) == recorded
    assert tape.tallies[-1].unplayed == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_errors_happen_while_recording_without_a_call(tape: Tape, way: Way) -> None:
    """Nothing is sent for them, and only the answer that follows is recorded."""
    assert tape.run(hello, way, mode="once", inject="overloaded") == "You said: Hello"
    assert tape.server.count == 1
    assert tape.replay(hello, way, inject="overloaded") == "You said: Hello"


def test_an_error_that_is_live_is_left_alone_while_recording(tape: Tape) -> None:
    """And so is what is no stream."""
    tape.server.script("[status 400]")
    with pytest.raises(UnusedFault, match="is an error itself"):
        tape.run(failing(), mode="once", inject="cut")
    tape.server.script("[status 401]")
    with pytest.raises(UnusedFault):
        tape.run(failing(), mode="rewrite", inject="cut")


def test_in_sequence_faults_stand_in_for_turns(tape: Tape) -> None:
    """The turn is not taken by the failing attempt."""
    tape.record(hello)

    async def other(client: Any) -> Any:
        return (await settle(client.messages.create(**ask("Other")))).content[0].text

    assert tape.replay(other, match="sequence", inject="overloaded") == "You said: Hello"


def test_repeated_answers_can_fail_too(tape: Tape) -> None:
    """With `repeat` there is always one to come."""
    tape.record(hello)

    async def twice(client: Any) -> Any:
        return await hello(client), await hello(client)

    assert tape.replay(twice, repeat=True, inject=inject("cut", answer=2))[1] == "You said: Hello"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["overlaoded"], {}, "inject: there is no fault 'overlaoded'; did you mean 'overloaded'?"),
        ([200], {}, "inject: a status from 400 to 599 was expected, not 200"),
        ([True], {}, "inject: there is no fault True; *"),
        (["cut"], {"answer": 0}, "inject: answer: a whole number from 1 on was expected, not 0"),
        (
            ["cut"],
            {"times": "ever"},
            "inject: times: a whole number from 1 on or 'always' was expected, not 'ever'",
        ),
        (["cut"], {"after": -1}, "inject: after: a number from 0 on was expected, not -1"),
        (["cut"], {"after": True}, "inject: after: a number from 0 on was expected, not True"),
        (["timeout"], {"after": 1}, "inject: 'after' is for cut, error_event, not for timeout"),
        (["cut"], {"retry_after": 1}, "inject: 'retry_after' is for *, not for cut"),
    ],
)
def test_what_is_wrong_with_a_fault_is_said(
    arguments: list[Any], options: dict[str, Any], message: str
) -> None:
    """The nearest name, and what was expected."""
    with pytest.raises(SettingsError) as error:
        inject(*arguments, **options)
    start, _, end = message.partition("*")
    assert str(error.value).startswith(start)
    assert str(error.value).endswith(end)


def test_a_fault_needs_an_open_cassette() -> None:
    """Elsewhere it would happen to nobody."""
    with pytest.raises(SettingsError, match="no cassette is open here for overloaded before answer 1"):
        inject("overloaded").__enter__()


def test_a_fault_reads_well() -> None:
    """In the ids of parametrized tests, and in messages."""
    assert repr(inject("cut", answer=2)) == "inject('cut of answer 2')"
    assert repr(inject(529)) == "inject('overloaded before answer 1')"

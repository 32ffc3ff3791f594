"""What a live answer does differently from the recorded one, in what programs depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from claude_replay.api import assemble_message, message_text, message_usage, tool_calls
from claude_replay.bodies import load_json
from claude_replay.exchange import Body, Json, Meta, Response, Usage
from claude_replay.matching import differences, summarize
from claude_replay.session.drift import Drift

__all__ = ["Comparison", "compare", "compare_answers"]

# Of longer texts the beginning says enough.
_MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    A recorded answer beside the one that came now.

    `drift` is what programs depend on; the rest differs from call to call. `similarity` of the texts is 0 to
    1, None where there are none; `recorded` and `live` are the tokens, `recorded_seconds` and `live_seconds`
    the time from sending to the last byte, None where it is not known. `place` is that of the recording in
    the cassette, from 0.
    """

    place: int
    asked: str
    drift: tuple[Drift, ...]
    similarity: float | None
    recorded: Usage
    live: Usage
    recorded_seconds: float | None
    live_seconds: float | None

    @property
    def measures(self) -> list[float | None]:
        """Similarity, tokens recorded and live, seconds recorded and live: what adds up over a run."""
        return [
            self.similarity,
            self.recorded.total_tokens,
            self.live.total_tokens,
            self.recorded_seconds,
            self.live_seconds,
        ]


def compare(
    recorded: tuple[Response, Meta], live: tuple[Response, Meta], *, place: int, number: int, asked: str
) -> Comparison:
    """Everything about two answers to one request; `number` counts the requests from 1."""
    drift = tuple(
        Drift("answer", found.path, found.recorded, found.now, found.text, number, asked)
        for found in compare_answers(recorded[0], live[0])
    )
    before, after = (assemble_message(response.body) or {} for response, _ in (recorded, live))
    return Comparison(
        place,
        asked,
        drift,
        _measure(message_text(before), message_text(after)),
        message_usage(before),
        message_usage(after),
        recorded[1].duration,
        live[1].duration,
    )


def _measure(recorded: str, live: str) -> float | None:
    """How alike two texts are, by their words in order."""
    if not recorded and not live:
        return None
    before, after = recorded.split()[:_MOST_WORDS], live.split()[:_MOST_WORDS]
    return round(SequenceMatcher(None, before, after, autojunk=False).ratio(), 3)


def compare_answers(recorded: Response, live: Response) -> list[Drift]:
    """
    The differences that matter.

    Wording, ids and token counts of a message differ from call to call and are not drift; status, stop
    reason, kinds of blocks, tools asked for with their arguments, the shape of JSON where the text is JSON,
    and the shape of any other answer are.
    """
    if recorded.ended == "cancelled":
        # Nobody waited for that answer, so nothing is known of it.
        return []
    if recorded.status != live.status:
        return [_differ("status", recorded.status, live.status)]
    before, after = assemble_message(recorded.body), assemble_message(live.body)
    if before is None or after is None:
        return list(_compare_shapes(recorded.body, live.body))
    return list(_compare_messages(before, after))


def _differ(path: str, recorded: object, live: object, text: str = "") -> Drift:
    return Drift("answer", path, recorded, live, f"{path}: {text or f'recorded {recorded!r}, live {live!r}'}")


def _compare_messages(before: dict[str, object], after: dict[str, object]) -> Iterator[Drift]:
    for name in ("stop_reason", "model"):
        if before.get(name) != after.get(name):
            yield _differ(name, before.get(name), after.get(name))
    kinds = _kinds(before), _kinds(after)
    if kinds[0] != kinds[1]:
        text = f"recorded {', '.join(kinds[0])}; live {', '.join(kinds[1])}"
        yield _differ("content", *kinds, text)
    recorded, live = (
        [{"name": call.name, "input": call.input} for call in tool_calls(message)]
        for message in (before, after)
    )
    if recorded != live:
        yield _differ("tool calls", recorded, live, summarize(differences(live, recorded)))
    yield from _compare_json_texts(message_text(before), message_text(after))


def _kinds(message: dict[str, object]) -> list[str]:
    content = message.get("content")
    return (
        [str(block.get("type")) for block in content if isinstance(block, dict)]
        if isinstance(content, list)
        else []
    )


def _compare_json_texts(recorded: str, live: str) -> Iterator[Drift]:
    """Structured output is text; what programs depend on is the shape of the JSON in it."""
    before = load_json(recorded) if recorded.lstrip().startswith(("{", "[")) else None
    if before is None:
        return
    after = load_json(live)
    if after is None:
        yield _differ("JSON text", recorded, live, "recorded JSON, live none")
        return
    changes = differences(_shape(after.value), _shape(before.value))
    if changes:
        yield _differ("JSON text", before.value, after.value, summarize(changes))


def _compare_shapes(recorded: Body, live: Body) -> Iterator[Drift]:
    if not isinstance(recorded, Json) or not isinstance(live, Json):
        if type(recorded) is not type(live):
            yield _differ(
                "body", type(recorded).__name__, type(live).__name__, "another kind of body than recorded"
            )
        return
    changes = differences(_shape(live.value), _shape(recorded.value))
    if changes:
        yield _differ("body", recorded.value, live.value, summarize(changes))


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )

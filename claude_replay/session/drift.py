"""What a live answer does differently from the recorded one, in what programs depend on."""

from __future__ import annotations

from claude_replay.api import assemble_message, tool_calls
from claude_replay.exchange import Body, Json, Response
from claude_replay.matching import differences, summarize

__all__ = ["compare_answers"]


def compare_answers(recorded: Response, live: Response) -> list[str]:
    """
    The differences that matter, one line each.

    Wording, ids and token counts of a message differ from call to call and are not drift; status, stop
    reason, kinds of blocks, tools asked for with their arguments, and the shape of any other answer are.
    """
    if recorded.ended == "cancelled":
        # Nobody waited for that answer, so nothing is known of it.
        return []
    if recorded.status != live.status:
        return [f"status: recorded {recorded.status}, live {live.status}"]
    before, after = assemble_message(recorded.body), assemble_message(live.body)
    if before is None or after is None:
        return _compare_shapes(recorded.body, live.body)
    drift = [
        f"{name}: recorded {before.get(name)!r}, live {after.get(name)!r}"
        for name in ("stop_reason", "model")
        if before.get(name) != after.get(name)
    ]
    if _kinds(before) != _kinds(after):
        drift.append(f"content: recorded {', '.join(_kinds(before))}; live {', '.join(_kinds(after))}")
    calls = [[(call.name, call.input) for call in tool_calls(message)] for message in (before, after)]
    if calls[0] != calls[1]:
        sent, known = ([{"name": name, "input": given} for name, given in side] for side in reversed(calls))
        drift.append(f"tool calls: {summarize(differences(sent, known))}")
    return drift


def _kinds(message: dict[str, object]) -> list[str]:
    content = message.get("content")
    return (
        [str(block.get("type")) for block in content if isinstance(block, dict)]
        if isinstance(content, list)
        else []
    )


def _compare_shapes(recorded: Body, live: Body) -> list[str]:
    if not isinstance(recorded, Json) or not isinstance(live, Json):
        return [] if type(recorded) is type(live) else ["body: another kind of body than recorded"]
    changes = differences(_shape(live.value), _shape(recorded.value))
    return [f"body: {summarize(changes)}"] if changes else []


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return (
        "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
    )

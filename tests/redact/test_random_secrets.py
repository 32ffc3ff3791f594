"""Random secrets at random places of requests, responses and streams."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest

from claude_replay.bodies import encode_body
from claude_replay.exchange import (
    Body,
    Deltas,
    Event,
    EventStream,
    Exchange,
    Json,
    RawEvent,
    Request,
    Response,
    StreamItem,
    Text,
)
from claude_replay.redact import PLACEHOLDER, Redactor

WORD = string.ascii_letters + string.digits
LITERAL = "Tr0ub4dor/and+three=" + "q" * 8
BEFORE = ("", " ", "\n", '"', "key=", "(", "\\n", "<b>", "\u00fc ", "Bearer ")
AFTER = ("", " ", "\n", '"', ", ", ")", "</b>", " \u65e5\u672c")


def _take(rng: random.Random, count: int, letters: str = WORD) -> str:
    return "".join(rng.choices(letters, k=count))


SECRETS: dict[str, Callable[[random.Random], str]] = {
    "anthropic": lambda rng: (
        f"sk-ant-{rng.choice(['api03', 'admin01', 'oat01', 'sid02'])}-{_take(rng, 93, WORD + '_')}"
    ),
    "openai": lambda rng: f"sk-{rng.choice(['', 'proj-', 'svcacct-'])}A1{_take(rng, 46)}",
    "github": lambda rng: f"gh{rng.choice('pousr')}_{_take(rng, 36)}",
    "aws": lambda rng: f"{rng.choice(['AK', 'AS'])}IA{_take(rng, 16, string.ascii_uppercase + '234567')}",
    "google": lambda rng: f"AI{'za'}{_take(rng, 35)}",
    "slack": lambda rng: f"xo{'xb'}-{_take(rng, 12, string.digits)}-{_take(rng, 24)}",
    "jwt": lambda rng: f"ey{'J'}{_take(rng, 20)}.eyJ{_take(rng, 40)}.{_take(rng, 43)}",
    "literal": lambda rng: LITERAL,
}


def _exchange(sent: Body = None, received: Body = None, *, url: str = "", **headers: str) -> Exchange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(
        "POST", f"https://api.anthropic.com/v1/messages{url}", {"anthropic-version": "2023-06-01"}, sent
    )
    return Exchange(request, Response(200, {"content-type": "application/json", **named}, received))


def _conversation(text: str) -> dict[str, object]:
    blocks = [
        {"type": "text", "text": "Look:"},
        {"type": "tool_result", "tool_use_id": "toolu_01", "content": text},
    ]
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": blocks}],
    }


def _message(text: str) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 3},
    }


# Each builds an exchange around a text, and says where the guard has to see it.
PLACES: dict[str, tuple[Callable[[str], Exchange], str]] = {
    "prompt": (
        lambda text: _exchange(Json(_conversation(text))),
        "request.body.messages[1].content[1].content",
    ),
    "metadata": (
        lambda text: _exchange(Json({"metadata": {"user_id": text}})),
        "request.body.metadata.user_id",
    ),
    "text body": (lambda text: _exchange(Text(f"--boundary\r\n\r\n{text}\r\n--boundary--")), "request.body"),
    "header": (lambda text: _exchange(request_id=text), "response.headers.request-id"),
    "answer": (lambda text: _exchange(None, Json(_message(text))), "response.body.content[0].text"),
    "error": (
        lambda text: _exchange(None, Json({"error": {"message": text}})),
        "response.body.error.message",
    ),
    "raw event": (
        lambda text: _exchange(None, EventStream((RawEvent(f": {text}"),))),
        "response.body.items[0].text",
    ),
    "tail": (lambda text: _exchange(None, EventStream((), f"data: {text}")), "response.body.tail"),
}


def _assert_clean(exchange: Exchange, secret: str, redactor: Redactor) -> Exchange:
    redacted = redactor.exchange(exchange)
    assert secret not in repr(redacted)
    assert secret.encode() not in encode_body(redacted.response.body)
    assert redactor.find(redacted) is None
    assert not redactor.find_in_text(repr(redacted))
    assert redactor.exchange(redacted) is redacted
    return redacted


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_does_not_survive(kind: str, place: str) -> None:
    """Wherever a secret stands, the guard names the place before, and nothing of the secret is left after."""
    rng = random.Random(f"{kind} {place}")
    redactor = Redactor(literals=[LITERAL])
    build, path = PLACES[place]
    for _ in range(20):
        secret = SECRETS[kind](rng)
        before, after = rng.choice(BEFORE), rng.choice(AFTER)
        exchange = build(f"{before}{secret}{after}")
        assert redactor.find(exchange) == path
        assert _assert_clean(exchange, secret, redactor) == build(f"{before}{PLACEHOLDER}{after}")


@pytest.mark.parametrize("kind", sorted(SECRETS.keys() - {"literal"}))
def test_a_secret_in_a_url_does_not_survive(kind: str) -> None:
    """A secret in path or query is found and replaced; the rest of the URL stays."""
    rng = random.Random(kind)
    redactor = Redactor()
    for _ in range(20):
        secret = SECRETS[kind](rng)
        # What looks like a Google key within a path may be base64.
        template = rng.choice(
            ["?key={}", "?a=b&x={}&c=d", "/files/{}/content" if kind != "google" else "?k={}&a"]
        )
        exchange = _exchange(url=template.format(secret))
        assert redactor.find(exchange) == "request.url"
        assert _assert_clean(exchange, secret, redactor) == _exchange(url=template.format(PLACEHOLDER))


def _cut(rng: random.Random, text: str) -> list[str]:
    """`text` in random pieces, some of them empty."""
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 12)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _stream(rng: random.Random, pieces: list[str], kind: str) -> tuple[StreamItem, ...]:
    """The pieces in runs of random length, with pings and another block's text between the runs."""
    items: list[StreamItem] = [Event("message_start", {"type": "message_start", "message": _message("")})]
    while pieces:
        length = rng.randint(1, 4)
        items.append(Deltas(1, kind, tuple(pieces[:length])))
        pieces = pieces[length:]
        items += rng.choices(
            [Event("ping", {"type": "ping"}), Deltas(0, kind, ("else", "where")), RawEvent(": comment")],
            k=rng.randint(0, 3),
        )
    return (*items, Event("message_stop", {"type": "message_stop"}))


def _pieces(items: tuple[StreamItem, ...]) -> list[str]:
    return [piece for item in items if isinstance(item, Deltas) and item.index == 1 for piece in item.pieces]


def _begin(items: tuple[StreamItem, ...], position: int) -> str:
    """The path of the piece in which a position of the joined text lies."""
    for number, item in enumerate(items):
        if isinstance(item, Deltas) and item.index == 1:
            for at, piece in enumerate(item.pieces):
                if position < len(piece):
                    return f"response.body.items[{number}].pieces[{at}]"
                position -= len(piece)
    raise AssertionError(position)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("delta", ["text_delta", "input_json_delta", "thinking_delta"])
def test_a_secret_cut_into_pieces_does_not_survive(kind: str, delta: str) -> None:
    """However a stream cuts a secret, it is found where it begins and nothing of it is left in any piece."""
    rng = random.Random(f"{kind} {delta}")
    redactor = Redactor(literals=[LITERAL])
    for _ in range(60):
        secret = SECRETS[kind](rng)
        before, after = f"The key is {rng.choice(BEFORE)}", f"{rng.choice(AFTER)} and so on"
        items = _stream(rng, _cut(rng, f"{before}{secret} {after}"), delta)
        exchange = _exchange(None, EventStream(items))
        assert redactor.find(exchange) == _begin(items, len(before))
        redacted = _assert_clean(exchange, secret, redactor)
        assert isinstance(redacted.response.body, EventStream)
        cleaned = redacted.response.body.items
        assert "".join(_pieces(cleaned)) == f"{before}{PLACEHOLDER} {after}"
        assert [len(item.pieces) for item in cleaned if isinstance(item, Deltas)] == [
            len(item.pieces) for item in items if isinstance(item, Deltas)
        ]
        assert [item for item in cleaned if not isinstance(item, Deltas)] == [
            item for item in items if not isinstance(item, Deltas)
        ]


@pytest.mark.parametrize("seed", range(20))
def test_random_text_is_left_alone(seed: int) -> None:
    """Words, ids, hashes and numbers in any order are no secrets, and nothing is copied."""
    rng = random.Random(seed)
    makers: list[Callable[[], str]] = [
        lambda: _take(rng, rng.randint(1, 12), string.ascii_lowercase),
        lambda: f"toolu_{_take(rng, 24)}",
        lambda: f"req_{_take(rng, 24)}",
        lambda: _take(rng, 64, "0123456789abcdef"),
        lambda: "-".join(_take(rng, count, "0123456789abcdef") for count in (8, 4, 4, 4, 12)),
        lambda: _take(rng, 400, WORD + "+/"),
        lambda: rng.choice(
            ["max_tokens=1024", "sk-ant-", "bearer-token", "x-api-key:", "ghp_", "eyJ", "AWS_REGION=eu"]
        ),
    ]
    text = " ".join(rng.choice(makers)() for _ in range(300))
    exchange = _exchange(
        Json(_conversation(text)), EventStream((Deltas(0, "text_delta", tuple(_cut(rng, text))),))
    )
    redactor = Redactor(literals=[LITERAL])
    assert redactor.exchange(exchange) is exchange
    assert redactor.find(exchange) is None

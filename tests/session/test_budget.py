"""A run that records stops before it costs more than it may."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import anthropic
import pytest

from claude_replay import BudgetReached, LiveCallRefused, SettingsError
from claude_replay.api import cost_usd, estimate_usd
from claude_replay.cassette import load_cassette
from claude_replay.exchange import Json, Text, Usage
from claude_replay.settings import COMMAND_LINE, Layer
from recordings import MODEL, Studio, ask, make_client


def limit(studio: Studio, **settings: object) -> None:
    """Give the run a budget, as on the command line."""
    studio.ambient.above = [Layer(COMMAND_LINE, settings)]
    studio.is_one_run = True


def test_the_call_after_the_last_one_is_not_sent(studio: Studio) -> None:
    """What was recorded is kept, and a larger budget goes on from there."""
    limit(studio, max_calls=2)
    with pytest.raises(BudgetReached) as stop:
        studio.ask("one", "two", "three", mode="once")
    assert studio.server.count == 2
    assert str(stop.value) == (
        "claude_replay: a request was not sent: the budget of this run is used up; what was recorded until then "
        "is kept\n"
        f'  asked     messages · {MODEL} · "three"\n'
        "  budget    2 calls (--claude-record-max-calls), all of them made\n"
        f"  go on     with a larger one: use_cassette({str(studio.path)!r}, mode='once')"
    )
    assert (studio.tallies[-1].recorded, studio.tallies[-1].budget_stops) == (2, 1)
    kept = load_cassette(studio.path)
    assert kept is not None
    assert len(kept.entries) == 2

    limit(studio, max_calls=3)
    studio.ask("one", "two", "three", mode="once")
    assert studio.server.count == 3


def test_a_stopped_call_passes_retries_and_except_exception(studio: Studio) -> None:
    """It is raised as every refused call."""
    limit(studio, max_calls=0)
    assert issubclass(BudgetReached, LiveCallRefused)
    client = make_client(studio.server, max_retries=5)

    def ask_and_fall_back() -> str:
        try:
            return ask(client, "one")
        except Exception:
            return "fallen back"

    with pytest.raises(BudgetReached), studio.open("once") as handle:
        ask_and_fall_back()
    assert studio.server.count == 0
    assert len(handle.misses) == 1


def test_replayed_answers_cost_nothing(studio: Studio) -> None:
    """Only calls are counted; a cassette that is there plays."""
    studio.ask("one", "two", mode="once")
    limit(studio, max_calls=0, max_usd=0)

    studio.ask("one", "two", mode="new_episodes")
    studio.ask("one", "two", mode="none")

    assert studio.server.count == 2


@pytest.mark.parametrize("mode", ["new_episodes", "rewrite", "all", "verify"])
def test_every_mode_that_calls_is_limited(studio: Studio, mode: str) -> None:
    """Also verifying costs."""
    studio.ask("one", mode="once")
    limit(studio, max_calls=1)
    with pytest.raises(BudgetReached):
        studio.ask("three", "four", mode=mode)
    assert studio.server.count == 2


def test_retries_of_the_sdk_are_calls(studio: Studio) -> None:
    """Each attempt reaches Claude."""
    limit(studio, max_calls=2)
    studio.server.script("[status 529] [retry-after 0]", "[status 529] [retry-after 0]")
    client = make_client(studio.server, max_retries=5)
    with pytest.raises(BudgetReached), studio.open("once"):
        ask(client, "one")
    assert studio.server.count == 2


def test_threads_share_the_count(studio: Studio) -> None:
    """However many ask at once, no more are sent than may."""
    limit(studio, max_calls=5)
    client = make_client(studio.server, max_retries=0)

    def try_to_ask(number: int) -> bool:
        try:
            ask(client, f"number {number}")
        except BudgetReached:
            return False
        return True

    with pytest.raises(BudgetReached), studio.open("once"), ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(try_to_ask, range(12)))
    assert (sum(answered), studio.server.count) == (5, 5)


# ---------------------------------------------------------------------- dollars


def test_the_call_that_could_cost_too_much_is_not_sent(studio: Studio) -> None:
    """Before a call the most it can cost is counted, afterwards what it has cost."""
    body = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "one"}]}
    most = estimate_usd(Json(body))
    assert most is not None
    limit(studio, max_usd=f"{most * 1.5:.6f}")

    studio.ask("one", "two", mode="once")

    # Two at their most would have been too much; two at what they cost are not.
    client = make_client(studio.server, max_retries=0)
    with pytest.raises(BudgetReached) as stop, studio.open("new_episodes"):
        ask(client, "a long one", extra_body={"max_tokens": 4000})
    assert "of it spent; this call can cost up to $0.0" in str(stop.value)
    assert studio.server.count == 2


@pytest.mark.parametrize(
    ("max_usd", "shown"), [("0.001", "0.001"), ("0.00002", "0.00002"), ("0", "0.00"), ("0.0010", "0.001")]
)
def test_a_budget_is_shown_as_it_was_given(studio: Studio, max_usd: str, shown: str) -> None:
    """Nothing is rounded away, however small it is."""
    limit(studio, max_usd=max_usd)
    body = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "one"}]}
    most = estimate_usd(Json(body))

    with pytest.raises(BudgetReached) as stop:
        studio.ask("one", mode="once")

    assert (
        f"  budget    ${shown} (--claude-record-max-usd), about $0.0000 of it spent; "
        f"this call can cost up to ${most:.6f}\n"
    ) in str(stop.value)


def test_large_amounts_are_grouped(studio: Studio) -> None:
    """A budget in round dollars has its cents."""
    limit(studio, max_usd=1500)
    client = make_client(studio.server, max_retries=0)

    with pytest.raises(BudgetReached) as stop, studio.open("once"):
        ask(client, "one", extra_body={"max_tokens": 10**9})

    assert "budget    $1,500.00 (--claude-record-max-usd), about $0.0000 of it spent" in str(stop.value)


def test_what_costs_nothing_is_always_sent(studio: Studio) -> None:
    """Counting tokens, and errors; an answer nobody read to its end counts with the most it can cost."""
    text = "[words 20]"
    most = estimate_usd(make(text, max_tokens=100))
    assert most is not None
    limit(studio, max_usd=f"{most * 1.2:.6f}")
    client = make_client(studio.server, max_retries=0)
    with studio.open("once"):
        client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "one"}])
        studio.server.script("[status 400]", "[status 400]")
        for _ in range(2):
            with pytest.raises(anthropic.BadRequestError):
                ask(client, "wrong")
        with client.messages.stream(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": text}]
        ) as stream:
            next(iter(stream))
    with pytest.raises(BudgetReached), studio.open("new_episodes"):
        ask(client, text)


def test_a_model_without_a_price_is_not_called(studio: Studio) -> None:
    """Nobody knows what it would cost."""
    limit(studio, max_usd=100)
    client = make_client(studio.server, max_retries=0)
    with (
        pytest.raises(BudgetReached, match="no price is known for the model 'claude-next'"),
        studio.open("once"),
    ):
        client.messages.create(model="claude-next", max_tokens=1, messages=[{"role": "user", "content": "a"}])


def test_dollars_need_the_price_list(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is sent, with the command that installs it; replaying needs none."""
    studio.ask("one", mode="once")
    limit(studio, max_usd=1)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(SettingsError) as error:
        studio.ask("two", mode="new_episodes")
    assert str(error.value) == (
        "command line: max_usd: what calls cost is not known without the price list; install it: "
        "pip install 'pytest-claude-replay[prices]', or limit calls: max_calls"
    )
    studio.ask("one", mode="none")
    assert studio.server.count == 1


# ---------------------------------------------------------------------- what a call may cost


def make(content: object, **fields: object) -> Json:
    """The body of a messages request."""
    return Json(
        {"model": MODEL, "max_tokens": 0, "messages": [{"role": "user", "content": content}], **fields}
    )


def image(size: int, kind: str = "image/png") -> list[dict[str, object]]:
    """A picture of so many characters in base64."""
    source = {"type": "base64", "media_type": kind, "data": "x" * size}
    return [{"type": "image", "source": source}]


def test_the_estimate_follows_size_limit_and_media() -> None:
    """In dollars; pictures by their number, documents by their size, both far from that of their base64."""
    small, large = estimate_usd(make("a")), estimate_usd(make("a" * 4000))
    long = estimate_usd(make("a", max_tokens=1000))
    assert small is not None
    assert large is not None
    assert long is not None
    assert small < 0.001
    assert large - small == pytest.approx(cost_usd(MODEL, Usage(input_tokens=2000)), rel=0.01)
    assert long - small == pytest.approx(cost_usd(MODEL, Usage(output_tokens=1000)), rel=0.01)
    assert estimate_usd(make(image(100))) == estimate_usd(make(image(100_000)))
    one_page, ten_pages = (estimate_usd(make(image(size, "application/pdf"))) for size in (100, 200_000))
    assert (one_page or 0) < (ten_pages or 0)
    marked = estimate_usd(make("a", cache_control={"type": "ephemeral"}))
    assert (marked or 0) > small


def test_a_batch_costs_what_its_requests_do() -> None:
    """At most; one of unknown price makes the whole unknown."""
    one = make("a", max_tokens=100)
    price = estimate_usd(one)
    assert price is not None
    requests = [{"custom_id": str(number), "params": one.value} for number in range(3)]
    assert estimate_usd(Json({"requests": [*requests, "odd"]})) == pytest.approx(3 * price)
    unknown = make("a", model="claude-next", max_tokens=1)
    assert estimate_usd(Json({"requests": [*requests, {"params": unknown.value}]})) is None


@pytest.mark.parametrize(
    "body",
    [None, Text("upload"), Json([1]), Json({"model": MODEL, "messages": []}), Json({"max_tokens": True})],
)
def test_what_asks_for_no_message_costs_nothing(body: Json | Text | None) -> None:
    """Other endpoints."""
    assert estimate_usd(body) == 0.0

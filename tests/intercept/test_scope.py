"""Which open cassette a request belongs to, by task, by thread and by the order of opening."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from claude_replay.errors import CassetteMiss, LiveCallRefused
from claude_replay.intercept.ambient import Ambient, pop_ambient, push_ambient
from claude_replay.intercept.scope import Scope, current_session, enter, leave
from claude_replay.session import Run, Session
from claude_replay.settings import Settings

T = TypeVar("T")
Open = Callable[..., Scope]


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of this run has a scope of its own around everything."""
    monkeypatch.setattr("claude_replay.intercept.scope._open", [])


@pytest.fixture
def sessions(tmp_path: Path) -> Callable[[str], Session]:
    """Open sessions by name."""

    def make(name: str) -> Session:
        return Session(
            path=tmp_path / f"{name}.yaml",
            settings=Settings(),
            run=Run(),
            label=name,
            command=str,
            environ={},
        ).open()

    return make


@pytest.fixture
def open_scope(sessions: Callable[[str], Session]) -> Iterator[Open]:
    """Enters a scope by name, or one without cassette; what the test leaves open is left at its end."""
    entered: list[Scope] = []

    def open_scope(name: str | None, *, ambient: bool = False) -> Scope:
        scope = enter(sessions(name) if name is not None else None, ambient=ambient)
        entered.append(scope)
        return scope

    yield open_scope
    for scope in reversed(entered):
        leave(scope)


def in_thread(function: Callable[[], T]) -> T:
    """Run in a thread that begins with an empty context; gives the result, or raises what it raised."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def current() -> str | None:
    """The name of the cassette that a request made here belongs to."""
    session = current_session()
    return session.label if session is not None else None


def test_outside_of_all_cassettes_there_is_none() -> None:
    """In threads and tasks neither."""
    assert (current(), in_thread(current)) == (None, None)


def test_the_innermost_one_holds_for_its_thread_and_those_it_starts(open_scope: Open) -> None:
    """Also for threads, which begin without any context."""
    open_scope("outer")
    inner = open_scope("inner")
    assert (current(), in_thread(current)) == ("inner", "inner")
    leave(inner)
    assert (current(), in_thread(current)) == ("outer", "outer")


def test_leaving_the_outer_one_first_leaves_the_inner_one(open_scope: Open) -> None:
    """Scopes need not nest."""
    outer, inner = open_scope("outer"), open_scope("inner")
    leave(outer)
    assert current() == "inner"
    leave(inner)
    assert current() is None


def test_leaving_twice_does_nothing(open_scope: Open) -> None:
    """The second time there is nothing left to end."""
    outer = open_scope("outer")
    inner = open_scope("inner")
    leave(inner)
    leave(inner)
    assert (current(), str(outer).endswith("outer.yaml")) == ("outer", True)


def test_tasks_side_by_side_have_their_own(open_scope: Open) -> None:
    """What one task opens is nothing to the other; what a task starts is its own."""

    async def work(name: str, opened: asyncio.Barrier) -> list[str | None]:
        scope = open_scope(name)
        await opened.wait()
        seen = [current(), await asyncio.to_thread(current), await asyncio.create_task(ask())]
        await opened.wait()
        leave(scope)
        return seen

    async def ask() -> str | None:
        return current()

    async def both() -> object:
        opened = asyncio.Barrier(2)
        return await asyncio.gather(work("left", opened), work("right", opened))

    assert asyncio.run(both()) == [["left"] * 3, ["right"] * 3]


def test_threads_side_by_side_have_their_own(open_scope: Open) -> None:
    """A cassette opened in one thread is not inside one that another thread has opened."""
    barrier = threading.Barrier(2)
    seen: dict[str, list[str | None]] = {}

    def work(name: str) -> None:
        scope = open_scope(name)
        barrier.wait()
        seen[name] = [current()]
        barrier.wait()
        leave(scope)
        barrier.wait()
        seen[name].append(current())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"left": ["left", None], "right": ["right", None]}


def test_a_thread_that_could_belong_to_either_is_told_so(open_scope: Open) -> None:
    """It is not given to one of them by chance, and both remember it, in case the error is swallowed."""
    open_scope(None, ambient=True)
    left = contextvars.copy_context().run(open_scope, "left")
    right = contextvars.copy_context().run(open_scope, "right")
    with pytest.raises(CassetteMiss, match=r"(?s)left\.yaml, .+right\.yaml.+target=contextvars") as miss:
        in_thread(current)
    assert miss.value.reason == "ambiguous_cassette"
    assert [scope.session.misses for scope in (left, right) if scope.session] == [[miss.value]] * 2
    leave(left)
    assert in_thread(current) == "right"


def test_a_task_that_outlives_its_cassette_does_not_get_into_another(open_scope: Open) -> None:
    """A call that comes late is stopped, not recorded in whatever is open by then."""
    context = contextvars.Context()
    leave(context.run(open_scope, "mine"))
    assert context.run(current) is None

    other = contextvars.Context()
    other.run(open_scope, "other")
    assert other.run(current) == "other"
    late: list[LiveCallRefused] = []
    ambient = Ambient(refused=late.append)
    push_ambient(ambient)
    with pytest.raises(
        LiveCallRefused, match=r"started within .+mine\.yaml .+ while .+other\.yaml is open"
    ) as caught:
        context.run(current)
    pop_ambient(ambient)
    assert late == [caught.value]


def test_an_event_loop_that_outlives_a_test_serves_the_next_one(open_scope: Open) -> None:
    """What was started under the cassette of one test belongs to whatever cassette is open later."""
    test = open_scope("test", ambient=True)
    context = contextvars.Context()
    leave(test)
    block = open_scope("block")
    assert context.run(current) == "block"
    leave(block)
    open_scope("next test", ambient=True)
    assert context.run(current) == "next test"


def test_an_ambient_one_holds_for_everybody(open_scope: Open) -> None:
    """Whatever thread, task or left-over context asks: a test runs alone in its process."""
    context = contextvars.copy_context()
    leave(context.run(open_scope, "before"))
    open_scope("test", ambient=True)
    assert (current(), in_thread(current), context.run(current)) == ("test", "test", "test")


def test_a_cassette_opened_within_an_ambient_one_is_nearer(open_scope: Open) -> None:
    """Also for threads; then the ambient one holds again."""
    open_scope("test", ambient=True)
    inner = open_scope("block")
    assert (current(), in_thread(current)) == ("block", "block")
    leave(inner)
    assert (current(), in_thread(current)) == ("test", "test")


def test_an_ambient_one_opened_later_is_nearer(open_scope: Open) -> None:
    """A fixture of the whole session keeps one open; each test has its own."""
    open_scope("session")
    test = open_scope("test", ambient=True)
    assert (current(), in_thread(current)) == ("test", "test")
    leave(test)
    assert (current(), in_thread(current)) == ("session", "session")


def test_a_scope_without_cassette_hides_those_around_it(open_scope: Open) -> None:
    """What a fixture of the whole session calls is not the business of the test that comes first."""
    open_scope("test", ambient=True)
    hidden = open_scope(None, ambient=True)
    assert (current(), str(hidden)) == (None, "no cassette")
    leave(hidden)
    assert current() == "test"

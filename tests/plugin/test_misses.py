"""A request that nothing answers fails the test, whatever the application makes of it."""

from __future__ import annotations

import re
import textwrap

import pytest

from plugin_project import Project

MISS = "claude_replay: no recording answers this request"
SWALLOWED = "The application caught this and went on; the test fails all the same."


def test_a_miss_is_told_complete_and_alone(project: Project) -> None:
    """The message stands in place of a traceback through the SDK's inside, with the lines that led to it."""
    project.test(
        """
        import os
        from pathlib import Path

        from claude_replay import CassetteMiss

        @pytest.mark.claude_replay
        def test_one():
            try:
                ask(os.environ["PROMPT"])
            except CassetteMiss as miss:
                Path("message").write_text(str(miss))
                raise
        """
    )
    with project.environment(PROMPT="What is the capital of France?"):
        project.record().assert_outcomes(passed=1)

    with project.environment(PROMPT="What is the capital of Spain?"):
        result = project.run()

    result.assert_outcomes(failed=1)
    message = (project.path / "message").read_text(encoding="utf-8").replace(f"{project.path}/", "")
    assert "[-France-]{+Spain+}" in message
    start = next(n for n, line in enumerate(result.outlines) if line.endswith(" FAILURES " + "=" * 35))
    end = next(n for n, line in enumerate(result.outlines) if line.startswith("=") and n > start)
    assert result.outlines[start:end] == [
        "=================================== FAILURES ===================================",
        "___________________________________ test_one ___________________________________",
        *message.splitlines(),
        "  at        test_it.py:13 in test_one",
        "            chat.py:18 in ask",
        "-------------------------------- claude_replay ---------------------------------",
        "cassettes/test_it/test_one.yaml (mode none)",
        '  1  messages · claude-sonnet-5 · "What is the capital of Spain?": no answer',
    ]
    result.stdout.fnmatch_lines(
        ["FAILED test_it.py::test_one - CassetteMiss: no recording answers this request*"]
    )


def test_a_miss_comes_at_once(project: Project) -> None:
    """The SDK does not try again, however many retries it was given."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one(claude_replay):
            try:
                ask("one", client=make_client(max_retries=9))
            finally:
                assert len(claude_replay.sent) == 1
        """
    )

    project.run().stdout.fnmatch_lines([MISS])


@pytest.mark.parametrize(
    "body",
    [
        "asyncio.run(ask_async('one'))",
        "asyncio.run(both())",
        "asyncio.run(grouped())",
        "trio.run(ask_async, 'one')",
        "ThreadPoolExecutor().submit(ask, 'one').result()",
        "asyncio.run(asyncio.to_thread(ask, 'one'))",
    ],
)
def test_a_miss_comes_through_tasks_and_threads(project: Project, body: str) -> None:
    """Its message is the same, also out of an exception group."""
    project.test(
        f"""
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        import trio

        async def both():
            await asyncio.gather(ask_async("one"), ask_async("two"))

        async def grouped():
            async with asyncio.TaskGroup() as group:
                group.create_task(ask_async("one"))

        @pytest.mark.claude_replay
        def test_one():
            {body}
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([MISS, '  asked     messages · claude-sonnet-5 · "one"'])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line(SWALLOWED)


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
def test_a_miss_that_was_caught_fails_the_test_all_the_same(project: Project, caught: str) -> None:
    """`except Exception` does not even see it; `except BaseException` does, in vain."""
    project.test(
        f"""
        @pytest.mark.claude_replay
        def test_one():
            try:
                answer = ask("one")
            except {caught}:
                answer = "sorry"
            assert answer
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [MISS, "  at        test_it.py:8 in test_one", "            chat.py:* in ask"]
    )
    assert (SWALLOWED in result.outlines) == (caught == "BaseException")


def test_a_miss_in_a_thread_that_nobody_waits_for_an_answer_of_fails_the_test(project: Project) -> None:
    """The error ends with its thread, and is told when the test returns."""
    project.test(
        """
        import threading

        @pytest.mark.claude_replay
        @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
        def test_one():
            thread = threading.Thread(target=ask, args=("one",))
            thread.start()
            thread.join()
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([MISS, "  at        chat.py:* in ask", "", SWALLOWED])


def test_of_many_misses_the_first_are_told(project: Project) -> None:
    """A fan-out over everything does not fill the screen."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one():
            for n in range(30):
                try:
                    ask(f"prompt {n}")
                except BaseException:
                    pass
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    assert result.outlines.count(MISS) == 3
    result.stdout.fnmatch_lines(["… and 27 more requests were stopped", "", SWALLOWED])
    result.stdout.fnmatch_lines(["     … and 10 more"])
    result.stdout.fnmatch_lines(["0 replayed · 0 recorded · 0 live · 30 missed"])


def test_a_miss_that_was_swallowed_is_told_where_the_test_failed_of_something_else(project: Project) -> None:
    """It is probably the reason, so it has a section beside the traceback."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one():
            try:
                answer = ask("one")
            except BaseException:
                answer = ""
            assert answer == "Oslo"
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: assert '' == 'Oslo'",
            "*- claude_replay: stopped before -*",
            MISS,
            "*- claude_replay -*",
        ]
    )


def test_a_miss_without_a_traceback_is_told_without_its_place(project: Project) -> None:
    """Where nothing is left of it, or nothing that pytest would show."""
    project.test(
        """
        import socket

        @pytest.fixture
        def stripped():
            yield
            try:
                socket.getaddrinfo("api.anthropic.com", 443)
            except BaseException as error:
                error.__traceback__ = None

        @pytest.fixture
        def hidden():
            __tracebackhide__ = True
            yield
            try:
                socket.getaddrinfo("api.anthropic.com", 443)
            except BaseException:
                pass

        def test_stripped(stripped): pass
        def test_hidden(hidden): pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=2, errors=2)
    stopped = "claude_replay: a request to Claude was stopped: no cassette covers it"
    assert result.outlines.count(stopped) == 2
    result.stdout.no_fnmatch_line("*test_it.py:* in stripped")
    result.stdout.fnmatch_lines(["*test_it.py:* in hidden"])


def test_a_miss_in_a_fixture_is_told_in_the_same_way(project: Project) -> None:
    """In set-up and in tear-down, raised or swallowed."""
    project.test(
        """
        import contextlib

        @pytest.fixture
        def early(claude_replay):
            ask("early")

        @pytest.fixture
        def late(claude_replay):
            yield
            ask("late")

        @pytest.fixture
        def silent(claude_replay):
            with contextlib.suppress(BaseException):
                ask("set-up")
            yield

        @pytest.fixture
        def silent_late(claude_replay):
            yield
            with contextlib.suppress(BaseException):
                ask("tear-down")

        def test_early(early): pass
        def test_late(late): pass
        def test_silent(silent): pass
        def test_silent_late(silent_late): pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=2, failed=1, errors=3)
    assert result.outlines.count(MISS) == 4
    assert result.outlines.count(SWALLOWED) == 2
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_expected_failure_may_be_a_miss(project: Project) -> None:
    """xfail works as with every other exception, also by its class, raised or swallowed."""
    project.test(
        """
        import contextlib
        from claude_replay import CassetteMiss

        pytestmark = pytest.mark.claude_replay

        @pytest.mark.xfail
        def test_any():
            ask("one")

        @pytest.mark.xfail(raises=CassetteMiss)
        def test_class():
            ask("one")

        @pytest.mark.xfail(raises=CassetteMiss)
        def test_swallowed():
            with contextlib.suppress(BaseException):
                ask("one")
            with contextlib.suppress(BaseException):
                ask("two")

        @pytest.mark.xfail(raises=ValueError)
        def test_other_class():
            ask("one")

        @pytest.mark.xfail
        def test_swallowed_before():
            with contextlib.suppress(BaseException):
                ask("one")
            assert False
        """
    )

    project.run().assert_outcomes(xfailed=4, failed=1)


def test_a_miss_that_was_expected_but_stays_in_the_list_fails_the_test(project: Project) -> None:
    """`pytest.raises` alone is no different from an application that catches everything."""
    project.test(
        """
        from claude_replay import CassetteMiss

        @pytest.mark.claude_replay
        def test_one():
            with pytest.raises(CassetteMiss):
                ask("one")
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([MISS, SWALLOWED])


def test_a_skipped_test_is_still_told_of_its_misses(project: Project) -> None:
    """Skipping in the middle does not hide what was swallowed before."""
    project.test(
        """
        import contextlib

        @pytest.mark.claude_replay
        def test_one():
            with contextlib.suppress(BaseException):
                ask("one")
            pytest.skip("no answer today")
        """
    )

    result = project.run()

    result.assert_outcomes(skipped=1, errors=1)
    result.stdout.fnmatch_lines([MISS, SWALLOWED])


def test_a_miss_of_a_subtest_fails_the_subtest(project: Project) -> None:
    """It is told once, and the cassette is not taken for complete."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one(subtests):
            for n in range(2):
                with subtests.test(n=n):
                    ask(f"prompt {n}")
        """
    )

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines.count(MISS) == 2


def test_the_command_is_right_for_the_folder_pytest_was_started_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be pasted as it stands, whatever the test is called."""
    project.test(
        """
        @pytest.mark.claude_replay
        @pytest.mark.parametrize("price", ["$HOME"])
        def test_one(price):
            ask("one")
        """,
        name="unit/test_a.py",
    )
    monkeypatch.chdir(project.path / "unit")

    project.run().stdout.fnmatch_lines(
        ["  record it: pytest --claude-record=once 'test_a.py::test_one[[]$HOME[]]'"]
    )


@pytest.mark.parametrize("option", ["-vv", "--showlocals", "--tb=long", "--tb=short", "--tb=native", "-rA"])
def test_no_option_makes_pytest_show_a_secret(project: Project, option: str) -> None:
    """The message is all there is; keys in prompts are redacted in it."""
    project.test(
        """
        import os

        @pytest.mark.claude_replay
        def test_one():
            ask("my key is " + os.environ["SECRET"])

        def test_not_marked():
            ask("my key is " + os.environ["SECRET"], client=make_client(base_url="http://gateway.test"))
        """
    )
    secret = "sk-ant-" + "api03-" + "y" * 24

    with project.environment(SECRET=secret, ANTHROPIC_API_KEY="sk-ant-" + "api03-" + "z" * 24):
        result = project.run(option, "--junitxml=report.xml")

    result.assert_outcomes(failed=2)
    text = result.stdout.str() + (project.path / "report.xml").read_text(encoding="utf-8")
    assert MISS in text
    assert "y" * 24 not in text
    assert "z" * 24 not in text


_TOML = """
[tool.pytest.ini_options]
pythonpath = ["."]
asyncio_default_fixture_loop_scope = "function"
"""
ADVICE = re.compile(
    r"match it: (@pytest\.mark\S+\(.*\))  # makes them equal\n\s+or: (claude_replay_ignore = .*)"
)


@pytest.mark.parametrize("way", ["marker", "pytest.ini", "pyproject.toml"])
def test_the_advised_setting_makes_the_request_match(project: Project, way: str) -> None:
    """Copied from the message as it stands, into the test or into either kind of ini file."""
    test = """
        {mark}
        def test_one():
            assert "order" in ask("Where is order {id} of 2026-11-{day}?")
    """
    ids = "550e8400-e29b-41d4-a716-446655440000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    project.test(textwrap.dedent(test).format(mark="@pytest.mark.claude_replay", id=ids[0], day=22))
    project.record().assert_outcomes(passed=1)
    project.test(textwrap.dedent(test).format(mark="@pytest.mark.claude_replay", id=ids[1], day=23))
    missed = project.run()
    missed.assert_outcomes(failed=1)
    advice = ADVICE.search(missed.stdout.str())
    assert advice is not None

    if way == "marker":
        project.test(textwrap.dedent(test).format(mark=advice[1], id=ids[1], day=23))
    elif way == "pytest.ini":
        project.ini(advice[2])
    else:
        (project.path / "pytest.ini").unlink()
        project.write("pyproject.toml", _TOML + advice[2])

    project.run().assert_outcomes(passed=1)


def test_a_block_says_how_to_run_its_test_and_where_it_looked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line overrides what stands in the code; a relative path means another file elsewhere."""
    project.test(
        """
        from claude_replay import use_cassette

        def test_one():
            with use_cassette("cassettes/one.yaml", mode="once"):
                ask("one")
        """,
        "tests/test_it.py",
    )
    monkeypatch.setenv("CI", "1")
    monkeypatch.chdir(project.path / "tests")

    result = project.run("test_it.py")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "  cassette  cassettes/one.yaml (no such file in *tests, mode none)",
            '*record it: pytest --claude-record=once "test_it.py::test_one"',
        ]
    )


def test_a_block_outside_of_tests_says_how_to_change_it(project: Project) -> None:
    """No command line runs it alone."""
    project.write(
        "conftest.py",
        "import chat\nfrom claude_replay import use_cassette\n\n\n"
        "def pytest_sessionstart():\n    with use_cassette('cassettes/one.yaml'):\n        chat.ask('one')\n",
    )

    result = project.run_apart()

    assert "use_cassette('cassettes/one.yaml', mode='once')" in str(result.stdout) + str(result.stderr)

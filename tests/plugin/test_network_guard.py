"""No request reaches Claude by accident, from any test, thread or library."""

from __future__ import annotations

import pytest

from claude_replay.intercept import tls
from claude_replay.plugin import keys, seams
from claude_replay.plugin.network import KEY_SEAMS, SEAMS, TLS_SEAMS
from plugin_project import Project

STOPPED = "claude_replay: a request to Claude was stopped: no cassette covers it"
NOT_MARKED = [
    STOPPED,
    "  asked     *api.anthropic.com",
    "  why       no test with a cassette is running",
    "  mark the test: @pytest.mark.claude_replay; then record it: pytest --claude-record=once",
    "  to really call Claude and record nothing: pytest --claude-record=off",
]
SENDERS = {
    "sdk": "ask('one', client=make_client(base_url='https://api.anthropic.com', api_key='none'))",
    "http.client": "http.client.HTTPSConnection('api.anthropic.com').request('POST', '/v1/messages')",
    "urllib": "urllib.request.urlopen('https://api.anthropic.com/v1/messages')",
    "requests": "requests.post('https://api.anthropic.com/v1/messages')",
    "aiohttp": "asyncio.run(post_with_aiohttp())",
    "httpx2": "httpx2.post('https://api.anthropic.com/v1/messages')",
}
HEAD = """
import asyncio
import http.client
import threading
import urllib.request

import aiohttp
import httpx2
import requests

async def post_with_aiohttp():
    async with aiohttp.ClientSession() as session:
        await session.post("https://api.anthropic.com/v1/messages")
"""


@pytest.mark.parametrize("library", SENDERS)
@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_test_without_a_cassette_calls_nobody(project: Project, library: str, mode: str) -> None:
    """Whatever it calls Claude with, and also while other tests are recorded."""
    project.test(f"{HEAD}\ndef test_one():\n    {SENDERS[library]}\n")

    result = project.run(f"--claude-record={mode}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(NOT_MARKED)
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("library", SENDERS)
def test_a_refusal_in_a_thread_fails_the_test(project: Project, library: str) -> None:
    """Though the thread takes the error with it."""
    project.test(
        f"{HEAD}\n"
        "def call():\n"
        "    try:\n"
        f"        {SENDERS[library]}\n"
        "    except BaseException:\n"
        "        pass\n\n"
        "def test_one():\n"
        "    thread = threading.Thread(target=call)\n"
        "    thread.start()\n"
        "    thread.join()\n"
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [*NOT_MARKED, "The application caught this and went on; the test fails all the same."]
    )


def test_a_library_that_cassettes_cannot_see_is_refused_in_a_marked_test(project: Project) -> None:
    """The message says why a mark is not enough."""
    connect = 'import socket; socket.create_connection(("api.anthropic.com", 443))'
    project.test(f"{HEAD}\n@pytest.mark.claude_replay\ndef test_one():\n    {connect}\n")

    result = project.record()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            STOPPED,
            "  asked     api.anthropic.com",
            "  why       the test has a cassette, but this request did not come through an HTTP library that "
            "cassettes can see",
        ]
    )


@pytest.mark.parametrize("client", ["Anthropic", "AsyncAnthropic", "aiohttp"])
def test_a_gateway_is_known_by_what_is_sent(project: Project, client: str) -> None:
    """Claude behind any host: sync, async, and through aiohttp."""
    project.test(
        """
        import asyncio

        import anthropic

        REQUEST = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "one"}]}

        async def call(**options):
            options |= {"base_url": "http://gateway.test", "api_key": "none"}
            async with anthropic.AsyncAnthropic(**options) as client:
                await client.messages.create(**REQUEST)

        def test_Anthropic():
            with make_client(base_url="http://gateway.test", api_key="none") as client:
                client.messages.create(**REQUEST)

        def test_AsyncAnthropic():
            asyncio.run(call())

        def test_aiohttp():
            asyncio.run(call(http_client=anthropic.DefaultAioHttpClient()))
        """
    )

    result = project.run("-k", client)

    result.stdout.fnmatch_lines([STOPPED, "  asked     messages at gateway.test"])


def test_this_machine_and_other_hosts_are_untouched(project: Project) -> None:
    """Stand-ins are nobody's bill, and what is not Claude is none of our business."""
    project.test(
        """
        import urllib.error
        import urllib.request

        def test_stand_in():
            with make_client(api_key="none") as client:
                assert ask("one", client=client)

        def test_other_host():
            with pytest.raises(urllib.error.URLError):
                urllib.request.urlopen("http://nobody.invalid/")
        """
    )

    project.run().assert_outcomes(passed=2)
    assert project.server.count == 1


def test_all_other_machines_may_be_refused(project: Project) -> None:
    """`claude_replay_block = all` leaves only this machine."""
    project.test(
        """
        import urllib.request

        def test_stand_in():
            with make_client(api_key="none") as client:
                assert ask("one", client=client)

        def test_other_host():
            urllib.request.urlopen("http://nobody.invalid/")

        def test_claude():
            urllib.request.urlopen("https://api.anthropic.com/")
        """
    )
    project.ini("claude_replay_block = all")

    result = project.run()

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "claude_replay: a connection was stopped",
            "  asked     nobody.invalid",
            "  why       only this machine may be reached: claude_replay_block is set to 'all'",
            "  at        test_it.py:* in test_other_host",
        ]
    )
    result.stdout.fnmatch_lines([STOPPED])


@pytest.mark.parametrize("option", ["--claude-replay-block=off", "--claude-record=off"])
def test_nothing_is_refused_where_that_was_asked_for(project: Project, option: str) -> None:
    """Without the guard, and in mode `off`, which means live calls."""
    project.write(
        "conftest.py",
        """
        import socket

        look_up = socket.getaddrinfo

        def to_this_machine(host, *args, **options):
            return look_up("127.0.0.1", *args, **options)

        socket.getaddrinfo = to_this_machine
        """,
    )
    project.test(
        """
        import os

        URL = os.environ["CLAUDE_URL"].replace("127.0.0.1", "api.anthropic.com")

        def test_one():
            with make_client(base_url=URL, api_key="none") as client:
                assert ask("one", client=client)
        """
    )

    project.run_apart(option).assert_outcomes(passed=1)
    assert project.server.count == 1
    project.run_apart().assert_outcomes(failed=1)
    assert project.server.count == 1


def test_a_marked_test_records_from_any_host(project: Project) -> None:
    """A wanted live call passes the guard, and only that."""
    project.write(
        "conftest.py",
        """
        import socket

        look_up = socket.getaddrinfo

        def to_this_machine(host, *args, **options):
            return look_up("127.0.0.1", *args, **options)

        socket.getaddrinfo = to_this_machine
        """,
    )
    project.test(
        """
        import os

        URL = os.environ["CLAUDE_URL"].replace("127.0.0.1", "api.anthropic.com")

        @pytest.mark.claude_replay
        def test_one():
            with make_client(base_url=URL, api_key="none") as client:
                assert ask("one", client=client)
        """
    )

    project.run_apart("--claude-record=once").assert_outcomes(passed=1)
    assert project.server.count == 1
    project.run_apart().assert_outcomes(passed=1)
    assert project.server.count == 1


def test_a_refusal_in_a_fixture_is_told_with_its_test(project: Project) -> None:
    """Also where the fixture swallowed it while it was torn down, and none is told with another test."""
    project.test(
        """
        import contextlib
        import urllib.request

        def call():
            with contextlib.suppress(BaseException):
                urllib.request.urlopen("https://api.anthropic.com/")

        @pytest.fixture
        def early():
            call()

        @pytest.fixture
        def late():
            yield
            call()

        def test_early(early): pass
        def test_late(late): pass
        def test_nothing(): pass
        """
    )

    result = project.run("-rA")

    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "PASSED test_it.py::test_late",
            "PASSED test_it.py::test_nothing",
            "FAILED test_it.py::test_early - *",
        ]
    )
    result.stdout.fnmatch_lines(["ERROR test_it.py::test_late - *"])


def test_what_was_stopped_while_no_test_ran_is_in_the_summary(project: Project) -> None:
    """When tests are collected, and after the last one; no test is blamed for it."""
    project.write(
        "conftest.py",
        """
        import contextlib
        import urllib.request

        def pytest_sessionfinish():
            with contextlib.suppress(BaseException):
                urllib.request.urlopen("https://api.anthropic.com/late")
        """,
    )
    project.test(
        """
        import contextlib
        import urllib.request

        with contextlib.suppress(BaseException):
            urllib.request.urlopen("https://api.anthropic.com/early")

        def test_one():
            pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= claude_replay =*",
            "0 replayed · 0 recorded · 0 live",
            f"  after the last test: {STOPPED}",
            "    asked     api.anthropic.com",
            f"  while tests were collected: {STOPPED}",
        ]
    )


def test_a_call_at_import_fails_the_collection(project: Project) -> None:
    """The message stands for the module that made the call."""
    project.test("import urllib.request\n\nurllib.request.urlopen('https://api.anthropic.com/')\n")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ERROR collecting test_it.py*", "*" + STOPPED])


@pytest.mark.parametrize("swallows", [False, True])
def test_a_conftest_that_calls_while_it_is_imported_calls_nobody(project: Project, swallows: bool) -> None:
    """It is imported before pytest is configured; the run stops, whether it swallows the error or not."""
    call = "httpx2.post('https://api.anthropic.com/v1/messages')"
    if swallows:
        call = f"try:\n    {call}\nexcept BaseException:\n    pass"
    project.write("conftest.py", f"import httpx2\n\n{call}\n")
    project.test("def test_one():\n    pass\n")

    result = project.run_apart()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: while a conftest.py was imported: {STOPPED}",
            "  asked     *api.anthropic.com",
            "  why       no test is running yet, or any more",
            f"  at        *conftest.py:{4 if swallows else 3}",
            '  call Claude in a test or a fixture, or there: with claude_replay.use_cassette("cassettes/*',
        ]
    )
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_call_that_no_line_of_the_project_makes_has_no_place(project: Project) -> None:
    """In a thread there is nothing of whoever started it."""
    url = "https://api.anthropic.com/v1/messages"
    project.write(
        "conftest.py",
        f"""
        import threading
        import urllib.request

        thread = threading.Thread(target=urllib.request.urlopen, args=("{url}",))
        thread.start()
        thread.join()
        """,
    )
    project.test("def test_one():\n    pass\n")

    result = project.run_apart()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: while a conftest.py was imported: {STOPPED}",
            "  why       no test is running yet, or any more",
        ]
    )
    result.stderr.no_fnmatch_line("  at  *")


def test_a_conftest_may_fail_of_something_else(project: Project) -> None:
    """And that is what pytest says then."""
    project.write("conftest.py", "raise RuntimeError('mine')\n")
    result = project.run_apart()
    result.stderr.fnmatch_lines(["*RuntimeError: mine"])


def test_a_module_that_calls_while_it_is_collected_calls_nobody(project: Project) -> None:
    """The same for test modules, which are imported later."""
    project.test(
        "import httpx2\nhttpx2.post('https://api.anthropic.com/v1/messages')\ndef test_one():\n    pass\n"
    )
    result = project.run()
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"*{STOPPED}"])


def test_a_thread_that_outlives_its_cassette_fails_the_test_that_runs(project: Project) -> None:
    """Its request belongs nowhere, and nobody would hear of the error it swallows."""
    project.test(
        """
        import contextvars
        import threading

        from claude_replay import use_cassette

        go, done = threading.Event(), threading.Event()

        def call():
            go.wait(20)
            try:
                ask("late", client=make_client(api_key="k", max_retries=0))
            except BaseException:
                pass
            done.set()

        def test_one():
            with use_cassette("cassettes/one.yaml"):
                threading.Thread(target=contextvars.copy_context().run, args=(call,)).start()

        def test_two():
            with use_cassette("cassettes/two.yaml"):
                go.set()
                assert done.wait(20)
        """
    )
    result = project.run_apart()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["claude_replay: a task or thread that was started within*one.yaml*", "*caught this and went on*"]
    )


def test_what_is_watched_is_what_is_changed() -> None:
    """The names stand twice, since what changes the modules is not imported before one of them is."""
    assert tuple(dict.fromkeys(seams.WATCHED)) == SEAMS
    assert TLS_SEAMS == tls.WATCHED
    assert KEY_SEAMS == keys.WATCHED


@pytest.mark.parametrize("library", ["aiohttp", "httplib2", "tornado.simple_httpclient"])
def test_a_library_that_imports_another_can_be_imported_first(project: Project, library: str) -> None:
    """These import `http.client` when they are half imported themselves; they are guarded all the same."""
    project.write("conftest.py", f"import {library}\n")
    module, owner, method = {
        "aiohttp": ("aiohttp.client", "ClientSession", "_request"),
        "httplib2": ("httplib2", "Http", "_conn_request"),
        "tornado.simple_httpclient": (library, "SimpleAsyncHTTPClient", "fetch_impl"),
    }[library]
    project.write(
        "test_it.py",
        f"""
        import {module}

        def test_one():
            assert hasattr({module}.{owner}.{method}, "__wrapped__")
        """,
    )
    project.run_apart().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "pair",
    ["httpx aiohttp", "requests httpx", "httpx2 httpx", "anthropic httpx", "tornado.httpclient aiohttp"],
)
def test_threads_may_import_libraries_at_the_same_time(project: Project, pair: str) -> None:
    """Nobody waits under an import lock for the import of another."""
    project.write(
        "test_it.py",
        f"""
        import importlib
        import threading

        def test_one():
            problems, ready = [], threading.Barrier(2)

            def load(name):
                ready.wait()
                try:
                    importlib.import_module(name)
                except BaseException as error:
                    problems.append(error)

            threads = [threading.Thread(target=load, args=(name,)) for name in {pair.split()!r}]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert problems == []
        """,
    )
    project.run_apart().assert_outcomes(passed=1)


def test_libraries_first_imported_by_an_inner_run_are_guarded_in_the_outer_one(project: Project) -> None:
    """Running pytest inside pytest puts back what it finds of imports, and with it who watches them."""
    project.write("conftest.py", "pytest_plugins = ['pytester']\n")
    project.write(
        "test_it.py",
        """
        def test_inner(pytester):
            pytester.makepyfile("def test_one():\\n    import http.client")
            pytester.runpytest_inprocess().assert_outcomes(passed=1)

        def test_outer():
            import tornado.simple_httpclient
            assert hasattr(tornado.simple_httpclient.SimpleAsyncHTTPClient.fetch_impl, "__wrapped__")
        """,
    )
    project.run_apart().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("decorator", "note"),
    [
        ("", "claude_replay: no cassette covers this request, and it would not have been sent"),
        ("@pytest.mark.claude_replay", "claude_replay: recording calls Claude, which takes a key: *"),
    ],
)
def test_a_request_without_a_key_is_told_that_replay_needs_none(
    project: Project, decorator: str, note: str
) -> None:
    """The SDK refuses to build it, so it comes neither to a cassette nor to the guard."""
    project.test(f"{decorator}\ndef test_one():\n    ask('one')\n")

    result = project.run("--claude-record=once")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*Could not resolve authentication method*", f"E  *{note}"])
    assert project.server.count == 0

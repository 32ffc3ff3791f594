"""Other ways to run pytest, and other plugins."""

from __future__ import annotations

import os
import stat

import pytest

from plugin_project import Project, read_summary

ONE = "@pytest.mark.claude_replay\ndef test_one():\n    ask('one')\n"


@pytest.fixture
def one(project: Project) -> Project:
    """A project with one recorded test."""
    project.test(ONE)
    project.record().assert_outcomes(passed=1)
    return project


@pytest.mark.parametrize(
    "args",
    [
        ("--import-mode=importlib",),
        ("--import-mode=append",),
        ("-p", "cacheprovider", "--ff"),
        ("-p", "no:logging", "-p", "no:capture"),
        (
            "-p",
            "no:warnings",
        ),
        ("-W", "error"),
        ("--strict-markers", "--strict-config"),
        ("-s",),
        ("--setup-show",),
    ],
)
def test_ways_to_run_pytest(one: Project, args: tuple[str, ...]) -> None:
    """None of them changes what is replayed."""
    one.run(*args).assert_outcomes(passed=1)
    assert one.server.count == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_is_as_it_was(one: Project, is_on: bool) -> None:
    """Importing what a cassette needs goes without it, in the first test of a process."""
    switch = "enable" if is_on else "disable"
    one.test(f"import gc\n\ngc.{switch}()\n\n\n{ONE}    assert gc.isenabled() is {is_on}\n")
    one.run_apart().assert_outcomes(passed=1)


def test_cassettes_may_be_read_only(one: Project) -> None:
    """Replaying writes nothing, not even beside the cassette."""
    folder = one.path / "cassettes" / "test_it"
    cassette = folder / "test_one.yaml"
    before = cassette.stat().st_mtime_ns
    cassette.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        one.run().assert_outcomes(passed=1)
    finally:
        folder.chmod(stat.S_IRWXU)

    assert os.listdir(folder) == ["test_one.yaml"]
    assert cassette.stat().st_mtime_ns == before


def test_the_folder_is_below_the_root_wherever_pytest_was_started(
    one: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a sub-folder, and from outside of the project."""
    one.test(ONE, name="unit/deep/test_deep.py")
    one.record("unit").assert_outcomes(passed=1)
    assert one.cassettes == ["test_it/test_one.yaml", "unit/deep/test_deep/test_one.yaml"]

    monkeypatch.chdir(one.path / "unit" / "deep")
    one.run().assert_outcomes(passed=1)
    monkeypatch.chdir(one.path.parent)
    one.run(f"--rootdir={one.path}", str(one.path)).assert_outcomes(passed=2)
    assert one.server.count == 2


def test_a_test_that_changes_the_folder_does_not_move_its_cassette(project: Project) -> None:
    """Paths are settled before the test runs."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_one(tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            ask("one")
        """
    )

    project.record().assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)
    assert project.cassettes == ["test_it/test_one.yaml"]


def test_pytest_within_pytest(project: Project) -> None:
    """The inner run has its own settings, guard and account, and leaves the outer ones as they were."""
    project.write("conftest.py", 'pytest_plugins = ["pytester"]\n')
    project.test(
        """
        INNER = '''
        import pytest
        from chat import ask, make_client

        @pytest.mark.claude_replay
        def test_inner(claude_replay):
            assert claude_replay.mode == "once"
            ask("inner")

        def test_refused():
            ask("refused", client=make_client(base_url="http://gateway.test", api_key="none"))
        '''

        @pytest.mark.claude_replay
        def test_outer(pytester, claude_replay, monkeypatch):
            ask("before")
            monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
            pytester.makepyfile(INNER)
            result = pytester.runpytest_inprocess("--claude-record=once")
            result.assert_outcomes(passed=1, failed=1)
            ask("after")
            assert [sent.json["messages"][0]["content"] for sent in claude_replay.sent] == ["before", "after"]

        def test_after():
            ask("refused", client=make_client(base_url="http://gateway.test", api_key="none"))
        """
    )

    with project.environment(ANTHROPIC_API_KEY="none"):
        result = project.run_apart("--claude-record=once", "-p", "no:xdist")

    result.assert_outcomes(passed=1, failed=1)
    assert read_summary(result) == ["0 replayed · 2 recorded · 0 live"]
    assert project.server.count == 3
    assert [name.rpartition("/")[2] for name in project.cassettes] == ["test_inner.yaml", "test_outer.yaml"]


@pytest.mark.parametrize("name", ["claude_replay", "claude_replay.plugin"])
def test_the_plugin_can_be_named(one: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where plugins are not loaded by themselves, by the name of the package or of the module."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    one.run_apart("-p", name, "-o", "addopts=").assert_outcomes(passed=1)
    assert one.run_apart("-o", "addopts=").ret != 0


def test_the_plugin_can_be_left_out(one: Project) -> None:
    """`-p no:claude_replay` runs the tests without it."""
    one.test(
        "def test_one(pytestconfig):\n    assert not pytestconfig.pluginmanager.hasplugin('claude_replay')\n"
    )

    one.run_apart("-p", "no:claude_replay").assert_outcomes(passed=1)


def test_a_test_that_runs_again_gets_its_cassette_again(project: Project) -> None:
    """pytest-rerunfailures: each run plays from the start, and what a failed one recorded is completed."""
    project.test(
        """
        runs = []

        @pytest.mark.flaky(reruns=2)
        @pytest.mark.claude_replay
        def test_one(claude_replay):
            runs.append(1)
            ask("one")
            assert len(runs) == 3
            ask("two")
            assert len(claude_replay.sent) == 2
        """
    )

    recorded = project.record()

    recorded.assert_outcomes(passed=1)
    assert project.server.count == 2
    assert "incomplete" not in project.cassette("test_it/test_one.yaml")
    assert "incomplete" not in "\n".join(read_summary(recorded))
    replayed = project.run()
    replayed.assert_outcomes(passed=1)
    assert read_summary(replayed)[0].startswith("4 replayed · 0 recorded · 0 live · ")


def test_a_miss_can_be_told_apart_by_those_who_run_tests_again(project: Project) -> None:
    """pytest-rerunfailures: `--only-rerun` finds the class of the failure."""
    project.test("@pytest.mark.claude_replay\ndef test_one():\n    ask('one')\n")

    again = project.run("--reruns=1", "--only-rerun=CassetteMiss")
    never = project.run("--reruns=1", "--rerun-except=CassetteMiss")

    again.stdout.fnmatch_lines(["*1 failed, 1 rerun*"])
    never.assert_outcomes(failed=1)
    never.stdout.no_fnmatch_line("* 1 rerun*")


def test_the_debugger_stops_where_the_request_was_made(one: Project) -> None:
    """The exception is the miss itself, with its own traceback."""
    one.test(
        """
        @pytest.mark.claude_replay
        def test_one():
            ask("another")
        """
    )
    one.write(
        "conftest.py",
        """
        def pytest_exception_interact(call):
            print("raised", type(call.excinfo.value).__name__, "below", call.excinfo.traceback[0].path.name)
        """,
    )

    one.run("-s").stdout.fnmatch_lines(["*raised CassetteMiss below *"])

"""What other people's code may import, and what importing it brings along."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

import claude_replay

NAMES = [
    "BudgetReached",
    "CacheError",
    "CacheMiss",
    "CassetteError",
    "CassetteLoadError",
    "CassetteMiss",
    "CassetteSaveError",
    "ClaudeReplayError",
    "Drift",
    "EmbeddingMemo",
    "EncryptedStore",
    "Exchange",
    "Handle",
    "LiveCallRefused",
    "MemoryStore",
    "RecordingEnded",
    "RedisStore",
    "ReplayFailure",
    "Request",
    "Response",
    "ResponseCache",
    "SQLiteStore",
    "SecretFound",
    "SettingsError",
    "Similar",
    "StoreError",
    "UnplayedExchanges",
    "UnusedFault",
    "Usage",
    "inject",
    "use_cassette",
]
HEAVY = ("anthropic", "filelock", "httpx", "httpx2", "vcr", "yaml")


def imported_after(code: str) -> set[str]:
    """The modules a fresh interpreter has loaded when it has run `code`, without those pytest brings."""
    script = f"import sys, pytest\nbefore = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_public_names_are_these() -> None:
    """Whatever is not in this list may change at any time."""
    assert claude_replay.__all__ == NAMES
    assert dir(claude_replay) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there(name: str) -> None:
    """It is made when it is first asked for."""
    assert getattr(claude_replay, name).__name__ == name


def test_a_star_brings_the_public_names() -> None:
    """As of any package."""
    namespace: dict[str, object] = {}
    exec("from claude_replay import *", namespace)
    assert sorted(set(namespace) - {"__builtins__"}) == NAMES


def test_a_name_that_is_not_public_is_not_there() -> None:
    """The error is that of every module."""
    with pytest.raises(AttributeError, match="module 'claude_replay' has no attribute 'use_casette'"):
        claude_replay.use_casette  # noqa: B018


def test_the_version_is_that_of_the_distribution() -> None:
    """It is looked up, not written down twice."""
    assert claude_replay.__version__ == version("pytest-claude-replay")


def test_the_entry_point_has_the_name_of_the_package() -> None:
    """So that `-p claude_replay` loads the plugin, and not a package without hooks."""
    assert [
        (point.name, point.value) for point in entry_points(group="pytest11") if "claude" in point.name
    ] == [("claude_replay", "claude_replay.plugin")]


def test_importing_the_package_imports_nothing_else() -> None:
    """It costs next to nothing."""
    assert imported_after("import claude_replay") == {"claude_replay"}


def test_the_plugin_imports_neither_the_core_nor_any_library() -> None:
    """Every run of pytest on the machine imports it, also those that have nothing to do with Claude."""
    loaded = imported_after("import claude_replay.plugin")

    assert {name for name in loaded if name.partition(".")[0] in HEAVY} == set()
    assert {name for name in loaded if name.startswith("claude_replay")} == {
        "claude_replay",
        "claude_replay.intercept",
        "claude_replay.intercept.guard",
        "claude_replay.intercept.imports",
        "claude_replay.plugin",
        "claude_replay.plugin.entry",
        "claude_replay.plugin.given",
        "claude_replay.plugin.hooks",
        "claude_replay.plugin.network",
        "claude_replay.plugin.options",
        "claude_replay.plugin.state",
    }


@pytest.mark.parametrize(
    "args",
    [
        "",
        "--claude-record=once",
        "--claude-replay-dir=tapes -o claude_replay_pace=2",
    ],
)
def test_a_run_without_cassettes_imports_no_library(pytester: pytest.Pytester, args: str) -> None:
    """Also with settings, failing and skipped tests, and fixtures of every scope."""
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture(scope="session")
        def wide():
            yield

        def test_passes(wide, tmp_path): pass
        def test_fails(): assert False
        def test_skips(): pytest.skip()
        @pytest.mark.xfail
        def test_xfails(): assert False
        """
    )
    pytester.makeconftest(
        f"""
        import sys
        before = set(sys.modules)

        def pytest_unconfigure():
            loaded = set(sys.modules) - before
            print("heavy:", sorted(name for name in loaded if name.partition(".")[0] in {HEAVY!r}))
            print("core:", sorted(name for name in loaded if name.startswith("claude_replay.session")))
        """
    )
    names = ("asyncio", "anyio", "rerunfailures", "xdist")

    result = pytester.runpytest_subprocess(
        *(part for name in names for part in ("-p", f"no:{name}")), *args.split()
    )

    result.assert_outcomes(passed=1, failed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["heavy: []", "core: []"])

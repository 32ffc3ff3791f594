"""Default < ini file < `claude_replay_config` < markers, the nearest last < environment < command line."""

from __future__ import annotations

import pytest

from plugin_project import Project

PROBE = """
def test_one(claude_replay):
    print("mode is", claude_replay.mode)
"""


def mode_of(result: pytest.RunResult) -> str:
    """The mode that the probe saw."""
    result.assert_outcomes(passed=1)
    return next(line for line in result.outlines if line.startswith("mode is")).removeprefix("mode is ")


def test_the_default_is_none(project: Project) -> None:
    """Nobody has said anything."""
    project.test(PROBE)

    assert mode_of(project.run("-rP")) == "none"


def test_each_layer_overrides_the_one_before(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the weakest to the strongest, added one by one."""
    project.test(PROBE)
    project.ini("claude_replay_mode = once")
    assert mode_of(project.run("-rP")) == "once"

    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def claude_replay_config():
            return {"mode": "new_episodes"}
        """,
    )
    assert mode_of(project.run("-rP")) == "new_episodes"

    project.test('pytestmark = pytest.mark.claude_replay(mode="all")\n' + PROBE)
    assert mode_of(project.run("-rP")) == "all"

    monkeypatch.setenv("CLAUDE_REPLAY_MODE", "verify")
    assert mode_of(project.run("-rP")) == "verify"

    assert mode_of(project.run("-rP", "--claude-record=off")) == "off"


def test_the_nearest_marker_wins(project: Project) -> None:
    """Module, class, derived class, function; of several on one function the one next to it wins."""
    project.test(
        """
        pytestmark = pytest.mark.claude_replay(mode="once")

        def test_module(claude_replay):
            assert claude_replay.mode == "once"

        @pytest.mark.claude_replay(mode="new_episodes")
        class TestBase:
            def test_class(self, claude_replay):
                assert claude_replay.mode == "new_episodes"

            @pytest.mark.claude_replay(mode="off")
            def test_function(self, claude_replay):
                assert claude_replay.mode == "off"

            @pytest.mark.claude_replay(mode="verify")
            @pytest.mark.claude_replay(mode="all")
            def test_two(self, claude_replay):
                assert claude_replay.mode == "all"

        @pytest.mark.claude_replay(mode="rewrite")
        class TestDerived(TestBase):
            def test_class(self, claude_replay):
                assert claude_replay.mode == "rewrite"
        """
    )

    result = project.run()

    result.assert_outcomes(passed=7)


def test_markers_add_to_each_other(project: Project) -> None:
    """A marker changes only what it names."""
    project.test(
        """
        pytestmark = pytest.mark.claude_replay(dir="elsewhere", mode="once")

        @pytest.mark.claude_replay("mine.yaml")
        def test_one(claude_replay, request):
            assert claude_replay.mode == "once"
            assert claude_replay.path == request.config.rootpath / "elsewhere" / "mine.yaml"
        """
    )

    project.run().assert_outcomes(passed=1)


def test_a_module_overrides_the_fixture_of_a_conftest(project: Project) -> None:
    """`claude_replay_config` is an ordinary fixture."""
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def claude_replay_config():
            return {"mode": "once", "dir": "conftest"}
        """,
    )
    project.test(
        """
        @pytest.fixture
        def claude_replay_config(claude_replay_config):
            return {**claude_replay_config, "mode": "all"}

        @pytest.mark.claude_replay
        def test_one(claude_replay, request):
            assert claude_replay.mode == "all"
            assert claude_replay.path.is_relative_to(request.config.rootpath / "conftest")
        """
    )

    project.run().assert_outcomes(passed=1)


def test_lists_of_all_layers_add_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What any layer leaves out of the comparison is left out."""
    project.ini("claude_replay_ignore =\n  max_tokens\n  top_k")
    project.test(
        """
        import os

        @pytest.mark.claude_replay(ignore=["temperature"])
        def test_one():
            ask("first", extra_body={name: float(os.environ["SEED"]) for name in os.environ["NAMES"].split()})
        """
    )
    monkeypatch.setenv("NAMES", "temperature top_p top_k stop")
    monkeypatch.setenv("CLAUDE_REPLAY_IGNORE", "top_p")
    monkeypatch.setenv("SEED", "1")
    project.record().assert_outcomes(passed=1)
    monkeypatch.setenv("SEED", "2")

    project.run().assert_outcomes(failed=1)
    project.run("--claude-replay-ignore=stop").assert_outcomes(passed=1)
    project.run("--claude-replay-ignore=other", "--claude-replay-ignore=stop").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\npythonpath = .\nclaude_replay_mode = once\n"),
        ("tox.ini", "[pytest]\npythonpath = .\nclaude_replay_mode = once\n"),
        ("setup.cfg", "[tool:pytest]\npythonpath = .\nclaude_replay_mode = once\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\npythonpath = ["."]\nclaude_replay_mode = "once"\n'
            "claude_replay_repeat = true\n",
        ),
        (
            "pyproject.toml",
            '[tool.pytest]\npythonpath = ["."]\nclaude_replay_mode = "once"\nclaude_replay_repeat = true\n'
            'claude_replay_ignore = ["max_tokens"]\n',
        ),
        ("pytest.toml", '[pytest]\npythonpath = ["."]\nclaude_replay_mode = "once"\n'),
    ],
)
def test_every_kind_of_ini_file_is_read(project: Project, name: str, text: str) -> None:
    """All the files that pytest reads hold settings."""
    (project.path / "pytest.ini").unlink()
    project.write(name, text)
    project.test(PROBE)

    result = project.run("-rP", "-p", "no:asyncio")

    assert mode_of(result) == "once"
    result.stdout.fnmatch_lines(
        ["claude_replay: mode once (ini file), cassettes in cassettes, not compared: *"]
    )
    result.stdout.no_fnmatch_line("*Unknown config option*")


def test_an_option_of_pytest_overrides_the_ini_file(project: Project) -> None:
    """`-o` works as for every other ini key."""
    project.ini("claude_replay_mode = once")
    project.test(PROBE)

    assert mode_of(project.run("-rP", "-o", "claude_replay_mode=new_episodes")) == "new_episodes"


def test_use_cassette_in_a_test_has_the_settings_of_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ini file below its arguments, environment and command line above them, though no test is marked."""
    project.test(
        """
        from claude_replay import use_cassette

        def test_one():
            with use_cassette("one.yaml", pace=2) as cassette:
                print("mode is", cassette.mode)
        """
    )
    assert mode_of(project.run_apart("-rP")) == "none"
    assert mode_of(project.run_apart("-rP", "-o", "claude_replay_mode=once")) == "once"
    assert mode_of(project.run_apart("-rP", "--claude-record=all")) == "all"
    monkeypatch.setenv("CLAUDE_REPLAY_MODE", "new_episodes")
    assert mode_of(project.run_apart("-rP")) == "new_episodes"


PARAMETERS = """
@pytest.fixture(params=["once", "all"])
def claude_replay_config(request):
    return {"mode": request.param}

@pytest.mark.claude_replay
def test_one(ARGUMENTS):
    CHECK
"""


def test_the_fixture_may_have_parameters(project: Project) -> None:
    """A test that names it is run once with each."""
    project.test(
        PARAMETERS.replace("ARGUMENTS", "claude_replay, claude_replay_config").replace(
            "CHECK", 'assert claude_replay.mode == claude_replay_config["mode"]'
        )
    )

    project.run().assert_outcomes(passed=2)


def test_parameters_of_the_fixture_are_for_tests_that_name_it(project: Project) -> None:
    """Which ones the others should have, nobody has said; the error tells how."""
    project.test(PARAMETERS.replace("ARGUMENTS", "claude_replay").replace("CHECK", "pass"))

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "claude_replay: claude_replay_config has parameters, and pytest gives them to tests that name it: "
            "def test_one(claude_replay_config)"
        ]
    )


def test_classes_have_fixtures_of_their_own(project: Project) -> None:
    """Also where another class of the module has none."""
    project.test(
        """
        class TestPlain:
            def test_one(self, claude_replay):
                assert claude_replay.mode == "none"

        class TestRecording:
            @pytest.fixture(scope="class")
            def claude_replay_config(self, claude_replay_config):
                return {**claude_replay_config, "mode": "once"}

            def test_one(self, claude_replay):
                assert claude_replay.mode == "once"

            @pytest.mark.claude_replay(mode="all")
            def test_two(self, claude_replay):
                assert claude_replay.mode == "all"
        """
    )

    project.run().assert_outcomes(passed=3)

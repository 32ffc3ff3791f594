"""Cassettes that no test owns are named, as far as this run can know."""

from __future__ import annotations

import pytest

from plugin_project import Project, read_summary

ORPHAN = "  orphan: cassettes/test_it/test_gone.yaml (no collected test owns it)"
TESTS = """
@pytest.mark.claude_replay
def test_one():
    ask("one")

@pytest.mark.claude_replay
def test_two():
    ask("two")

def test_not_marked():
    pass
"""


@pytest.fixture
def orphaned(project: Project) -> Project:
    """A project with two tests that have cassettes, and the cassette of a third that is gone."""
    project.test(TESTS + "\n@pytest.mark.claude_replay\ndef test_gone():\n    ask('gone')\n")
    project.record().assert_outcomes(passed=4)
    project.test(TESTS)
    return project


def find_orphans(result: pytest.RunResult) -> list[str]:
    """The lines of the summary that name orphans."""
    return [line for line in read_summary(result) if "orphan:" in line]


def test_the_cassette_of_a_test_that_is_gone_is_named(orphaned: Project) -> None:
    """It is counted as well, and fails nothing."""
    result = orphaned.run()

    result.assert_outcomes(passed=3)
    assert find_orphans(result) == [ORPHAN]
    assert " · 1 orphan · " in read_summary(result)[0]


@pytest.mark.parametrize(
    "args",
    [
        ("-k", "test_one"),
        ("-m", "claude_replay"),
        ("test_it.py::test_one",),
        ("test_it.py::test_one", "test_it.py"),
        ("--deselect", "test_it.py::test_two"),
        ("--ignore", "test_it.py"),
        ("test_other.py",),
        ("--collect-only",),
    ],
)
def test_nothing_is_said_about_what_was_left_out(orphaned: Project, args: tuple[str, ...]) -> None:
    """A module of which any part was not collected is not judged."""
    orphaned.test("@pytest.mark.claude_replay\ndef test_other():\n    ask('one')\n", name="test_other.py")
    orphaned.record("test_other.py")

    assert find_orphans(orphaned.run(*args)) == []


def test_node_ids_are_relative_to_the_folder_pytest_was_started_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also there a part of a module is a part."""
    project.test(TESTS, name="unit/test_it.py")
    project.record().assert_outcomes(passed=3)
    project.test("@pytest.mark.claude_replay\ndef test_two():\n    ask('two')\n", name="unit/test_it.py")
    monkeypatch.chdir(project.path / "unit")

    assert find_orphans(project.run("test_it.py::test_two")) == []
    assert len(find_orphans(project.run("test_it.py"))) == 1


def test_only_failed_tests_run_again_judge_nothing(orphaned: Project) -> None:
    """`--lf` drops tests without a word."""
    orphaned.test(TESTS + "\ndef test_bad():\n    assert False\n")
    assert orphaned.pytester.runpytest_inprocess().ret == 1

    result = orphaned.pytester.runpytest_inprocess("--lf")

    result.assert_outcomes(failed=1)
    assert find_orphans(result) == []


def test_a_run_that_stops_early_judges_nothing(orphaned: Project) -> None:
    """What the tests after it would have opened is not known."""
    orphaned.test("\ndef test_bad():\n    assert False\n" + TESTS)

    result = orphaned.run("-x")

    result.assert_outcomes(failed=1)
    assert find_orphans(result) == []


def test_a_module_that_could_not_be_collected_whole_judges_nothing(orphaned: Project) -> None:
    """Nor does one of which a class is broken; other modules are judged."""
    orphaned.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_pycollect_makeitem(collector, name):
            if name == "TestBroken":
                raise ValueError("broken")
            return (yield)
        """,
    )
    orphaned.test(TESTS + "\nclass TestBroken:\n    def test_three(self):\n        pass\n")

    result = orphaned.run("--continue-on-collection-errors")

    result.assert_outcomes(errors=1)
    assert find_orphans(result) == []


@pytest.mark.parametrize(
    "decorator",
    [
        "@pytest.mark.claude_replay\n@pytest.mark.skip",
        "@pytest.mark.skip\n@pytest.mark.usefixtures('claude_replay')",
    ],
)
def test_a_skipped_test_owns_its_cassette(orphaned: Project, decorator: str) -> None:
    """It will run again some day."""
    orphaned.test(f"{TESTS}\n{decorator}\ndef test_gone():\n    ask('gone')\n")

    assert find_orphans(orphaned.run()) == []


def test_a_skipped_test_may_have_asked_for_its_cassette_later(orphaned: Project) -> None:
    """Who knows what a test without a mark would have opened."""
    orphaned.test(TESTS + "\ndef test_gone(request):\n    pytest.skip()\n")

    assert find_orphans(orphaned.run()) == []


def test_a_test_that_lost_its_mark_owns_nothing(orphaned: Project) -> None:
    """Its cassette is of no use any more."""
    orphaned.test(TESTS + "\ndef test_gone():\n    pass\n")

    assert find_orphans(orphaned.run()) == [ORPHAN]


def test_a_module_that_lost_all_its_marks_is_judged(orphaned: Project) -> None:
    """All its cassettes are orphans, though no cassette was used at all."""
    orphaned.test("def test_one():\n    pass\n")

    result = orphaned.run()

    result.assert_outcomes(passed=1)
    assert read_summary(result)[0] == "0 replayed · 0 recorded · 0 live · 3 orphans"
    assert len(find_orphans(result)) == 3


def test_cassettes_that_anything_in_the_run_opened_are_no_orphans(orphaned: Project) -> None:
    """By whatever name: a path in a marker, or `use_cassette`."""
    orphaned.test(
        TESTS
        + """
@pytest.mark.claude_replay("test_it/test_gone.yaml")
def test_three():
    ask("gone")
"""
    )
    assert find_orphans(orphaned.run()) == []

    orphaned.test(
        TESTS
        + """
from claude_replay import use_cassette

def test_three():
    with use_cassette("cassettes/test_it/test_gone.yaml"):
        ask("gone")
"""
    )
    assert find_orphans(orphaned.run()) == []


def test_a_cassette_that_a_test_with_a_wrong_marker_owns_is_no_orphan(orphaned: Project) -> None:
    """Nobody knows which it is, but its own name is a good guess."""
    orphaned.test(f"{TESTS}\n@pytest.mark.claude_replay(mod='once')\ndef test_gone():\n    pass\n")

    assert find_orphans(orphaned.run()) == []


def test_files_of_others_are_no_orphans(project: Project) -> None:
    """Another recorder may keep its cassettes in the same folder."""
    project.test(TESTS)
    project.write("cassettes/test_it/theirs.yaml", "interactions: []\nversion: 1\n")
    project.write("cassettes/test_it/notes.txt", "not a cassette")
    project.write("cassettes/test_it/.hidden.yaml", "# claude_replay cassette")

    assert find_orphans(project.run("-k", "not test_one and not test_two")) == []
    assert find_orphans(project.record()) == []


def test_a_linked_cassette_has_an_owner(project: Project) -> None:
    """What a test opens through a link is its own under every name."""
    project.test('@pytest.mark.claude_replay("linked/one.yaml")\ndef test_one():\n    ask("one")\n')
    (project.path / "cassettes" / "test_it").mkdir(parents=True)
    (project.path / "cassettes" / "linked").symlink_to("test_it")

    project.record().assert_outcomes(passed=1)

    assert project.cassettes == ["test_it/one.yaml"]
    assert find_orphans(project.run()) == []


def test_the_folder_of_the_settings_is_looked_at(orphaned: Project) -> None:
    """Orphans are looked for where cassettes are."""
    (orphaned.path / "cassettes").rename(orphaned.path / "elsewhere")

    result = orphaned.run("--claude-replay-dir=elsewhere")

    assert find_orphans(result) == [ORPHAN.replace("cassettes/", "elsewhere/")]


OLD = "  orphan: cassettes/unit/test_old/test_gone.yaml (no collected test owns it)"


@pytest.fixture
def moved(project: Project) -> Project:
    """A project with a module that is gone, and one that is left."""
    project.test("@pytest.mark.claude_replay\ndef test_gone():\n    ask('gone')\n", name="unit/test_old.py")
    project.test(TESTS)
    project.record().assert_outcomes(passed=4)
    (project.path / "unit" / "test_old.py").unlink()
    return project


@pytest.mark.parametrize("args", [(), ("-n", "2"), ("-k", "test")])
def test_the_cassettes_of_a_module_that_is_gone_are_named(moved: Project, args: tuple[str, ...]) -> None:
    """By a run that has collected everything, in one process or in several."""
    result = moved.run_apart(*args)

    result.assert_outcomes(passed=3)
    assert find_orphans(result) == [OLD]


def test_the_paths_of_the_ini_file_are_everything_below_them(moved: Project) -> None:
    """What was recorded for modules elsewhere is not judged."""
    moved.ini("testpaths = test_it.py unit")
    assert find_orphans(moved.run()) == [OLD]
    moved.ini("testpaths = test_it.py")
    assert find_orphans(moved.run()) == []


@pytest.mark.parametrize(
    "args",
    [
        (".",),
        ("test_it.py",),
        ("-k", "test_one"),
        ("--deselect", "nothing"),
        ("--ignore", "nothing"),
        ("--ignore-glob", "nothing"),
    ],
)
def test_a_run_of_a_part_says_nothing_of_modules_that_are_gone(moved: Project, args: tuple[str, ...]) -> None:
    """It cannot know who opens their cassettes now."""
    assert find_orphans(moved.run(*args)) == []


@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.claude_replay('unit/test_old/test_gone.yaml')\n@pytest.mark.skip\ndef test_new(): pass",
        "from claude_replay import use_cassette\ndef test_new():\n"
        "    with use_cassette('cassettes/unit/test_old/test_gone.yaml'):\n        ask('gone')",
    ],
)
def test_a_cassette_of_a_module_that_is_gone_may_have_a_new_owner(moved: Project, test: str) -> None:
    """Who opens it, or would if it were not skipped."""
    moved.test(f"{TESTS}\n{test}\n")
    assert find_orphans(moved.run()) == []


def test_folders_that_no_module_ever_had_are_not_judged(moved: Project) -> None:
    """Those of `use_cassette`, hidden ones, and those whose names had to be changed."""
    home = moved.path / "cassettes" / "unit"
    for name in ("shared", ".test_old", "test_old-0123abcd"):
        (home / name).mkdir()
        (home / name / "one.yaml").write_bytes((home / "test_old" / "test_gone.yaml").read_bytes())

    assert find_orphans(moved.run()) == [OLD]


def test_a_module_that_is_skipped_as_a_whole_is_not_gone(moved: Project) -> None:
    """None of its tests is collected, but it is there."""
    moved.test("pytest.skip(allow_module_level=True)\n", name="unit/test_old.py")
    assert find_orphans(moved.run()) == []

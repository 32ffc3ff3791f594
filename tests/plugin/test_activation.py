"""Which tests get a cassette, and what it is called."""

from __future__ import annotations

from plugin_project import Project


def test_the_marker_and_the_fixture_do_the_same(project: Project) -> None:
    """Each gives the test a cassette of its own, named after it."""
    project.test(
        """
        @pytest.mark.claude_replay
        def test_marked():
            assert ask("one")

        def test_with_fixture(claude_replay):
            assert ask("two")

        @pytest.mark.claude_replay
        def test_both(claude_replay):
            assert ask("three")
            assert len(claude_replay.sent) == 1

        def test_on_demand(request):
            claude_replay = request.getfixturevalue("claude_replay")
            assert ask("four")
            assert len(claude_replay.sent) == 1

        @pytest.mark.usefixtures("claude_replay")
        def test_by_name():
            assert ask("five")
        """
    )

    project.record().assert_outcomes(passed=5)
    assert project.cassettes == [
        f"test_it/test_{name}.yaml" for name in ("both", "by_name", "marked", "on_demand", "with_fixture")
    ]
    project.run().assert_outcomes(passed=5)
    assert project.server.count == 5


def test_markers_of_modules_and_classes_hold_for_their_tests(project: Project) -> None:
    """`pytestmark` and decorated classes mark every test in them."""
    project.test(
        """
        pytestmark = [pytest.mark.claude_replay]

        def test_one():
            assert ask("one")

        class TestInside:
            class TestDeep:
                def test_two(self):
                    assert ask("two")
        """,
        name="unit/test_a.py",
    )
    project.test(
        """
        @pytest.mark.claude_replay
        class TestMarked:
            def test_three(self):
                assert ask("three")

        def test_not_marked(request):
            assert "claude_replay" not in request.fixturenames
        """,
        name="unit/test_b.py",
    )

    project.record().assert_outcomes(passed=4)

    assert project.cassettes == [
        "unit/test_a/TestInside.TestDeep.test_two.yaml",
        "unit/test_a/test_one.yaml",
        "unit/test_b/TestMarked.test_three.yaml",
    ]


def test_a_fixture_that_asks_for_the_handle_gives_the_test_a_cassette(project: Project) -> None:
    """Whoever takes the fixture, the test has one cassette."""
    project.test(
        """
        @pytest.fixture
        def client(claude_replay):
            return make_client()

        def test_one(client):
            assert ask("one", client=client)
        """
    )

    project.record().assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)


def test_the_cassette_is_open_before_any_other_fixture_of_the_test(project: Project) -> None:
    """Also where the fixture is asked for last, and for autouse fixtures."""
    project.test(
        """
        @pytest.fixture(autouse=True)
        def greeting():
            yield ask("hello")
            ask("bye")

        def test_fixture(greeting, claude_replay):
            assert len(claude_replay.sent) == 1

        @pytest.mark.claude_replay
        def test_marker(greeting):
            assert greeting
        """
    )

    project.record().assert_outcomes(passed=2)
    assert project.server.count == 4
    project.run().assert_outcomes(passed=2)
    assert project.server.count == 4


def test_only_the_marked_parameters_get_a_cassette(project: Project) -> None:
    """A marker on one parameter does not reach the others."""
    project.test(
        """
        @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.claude_replay), 3])
        def test_one(n, request):
            assert ("claude_replay" in request.fixturenames) == (n == 2)
        """
    )

    project.run().assert_outcomes(passed=3)


def test_parameters_name_the_cassette(project: Project) -> None:
    """Every parameter set has a file of its own, whatever its id holds, and finds it again."""
    project.test(
        """
        IDS = ["plain", "a/b", "a:b", "a::b", "grüße-日本", "../../up", "x" * 300, "x" * 301, "sp ace", "CON"]

        @pytest.mark.claude_replay
        @pytest.mark.parametrize("n", range(len(IDS)), ids=IDS)
        def test_one(n):
            assert ask(f"prompt {n}")
        """
    )

    project.record().assert_outcomes(passed=10)

    assert len(project.cassettes) == 10
    assert all(name.startswith("test_it/test_one[") for name in project.cassettes)
    assert all(len(name.encode()) < 255 for name in project.cassettes)
    assert "test_it/test_one[plain].yaml" in project.cassettes
    assert not (project.path.parent / "up].yaml").exists()
    project.run().assert_outcomes(passed=10)
    assert project.server.count == 10


def test_unittest_cases_can_be_marked(project: Project) -> None:
    """The handle comes in through an autouse fixture, as pytest has it for unittest."""
    project.test(
        """
        import unittest

        @pytest.mark.claude_replay
        class Case(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _handle(self, claude_replay):
                self.claude = claude_replay

            def setUp(self):
                assert ask("hello")

            def tearDown(self):
                assert ask("bye")

            def test_one(self):
                assert ask("one")
                assert len(self.claude.sent) == 2

        class AsyncCase(unittest.IsolatedAsyncioTestCase):
            @pytest.mark.claude_replay
            async def test_two(self):
                assert await ask_async("two")
        """
    )

    project.record().assert_outcomes(passed=2)
    assert project.cassettes == ["test_it/AsyncCase.test_two.yaml", "test_it/Case.test_one.yaml"]
    project.run().assert_outcomes(passed=2)
    assert project.server.count == 4


def test_async_tests_can_be_marked(project: Project) -> None:
    """With pytest-asyncio and with anyio, on asyncio and trio; async fixtures too."""
    project.test(
        """
        import asyncio

        import pytest_asyncio

        @pytest_asyncio.fixture
        async def greeting():
            yield await ask_async("hello")
            await ask_async("bye")

        @pytest.mark.asyncio
        @pytest.mark.claude_replay
        async def test_asyncio(greeting):
            answers = await asyncio.gather(*[ask_async(f"prompt {n}") for n in range(5)])
            assert all(f"prompt {n}" in answer for n, answer in enumerate(answers))

        @pytest.mark.anyio
        @pytest.mark.claude_replay
        @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
        async def test_anyio(anyio_backend):
            assert await ask_async("anyio")
        """
    )

    project.record().assert_outcomes(passed=3)
    assert project.server.count == 9
    project.run().assert_outcomes(passed=3)
    assert project.server.count == 9


def test_doctests_are_left_alone(project: Project) -> None:
    """They run as ever beside marked tests."""
    project.test(
        '''
        pytestmark = pytest.mark.claude_replay

        def double(n):
            """
            >>> double(2)
            4
            """
            return 2 * n

        def test_one():
            assert double(1) == 2
        '''
    )

    project.run("--doctest-modules").assert_outcomes(passed=2)


def test_items_of_other_plugins_are_left_alone(project: Project) -> None:
    """What is no Python test has no fixtures, marked or not."""
    project.write(
        "conftest.py",
        """
        import pytest

        class Line(pytest.Item):
            def runtest(self):
                assert self.name == "fine"

        class Lines(pytest.File):
            def collect(self):
                for line in self.path.read_text().split():
                    item = Line.from_parent(self, name=line)
                    item.add_marker("claude_replay")
                    yield item

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".lines":
                return Lines.from_parent(parent, path=file_path)
        """,
    )
    project.write("all.lines", "fine bad")

    project.run().assert_outcomes(passed=1, failed=1)


def test_a_named_cassette_may_stand_anywhere(project: Project) -> None:
    """Relative to the folder of the cassettes, also above it, or by an absolute path."""
    absolute = project.path / "elsewhere" / "far.yaml"
    project.test(
        f"""
        @pytest.mark.claude_replay("deep/below.yaml")
        def test_below():
            assert ask("one")

        @pytest.mark.claude_replay("../up.yaml")
        def test_above():
            assert ask("two")

        @pytest.mark.claude_replay(cassette={str(absolute)!r})
        def test_far():
            assert ask("three")
        """
    )

    project.record().assert_outcomes(passed=3)

    assert project.cassettes == ["deep/below.yaml"]
    assert (project.path / "up.yaml").exists()
    assert absolute.exists()
    project.run().assert_outcomes(passed=3)
    assert project.server.count == 3

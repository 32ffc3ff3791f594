"""Which file belongs to which test."""

from __future__ import annotations

import pytest

from claude_replay.cassette import cassette_name

# Promised: these names never change, for then every recording would have to be made anew.
PINNED = {
    "tests/test_chat.py::test_greets": "tests/test_chat/test_greets.yaml",
    "tests/test_chat.py::TestChat::test_greets": "tests/test_chat/TestChat.test_greets.yaml",
    "tests/test_chat.py::TestA::TestB::test_c[id-1]": "tests/test_chat/TestA.TestB.test_c[id-1].yaml",
    "test_it.py::test_x": "test_it/test_x.yaml",
    "a/b/c/test_it.py::test_x[1.5-True-None]": "a/b/c/test_it/test_x[1.5-True-None].yaml",
    "test_it.py::test_x[What's up? (50%)]": "test_it/test_x[What-s up- (50%)]-90434ab3.yaml",
    "test_it.py::test_x[a/b]": "test_it/test_x[a-b]-804c3669.yaml",
    "test_it.py::test_x[a:b]": "test_it/test_x[a-b]-862d2f84.yaml",
    "test_it.py::test_x[a::b]": "test_it/test_x[a--b]-dc1911d5.yaml",
    "test_it.py::test_x[a\\b]": "test_it/test_x[a-b]-37a76e57.yaml",
    "test_it.py::test_x[..]": "test_it/test_x[..].yaml",
    "test_it.py::test_x[/etc/passwd]": "test_it/test_x[-etc-passwd]-49c08186.yaml",
    "test_it.py::test_x[é-日本]": "test_it/test_x[é-日本].yaml",
    "test_it.py::test_x[e\u0301]": "test_it/test_x[é]-d0620307.yaml",
    "test_it.py::test_x[\u200d\U0001f389]": "test_it/test_x[--]-fb33e944.yaml",
    "test_it.py::test_x[ ]": "test_it/test_x[ ].yaml",
    "test_it.py::.hidden": "test_it/_.hidden-16924190.yaml",
    "test_it.py::nul": "test_it/_nul-99e62427.yaml",
    "test_it.py::con.Com1": "test_it/_con.Com1-46356417.yaml",
    "lpt9.py::test_x": "_lpt9-06f4d3cd/test_x.yaml",
    "console.py::test_x": "console/test_x.yaml",
    "../elsewhere/test_it.py::test_x": "_-5ec1f7e7/elsewhere/test_it/test_x.yaml",
    "/abs/test_it.py::test_x": "--8a5edab2/abs/test_it/test_x.yaml",
    "D:/abs/test_it.py::test_x": "D--4eac8087/abs/test_it/test_x.yaml",
    "docs/guide.md::guide.md": "docs/guide.md/guide.md.yaml",
    "test_it.py": "test_it/_-e3b0c442.yaml",
    "dots../test_it.py::test_x": "dots-7ad4fe2f/test_it/test_x.yaml",
    "test_it.py::test_x[" + "x" * 200 + "]": f"test_it/test_x[{'x' * 134}-478ae621.yaml",
    "test_it.py::test_x[" + "é" * 100 + "]": f"test_it/test_x[{'é' * 67}-ef324e54.yaml",
}


@pytest.mark.parametrize("nodeid", PINNED)
def test_names_are_what_they_always_were(nodeid: str) -> None:
    """A test finds its recording again after every upgrade."""
    assert str(cassette_name(nodeid)) == PINNED[nodeid]


@pytest.mark.parametrize("nodeid", PINNED)
def test_names_are_safe_on_every_file_system(nodeid: str) -> None:
    """No separators, nothing hidden, nothing reserved, not too long, no way out of the folder."""
    path = cassette_name(nodeid)
    assert not path.is_absolute()
    for part in path.parts:
        assert part not in (".", "..")
        assert not set(part) & set('\\/:*?"<>|')
        assert part.isprintable()
        assert part[0] != "."
        assert part[-1] not in " ."
        assert part.partition(".")[0].lower() not in ("con", "prn", "aux", "nul", "com1", "lpt9")
        assert len(part.encode()) <= 155


def test_names_that_differ_stay_different() -> None:
    """Whatever has to be replaced in them, or cut off."""
    ids = [f"test_it.py::test_x[{char}]" for char in map(chr, range(0x250))]
    ids += [f"test_it.py::test_x[{'x' * length}]" for length in range(100, 300)]
    ids += [f"{folder}/test_it.py::test_x" for folder in ("a", "..", "../..", "a/..", "con", "_con", "/")]
    assert len({cassette_name(nodeid) for nodeid in ids}) == len(ids)

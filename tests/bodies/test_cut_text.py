"""The pieces of a long answer, which are cut off its text when somebody asks for them."""

from __future__ import annotations

import copy
import pickle

import pytest

from claude_replay.exchange import CutText, Deltas

PIECES = ("Hel", "", "lo ", "日本")
CUT = CutText("Hello 日本", [3, 0, 3, 2])


def test_it_is_what_a_tuple_of_the_pieces_is() -> None:
    """Nobody has to know which of both he has."""
    assert tuple(CUT) == PIECES
    assert PIECES == CUT == PIECES
    assert CutText("Hello 日本", (3, 0, 3, 2)) == CUT
    assert hash(CUT) == hash(PIECES)
    assert repr(CUT) == repr(PIECES)
    assert len(CUT) == 4
    assert (CUT[0], CUT[-1], CUT[1:3], CUT[-1:]) == ("Hel", "日本", ("", "lo "), ("日本",))
    assert "lo " in CUT
    assert CUT.index("日本") == 3
    assert pickle.loads(pickle.dumps(CUT)) == copy.deepcopy(CUT) == PIECES


def test_other_cuts_and_other_texts_are_not_equal() -> None:
    """Nor is a list, as with tuples."""
    assert CutText("Hello 日本", [3, 3, 2]) != CUT
    assert CutText("Hallo 日本", [3, 0, 3, 2]) != CUT
    assert list(PIECES) != CUT


@pytest.mark.parametrize(
    ("text", "pieces"),
    [("Hello there", ("Hel", "lo t", "here")), ("Hell", ("Hel", "l", "")), ("", ("", "", ""))],
)
def test_a_text_of_another_length_is_all_there(text: str, pieces: tuple[str, ...]) -> None:
    """Somebody has edited it in the cassette and left the cuts as they are."""
    assert CutText(text, [3, 4, 2]) == pieces
    assert Deltas(0, "text_delta", CutText(text, [3, 4, 2])).text == text == "".join(pieces)

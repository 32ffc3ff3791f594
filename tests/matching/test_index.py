"""Which recorded exchange a fingerprint is given."""

from __future__ import annotations

from claude_replay.matching import Index


def test_equal_fingerprints_are_taken_in_the_order_recorded() -> None:
    """Equal requests are answered in the order in which they were recorded."""
    index = Index(["a", "b", "a", "a"])
    assert [index.take("a") for _ in range(3)] == [0, 2, 3]


def test_an_unknown_fingerprint_is_not_found() -> None:
    """What was not recorded is not found, and nothing is taken."""
    index = Index(["a"])
    assert index.take("b") is None
    assert index.find("b") == []
    assert index.taken == frozenset()


def test_nothing_is_left_when_all_equal_ones_are_taken() -> None:
    """After the last equal recording there is none; others are still there."""
    index = Index(["a", "b"])
    assert index.take("a") == 0
    assert index.take("a") is None
    assert index.take("b") == 1


def test_what_is_given_back_is_taken_again() -> None:
    """The one taken last comes first again, before those that follow it."""
    index = Index(["a", "b", "a"])
    assert index.take("a") == 0
    index.give_back("a")
    assert index.taken == frozenset()
    assert index.find("a") == [0, 2]
    assert [index.take("a"), index.take("a")] == [0, 2]


def test_taken_are_the_ordinals_handed_out() -> None:
    """Whatever the fingerprint, and no other."""
    index = Index(["a", "b", "a", "c"])
    index.take("a")
    index.take("c")
    assert index.taken == {0, 3}
    assert index.find("a") == [2]


def test_an_empty_index_has_nothing() -> None:
    """A cassette without exchanges answers nothing."""
    index = Index([])
    assert (len(index), index.take("a"), index.find("a"), index.taken) == (0, None, [], frozenset())

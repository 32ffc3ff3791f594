"""The account of a run in lines, from the accounts of its cassettes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from claude_replay.report import report_lines
from claude_replay.session import Tally

SONNET = "claude-sonnet-5"


def tell(
    *tallies: Tally,
    orphans: Sequence[str] = (),
    notes: Sequence[str] = (),
    lost_workers: Sequence[str] = (),
    details: bool = False,
    root: str = "/project/",
) -> list[str]:
    """The lines for these accounts."""
    return report_lines(
        tallies, orphans=orphans, notes=notes, lost_workers=lost_workers, details=details, root=root
    )


def test_what_happened_is_always_counted_in_full() -> None:
    """Replayed, recorded and live stand there also when they are none."""
    assert tell() == ["0 replayed · 0 recorded · 0 live"]


def test_the_totals_line() -> None:
    """Every part of it, with separators in large numbers."""
    lines = tell(
        Tally("a", "/project/a.yaml", replayed=1_200, seconds=80.2, tokens={SONNET: [30_000, 1_200, 0, 0]}),
        Tally("b", "/project/b.yaml", replayed=34, recorded=2, missed=3, seconds=4.1),
        Tally("c", "/project/c.yaml", unplayed=["number 2 (messages)"], tokens={SONNET: [4, 0, 0, 0]}),
        orphans=["cassettes/old.yaml"],
    )

    assert lines[0] == (
        "1,234 replayed · 2 recorded · 0 live · 3 missed · 1 unplayed · 1 orphan · 31,204 tokens · "
        "~$0.07 and 84 s not spent"
    )


def test_several_orphans_are_orphans() -> None:
    """Each is named on a line of its own."""
    lines = tell(orphans=["cassettes/one.yaml", "cassettes/two.yaml"])

    assert lines == [
        "0 replayed · 0 recorded · 0 live · 2 orphans",
        "  orphan: cassettes/one.yaml (no collected test owns it)",
        "  orphan: cassettes/two.yaml (no collected test owns it)",
    ]


def test_what_a_shared_cassette_leaves_over_is_not_counted() -> None:
    """One of its tests alone cannot know."""
    assert tell(Tally("a", "a.yaml", explicit=True, unplayed=["number 2"])) == [
        "0 replayed · 0 recorded · 0 live"
    ]


def test_notes_stand_once_and_paths_below_the_root_are_short() -> None:
    """In the order of the tests; notes about no test come last."""
    lines = tell(
        Tally("b", "/project/b.yaml", notes=["CI is set", "/project/b.yaml: second"]),
        Tally(
            "a", "/project/a.yaml", notes=["/project/a.yaml: first", "CI is set"], drift=["status: 200, 400"]
        ),
        Tally("c", "/project/c.yaml", unplayed=[f"number {n}" for n in range(1, 8)]),
        notes=["zzz\n  more", "yyy"],
    )

    assert lines[1:] == [
        "  a.yaml: first",
        "  CI is set",
        "  drift in a.yaml: status: 200, 400",
        "  b.yaml: second",
        "  c.yaml: not played: number 1, number 2, number 3, number 4, number 5, …",
        "  yyy",
        "  zzz",
        "    more",
    ]


def test_an_incomplete_cassette_is_named_once_however_many_tests_use_it() -> None:
    """And only if it was still incomplete when its test ran the last time."""
    lines = tell(
        Tally("a", "shared.yaml", incomplete=True),
        Tally("b", "shared.yaml", incomplete=True),
        Tally("c", "again.yaml", incomplete=True),
        Tally("c", "again.yaml", incomplete=False),
    )

    assert lines[1:] == [
        "  shared.yaml is incomplete: the test that recorded it has not passed yet; "
        "finish it: pytest --claude-record=once"
    ]


def test_workers_that_crashed_are_named() -> None:
    """With what that means."""
    assert tell(lost_workers=["gw2", "gw0"])[1:] == [
        "  gw0, gw2 crashed: what it knew is missing here, and orphans were not looked for"
    ]


def test_details_name_every_test() -> None:
    """With verdict, counts and cassette; the worst verdict counts."""
    tallies = [
        Tally("t::replayed", "/project/1.yaml", replayed=2, unplayed=["number 3"]),
        Tally("t::recorded", "/project/2.yaml", replayed=1, recorded=1_000),
        Tally("t::live", "/project/3.yaml", live=1),
        Tally("t::missed", "/project/4.yaml", replayed=1, missed=1),
        Tally("t::idle", "/project/5.yaml"),
    ]

    assert [line for line in tell(*tallies, details=True) if "::" in line] == [
        "  unused    t::idle  nothing sent  5.yaml",
        "  live      t::live  1 live  3.yaml",
        "  missed    t::missed  1 replayed, 1 missed  4.yaml",
        "  recorded  t::recorded  1 replayed, 1,000 recorded  2.yaml",
        "  replayed  t::replayed  2 replayed, 1 unplayed  1.yaml",
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_who_reported_first_makes_no_difference(order: tuple[int, ...]) -> None:
    """The lines are the same, whatever order the processes ended in."""
    tallies = [
        Tally("a", "a.yaml", replayed=1, seconds=0.1, tokens={SONNET: [1, 2, 3, 4]}, notes=["one"]),
        Tally("b", "b.yaml", replayed=2, seconds=0.2, tokens={"claude-haiku-4-5": [5, 0, 0, 0]}),
        Tally("use_cassette('x')", "x", replayed=1, notes=["two"]),
        Tally("use_cassette('x')", "x", replayed=2, notes=["three"]),
    ]

    shuffled = tell(*(tallies[place] for place in order), details=True)

    assert shuffled == tell(*tallies, details=True)


def test_what_verify_measured_is_summed_up() -> None:
    """Answers, texts, tokens and seconds, of all tests; without texts nothing is said of them."""
    one = Tally("a", verified=[[0.5, 100, 110, 1.5, 2.0], [1.0, 50, 60, None, 1.0]])
    two = Tally("b", verified=[[None, 0, 0, 0.5, 0.5]])

    assert tell(one, two)[1] == (
        "  3 answers compared with Claude's now · texts 75 % alike · tokens 150 then, 170 now · "
        "2.0 s then, 2.5 s now"
    )
    assert tell(two)[1] == (
        "  1 answer compared with Claude's now · tokens 0 then, 0 now · 0.5 s then, 0.5 s now"
    )


def test_stale_recordings_are_told_by_cause() -> None:
    """With how many, and where if that is one cassette; and what to do, once."""
    old, new = "the model a was retired on 2026-02-19", "recorded with anthropic 1.x"
    one = Tally("a", "/project/a.yaml", stale={old: 2, new: 1})
    two = Tally("b", "/project/b.yaml", stale={old: 1})

    assert tell(one, two)[1:] == [
        f"  stale: {new}: 1 replayed, in a.yaml",
        f"  stale: {old}: 3 replayed, in 2 cassettes",
        "    still what Claude answers? claude-replay verify; record anew: pytest --claude-record=rewrite",
    ]

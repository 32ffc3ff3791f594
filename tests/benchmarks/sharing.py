"""Two workers of pytest-xdist record into one cassette."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.measure import interleave, run_apart
from benchmarks.recorders import RECORDERS
from benchmarks.suites import count_passed, write_suite
from standin import ClaudeServer

_TESTS = 24
# They lose some in each.
_PEER_TRIALS = 3
_MARKS = {
    "claude_replay": 'pytest.mark.claude_replay(cassette="shared.yaml")',
    "vcrpy": 'pytest.mark.default_cassette("shared.yaml")\n@pytest.mark.vcr',
    "cassetter": 'pytest.mark.vcr("shared.yaml")',
}
_OPTIONS = {"claude_replay": "--claude-record=new_episodes"}
_TEST = """
import os
import pytest
from benchmarks.traffic import make_call, make_client

@{mark}
@pytest.mark.parametrize("number", range({count}))
def test_call(number):
    client = make_client(os.environ["STANDIN"])
    assert client.messages.create(**make_call(number)).id
"""


def measure_sharing(run: Run) -> list[Figure]:
    """How many of the exchanges that 24 green tests recorded are in the file."""
    trials = run.choose(20, 2)
    folder = run.make_folder("sharing")
    with ClaudeServer() as server:
        arms = {name: partial(_race, name, folder / name, server.url) for name in run.recorders}
        ours = run.recorders[0]
        kept = interleave({ours: arms.pop(ours)}, trials, warm=False)
        kept.update(interleave(arms, min(trials, _PEER_TRIALS), warm=False))
    cells = {name: _describe(counts) for name, counts in kept.items()}
    what = (
        f"{_TESTS} tests record one shared cassette with -n 2, {trials} trials (peers {_PEER_TRIALS}): kept"
    )
    return [Figure(what, cells, f"{_TESTS} each time", set(kept["claude_replay"]) == {_TESTS})]


def _describe(counts: list[int]) -> str:
    lowest, highest = min(counts), max(counts)
    return f"{lowest} each time" if lowest == highest else f"{lowest} to {highest}"


def _race(recorder: str, folder: Path, url: str) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    tool = RECORDERS[recorder]
    suite = write_suite(
        folder,
        _TEST.format(mark=_MARKS[recorder], count=_TESTS),
        fixtures=[tool.config],
        plugins=["xdist", tool.plugin],
    )
    option = _OPTIONS.get(recorder, "--record-mode=new_episodes")
    passed = count_passed(suite.run("-n", "2", option, environment={"STANDIN": url}))
    if passed != _TESTS:
        raise RuntimeError(f"{recorder}: {passed} of {_TESTS} tests passed while recording")
    files = list(folder.rglob("shared.yaml"))
    return sum(int(run_apart(count_exchanges, recorder=recorder, path=str(path))) for path in files)


def count_exchanges(recorder: str, path: str) -> int:
    """How many exchanges can be read from a cassette."""
    return RECORDERS[recorder].count(Path(path))

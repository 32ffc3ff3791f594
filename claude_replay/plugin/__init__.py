"""
The pytest plugin; what pytest looks for stands in `entry`.

pytest rewrites the assertions of a plugin's modules, so that they explain themselves; ours are no tests. What it has
rewritten it keeps, but reads it back piece by piece, which takes five times as long as Python's own way: 7 ms of
every run of pytest, and 0.2 s of the first test with a cassette (`_read_pyc`, pytest 9.2). So this module, of which
it has to read every line like that, lets the others be imported as those of any library are.
"""

from __future__ import annotations

import atexit
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_PACKAGE = __name__.partition(".")[0] + "."


class _PlainFinder:
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith(_PACKAGE) else None


_FINDER = _PlainFinder()


@atexit.register
def _remove() -> None:
    # This module itself was loaded by pytest's loader, which has everything of the run: with this in the list, Python
    # could take all that apart only in the last of its rounds (2.5 ms).
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _FINDER]


# Before pytest's own. The package itself is left to that, which else would warn that it cannot rewrite it.
sys.meta_path.insert(0, _FINDER)

# isort: split
from claude_replay.plugin.entry import *  # noqa: E402, F403  # by the finder
from claude_replay.plugin.entry import __all__  # noqa: E402


def __dir__() -> list[str]:
    # pytest looks at everything in a plugin, in several ways: whether it is a hook, and whether it is a fixture.
    return __all__

"""`python tests/benchmarks`: measures what is named, or everything, and prints the table."""

from __future__ import annotations

import sys
from pathlib import Path

# Python puts this folder here; the packages `benchmarks` and `standin` stand beside it.
sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.command import main

main()

"""`python tests/benchmarks`: measures what is named, or everything, and prints the table."""

from __future__ import annotations

import sys
from pathlib import Path

# The packages `benchmarks` and `standin` stand beside each other.
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.command import main

main()

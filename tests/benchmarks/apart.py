"""`python -m benchmarks.apart MODULE:FUNCTION ARGUMENTS`: one measurement in a process of its own."""

from __future__ import annotations

import json
import sys
from importlib import import_module

module, _, name = sys.argv[1].partition(":")
print(json.dumps(getattr(import_module(module), name)(**json.loads(sys.argv[2]))))

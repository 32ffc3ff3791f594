"""
The published benchmark: how claude_replay compares with the bare SDK and with its peers, in one run.

    uv run python tests/benchmarks [NAME…] [--quick]

Every figure is a ratio or a difference between arms of the same run: the arms take turns, their order rotates
from round to round, and what is reported is the median over the rounds. CPU time is the measure unless a row
says otherwise. The floor is the same call of the SDK over `httpx2.MockTransport`: nothing that goes through the
SDK can be faster. docs/benchmarks.md says what each row means.
"""

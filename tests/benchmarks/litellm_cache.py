"""Run by the Python that has litellm: seconds of a hit in its disk cache and in its Redis cache, as JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any


def time_hits(given: dict[str, Any]) -> dict[str, float]:
    """Ask once, make sure that the second answer comes from the cache, and time the rest."""
    import litellm
    from litellm.caching.caching import Cache

    litellm.suppress_debug_info = True
    kinds = {
        "SQLite": {"type": "disk", "disk_cache_dir": given["folder"]},
        "Redis": {"type": "redis", "host": "127.0.0.1", "port": str(given["port"])},
    }
    found = {}
    for name, options in kinds.items():
        litellm.cache = Cache(**options)

        def complete() -> Any:
            return litellm.completion(
                model="anthropic/claude-sonnet-5",
                messages=given["messages"],
                max_tokens=1024,
                api_key="x",
                api_base=given["url"],
                caching=True,
            )

        complete()
        time.sleep(0.5)  # it stores in the background
        if not complete()._hidden_params.get("cache_hit"):
            raise RuntimeError(f"litellm's {name} cache did not answer")
        found[name] = min(_time(complete, 2) for _ in range(given["calls"]))
    return found


def _time(call: Any, calls: int) -> float:
    begun = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begun) / calls


if __name__ == "__main__":
    os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_TELEMETRY="False")
    logging.disable(logging.CRITICAL)
    print(json.dumps(time_hits(json.loads(sys.argv[1]))), flush=True)
    # Its threads need not be waited for.
    os._exit(0)

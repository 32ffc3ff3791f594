"""What a cache did, and what it saved."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from claude_replay.cache.entry import StoreStats
from claude_replay.cache.envelope import Answer

__all__ = ["CacheStats", "Tally"]


@dataclass(frozen=True, slots=True)
class CacheStats:
    """
    What this cache object did since it was made; `store` is what the store holds, and counts over all processes.

    `stale` hits are among the hits, and so are those that were `near` only, by kind: "max_tokens", "similar".
    `misses` are counted once a call, however often the SDK retried, by reason:
    "model_changed", "system_changed", "tools_changed", "parameters_changed", "messages_changed", "scope_changed"
    (namespace, version, sample, address, headers or betas), "new_turn", "new", "expired", "unreadable", "refresh",
    "write". `bypassed` calls were not looked up, `not_kept` answers not stored, each by reason. `failures` counts
    what the store could not do. `saved_usd` lacks answers whose price is not known (the extra `prices`).
    """

    hits: int = 0
    stale: int = 0
    near: Mapping[str, int] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)
    bypassed: Mapping[str, int] = field(default_factory=dict)
    kept: int = 0
    not_kept: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    saved_usd: float = 0.0
    saved_seconds: float = 0.0
    saved_tokens: int = 0
    store: StoreStats | None = None

    @property
    def hit_rate(self) -> float:
        """Hits among the calls that were looked up, 0 to 1."""
        asked = self.hits + sum(self.misses.values())
        return self.hits / asked if asked else 0.0

    def __str__(self) -> str:
        lines = [
            f"{self.hits} hits · {_sum_up('misses', self.misses)} · {_sum_up('bypassed', self.bypassed)}"
            f" · {_sum_up('not kept', self.not_kept)}",
            f"{self.saved_tokens:,} tokens · ${self.saved_usd:.2f} and {self.saved_seconds:.0f} s not spent",
        ]
        if self.near:
            lines.append(f"of the hits {_sum_up('near', self.near)}")
        if self.failures:
            lines.append(f"the store failed {self.failures} times")
        if self.store is not None:
            lines.append(f"{self.store.entries:,} entries · {self.store.bytes:,} bytes")
        return "\n".join(lines)


def _sum_up(name: str, reasons: Mapping[str, int]) -> str:
    total = sum(reasons.values())
    named = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
    return f"{total} {name} ({named})" if named else f"{total} {name}"


class Tally:
    """
    Counts, from any thread.

    Counters have the names they are given to the store under: `hits`, `stale`, `near.KIND`, `misses.REASON`,
    `bypassed.REASON`, `kept`, `not_kept.REASON`, `failures`, `saved_usd`, `saved_seconds`, `saved_tokens`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._pending: dict[str, float] = {}

    def add(self, name: str, amount: float = 1) -> None:
        """Count one thing."""
        with self._lock:
            self._add(name, amount)

    def _add(self, name: str, amount: float) -> None:
        self._counts[name] += amount  # type: ignore[assignment]
        self._pending[name] = self._pending.get(name, 0) + amount

    def hit(self, answer: Answer, *, stale: bool) -> None:
        """An answer from the shelf, and what it saved."""
        with self._lock:
            self._add("hits", 1)
            if stale:
                self._add("stale", 1)
            self._add("saved_usd", answer.usd or 0.0)
            self._add("saved_seconds", answer.seconds)
            self._add("saved_tokens", answer.usage.total_tokens)

    def is_due(self, at_least: int) -> bool:
        """Whether there is anything of `at_least` hits or other events that the store has not been told yet."""
        return self._pending.get("hits", 0) + len(self._pending) >= at_least

    def take_pending(self, at_least: int = 1) -> dict[str, float]:
        """What the store has not been told yet, where that is anything of `at_least` hits or other events."""
        with self._lock:
            if not self.is_due(at_least):
                return {}
            pending, self._pending = self._pending, {}
            return pending

    def sum_up(self, store: StoreStats | None = None) -> CacheStats:
        """Everything counted so far."""
        with self._lock:
            counts = dict(self._counts)

        def by_reason(name: str) -> dict[str, int]:
            start = f"{name}."
            return {key.removeprefix(start): int(n) for key, n in counts.items() if key.startswith(start)}

        return CacheStats(
            hits=int(counts.get("hits", 0)),
            stale=int(counts.get("stale", 0)),
            near=by_reason("near"),
            misses=by_reason("misses"),
            bypassed=by_reason("bypassed"),
            kept=int(counts.get("kept", 0)),
            not_kept=by_reason("not_kept"),
            failures=int(counts.get("failures", 0)),
            saved_usd=float(counts.get("saved_usd", 0.0)),
            saved_seconds=float(counts.get("saved_seconds", 0.0)),
            saved_tokens=int(counts.get("saved_tokens", 0)),
            store=store,
        )

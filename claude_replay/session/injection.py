"""A fault that is in place until somebody takes it away."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from claude_replay.faults import Fault, Injected

if TYPE_CHECKING:
    from claude_replay.session.session import Session

__all__ = ["Injection"]


class Injection:
    """
    What `Handle.inject()` gives: the fault is in place at once, until the end of the `with` block or of the cassette.

    `strikes` tells how often it has happened. Raises UnusedFault at the end where that is not often enough.
    """

    def __init__(self, session: Session, fault: Fault) -> None:
        self._session = session
        self._injected: Injected = session.faulting.plan.add(fault)

    @property
    def strikes(self) -> int:
        """How often the fault has happened."""
        return self._injected.strikes

    def __enter__(self) -> Injection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.faulting.plan.remove(self._injected)
        if error is None:
            self._injected.check()

    async def __aenter__(self) -> Injection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

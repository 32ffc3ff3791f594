"""`inject`: let something go wrong in the cassette that is open."""

from __future__ import annotations

from types import TracebackType

from claude_replay.errors import SettingsError
from claude_replay.faults import make_fault
from claude_replay.intercept.scope import current_session
from claude_replay.session import Injection

__all__ = ["inject"]


class inject:  # A function to its users; a class because it is a value of the marker as well.
    """
    Let something go wrong while the block runs, in the cassette that is open there.

    `with inject("overloaded"):`, `async with`, or `@pytest.mark.claude_replay(inject=[inject("cut", after=3)])`
    for a whole test; `Handle.inject()` takes the same. A name alone (`inject="overloaded"`) is enough for the
    marker.

    `fault` is "overloaded" (529), "rate_limit" (429), "server_error" (500), "bad_request", "authentication",
    "permission", "not_found", "too_large", or a status from 400 to 599: that error is answered before the
    `answer`-th answer, counted from 1 since the fault was put in place. "timeout" and "connection_error" give
    no answer. "cut" ends the connection after the `after`-th event of the `answer`-th answer, "error_event"
    sends `event: error` there, "slow" gives it its first event after `seconds` (default 5).

    It happens `times` times (default 1; "always"), to requests that are made again too, and takes no recording
    away: the next request gets the good answer. Nothing sleeps: a time-out happens at once, and so does what
    is slow, as a time-out if the client's is shorter. With `sleep=True` all of it takes as long as in life,
    the pauses between the SDK's attempts too; a time-out then comes after `seconds`. `retry_after`
    (seconds; default 1 for "rate_limit") is a header of the error.

    Raises SettingsError for what is not valid, and UnusedFault at the end where the fault did not happen.
    """

    def __init__(
        self,
        fault: str | int,
        *,
        answer: int = 1,
        times: int | str = 1,
        after: int | None = None,
        retry_after: float | None = None,
        seconds: float | None = None,
        sleep: bool = False,
    ) -> None:
        self.fault = make_fault(
            fault,
            answer=answer,
            times=times,
            after=after,
            retry_after=retry_after,
            seconds=seconds,
            sleep=sleep,
        )
        self._entered: list[Injection] = []

    def __repr__(self) -> str:
        return f"inject({str(self.fault)!r})"

    def __enter__(self) -> Injection:
        session = current_session()
        if session is None:
            raise SettingsError(
                f"inject: no cassette is open here for {self.fault}; mark the test with "
                "@pytest.mark.claude_replay, or put this within use_cassette()"
            )
        self._entered.append(Injection(session, self.fault))
        return self._entered[-1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    async def __aenter__(self) -> Injection:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

"""How much recording may cost; counted by all workers and threads of a run together."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from claude_replay.api import assemble_message, cost_usd, estimate_usd, has_prices, message_usage, model_of
from claude_replay.cassette import shared_account
from claude_replay.errors import BudgetReached, SettingsError
from claude_replay.exchange import Body, Response, Usage
from claude_replay.settings import Settings

__all__ = ["Budget", "budget_for"]

_USED_UP = "the budget of this run is used up; what was recorded until then is kept"


@dataclass(frozen=True, slots=True)
class Budget:
    """
    The limits of a run; None for none. `path` and `command` are for messages.

    A call is counted with the most it can cost before it is made, and with what it has cost once that is known.
    """

    run_id: str
    path: Path
    max_calls: int | None
    max_usd: float | None
    command: str

    def reserve(self, asked: str, body: Body) -> float:
        """
        Count one more call, and give what it may cost.

        Raises BudgetReached where that would be too much; nothing is counted then.
        """
        price = 0.0 if self.max_usd is None else estimate_usd(body)
        with shared_account(self.run_id, self.path) as account:
            calls, usd = account.get("calls", 0), account.get("usd", 0.0)
            problem = self._find_problem(calls, usd, price, model_of(body))
            if problem is None:
                account.update(calls=calls + 1, usd=usd + (price or 0.0))
        if problem is not None:
            raise BudgetReached(
                f"claude_replay: a request was not sent: {_USED_UP}\n"
                f"  asked     {asked}\n"
                f"  budget    {problem}\n"
                f"  go on     with a larger one: {self.command}"
            )
        return price or 0.0

    def _find_problem(self, calls: float, usd: float, price: float | None, model: str | None) -> str | None:
        if self.max_calls is not None and calls >= self.max_calls:
            return f"{self.max_calls:,} calls (--claude-record-max-calls), all of them made"
        if self.max_usd is None:
            return None
        spent = _dollars(round(usd, 6), 4)
        limit = f"{_dollars(self.max_usd, 2)} (--claude-record-max-usd), about {spent} of it spent"
        if price is None:
            return f"{limit}; no price is known for the model {model!r}, so nobody knows what it would cost"
        most = _dollars(round(price, 6), 4)
        return f"{limit}; this call can cost up to {most}" if usd + price > self.max_usd else None

    def settle(self, reserved: float, body: Body, response: Response) -> None:
        """
        Count what a call has cost in place of what it might have; `body` is that of the request.

        Of an answer that was not read to its end nobody knows that.
        """
        if not reserved or response.ended != "complete":
            return
        message = assemble_message(response.body)
        model, usage = (message.get("model"), message_usage(message)) if message else (None, Usage())
        cost = cost_usd(str(model or model_of(body)), usage)
        with shared_account(self.run_id, self.path) as account:
            spent = account.get("usd", 0.0) - reserved + (reserved if cost is None else cost)
            account["usd"] = max(spent, 0.0)


def _dollars(amount: float, places: int) -> str:
    # At least so many digits, and all that there are: a small budget is not none.
    whole, _, digits = f"{Decimal(repr(amount)):,f}".partition(".")
    return f"${whole}.{digits:0<{places}}"


def budget_for(settings: Settings, run_id: str, path: Path, command: str) -> Budget | None:
    """
    The budget that settings ask for, None for none.

    Raises SettingsError where it is in dollars and there are no prices.
    """
    if settings.max_calls is None and settings.max_usd is None:
        return None
    if settings.max_usd is not None and not has_prices():
        raise SettingsError(
            f"{settings.origins.get('max_usd', 'settings')}: max_usd: what calls cost is not known without the "
            "price list; install it: pip install 'pytest-claude-replay[prices]', or limit calls: max_calls"
        )
    return Budget(run_id, path, settings.max_calls, settings.max_usd, command)

"""What holds for every test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI is set nothing is recorded unless the command line says so; tests of that set it themselves."""
    monkeypatch.delenv("CI", raising=False)

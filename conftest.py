"""Makes pytest's own `pytester` fixture available; pytest allows this only in the topmost conftest."""

from __future__ import annotations

pytest_plugins = ["pytester"]

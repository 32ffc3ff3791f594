"""What the tests of the response cache share."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("cache.contract")

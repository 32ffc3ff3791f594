"""Which file belongs to which test."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

__all__ = ["cassette_name"]

_UNSAFE = re.compile(r'[^\w.,=+@()\[\]{}~#%&$!^ -]|\s(?=\.?$)|[\x00-\x1f]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?$")
_MAX_BYTES = 150  # well below 255 with the temporary names that are made of it, and for folders cloned deep


def cassette_name(nodeid: str) -> PurePosixPath:
    """
    The path of a test's cassette below the cassette folder, from its pytest node id.

    `tests/test_chat.py::TestA::test_b[id]` gives `tests/test_chat/TestA.test_b[id].yaml`. Characters that a file
    system may refuse are replaced, and a name that had to be changed or cut carries a hash of the original, so two
    tests never share a file by accident.
    """
    module, _, rest = nodeid.partition("::")
    # Only what stands before the parameters is structure: an id may hold "::" and "/" itself.
    head, bracket, parameters = rest.partition("[")
    name = head.replace("::", ".") + bracket + parameters
    parts = [_safe(part) for part in PurePosixPath(module.removesuffix(".py")).parts if part not in ("..", "/")]
    return PurePosixPath(*parts, _safe(name) + ".yaml")


def _safe(name: str) -> str:
    clean = _UNSAFE.sub("-", name)
    if _RESERVED.match(clean) or clean.startswith("."):
        clean = f"_{clean}"
    encoded = clean.encode("utf-8")
    if clean == name and len(encoded) <= _MAX_BYTES:
        return name
    cut = encoded[: _MAX_BYTES - 9].decode("utf-8", "ignore")
    return f"{cut}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

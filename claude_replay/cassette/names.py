"""Which file belongs to which test."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath

__all__ = ["cassette_name"]

# Whatever Windows, macOS or a shell's user could stumble over; letters and digits of all scripts are kept.
_UNSAFE = re.compile(r"[^\w.,=+@()\[\]{}~#%&$!^ -]")
_TROUBLE = re.compile(
    r"(?i)\.|(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\.|$)|$"
)
_MAX_BYTES = 150  # well below 255 with the temporary names that are made of it, and for folders cloned deep


def cassette_name(nodeid: str) -> PurePosixPath:
    """
    The path of a test's cassette below the cassette folder, from its pytest node id.

    `tests/test_chat.py::TestA::test_b[id]` gives `tests/test_chat/TestA.test_b[id].yaml`. Characters that a
    file system may refuse are replaced, and a name that had to be changed or cut carries a hash of the
    original, so two tests never share a file by accident. Only names that differ in nothing but upper and
    lower case do, where the file system does not tell them apart.
    """
    module, _, rest = nodeid.partition("::")
    # Only what stands before the parameters is structure: an id may hold "::" and "/" itself.
    head, bracket, parameters = rest.partition("[")
    name = head.replace("::", ".") + bracket + parameters
    return _find_folder(module) / f"{_make_safe(name)}.yaml"


# The tests of a module ask one after the other.
@lru_cache(maxsize=64)
def _find_folder(module: str) -> PurePosixPath:
    return PurePosixPath(*map(_make_safe, PurePosixPath(module.removesuffix(".py")).parts))


def _make_safe(name: str) -> str:
    # macOS does not tell composed from decomposed letters.
    clean = _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).rstrip(" .")
    if _TROUBLE.match(clean):
        clean = f"_{clean}"
    if clean == name and len(clean.encode()) <= _MAX_BYTES:
        return name
    cut = clean.encode()[: _MAX_BYTES - 9].decode("utf-8", "ignore")
    return f"{cut}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

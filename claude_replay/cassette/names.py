"""Which file belongs to which test."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

__all__ = ["cassette_file", "cassette_folder", "cassette_name"]

# Whatever Windows, macOS or a shell's user could stumble over; letters and digits of all scripts are kept.
_UNSAFE = re.compile(r"[^\w.,=+@()\[\]{}~#%&$!^ -]")
_TROUBLE = re.compile(
    r"(?i)\.|(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\.|$)|$"
)
_PLAIN = re.compile(r"[A-Za-z0-9_]{1,100}")
_MAX_BYTES = 150  # well below 255 with the temporary names that are made of it, and for folders cloned deep


def cassette_name(nodeid: str) -> PurePosixPath:
    """
    The path of a test's cassette below the cassette folder, from its pytest node id.

    `tests/test_chat.py::TestA::test_b[id]` gives `tests/test_chat/TestA.test_b[id].yaml`. Characters that a
    file system may refuse are replaced, and a name that had to be changed or cut carries a hash of the
    original, so two tests never share a file by accident. Only names that differ in nothing but upper and
    lower case do, where the file system does not tell them apart.
    """
    return cassette_folder(nodeid) / cassette_file(nodeid)


def cassette_folder(nodeid: str) -> PurePosixPath:
    """The folder of that file: one for each module."""
    return PurePosixPath(*map(_make_safe, PurePosixPath(nodeid.partition("::")[0].removesuffix(".py")).parts))


def cassette_file(nodeid: str) -> str:
    """The name of that file."""
    # Only what stands before the parameters is structure: an id may hold "::" and "/" itself.
    head, bracket, parameters = nodeid.partition("::")[2].partition("[")
    return f"{_make_safe(head.replace('::', '.') + bracket + parameters)}.yaml"


def _make_safe(name: str) -> str:
    if _PLAIN.fullmatch(name) and not _TROUBLE.match(name):
        # As nearly all are.
        return name
    # macOS does not tell composed from decomposed letters.
    clean = _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).rstrip(" .")
    if _TROUBLE.match(clean):
        clean = f"_{clean}"
    if clean == name and len(clean.encode()) <= _MAX_BYTES:
        return name
    cut = clean.encode()[: _MAX_BYTES - 9].decode("utf-8", "ignore")
    return f"{cut}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

"""Named normalizers: patterns of values that differ from run to run and mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

__all__ = ["PRESETS", "VALUE_NORMALIZERS"]

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs?)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_DATE = (
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{4}}/\d{{2}}/\d{{2}}|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}}"
    rf"|{_WEEKDAY}(?:{_MONTH} {_DAY},?|{_DAY} {_MONTH},?) \d{{4}})"
)
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm]\b)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[A-Z]{1,2}[DES]T|[+-]\d{2}:?\d{2})(?!\w))?"

# Neither a letter nor a digit stands before it; an underscore may.
_START = r"(?<![^\W_])"
_END = r"(?![^\W_])"
_PART = r"[^\\/\s\"'<>|:,;)\]]*[^\\/\s\"'<>|:,;)\].!?]"
_TEMPORARY = (
    rf"(?:(?:/private)?/(?:var/)?tmp|(?:/private)?/var/folders/{_PART}/{_PART}/T"
    rf"|[A-Za-z]:[\\/](?:{_PART}[\\/])*?[Tt]e?mp)"
)

_PATTERNS = {
    "uuid": rf"{_START}[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}{_END}",
    "datetime": (
        rf"{_START}(?=[A-Z\d])(?:{_DATE}(?:T|,? (?:at )?){_TIME}{_ZONE}"
        rf"|{_WEEKDAY}{_MONTH}  ?{_DAY} {_TIME}(?: [A-Z]{{3,4}})? \d{{4}}){_END}"
    ),
    "date": rf"{_START}(?=[A-Z\d]){_DATE}(?!\d)",
    "unix_time": rf"(?<!\.){_START}1\d{{9}}(?:\d{{3}}){{0,3}}(?:\.\d+)?{_END}",
    # The file's own name below a temporary folder says something; the folder's does not.
    "tmp_path": (
        rf"(?<![\w.])(?:{_TEMPORARY}[\\/]"
        rf"(?:pytest-of-{_PART}[\\/]pytest-\d+(?:[\\/]popen-gw\d+)?(?:[\\/]{_PART})?|{_PART}))"
    ),
    "home": (rf"(?<![\w.])(?:/(?:home|Users)/{_PART}|/root(?![\w.-])|[A-Za-z]:[\\/]Users[\\/]{_PART})"),
    "port": r"(?:(?<=localhost:)|(?<=127\.0\.0\.1:)|(?<=0\.0\.0\.0:)|(?<=\[::1\]:))\d{2,5}(?!\d)",
    "hex_id": rf"{_START}(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{{8,64}}{_END}",
}


class _Normalizers(Mapping[str, re.Pattern[str]]):
    """Compiled when asked for: all of them together take a tenth of a second, and most runs need none."""

    def __getitem__(self, name: str) -> re.Pattern[str]:
        return _compile(_PATTERNS[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_PATTERNS)

    def __len__(self) -> int:
        return len(_PATTERNS)


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


VALUE_NORMALIZERS: Mapping[str, re.Pattern[str]] = _Normalizers()
"""By name, the pattern whose matches become `<name>` on both sides of a comparison."""

PRESETS: dict[str, tuple[str, ...]] = {
    "ids": ("uuid", "hex_id"),
    "times": ("datetime", "date", "unix_time"),
    "paths": ("tmp_path", "home"),
    "volatile": tuple(VALUE_NORMALIZERS),
}
"""Names for several normalizers at once."""

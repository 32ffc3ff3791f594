"""What secrets look like: key shapes that give themselves away without anybody naming them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from claude_replay.redact.placeholder import PLACEHOLDER

__all__ = ["SHAPES", "ShapeGroup", "is_secret_field", "loose_shapes"]


@dataclass(frozen=True)
class ShapeGroup:
    """
    Shapes that share a rare character, behind two cheap tests.

    Text without `hint`, or in which `head` finds nothing, holds none of `patterns`.
    """

    hint: str
    head: Callable[[str], re.Match[str] | None]
    shapes: tuple[_Shape, ...]
    is_loose: bool

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """Of each the capturing group is the secret; without one the whole match is."""
        # Compiled when `head` has found something, as it does in few runs.
        return tuple(shape.compile(loose=self.is_loose) for shape in self.shapes)


@dataclass(frozen=True, slots=True)
class _Shape:
    """`head`, of fixed length, and `rest`; a character of `glued` before makes it part of something else."""

    head: str
    rest: str
    glued: str = "A-Za-z0-9"

    def compile(self, *, loose: bool) -> re.Pattern[str]:
        if loose or not self.glued:
            return re.compile(self.head + self.rest)
        # The head comes first and the look behind it second: `re` is far quicker in searching plain text.
        escaped = "|".join(f"(?<={escape}{self.head})" for escape in _ESCAPES)
        return re.compile(f"{self.head}(?:(?<![{self.glued}]{self.head})|{escaped}){self.rest}")


# Letters and digits that are no part of the word after them: line breaks in nested JSON, %20, colors.
_ESCAPES = (r"\\[nrtbf]", r"%[0-9A-Fa-f]{2}", r"\\u[0-9A-Fa-f]{4}", r"[0-9\[]m")
# Base64 without the padding, which only ends it. Text within base64 that spells a shape is chance.
_BASE64 = "A-Za-z0-9+/"
_URLSAFE = "A-Za-z0-9_-"

_FIELDS = frozenset(
    (
        "access_token",
        "authorization_token",
        "client_secret",
        "refresh_token",
        "secret_value",
        "signing_secret",
        "tunnel_token",
    )
)
_FIELD_ENDS = "|".join(
    f"{tail}(?<={head}_{tail})" for head, tail in sorted(name.split("_") for name in _FIELDS)
)
_MIN_FIELD = 8
_LABEL_END = r"""(?:\\*["'])?\s*(?:=>|[:=>]|%3D)\s*(?:\\*["'])?"""
_AWS_SECRET = rf"{_LABEL_END}([{_BASE64}]{{40}})(?![{_BASE64}=])"
_AWS_LABEL = re.compile(r"(?:secret_access_key|SECRET_ACCESS_KEY|[sS]ecretAccessKey)\Z")
_AWS_VALUE = re.compile(rf"[{_BASE64}]{{40}}")

_ANT_REST = rf"[A-Za-z0-9_]+-[{_URLSAFE}]{{16,}}"
_DIGIT_OR_CAPITAL = r"(?=[a-z_-]{0,64}[0-9A-Z])"
_PEM_EDGE = r"(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_PEM_WHOLE = rf"(?:(?!-----)[\s\S]){{32,}}+-----END {_PEM_EDGE}"
_PEM_CUT = rf"(?:\s|\\[nr])*[{_BASE64}]{{40,}}(?:(?:\s|\\[nr])+[{_BASE64}]{{8,}}={{0,2}})*"

_DASHED = (
    # With a digit or a capital behind it no word of prose ends here, so nothing before it can hide a key.
    _Shape("sk-ant-", _DIGIT_OR_CAPITAL + _ANT_REST, glued=""),
    _Shape("sk-ant-", _ANT_REST),
    _Shape("sk-", rf"{_DIGIT_OR_CAPITAL}[{_URLSAFE}]{{32,}}", glued=_URLSAFE),
    _Shape("xox[a-z]-", r"[A-Za-z0-9-]{10,}"),
    _Shape("bedrock-api-key-", r"[A-Za-z0-9+/=_-]{40,}"),
    _Shape("-----BEGIN ", rf"{_PEM_EDGE}(?:{_PEM_WHOLE}|{_PEM_CUT})", glued=""),
)
_UNDERSCORED = (
    # Newer installation tokens are `ghs_<number>_<JWT>`.
    _Shape("gh[pousr]_", rf"[A-Za-z0-9_]{{30,}}(?:[.-][{_URLSAFE}]+)*"),
    _Shape("github_pat_", r"[A-Za-z0-9_]{22,}"),
    _Shape("whsec_", rf"[{_BASE64}]{{24,}}=*"),
    _Shape("_", rf"""(?:{_FIELD_ENDS})\\*["']\s*:\s*\\*["']([^"'\\\s]{{{_MIN_FIELD},}})""", glued=""),
    _Shape("access_key(?<=secret_access_key)", _AWS_SECRET, glued=""),
    _Shape("ACCESS_KEY(?<=SECRET_ACCESS_KEY)", _AWS_SECRET, glued=""),
)
_CAPITAL = (
    _Shape("A[KS]IA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _Shape("AIza", rf"[{_URLSAFE}]{{35}}(?![{_URLSAFE}])", glued=_BASE64),
    _Shape("ABSK", rf"[{_BASE64}]{{100,300}}={{0,2}}(?![{_BASE64}=])", glued=_BASE64),
    _Shape("AccessKey(?<=[sS]ecretAccessKey)", _AWS_SECRET, glued=""),
)
_TOKEN = rf"[{_URLSAFE}]"
_JWT = (_Shape("eyJ", rf"{_TOKEN}{{15,}}+\.{_TOKEN}*+\.{_TOKEN}{{8,}}(?:\.{_TOKEN}+)*"),)
_GOOGLE = (_Shape(r"ya29\.", rf"{_TOKEN}{{20,}}(?:\.{_TOKEN}+)*"),)
_BEARER_REST = r"(?:\s+|%20|\+)([A-Za-z0-9._~+/=-]{20,})"
_BEARER = tuple(_Shape(word, _BEARER_REST, glued="") for word in ("Bearer", "BEARER"))
_LOWER_BEARER = (_Shape("bearer", _BEARER_REST, glued=""),)
_SIGNED = (
    _Shape("Signature=", r"([0-9A-Fa-f]{40,})", glued=""),
    _Shape("Credential=", r"([A-Za-z0-9]{16,128}(?:/|%2F)[A-Za-z0-9/%_-]+)", glued=""),
    _Shape("Security-Token=", r"([A-Za-z0-9%/+=_-]{20,})", glued=""),
)
# Whose account a resource of AWS belongs to.
_RESOURCE = tuple(
    _Shape(f"arn{colon}aws", rf"[a-z-]*(?:{colon}[a-z0-9-]*){{2}}{colon}([0-9]{{12}})(?![0-9])", glued="")
    for colon in (":", "%3A")
)

# The heads search for one rare character and look around it: three times quicker than `in` with a short word.
_GROUPS = (
    ("J", r"J(?<=eyJ)", _JWT),
    ("=", r"=(?:(?<=Signature=)|(?<=Credential=)|(?<=-Token=))", _SIGNED),
    ("arn", r"arn(?::|%3A)aws", _RESOURCE),
    ("9", r"9(?<=ya29)\.", _GOOGLE),
    ("-", r"-(?:(?<=sk-)|(?<=xox[a-z]-)|(?<=bedrock-api-key-)|----BEGIN )", _DASHED),
    (
        "_",
        rf"_(?:(?<=gh[pousr]_)|(?<=github_pat_)|(?<=whsec_)|{_FIELD_ENDS}|bearer"
        r"|access_key(?<=secret_access_key)|ACCESS_KEY(?<=SECRET_ACCESS_KEY))",
        _UNDERSCORED,
    ),
    ("A", r"A(?:[KS]IA|Iza|BSK|ccessKey)", _CAPITAL),
    ("B", r"B(?:earer|EARER)", _BEARER),
    ("b", r"b(?=earer)", _LOWER_BEARER),
)


def _compile_groups(*, loose: bool) -> tuple[ShapeGroup, ...]:
    return tuple(ShapeGroup(hint, re.compile(head).search, shapes, loose) for hint, head, shapes in _GROUPS)


SHAPES = _compile_groups(loose=False)
"""For text, where a shape within a longer word or within base64 is no secret."""


@cache
def loose_shapes() -> tuple[ShapeGroup, ...]:
    """For binary data, where any byte may stand before a secret, a length for example."""
    return _compile_groups(loose=True)


def is_secret_field(name: str, value: object, siblings: Mapping[str, object]) -> bool:
    """
    Whether the API itself says that this entry of a JSON object is a credential, whatever it looks like.

    These are the tokens of MCP servers and vaults, and AWS secret keys by their usual names.
    """
    if not isinstance(value, str) or len(value.replace(PLACEHOLDER, "")) < _MIN_FIELD:
        return False
    if name in _FIELDS:
        return True
    if name == "token":
        return siblings.get("type") == "static_bearer"
    return _AWS_LABEL.search(name) is not None and _AWS_VALUE.fullmatch(value) is not None

"""
What makes two prompts different questions however alike they sound.

Sentence embeddings hardly notice a number, a name or a "not". These rules do, and err on the side of a miss: a
refusal costs one live call, a wrong hit a wrong answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from claude_replay.cache.similar.words import DIRECTIONS, FILLER, NEGATIONS, NUMBERS, OPPOSITES, UNITS, stem

__all__ = ["find_difference"]

_TOKEN = re.compile(
    r"""
      (?P<quoted> `[^`]+` | "[^"\n]+" | “[^”\n]+” | «[^»\n]+» )
    | (?P<address> [a-z][a-z0-9+.-]*://\S+ | [\w.+-]+@[\w-]+\.[\w.-]+ | (?:\.{0,2}/|[A-Z]:\\)[\w./\\-]+ )
    | (?P<amount> [-+]?\d[\d.,:/']*(?:e[-+]?\d+)?%? )(?![\w-]*[A-Za-z_])
    | (?P<word> [^\W_](?:[\w'./-]*\w)?(?:\#|\+\+)? )
    | (?P<sign> [$€£¥%°] )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Hyphens hold a code or a file name together; other words they only join.
_JOINED = re.compile(r"[\d._/#+]|^[A-Z-]+$")
_SENTENCE_END = ".!?:\n"
_NEGATED = re.compile(r"(?i)(\w+)(?:n't)\b")
# Characters that negate in languages written without spaces.
_NEGATING_CHARACTERS = frozenset("不没沒无無非未勿別别")


def find_difference(old: str, new: str) -> str | None:
    """
    Why `new` must not get the answer to `old`; None where nothing here speaks against it.

    The answer names what differs: "numbers", "names and ids", "negations", "directions", "opposites", "order of words".
    Numbers and ids are compared in order: "from 3 to 5" is not "from 5 to 3".
    """
    before, after = _Prompt(old), _Prompt(new)
    for what, select in _COMPARED:
        if select(before) != select(after):
            return what
    if before.opposites(after):
        return "opposites"
    if before.content != after.content and sorted(before.content) == sorted(after.content):
        return "order of words"
    return None


class _Prompt:
    """One prompt, taken apart into what must be equal."""

    def __init__(self, text: str) -> None:
        text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
        text = _NEGATED.sub(lambda match: f"{_STEMS.get(match[1].lower(), match[1])} not", text)
        self.numbers: list[str] = []
        self.ids: list[str] = []
        # Words that say something, lower case, in order.
        self.content: list[str] = []
        # The word that each negation is about.
        self.negations: list[str] = []
        self._pending = 0
        for kind, token, begins in _tokenize(text):
            for part in token.split("-") if kind == "word" and not _JOINED.search(token) else [token]:
                self._take(kind, part, begins)
        self.negations += ["" for _ in range(self._pending)]
        self.directions: list[str] = sorted(word for word in self.content if word in DIRECTIONS)
        self.characters: list[str] = sorted(char for char in text if char in _NEGATING_CHARACTERS)

    def _take(self, kind: str, token: str, begins: bool) -> None:
        lower = token.lower()
        if kind == "amount" or lower in NUMBERS:
            self.numbers.append(NUMBERS.get(lower) or _plain_number(lower))
            self._say(self.numbers[-1])
        elif kind == "word" and lower in NEGATIONS:
            self._pending += 1
        elif kind == "word" and lower in FILLER:
            return
        else:
            if kind != "word" or _is_id(token, begins):
                self.ids.append(lower.strip('`"“”«»'))
            elif lower in UNITS:
                self.ids.append(UNITS[lower])
            self._say(lower)

    def _say(self, word: str) -> None:
        self.content.append(word)
        self.negations += [stem(word) for _ in range(self._pending)]
        self._pending = 0

    def opposites(self, other: _Prompt) -> bool:
        """Whether one has a word where the other has its opposite."""
        mine, others = set(map(stem, self.content)), set(map(stem, other.content))
        only_mine, only_others = mine - others, others - mine
        return any(OPPOSITES.get(word, frozenset()) & only_others for word in only_mine)


_COMPARED: tuple[tuple[str, Callable[[_Prompt], object]], ...] = (
    ("numbers", lambda prompt: prompt.numbers),
    ("names and ids", lambda prompt: prompt.ids),
    ("negations", lambda prompt: (prompt.negations, prompt.characters)),
    ("directions", lambda prompt: prompt.directions),
)
# The typographic apostrophe and minus sign.
_PLAIN = {0x2019: "'", 0x2212: "-"}
_STEMS = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}


def _tokenize(text: str) -> Iterator[tuple[str, str, bool]]:
    """Kind, token, and whether it begins a sentence."""
    end = 0
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()]
        begins = end == 0 or any(char in _SENTENCE_END for char in between)
        kind = match.lastgroup or "word"
        yield kind, match.group(), begins
        end = match.end()


def _is_id(token: str, begins: bool) -> bool:
    """Names, codes, file names, acronyms: what has digits, capitals or joints that plain words have not."""
    if any(char.isdigit() for char in token) or "_" in token or "#" in token or "+" in token:
        return True
    if "." in token or "/" in token:
        return True
    if token.isupper() and len(token) > 1:
        return True
    # A capital at the beginning of a sentence says nothing; inside one it makes a name.
    return any(char.isupper() for char in token[1:]) or (token[:1].isupper() and not begins)


def _plain_number(token: str) -> str:
    """One spelling of a number: thousands without separators, no zeros behind the point."""
    token = token.rstrip(".,:/'")
    token = re.sub(r"(?<=\d)[,'](?=\d{3}(?!\d))", "", token)
    if re.fullmatch(r"[-+]?\d+\.\d+", token):
        token = token.rstrip("0").rstrip(".")
    return token.removeprefix("+")

"""How alike two JSON-like values are: hashable stand-ins, word sets, and the pairing of two lists."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

# Of a longer text only the two ends are looked at word by word, half of this each.
SAMPLE_CHARS = 400
# Texts up to this long are compared by groups of three characters too: they have too few words.
SHORT_CHARS = 80
# A text with fewer words than one in so many characters is not written with spaces (Chinese, base64).
CHARS_PER_WORD = 20
# Longer lists are paired by position: comparing each with each would take too long.
MAX_PAIRINGS = 1_600
# Two values of one kind may always be paired, however different.
FLOOR = 0.05

# Canonical forms number tool calls by appearance: one call more renumbers all that follow it.
ID_KEYS = frozenset({"id", "tool_use_id"})
# They hold names of the protocol, nothing that was said.
_SILENT_KEYS = ID_KEYS | {"role", "type"}


def freeze(value: object) -> Hashable:
    """
    A hashable stand-in, equal for equal JSON whatever the order of keys, and whatever the ids.

    1 and 1.0 are equal, 1 and true are not.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ("dict", frozenset([(key, freeze(item)) for key, item in value.items() if key not in ID_KEYS]))
    if isinstance(value, (list, tuple)):
        return ("list", *[freeze(item) for item in value])
    if isinstance(value, bool):
        return ("bool", value)
    return value


def collect_words(value: object) -> frozenset[str]:
    """What the texts in `value` have that other texts may share: see `split_text`."""
    return frozenset([word for text in iterate_texts(value) for word in split_text(text)])


def collect_sentences(value: object) -> frozenset[str]:
    """The sentences and lines of the texts in `value`."""
    return frozenset([sentence for text in iterate_texts(value) for sentence in split_sentences(text)])


def split_text(text: str) -> list[str]:
    """
    The words of `text`; of a long one those at its two ends, and the lines or sentences between.

    Groups of three characters as well where it is short or written without spaces.
    """
    middle: list[str] = []
    if len(text) > SAMPLE_CHARS:
        end = SAMPLE_CHARS // 2
        middle = split_sentences(text[end:-end])
        text = f"{text[:end]} {text[-end:]}"
    words = text.split() + middle
    if len(text) <= SHORT_CHARS or len(words) * CHARS_PER_WORD < len(text):
        words.extend([text[start : start + 3] for start in range(len(text) - 2)])
    return words


def split_sentences(text: str) -> list[str]:
    """The lines of `text`, and the sentences in a line, roughly."""
    return text.replace("\n", ". ").split(". ")


def iterate_texts(value: object) -> Iterator[str]:
    """Every text in `value` that somebody wrote, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _SILENT_KEYS:
                yield from iterate_texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from iterate_texts(item)


def measure_overlap(first: AbstractSet[object], second: AbstractSet[object]) -> float:
    """What two sets share, 0..1; two empty ones are equal."""
    if not first and not second:
        return 1.0
    return 2 * len(first & second) / (len(first) + len(second))


@dataclass(frozen=True, slots=True)
class _Element:
    """What decides which element of one list is paired with which of the other."""

    kind: object
    role: object
    words: frozenset[str]


def _describe(value: object) -> _Element:
    if isinstance(value, dict):
        return _Element(("dict", freeze(value.get("type"))), freeze(value.get("role")), collect_words(value))
    if isinstance(value, (list, tuple)):
        return _Element("list", None, collect_words(value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _Element("number", None, frozenset())
    return _Element(type(value), None, collect_words(value))


def _rate(first: _Element, second: _Element) -> float:
    if first.kind != second.kind:
        return 0.0
    rating = FLOOR + measure_overlap(first.words, second.words)
    return rating if first.role == second.role else rating / 2


def pair_elements(first: Sequence[object], second: Sequence[object]) -> list[tuple[int, int]]:
    """
    Pair the elements of two lists that hold no equal ones, without crossing, the likest with each other.

    Returns ascending pairs of positions. Only values of one kind are paired (dicts: with the same `type`).
    """
    if len(first) * len(second) > MAX_PAIRINGS:
        return [(position, position) for position in range(min(len(first), len(second)))]
    firsts = [_describe(value) for value in first]
    seconds = [_describe(value) for value in second]
    ratings = [[_rate(one, other) for other in seconds] for one in firsts]
    return _trace_pairs(ratings, _sum_best(ratings, len(seconds)))


def _sum_best(ratings: list[list[float]], columns: int) -> list[list[float]]:
    """For each position, the best sum of ratings that the elements from there on can reach."""
    best = [[0.0] * (columns + 1) for _ in range(len(ratings) + 1)]
    for row in reversed(range(len(ratings))):
        for column in reversed(range(columns)):
            best[row][column] = max(
                ratings[row][column] + best[row + 1][column + 1], best[row + 1][column], best[row][column + 1]
            )
    return best


def _trace_pairs(ratings: list[list[float]], best: list[list[float]]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    row = column = 0
    while row < len(ratings) and column < len(ratings[row]):
        rating = ratings[row][column]
        if rating and best[row][column] == rating + best[row + 1][column + 1]:
            pairs.append((row, column))
            row += 1
            column += 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs

"""
Word lists for telling prompts apart; mostly English, with the negations of its neighbors.

They are not complete and need not be: a word that is missing here is judged by the embedding alone, as every word
is elsewhere.
"""

from __future__ import annotations

__all__ = ["DIRECTIONS", "FILLER", "NEGATIONS", "NUMBERS", "OPPOSITES", "UNITS", "stem"]


def _words(text: str) -> list[str]:
    return text.split()


def stem(word: str) -> str:
    """The word without the commonest endings, so that forms of one word meet."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


NEGATIONS = frozenset(
    _words(
        "not no never none nobody nothing nowhere neither nor without cannot except excluding avoid unless lacking "
        # German, French, Spanish, Italian, Portuguese, Dutch
        "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne außer "
        "ne pas jamais aucun aucune rien sans sauf nunca ningún ninguna ninguno nada sin nadie "
        "non mai nessun nessuno nessuna niente senza não nenhum nenhuma sem niet geen nooit zonder"
    )
)
"""Words that turn a sentence into its opposite."""

_COUNTED = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
_ORDINALS = _words("zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

NUMBERS: dict[str, str] = {
    **{word: str(value) for value, word in enumerate(_COUNTED)},
    **{word: f"#{value}" for value, word in enumerate(_ORDINALS)},
    **{f"{value}{ending}": f"#{value}" for value in range(100) for ending in ("st", "nd", "rd", "th")},
    **{word: str(10 * value) for value, word in enumerate(_TENS, 3)},
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
    "dozen": "12",
    "half": "1/2",
    "quarter": "1/4",
    "once": "1x",
    "twice": "2x",
    "thrice": "3x",
    "double": "2x",
    "triple": "3x",
    "last": "#last",
}
"""Words that are numbers, and what they are compared as."""

_SAME_UNITS = (
    "second seconds sec secs",
    "minute minutes min mins",
    "hour hours",
    "day days daily",
    "week weeks weekly",
    "month months monthly",
    "year years yearly annual annually",
    "yesterday",
    "today",
    "tomorrow",
    "monday mondays",
    "tuesday tuesdays",
    "wednesday wednesdays",
    "thursday thursdays",
    "friday fridays",
    "saturday saturdays",
    "sunday sundays",
    *_words("january february april june july august september october november december"),
    "meter meters metre metres",
    "kilometer kilometers kilometre kilometres km",
    "mile miles",
    "gram grams",
    "kilogram kilograms kg kilo kilos",
    "pound pounds lb lbs",
    "celsius",
    "fahrenheit",
    "dollar dollars usd $",
    "euro euros eur €",
    "word words",
    "sentence sentences",
    "paragraph paragraphs",
    "bullet bullets",
    "page pages",
    "line lines",
)
UNITS: dict[str, str] = {word: group.split()[0] for group in _SAME_UNITS for word in group.split()}
"""Units of time, measure, money and text, and what they are compared as."""

DIRECTIONS = frozenset(_words("from since until till into onto out off via toward towards against"))
"""Small words that turn a question around; "to" and "for" stand in too many places to tell anything."""

FILLER = frozenset(
    _words(
        "a an the of to for and or in on at by is are was were be been am do does did can could would should "
        "will shall may might must please kindly me my i you your we our us it its this that these those there "
        "here what which how so just also then s re ve ll d m hi hello hey thanks thank tell give show let"
    )
)
"""Words whose place and presence say next to nothing."""

_PAIRS = (
    "benefit/drawback/disadvantage/downside/risk/harm advantage/disadvantage/drawback/downside/weakness",
    "pro/con strength/weakness/limitation good/bad best/worst better/worse right/wrong correct/incorrect",
    "increase/decrease/reduce/lower raise/lower/cut grow/shrink expand/shrink/contract more/less/fewer most/least",
    "maximum/minimum max/min maximize/minimize highest/lowest high/low upper/lower largest/smallest big/small",
    "larger/smaller longer/shorter higher/lower faster/slower older/younger/newer cheaper/dearer easier/harder",
    "long/short longest/shortest fast/slow fastest/slowest hot/cold early/late earlier/later earliest/latest",
    "before/after start/stop/end/finish begin/end open/close/closed enable/disable activate/deactivate on/off",
    "add/remove/delete/subtract/drop insert/delete/remove install/uninstall/remove create/delete/destroy/remove",
    "include/exclude/omit allow/deny/forbid/block/prohibit accept/reject/decline/refuse approve/reject/deny",
    "grant/revoke lock/unlock encrypt/decrypt encode/decode compress/decompress import/export upload/download",
    "push/pull send/receive buy/sell lend/borrow credit/debit profit/loss income/expense asset/liability",
    "win/lose love/hate like/dislike agree/disagree support/oppose true/false yes/no always/never all/none/some",
    "safe/unsafe/dangerous legal/illegal valid/invalid possible/impossible necessary/unnecessary public/private",
    "internal/external input/output read/write source/target client/server sync/async synchronous/asynchronous",
    "ascending/descending ascend/descend asc/desc horizontal/vertical row/column left/right top/bottom above/below",
    "up/down north/south east/west inside/outside first/last next/previous old/new young/old past/future",
    "formal/informal simple/complex easy/difficult/hard positive/negative optimistic/pessimistic man/woman",
    "male/female boy/girl husband/wife mother/father brother/sister king/queen cause/effect question/answer",
    "summarize/expand shorten/lengthen/expand encourage/discourage promote/prevent strengthen/weaken tighten/loosen",
    "deposit/withdraw arrive/depart/leave arrival/departure hire/fire connect/disconnect attach/detach mount/unmount",
    "debug/release major/minor singular/plural active/passive static/dynamic mutable/immutable serial/parallel",
    "breakfast/lunch/dinner morning/evening/night day/night summer/winter spring/autumn vegetarian/vegan",
)


def _collect_opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in " ".join(_PAIRS).split():
        head, *others = map(stem, group.split("/"))
        for other in others:
            found.setdefault(head, set()).add(other)
            found.setdefault(other, set()).add(head)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _collect_opposites()
"""Stems of words and of what must not stand in their place."""

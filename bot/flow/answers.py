"""Understanding an answer to a question: a number in any script, a choice by number or by words.

Owns: plain(), number_in(), choice_in(), range_in().
May import: the standard library.
Start reading at: `choice_in`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from bot.flow.bundle import Choice

_DROPPED = frozenset("\u0640\u02bc\u02b9\u2019`'")
_TOO_SHORT_TO_FIND = 3
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي"})
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"^(\d{1,3})(?:\s*(?:/|of|de|sur|out of|من|з|із|из)\s*\d{1,3})?$")


def plain(text: str) -> str:
    """`text` reduced to what matters when words are compared.

    Lower case, without accents, vowel marks, punctuation or emoji, digits of any script as 0-9.
    """
    # Ornate capitals (𝐒𝐓𝐎𝐏) are capitals only once decomposed, so decomposing comes first and last.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(_kept(char) for char in folded)
    return " ".join(kept.translate(_ARABIC).split())


def _kept(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Cf"} or char in _DROPPED:
        return ""
    return char if category[0] in "LN" or char == "/" else " "


def number_in(text: str, words: Sequence[Sequence[str]]) -> int | None:
    """The number a person wrote: "7", "٧", "7/10", "7️⃣", or a word of `words` (0 to 10)."""
    written = plain(text)
    found = _NUMBER.match(written)
    if found:
        return int(found.group(1))
    for number, spellings in enumerate(words):
        if written in {plain(word) for word in spellings}:
            return number
    return None


def choice_in(text: str, payload: str, choices: Mapping[str, Choice], *, exact: bool = False) -> str | None:
    """Which of `choices` (in the order shown) was meant, or None.

    A tapped payload wins, then the exact words ("18+" is words too), then the number shown; unless
    `exact`, then the longest title that stands inside what was written. Where a wrong guess would
    hurt (safety, consent) only exact words count: "I do not agree" holds "agree".
    """
    if payload in choices:
        return payload
    written = plain(text)
    known = [(plain(words), value) for value, c in choices.items() for words in (c.title, *c.also)]
    if written in {words for words, _ in known}:
        return _longest([(words, value) for words, value in known if words == written])
    number = number_in(text, ())
    if number is not None:
        return list(choices)[number - 1] if 1 <= number <= len(choices) else None
    return None if exact else _longest([one for one in known if _stands_in(one[0], written)])


def range_in(text: str, ranges: Mapping[str, tuple[int, int]]) -> str | None:
    """The value whose range (first and last included) holds the one number in `text`: "17", "I am 17"."""
    numbers = _DIGITS.findall(plain(text))
    if len(numbers) != 1:
        return None
    number = int(numbers[0])
    return next((value for value, (first, last) in ranges.items() if first <= number <= last), None)


def _longest(found: Sequence[tuple[str, str]]) -> str | None:
    """The value with the longest words; None if there is none, or two."""
    most = max((len(words) for words, _ in found), default=0)
    longest = {value for words, value in found if len(words) == most > 0}
    return longest.pop() if len(longest) == 1 else None


def _stands_in(words: str, written: str) -> bool:
    return len(words) > _TOO_SHORT_TO_FIND and f" {words} " in f" {written} "

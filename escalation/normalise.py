"""From a message to words that look the same however they were typed.

Purpose: cut a message into pieces and fold each to one spelling (service specification 7.3).
Owns: steps 1-5, 8 and 12 of the normalisation order: fold, pieces.
May import: the standard library.
Start reading at: pieces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_APOSTROPHES = "'’ʼ`´‘ʹ′"
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200f\u00ad\u2060\ufeff"
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\u2190-\u21ff"
_PIECE = re.compile(
    rf"(?P<emoji>[{_EMOJI}])"
    rf"|(?P<word>[^\W_](?:[^\W_]|[{_MARKS}]|[{_APOSTROPHES}@$!|*](?=[^\W_]))*)"
    r"|(?P<ellipsis>\.\.+|…)"
    r"|(?P<stop>[.!?؟۔;\n]+)"
    r"|(?P<comma>[,،:()«»\"“”„–—]+)"
)
_PAUSES = {"ellipsis": 1, "stop": 2, "comma": 1}

_ELISION = re.compile(rf"(?:[ldjmtsnc]|qu|jusqu|lorsqu|puisqu)[{_APOSTROPHES}](?=[^\W\d])", re.IGNORECASE)
_DIGIT = re.compile(r"\d")

LEET_SIGNS = "@$!|*"


def _latin_bases() -> dict[int, str]:
    """Each accented Latin letter and the letters it is built on."""
    table = {0xDF: "ss", 0xE6: "ae", 0xF8: "o", 0x153: "oe", 0x131: "i", 0x142: "l"}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            table[code] = base
    return table


def _mapping(before: str, after: str) -> dict[int, str]:
    return {ord(old): new for old, new in zip(before.split(), after.split(), strict=True)}


_DROPPED = re.compile(rf"[{_MARKS}{_APOSTROPHES}ـ]")
_ARABIC = _mapping(
    "أ إ آ ٱ ى ئ ؤ ة ک ی ھ ہ گ پ چ ڤ ە ێ ې ۍ ے ۆ ۇ ڕ ڵ ګ ټ ډ ړ ڼ",
    "ا ا ا ا ي ي و ه ك ي ه ه ك ب ج ف ه ي ي ي ي و و ر ل ك ت د ر ن",
)
"""Arabic, Persian, Sorani and Pashto letters of one sound, or of one shape on a poor keyboard."""
_CYRILLIC = _mapping("ё є э і ї ы ґ", "е е е и и и г")
_FOLDS = {**_latin_bases(), **_ARABIC, **_CYRILLIC}


@dataclass(frozen=True)
class Piece:
    """One word or emoji of a message, where it stands, and the pause before it."""

    start: int
    end: int
    plain: str
    """Lower case, compatibility forms and apostrophes resolved, accents kept."""
    pause: int
    """What stands before it: 0 nothing, 1 a comma or the like, 2 the end of a sentence."""
    emoji: bool = False


def plain(word: str) -> str:
    """One word in lower case without apostrophes, vowel signs and stretching (7.3 steps 1-4)."""
    if word.isascii():
        return _DROPPED.sub("", word.lower())
    return _ascii_digits(_DROPPED.sub("", unicodedata.normalize("NFKC", word).lower()))


def fold(word: str) -> str:
    """One word without accents, with Arabic and Cyrillic letters of one sound made one (7.3 4-5)."""
    bare = plain(word)
    return bare if bare.isascii() else bare.translate(_FOLDS)


def pieces(text: str) -> Iterator[Piece]:
    """The words and emoji of a message, in order, with offsets into the message as received."""
    pause = 2
    for found in _PIECE.finditer(text):
        kind = found.lastgroup or ""
        if kind in _PAUSES:
            pause = max(pause, _PAUSES[kind])
            continue
        for start, end in _elided(found):
            yield Piece(start, end, plain(text[start:end]), pause, kind == "emoji")
            pause = 0


def _elided(found: re.Match[str]) -> list[tuple[int, int]]:
    """Where the words of one match stand: "l'eau" is two, "don't" one."""
    start, end = found.span()
    short = _ELISION.match(found.group())
    middle = start + short.end() if short else start
    return [(start, middle), (middle, end)] if short else [(start, end)]


def _ascii_digits(word: str) -> str:
    if not _DIGIT.search(word):
        return word
    return "".join(str(unicodedata.digit(letter, letter)) for letter in word)

"""Arabic, Russian and Ukrainian typed in Latin letters; letters that only look alike.

Purpose: say which known words a Latin word may stand for (service specification 7.3, 8-9).
Owns: the letter tables; Arabizi, latin_key, sound_keys, look_alikes.
May import: the standard library.
Start reading at: Arabizi.readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

_ARABIZI = {
    "2": "اءقوي", "3": "عغ", "4": "ش", "5": "خ", "6": "طظ", "7": "حخ", "8": "غق", "9": "صقض",
    "a": "اعهي", "aa": "ا", "ah": "ه", "ai": "ي", "ay": "ي", "b": "ب", "c": "كس", "ch": "شك", "d": "دضذظ",
    "dh": "ذضظ", "dj": "ج", "e": "يهاع", "ee": "ي", "eh": "ه", "ei": "ي", "ey": "ي", "f": "ف",
    "g": "جقغك", "gh": "غ", "h": "هح", "i": "ياع", "ii": "ي", "j": "ج", "k": "كق", "kh": "خ", "l": "ل",
    "m": "م", "n": "ن", "o": "وع", "oo": "و", "ou": "و", "p": "ب", "q": "ق", "r": "ر", "s": "سصث",
    "sh": "ش", "t": "تطث", "th": "ثذ", "u": "وع", "uu": "و", "v": "ف", "w": "و", "x": "خ", "y": "ي",
    "z": "زذظ",
}  # fmt: skip
_ARABIZI_FIRST = {**_ARABIZI, "o": "اوع", "u": "اوع", "ou": "او", "e": "اعي", "i": "ايع", "oo": "او", "ee": "اي"}
"""The letter tables for the beginning of a word, where a short vowel is written as alif."""
_LATIN_TENSE = re.compile(r"^[bh7s](?=[aeiou]?[a-z0-9]{3})(?=[aeiouytn])")
"""Will, and what goes on: ha-, 7a-, sa-, ba- before the verb."""
_VOWELS = "aeiou"

_CYRILLIC_KEYS = {
    "а": "a", "б": "b", "в": "v", "г": "h", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
    "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
    "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "",
    "ь": "", "ю": "iu", "я": "ia",
}  # fmt: skip
_LATIN_KEYS = (
    ("shch", "sh"), ("sch", "sh"), ("kh", "h"), ("ts", "c"), ("4", "ch"), ("6", "sh"),
    ("w", "v"), ("x", "h"), ("g", "h"), ("ye", "e"), ("je", "e"), ("yo", "e"), ("jo", "e"),
    ("y", "i"), ("j", "i"), ("ii", "i"),
)  # fmt: skip

_SPANISH_SOUNDS = (
    ("qu", "k"), ("ch", "%"), ("ph", "f"), ("h", ""), ("%", "ch"), ("v", "b"), ("z", "s"), ("ce", "se"), ("ci", "si"),
    ("cy", "sy"), ("c", "k"), ("ll", "i"), ("y", "i"), ("x", "s"), ("ge", "je"), ("gi", "ji"),
)  # fmt: skip
_FRENCH_SOUNDS = (
    ("qu", "k"), ("eau", "o"), ("au", "o"), ("ai", "e"), ("ei", "e"), ("er", "e"), ("ez", "e"), ("ph", "f"), ("ss", "s"),
    ("ce", "se"), ("ci", "si"), ("ch", "%"), ("c", "k"), ("h", ""), ("%", "ch"), ("y", "i"), ("en", "an"), ("em", "an"),
    ("am", "an"), ("im", "in"), ("om", "on"), ("gu", "g"), ("j", "g"), ("z", "s"),
)  # fmt: skip
_FAR_SOUNDS = (
    ("ться", "ца"), ("тся", "ца"), ("ь", ""), ("ъ", ""), ("о", "а"), ("е", "и"), ("я", "и"), ("щ", "ш"), ("сч", "ш"),
    ("ظ", "ض"), ("ذ", "د"), ("ث", "ت"), ("ط", "ت"), ("ص", "س"),
)  # fmt: skip
_SILENT = re.compile(r"(?<=...)[esxtdp]+$")
_TWICE = re.compile(r"(.)\1+")

_LATIN_LOOKS = str.maketrans("aceopxyikmthbn", "асеорхуикмтнви")
_CYRILLIC_LOOKS = str.maketrans("асеорхукмтнви", "aceopxykmthbi")


class Arabizi:
    """Finds Arabic words typed in Latin letters and digits, as extra readings only.

    `words` maps a written form to the symbols it stands for; `stems` the beginnings of words.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], stems: Mapping[str, str] = MappingProxyType({})) -> None:
        self._root = _Node()
        for word, meant in words.items():
            self._leaf(word).words += meant
        for stem, symbol in stems.items():
            self._leaf(stem).stems.append(symbol)

    def _leaf(self, word: str) -> _Node:
        node = self._root
        for letter in word:
            node = node.below.setdefault(letter, _Node())
        return node

    def readings(self, latin: str) -> frozenset[str]:
        """The symbols of the Arabic words that this Latin word may spell, with or without ha-, ba-, sa-."""
        if not latin:
            return frozenset()
        shorter = _LATIN_TENSE.sub("", latin)
        return frozenset(found for copy in {latin, shorter} for found in self._walk(self._root, copy, 0))

    def _walk(self, node: _Node, latin: str, at: int) -> Iterator[str]:
        yield from node.stems
        if at == len(latin):
            yield from node.words
            return
        letters = _ARABIZI_FIRST if at == 0 else _ARABIZI
        for size in (1, 2):
            if at + size <= len(latin):
                for letter in letters.get(latin[at : at + size], ""):
                    if below := node.below.get(letter):
                        yield from self._walk(below, latin, at + size)
        if latin[at] in _VOWELS and at:
            yield from self._walk(node, latin, at + 1)


class _Node:
    """One letter of the known words: what follows it, and what ends here."""

    __slots__ = ("below", "stems", "words")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.words: list[str] = []
        self.stems: list[str] = []


def latin_key(word: str) -> str:
    """One key for a Cyrillic word and for its usual Latin spellings; "" when it has none."""
    if word.isascii():
        for old, new in _LATIN_KEYS:
            word = word.replace(old, new)
        return word
    key = "".join(_CYRILLIC_KEYS.get(letter, "?") for letter in word)
    return "" if "?" in key else key.replace("ii", "i")


def sound_keys(word: str) -> tuple[str, ...]:
    """Keys that words of one sound share: kitar, quitar (Spanish); pon, pont; сибя, себя; قبضه, قبظه."""
    if not word.isascii():
        return (_TWICE.sub(r"\1", _replaced(word, _FAR_SOUNDS)),)
    return (
        _TWICE.sub(r"\1", _replaced(word, _SPANISH_SOUNDS)),
        "fr:" + _SILENT.sub("", _TWICE.sub(r"\1", _replaced(word, _FRENCH_SOUNDS))),
    )


def _replaced(word: str, sounds: Iterable[tuple[str, str]]) -> str:
    for old, new in sounds:
        word = word.replace(old, new)
    return word


def look_alikes(word: str) -> tuple[str, ...]:
    """The all-Cyrillic and the all-Latin reading of a word that mixes both; otherwise nothing."""
    latin = any(letter.isascii() and letter.isalpha() for letter in word)
    cyrillic = any("а" <= letter <= "я" for letter in word)
    if not (latin and cyrillic):
        return ()
    return word.translate(_LATIN_LOOKS), word.translate(_CYRILLIC_LOOKS)

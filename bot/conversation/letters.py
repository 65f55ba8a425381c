"""What the letters and words of a text say about its language: counts learnt from our own texts.

Owns: Letters, KINDS, folded(), script_of(), words_of(), runs().
May import: the standard library only.
Start reading at: `Letters.weigh`.

A kind is a language in one writing: `ar` and `ar-latn` (Arabic typed with Latin letters) are two.
`languages/<kind>.txt` lists common words by hand; `languages/learnt.gz` holds how often runs of one
to four letters, and whole words, stand in each kind. It is made by `bot/conversation/learn_language.py`.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
LEARNT = FOLDER / "learnt.gz"
LONGEST = 4
# How many letters a kind is trusted for before anything was counted; chosen on development texts.
DOUBT = 6000.0
# Weights are kept as whole numbers, in this part of a natural logarithm.
GRAIN = 40.0
KINDS: Mapping[str, tuple[str, ...]] = {
    "latin": tuple("en es fr pt tr sw ha ht so ar-latn fa-latn ur-latn ru-latn uk-latn ckb-latn ps-latn".split()),
    "arabic": ("ar", "fa", "ps", "ckb", "ur"),
    "cyrillic": ("uk", "ru"),
    "ethiopic": ("am", "ti"),
    "bengali": ("bn",),
}
_RANGES = (
    ("latin", 0x41, 0x24F),
    ("latin", 0x250, 0x2AF),
    ("latin", 0x1E00, 0x1EFF),
    ("cyrillic", 0x400, 0x4FF),
    ("arabic", 0x600, 0x6FF),
    ("arabic", 0x750, 0x77F),
    ("bengali", 0x980, 0x9FF),
    ("ethiopic", 0x1200, 0x139F),
)
_WORD = re.compile(r"[^\W\d_]+(?:['’`ʼ][^\W\d_]+)*")
# In Latin letters, digits stand for Arabic sounds: mar7aba, 3ala.
_LATIN_WORD = re.compile(r"(?=[\w']*[^\W\d_])[^\W_]+(?:'[^\W_]+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|@\w+")


def folded(text: str) -> str:
    """Small letters, one apostrophe, no joiners, no links and addresses."""
    text = _LINK.sub(" ", text).casefold().translate(_APOSTROPHES)
    return text.replace("i̇", "i")


_APOSTROPHES = str.maketrans({"’": "'", "`": "'", "ʼ": "'", "‘": "'", "\u200c": None, "\u200d": None, "ـ": None})


def script_of(text: str) -> str | None:
    """The writing most letters of `text` are in; "other" for one that no language of ours uses, None
    without letters."""
    counts = Counter(_script(ord(letter)) for letter in text if letter.isalpha())
    return max(counts, key=lambda script: counts[script]) if counts else None


@functools.lru_cache(maxsize=4096)
def _script(code: int) -> str:
    return next((name for name, first, last in _RANGES if first <= code <= last), "other")


def words_of(text: str, script: str) -> list[str]:
    """The words of a folded text that are in this writing."""
    found = (_LATIN_WORD if script == "latin" else _WORD).findall(text)
    return [word for word in found if any(_script(ord(letter)) == script for letter in word if letter.isalpha())]


def runs(word: str) -> Iterator[str]:
    """Runs of letters in a word with its edges marked, and the whole word."""
    edged = f" {word} "
    if len(edged) > LONGEST:
        yield edged
    for length in range(1, LONGEST + 1):
        for start in range(len(edged) - length + 1):
            run = edged[start : start + length]
            if run != " ":
                yield run


def listed_words() -> dict[str, frozenset[str]]:
    """The words listed by hand, of each kind."""
    found = {}
    for script, kinds in KINDS.items():
        for kind in kinds:
            text = (FOLDER / f"{kind}.txt").read_text(encoding="utf-8")
            found[kind] = frozenset(words_of(folded(text), script))
    return found


class Letters:
    """The counts, ready to weigh words."""

    def __init__(self, path: Path = LEARNT) -> None:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            totals: dict[str, float] = json.loads(next(lines))
            self._runs: dict[str, dict[str, bytes]] = {script: {} for script in KINDS}
            for line in lines:
                script, run, weights = line.rstrip("\n").split("\t")
                self._runs[script][run] = bytes.fromhex(weights)
        self._unseen = {kind: math.log(DOUBT / (total + DOUBT)) for kind, total in totals.items()}
        self.listed = listed_words()

    def weigh(self, words: Sequence[str], script: str) -> dict[str, float]:
        """Log-likelihood of each kind of this writing; only differences mean anything."""
        kinds, known = KINDS[script], self._runs[script]
        sums, seen = [0] * len(kinds), 0
        for word in words:
            for run in runs(word):
                weights = known.get(run)
                if weights is not None:
                    seen += 1
                    for at in range(0, len(weights), 2):
                        sums[weights[at]] += weights[at + 1]
        return {kind: seen * self._unseen[kind] + sums[at] / GRAIN for at, kind in enumerate(kinds)}

    def hits(self, words: Sequence[str], script: str) -> dict[str, int]:
        """How many of the words are listed by hand for each kind."""
        return {kind: sum(word in self.listed[kind] for word in words) for kind in KINDS[script]}

    def owners(self, word: str, script: str) -> frozenset[str]:
        """The kinds this whole word is listed for, or else those in which it was met."""
        kinds = KINDS[script]
        listed = frozenset(kind for kind in kinds if word in self.listed[kind])
        if listed:
            return listed
        weights = self._runs[script].get(f" {word} ", b"")
        return frozenset(kinds[weights[at]] for at in range(0, len(weights), 2))

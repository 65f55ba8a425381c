"""Which words of the lexicons a typed word may stand for.

Purpose: read one message into tokens, each with the known words it may mean.
Owns: normalisation steps 6-11 (service specification 7.3): repeats, leet, Latin-typed Arabic and
    Cyrillic, look-alikes, spaced letters, glued words, typing errors.
May import: normalise, transliteration.
Start reading at: Vocabulary.tokens.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from escalation.normalise import LEET_SIGNS, Piece, fold, pieces
from escalation.transliteration import Arabizi, latin_key, look_alikes, sound_keys

_TYPO_IN_PHRASE = 4
"""Shortest known word that may be mistyped, inside a phrase of several words."""
_TYPO_ALONE = 5
"""Shortest known word that may be mistyped on its own (service specification 7.3 step 11)."""
_TRANSLITERATED_ALONE = 6
_GLUED = 8
_SOUND = 3
_GLUED_LETTERS = 2.5
"""Fewest letters a word must have on average when words were written together."""
_SPACED = 3
_ARABIZI_STEM = 3
_CACHE = 50_000
_TYPED = ("plain", "spelling", "squeezed", "prefix")
"""Readings sure enough to make a word a filler or a negation."""

_LIKELY = 3
_LEET = [
    str.maketrans("013457@$!|€", f"o{one}easta{'s'}{one}le") for one in "il"
]  # fmt: skip
_ARABIZI_WORD = re.compile(r"^[35679][a-z]{2}|[a-z][235679][a-z]|[a-z][a-z][23579]$")
"""A digit that stands for an Arabic letter: 3am, y7ki, halla2. One shows that a message is Arabizi."""
_ARABIZI_SURE = frozenset(
    "walla wallah wallahi msh mesh mish khalas bdi bde bdy baddi lazem lazim enno inno eza iza ommi abooy abouy akhoya "
    "ukhti jozi gozi rajli zawji nafsi nefsi wein kteer ktir hasse hessa bukra bokra elyom alyom naharda embareh "
    "mbareh dayra 3ayez ayez ayza aysh bashtaghil enti howwa hiyya delwa2ti hatha hadha almawt elhamdulillah".split()
)
"""Words that hardly another language has."""
_ARABIZI_LIKELY = (
    frozenset({"ana"}), frozenset({"fi", "fel", "fil"}), frozenset({"w"}), frozenset({"el", "al", "il"}),
    frozenset({"bas", "bass"}), frozenset({"mn", "min"}), frozenset({"kol", "kul", "kull"}), frozenset({"law", "lw"}),
    frozenset({"bel", "bil"}), frozenset({"lay", "lil", "lal"}),
)  # fmt: skip
"""Words that other languages have too; three different ones make a message Arabizi."""
_LEET_SIGN = re.compile(f"[{re.escape(LEET_SIGNS)}]")
_RUN = re.compile(r"(.)\1+")
_IRAQI = str.maketrans("گچ", "قك")
_ARABIC_AND = re.compile(r"^[وف](?=\w{3})")
_ARABIC_TENSE = re.compile(r"^(?:[سحهبد](?=[ايتن]\w{2})|حا(?=\w{4}))")
"""Will and is: Arabic writes them as one with the verb (سيقتل, هيقتل, بيقتل, ديقتل)."""
_ARABIC_NOT = "ما"
_ARABIC_DENIED = re.compile(r"[وف]?ما?(\w{3,})ش|[وف]?ما(\w{4,})")
_ARABIC_PREFIX = re.compile(r"^[وف]?(?:[بلعهك]?ال(?=\w{3})|لل(?=\w{3})|[بلعهك](?=\w{4}))|^[وف](?=\w{4})")
"""And, in, to, on, this, like, the: Arabic writes them as one with the word."""


@dataclass(frozen=True)
class Sense:
    """How a typed word came to be read as a known one."""

    how: str
    alone: bool = True
    """False when the reading counts only inside a phrase of several words."""
    guess: bool = False
    """True for a corrected typing error."""


@dataclass(frozen=True, eq=False)
class Reading:
    """The known words that one typed word may stand for."""

    senses: Mapping[str, Sense]
    skip: bool = False
    """True for filler words, negations and emoji: they may stand between the words of a phrase."""


@dataclass(frozen=True)
class Token:
    """One word of a message with its reading."""

    piece: Piece
    reading: Reading


class Vocabulary:
    """All known words of all lexicons, compiled once."""

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        spellings: Mapping[str, frozenset[str]],
        contractions: Mapping[str, Sequence[str]],
        real_words: frozenset[str],
        accented: frozenset[str],
        skips: frozenset[str],
    ) -> None:
        known = sorted(set(symbols))
        words = [name for name in known if name[-1] not in "*}"]
        self._words = frozenset(words)
        self._stems = {name[:-1]: name for name in known if name.endswith("*")}
        self._ranges = [(*_bounds(name), name) for name in known if name.endswith("}")]
        self._spellings = spellings
        self._contractions = contractions
        self._real = real_words
        self._accented = accented
        self._skips = skips
        self._typos = _deletions(w for w in words if len(w) >= _TYPO_IN_PHRASE)
        self._stem_typos = _deletions(s for s in self._stems if len(s) >= _TYPO_ALONE)
        arabic = [w for w in words if "\u0620" <= w[0] <= "\u064a"]
        self._arabizi = Arabizi(
            {**_keyed(arabic, _bare), **{w: [w] for w in arabic}},
            {s: n for s, n in self._stems.items() if len(s) >= _ARABIZI_STEM and "\u0620" <= s[0] <= "\u064a"},
        )
        self._latin_typed = _keyed(filter(_cyrillic, words), latin_key)
        self._bare = _keyed((w for w in words if _unvowelled(w)), _bare)
        self._sounds = _keyed((w for w in words if w.isalpha() and len(w) >= _SOUND), sound_keys)
        self._latin_stems = {
            latin_key(stem): name
            for stem, name in self._stems.items()
            if not stem.isascii() and len(latin_key(stem)) >= _TYPO_ALONE
        }
        self._readings: dict[bool, dict[str, Reading]] = {False: {}, True: {}}

    def tokens(self, text: str) -> list[Token]:
        """The message as tokens: spaced letters joined, glued words cut apart."""
        typed = [part for piece in pieces(text) for part in self._written_out(piece)]
        arabizi = _shows_arabizi(typed)
        found = []
        for piece in self._joined(typed):
            parts = [] if self._as_typed(piece) else self._apart(piece)
            found += [Token(part, self.reading(part, arabizi)) for part in parts or [piece]]
        return found

    def _as_typed(self, piece: Piece) -> bool:
        word = fold(piece.plain)
        return piece.emoji or word in self._words or word in self._real or word in self._spellings

    def _written_out(self, piece: Piece) -> list[Piece]:
        words = self._contractions.get(piece.plain) or self._denied(fold(piece.plain))
        return _pieces_of(piece, words) if words else [piece]

    def _denied(self, word: str) -> list[str]:
        """An Arabic verb written as one with its "not" (مكنتش, مااقدر) as two words, when both are known."""
        found = _ARABIC_DENIED.fullmatch(word)
        if not found or word in self._real or word in self._spellings or self._exact(word, Sense("plain")):
            return []
        verb = found[1] or found[2]
        known = any(self._exact(form, Sense("prefix")) for form in _arabic_forms(verb, verb))
        return [_ARABIC_NOT, verb] if known else []

    def reading(self, piece: Piece, arabizi: bool = False) -> Reading:
        """What one typed word may stand for; as Arabizi only in a message that shows some."""
        readings = self._readings[arabizi]
        if (known := readings.get(piece.plain)) is None:
            if len(readings) >= _CACHE:
                readings.clear()
            senses = self._senses(piece.plain)
            if arabizi and piece.plain.isascii():
                senses = {**self._as_arabic(piece.plain), **senses}
            typed = (word for word, sense in senses.items() if sense.how in _TYPED)
            skip = piece.emoji or not self._skips.isdisjoint(typed)
            known = readings[piece.plain] = Reading(senses, skip)
        return known

    def _senses(self, plain: str) -> dict[str, Sense]:
        word = fold(plain)
        if plain in self._accented:
            return {}
        senses = self._exact(word, Sense("plain"))
        for meant in sorted(self._spellings.get(word, ())):
            senses.setdefault(meant, Sense("spelling"))
        if _unvowelled(word):
            for meant in self._bare.get(_bare(word), ()):
                senses.setdefault(meant, Sense("prefix"))
            for copy in _arabic_forms(plain, word):
                senses = {**self._exact(copy, Sense("prefix")), **senses}
        if word.isascii():
            senses = {**self._transliterated(word, known=bool(senses)), **senses}
        if senses or word in self._real:
            return senses
        return self._repaired(word) or {**self._mistyped(word), **self._sounding(word)}

    def _exact(self, word: str, sense: Sense) -> dict[str, Sense]:
        senses = {word: sense} if word in self._words else {}
        for size in range(2, len(word) + 1):
            if name := self._stems.get(word[:size]):
                senses[name] = sense
        if word.isdecimal() and len(word) <= 4:
            senses |= {name: sense for low, high, name in self._ranges if low <= int(word) <= high}
        return senses

    def _as_arabic(self, word: str) -> dict[str, Sense]:
        squeezed = _RUN.sub(r"\1", word) if len(word) > 1 else ""
        return dict.fromkeys(sorted(self._arabizi.readings(squeezed)), Sense("arabizi", alone=False))

    def _transliterated(self, word: str, known: bool) -> dict[str, Sense]:
        senses: dict[str, Sense] = {}
        key, alone = latin_key(word), not known and len(word) >= _TRANSLITERATED_ALONE
        for meant in self._latin_typed.get(key, ()):
            senses[meant] = Sense("latin-typed", alone=alone)
        for size in range(_TYPO_ALONE, len(key) + 1):
            if name := self._latin_stems.get(key[:size]):
                senses[name] = Sense("latin-typed", alone=alone)
        return senses

    def _repaired(self, word: str) -> dict[str, Sense]:
        for how, copy in _copies(word):
            if senses := self._exact(copy, Sense(how)):
                return senses
            if meant := self._spellings.get(copy):
                return dict.fromkeys(sorted(meant), Sense(how))
        return {}

    def _sounding(self, word: str) -> dict[str, Sense]:
        if len(word) < _SOUND or not word.isalpha():
            return {}
        sense = Sense("sound", alone=len(word) >= _TRANSLITERATED_ALONE and not _unvowelled(word))
        found = (meant for key in sound_keys(word) for meant in self._sounds.get(key, ()))
        return dict.fromkeys(found, sense)

    def _mistyped(self, word: str) -> dict[str, Sense]:
        for copy in dict.fromkeys((word.replace("*", ""), *(c for _, c in _copies(word)))):
            if senses := {**self._mistyped_stem(copy), **self._mistyped_word(copy)}:
                return senses
        return {}

    def _mistyped_word(self, word: str) -> dict[str, Sense]:
        if len(word) < _TYPO_IN_PHRASE - 1 or not word.isalpha():
            return {}
        return {
            meant: Sense("typo", alone=len(meant) >= _TYPO_ALONE and not _unvowelled(meant), guess=True)
            for meant in sorted(_near(word, self._typos))
        }

    def _mistyped_stem(self, word: str) -> dict[str, Sense]:
        if len(word) < _TYPO_ALONE or not word.isalpha():
            return {}
        return {
            self._stems[stem]: Sense("typo", guess=True)
            for size in range(_TYPO_ALONE, len(word) + 1)
            for stem in sorted(_near(word[:size], self._stem_typos))
        }

    def _joined(self, found: list[Piece]) -> Iterator[Piece]:
        at = 0
        while at < len(found):
            end = at
            while end < len(found) and len(found[end].plain) == 1 and not found[end].emoji:
                end += 1
            run = found[at:end] or found[at : at + 1]
            yield from self._as_one(run) if len(run) >= _SPACED else run
            at += len(run)

    def _as_one(self, run: list[Piece]) -> list[Piece]:
        """Letters written apart as one word; the first may be a word itself ("voy a m a t a r")."""
        for known in (self._as_typed, self._as_parts):
            for lead in (0, 1):
                word = "".join(piece.plain for piece in run[lead:])
                one = replace(run[lead], end=run[-1].end, plain=word)
                if known(one):
                    return [*run[:lead], one]
        return run

    def _as_parts(self, piece: Piece) -> bool:
        return bool(self.reading(piece).senses or self._cut(fold(piece.plain), _SPACED + 1))

    def _apart(self, piece: Piece) -> list[Piece]:
        """The known words that were written together, or nothing."""
        if not _LEET_SIGN.search(piece.plain):
            spaced = piece.end - piece.start > len(piece.plain) + 1
            words = self._cut(fold(piece.plain), _SPACED + 1 if spaced else _GLUED)
        else:
            words = [] if self.reading(piece).senses else _LEET_SIGN.split(piece.plain)
        return _pieces_of(piece, [word for word in words if word])

    def _cut(self, word: str, least: int) -> list[str]:
        if len(word) < least or not word.isalpha():
            return []
        best: list[list[str] | None] = [[]] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - 12), end):
                head, tail = best[start], word[start:end]
                if head is None or tail not in self._words or (len(tail) < 2 and tail != "i"):
                    continue
                if best[end] is None or len(head) + 1 < len(best[end] or []):
                    best[end] = [*head, tail]
        parts = best[-1] or []
        return parts if len(word) >= _GLUED_LETTERS * len(parts) else []


def _shows_arabizi(found: Iterable[Piece]) -> bool:
    """Whether a message seems to be Arabic in Latin letters."""
    words = {piece.plain for piece in found}
    return (
        not words.isdisjoint(_ARABIZI_SURE)
        or any(map(_ARABIZI_WORD.search, words))
        or sum(not likely.isdisjoint(words) for likely in _ARABIZI_LIKELY) >= _LIKELY
    )


def _pieces_of(piece: Piece, words: Sequence[str]) -> list[Piece]:
    """One piece as several words, all standing where it stands."""
    return [replace(piece, plain=word, pause=0 if at else piece.pause) for at, word in enumerate(words)]


def _bounds(symbol: str) -> tuple[int, int]:
    low, high = symbol.strip("{}").split("-")
    return int(low), int(high)


def _copies(word: str) -> Iterator[tuple[str, str]]:
    """Other ways to read an unknown word, most likely first."""
    yield "squeezed", _RUN.sub(r"\1\1", word)
    yield "squeezed", _RUN.sub(r"\1", word)
    for table in _LEET:
        if (plainer := word.translate(table)) != word:
            yield "deleet", plainer
            yield "deleet", _RUN.sub(r"\1", plainer)
    for copy in look_alikes(word):
        yield "look-alike", fold(copy)


def _keyed(words: Iterable[str], keys_of: Callable[[str], str | tuple[str, ...]]) -> dict[str, list[str]]:
    """Words by key; a word without a key is left out."""
    index = defaultdict(list)
    for word in words:
        keys = keys_of(word)
        for key in (keys,) if isinstance(keys, str) else keys:
            if key:
                index[key].append(word)
    return dict(index)


def _bare(word: str) -> str:
    return _ARABIC_PREFIX.sub("", word)


def _arabic_forms(typed: str, word: str) -> Iterator[str]:
    """A word without the letters for "will" and "is doing", without the -sh of a denial or a case ending; as Iraqis say it."""
    for copy in dict.fromkeys((word, fold(typed.translate(_IRAQI)))):
        for stem in dict.fromkeys((copy, _ARABIC_PREFIX.sub("", copy), _ARABIC_AND.sub("", copy))):
            for form in (stem, _ARABIC_TENSE.sub("", stem)):
                yield form
                if form.endswith(("ش", "ا")) and len(form) > _SOUND:
                    yield form[:-1]


def _cyrillic(word: str) -> bool:
    return "а" <= word[0] <= "я"


def _deletions(words: Iterable[str]) -> dict[str, list[str]]:
    """Each word under itself and under each copy of it with one letter left out."""
    index = defaultdict(list)
    for word in words:
        if word.isalpha():
            for key in _shortened(word):
                index[key].append(word)
    return dict(index)


def _shortened(word: str) -> set[str]:
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _near(word: str, index: Mapping[str, list[str]]) -> set[str]:
    """Indexed words one typing error away that begin alike."""
    found = {meant for key in _shortened(word) for meant in index.get(key, ())}
    return {meant for meant in found if _one_error(word, meant)}


def _unvowelled(word: str) -> bool:
    """Arabic writes few vowels, so most one-letter changes are other words."""
    return "\u0620" <= word[0] <= "\u06ff"


def _one_error(typed: str, meant: str) -> bool:
    """Whether one letter was lost, added, wrong or swapped with its neighbour."""
    if typed[0] != meant[0] and typed[1::-1] != meant[:2]:
        return False
    at = next((n for n, (a, b) in enumerate(zip(typed, meant)) if a != b), min(len(typed), len(meant)))
    left, right = typed[at:], meant[at:]
    return (
        left[1:] == right
        or left == right[1:]
        or left[1:] == right[1:]
        or (left[1::-1] == right[:2] and left[2:] == right[2:])
    )

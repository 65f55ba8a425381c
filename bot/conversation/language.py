"""Which language a message is written in, or that we are not sure.

Owns: detect(), Detected, get_ready(), settled().
May import: py3langid, `bot.conversation.letters`.
Start reading at: `detect`.

The writing comes first, then letters that only some languages have, then three voices added up: our
own counts of letters and words, py3langid, and short lists of the commonest words. Cyrillic is decided
by letters and words that only Ukrainian or only Russian has, or when all its letters lean far to one
side, further for Russian; else it stays unsure unless it is known what the contact speaks. The same
text always gets the same answer.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from bot.conversation.letters import Letters, folded, script_of, words_of

CODES = tuple("en es fr ar uk ru fa ps sw ha ht ckb pt tr so am ti ur bn".split())
SURE = 0.8

# How much each voice counts, and how sure a sum of so much makes: chosen on development texts.
_LIBRARY = 2.0
_LISTED = 6.0
_OWN_LETTER = 10.0
_OWN_ENDING = 5.0
_UNWRITTEN = 10.0
_HEAT = 5.0
# How far all letters must lean to Ukrainian, or to Russian: beside a letter or word that only it has,
# and without one. Russian needs more, since Ukrainian is never guessed into it.
_TO_UKRAINIAN = (3.0, 15.0)
_TO_RUSSIAN = (8.0, 20.0)
# A language that is not ours must be so much likelier to the library, when we know few of the words.
_FOREIGN = 8.0
# The library scores a text of which it knows no part with an enormous negative number.
_NOTHING_SEEN = -1e9

_OWN_LETTERS: Mapping[str, re.Pattern[str]] = {
    "ps": re.compile(r"[ښړډټځڅېۍږڼګ]"),
    "ckb": re.compile(r"[ێۆڕڵەڤ]"),
    "ur": re.compile(r"[ٹڈڑںےہھ]"),
    "fa": re.compile(r"[پچژگ](?!.*[ټډړښځڅېۍڕڵێۆەٹڈڑںےہھ])", re.DOTALL),
    "ar": re.compile(r"[ةىكيأإؤ](?!.*[پچژگټډړښځڅېۍڕڵێۆەٹڈڑںے])", re.DOTALL),
    "tr": re.compile(r"[ğşı]"),
    "ha": re.compile(r"[ɓɗƙƴ]"),
    "es": re.compile(r"[ñ¿¡]"),
    "pt": re.compile(r"[ãõ]"),
    "fr": re.compile(r"[œêûî]"),
    "ar-latn": re.compile(
        r"(?<![a-z0-9])(?=[a-z']*[23579])(?=[23579']*[a-z])(?:[a-z]+[23579]|[23579][a-z]{2})[a-z23579']*"
    ),
    "ti": re.compile(r"[ኣሐ-ሗዐ-ዖኸ-ኾቐ-ቝጸ-ጾ]|\bዝ|[ቲዩኡኢ]\b"),
    "am": re.compile(r"[ቸቹቻችኝሁሆ]|\b[ያየአበለ]|ው\b"),
}
_UKRAINIAN = re.compile(r"[іїєґ]")
_RUSSIAN = re.compile(r"[ыэъё]")
_OTHER_CYRILLIC = re.compile(r"[ўђјљњћџѓќқғәөүұһӣӯҷҳ]")
_ASSAMESE = re.compile(r"[ৰৱ]")


@dataclasses.dataclass(frozen=True)
class Detected:
    """A language and how sure we are, 0 to 1. `language` is None when we had better ask; `among` are
    then the likeliest."""

    language: str | None
    confidence: float
    among: tuple[str, ...] = ()


_UNSURE = Detected(None, 0.0)
# Letters of a long message that are read; more of them say nothing new.
_ENOUGH = 160
# Words from which a message may change a language that is known.
_LONG = 3


def detect(text: str, known: str | None = None) -> Detected:
    """The language of `text`, among `CODES`. `known`, what the contact speaks, decides between
    Ukrainian and Russian when the text does not."""
    text = folded(text[:_ENOUGH])
    script = script_of(text)
    words = words_of(text, script) if script and script != "other" else []
    if not words or script is None:
        return _UNSURE
    if script == "cyrillic":
        return _cyrillic(text, words, known)
    if script == "bengali":
        return _UNSURE if _ASSAMESE.search(text) else Detected("bn", 1.0)
    return _weighed(text, words, script)


def settled(known: str, other: str | None, text: str, spoken: Collection[str]) -> tuple[str, str | None]:
    """The contact's language after one more message, and the other one to remember.

    `known` gives way to one of `spoken` only after two messages of three words or more that agree;
    `other` is what the first of them was in. Shorter and unsure messages change nothing. Ukrainian never
    gives way to Russian by itself: whoever wants that asks for it.
    """
    found = detect(text, known).language
    if found is None or len(text.split()) < _LONG:
        return known, other
    if found == known or found not in spoken or (known, found) == ("uk", "ru"):
        return known, None
    return (found, None) if found == other else (known, found)


def get_ready() -> None:
    """Read the counts now: it takes half a second, for which no turn should wait."""
    _letters()
    _library()


def _cyrillic(text: str, words: Sequence[str], known: str | None) -> Detected:
    if _OTHER_CYRILLIC.search(text):
        return _UNSURE
    letters = _letters()
    owners = [letters.owners(word, "cyrillic") for word in words]
    ukrainian = len(_UKRAINIAN.findall(text)) + sum(one == {"uk"} for one in owners)
    russian = len(_RUSSIAN.findall(text)) + sum(one == {"ru"} for one in owners)
    weights = letters.weigh(words, "cyrillic")
    leaning = weights["uk"] - weights["ru"]
    if leaning > _TO_UKRAINIAN[not ukrainian] and (ukrainian or not _RUSSIAN.search(text)):
        return Detected("uk", 0.95 if ukrainian else 0.9)
    if -leaning > _TO_RUSSIAN[not russian or bool(ukrainian)] and not _UKRAINIAN.search(text):
        return Detected("ru", 0.95 if russian else 0.9)
    if known in ("uk", "ru"):
        return Detected(known, SURE)
    return Detected(None, 0.5, ("uk", "ru"))


def _weighed(text: str, words: Sequence[str], script: str) -> Detected:
    """The three voices, for the kinds of this writing."""
    letters = _letters()
    scores, hits = letters.weigh(words, script), letters.hits(words, script)
    library = dict(_library().rank(" ".join(words))) if script == "latin" else {}
    highest = max((library[kind] for kind in scores if kind in library), default=0.0)
    if highest < _NOTHING_SEEN:
        library = {}
    for kind in scores:
        scores[kind] += _LISTED * hits[kind] + _own_letters(kind, text)
        if library:
            scores[kind] += _LIBRARY * (library[kind] if kind in library else highest - _UNWRITTEN)
    known_words = sum(bool(letters.owners(word, script)) for word in words)
    if library and _is_foreign(library, highest, known_words / len(words)):
        return _UNSURE
    found = _answer(scores)
    a_name = script == "latin" and len(words) == 1 and not any(hits.values())
    if a_name and found.language and not _own_letters(found.language, text):
        return Detected(None, 0.5, (found.language,))
    return found


def _own_letters(kind: str, text: str) -> float:
    pattern = _OWN_LETTERS.get(kind)
    if pattern is None:
        return 0.0
    found = len(pattern.findall(text))
    return _OWN_ENDING * found if kind in ("am", "ti") else _OWN_LETTER * min(2, found)


def _is_foreign(library: Mapping[str, float], ours: float, known_share: float) -> bool:
    return max(library.values()) - ours > _FOREIGN * (0.5 + 2 * known_share)


def _answer(scores: Mapping[str, float]) -> Detected:
    """The likeliest, if likely enough. Writings of one language count together."""
    top = max(scores.values())
    shares: dict[str, float] = {}
    for kind, score in scores.items():
        code = kind.removesuffix("-latn")
        shares[code] = shares.get(code, 0.0) + math.exp((score - top) / _HEAT)
    total = sum(shares.values())
    ranking = sorted(((share / total, code) for code, share in shares.items()), reverse=True)
    share, code = ranking[0]
    if share < SURE:
        return Detected(None, share, tuple(code for _, code in ranking[:2]))
    return Detected(code, share)


@functools.cache
def _letters() -> Letters:
    return Letters()


@functools.cache
def _library() -> LanguageIdentifier:
    return cast(LanguageIdentifier, LanguageIdentifier.from_model_file(MODEL_FILE))

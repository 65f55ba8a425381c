"""From parsed lexicon documents to phrases, with errors a clinician can act on.

Purpose: check a lexicon and read its sections.
Owns: the shape of a lexicon document; Role, Entry, Phrase, Lexicon, LexiconError.
May import: kinds, normalise, patterns, signs.
Start reading at: read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from escalation.kinds import KINDS
from escalation.normalise import fold, plain
from escalation.patterns import Grammar, Parts, PatternError
from escalation.signs import RiskCategory, RiskLevel


class LexiconError(ValueError):
    """A lexicon cannot be used. `where` names the language and entry, `reason` is a sentence."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class Role(str, Enum):
    """What a phrase does; the value is the section of the lexicon that lists it."""

    RISK = "entries"
    IDIOM = "idioms"
    NEED_IDIOM = "need_idioms"
    NEGATION = "negations"
    NEGATION_AFTER = "negations_after"
    NEGATION_EXCEPTION = "negation_exceptions"
    NEGATION_CARRIER = "negation_carriers"
    QUOTE = "quote_markers"
    OWN_REPORT = "own_reports"
    OTHERS_REPORT = "others_reports"
    ASKING_FOR_OTHER = "asking_for_other"
    FIRST_PERSON = "first_person"
    THIRD_PERSON = "third_person"
    PAST = "past_markers"
    RETURN = "return_markers"
    CONDITIONAL = "conditionals"
    CLAUSE_BREAK = "clause_breaks"
    LAUGHTER = "laughter"
    SOON = "soon"
    TODAY = "today"
    RECENT = "recent"
    MINOR = "minor_age"
    HELP = "help_words"
    MEANS = "means"
    HARMLESS = "harmless"


_LISTS = tuple(role for role in Role if role is not Role.RISK)
_SUBJECTS = ("self", "other", "reader", "open")
_KEYS = {role.value for role in Role} | {
    "language", "version", "sign_off", "mixes_with",
    "groups", "spellings", "contractions", "real_words", "accented", "fillers",
}  # fmt: skip
_ENTRY_KEYS = {
    "id", "category", "signals", "level", "subject", "patterns", "rationale", "source",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One risk entry: what its phrases signal."""

    id: str
    categories: tuple[RiskCategory, ...]
    kind: str
    level: RiskLevel | None
    subject: str
    """"self", "other", "reader", or "open": decided by the nearest subject word."""


@dataclass(frozen=True)
class Phrase:
    """One pattern and the role it plays."""

    role: Role
    language: str
    family: frozenset[str]
    """Languages whose helper words apply to this phrase (Ukrainian and Russian mix)."""
    parts: Parts
    entry: Entry | None = None


@dataclass(frozen=True)
class Lexicon:
    """One language, checked and read."""

    language: str
    phrases: tuple[Phrase, ...]
    spellings: Mapping[str, str]
    """Variant → the word it stands for."""
    contractions: Mapping[str, tuple[str, ...]]
    """Words written as one → the words they stand for, in messages and phrases alike. Accents count."""
    real_words: frozenset[str]
    """Words that are never taken for a typing error."""
    accented: frozenset[str]
    """Words that mean something else without their accent."""
    fillers: frozenset[str]


def read(document: Mapping[str, object]) -> Lexicon:
    """Check one parsed lexicon document.

    Raises:
        LexiconError: names the language and the entry or section, and says what is wrong.
    """
    language = document.get("language")
    if not isinstance(language, str) or not language:
        raise LexiconError("lexicon", "it does not say its language")
    if unknown := sorted(set(document) - _KEYS):
        raise LexiconError(language, f"it has an unknown section {unknown[0]!r}")
    return _Reader(language, document).lexicon()


class _Reader:
    def __init__(self, language: str, document: Mapping[str, object]) -> None:
        self._language = language
        self._document = document
        self._family = frozenset({language, *self._strings("mixes_with")})
        self._grammar = Grammar(self._all_groups(), self._contractions())

    def lexicon(self) -> Lexicon:
        return Lexicon(
            language=self._language,
            phrases=(*self._helpers(), *self._entries()),
            spellings=self._spellings(),
            contractions=self._contractions(),
            real_words=frozenset(map(fold, self._strings("real_words"))),
            accented=frozenset(map(plain, self._strings("accented"))),
            fillers=frozenset(map(fold, self._strings("fillers"))),
        )

    def _strings(self, section: str) -> list[str]:
        return _strings(self._document.get(section, []), f"{self._language}/{section}")

    def _mapping(self, section: str) -> Mapping[str, object]:
        found = self._document.get(section, {})
        if not isinstance(found, Mapping):
            raise LexiconError(f"{self._language}/{section}", "it must be a mapping")
        for key in found:
            if not isinstance(key, str):
                raise LexiconError(f"{self._language}/{section}", f"put the word {key!r} in quotes")
        return found

    def _all_groups(self) -> dict[str, list[str]]:
        """The word groups of the lexicon; each of its lists is one too."""
        lists = {role.value: self._strings(role.value) for role in _LISTS}
        named = {
            name: _strings(words, f"{self._language}/groups/{name}") for name, words in self._mapping("groups").items()
        }
        return {**lists, **named}

    def _spellings(self) -> dict[str, str]:
        return {
            fold(variant): fold(word)
            for word, variants in self._mapping("spellings").items()
            for variant in _strings(variants, f"{self._language}/spellings/{word}")
        }

    def _contractions(self) -> dict[str, tuple[str, ...]]:
        where = f"{self._language}/contractions"
        return {
            plain(variant): tuple(map(fold, words.split()))
            for words, variants in self._mapping("contractions").items()
            for variant in _strings(variants, where)
        }

    def _helpers(self) -> Iterator[Phrase]:
        for role in _LISTS:
            for pattern in self._strings(role.value):
                yield self._phrase(role, pattern, f"{self._language}/{role.value}")

    def _entries(self) -> Iterator[Phrase]:
        entries = self._document.get("entries", [])
        if not isinstance(entries, list):
            raise LexiconError(f"{self._language}/entries", "it must be a list")
        seen: set[str] = set()
        for raw in entries:
            entry = _entry(raw, self._language)
            if entry.id in seen:
                raise LexiconError(entry.id, "another entry has the same id")
            seen.add(entry.id)
            for pattern in _patterns(raw, entry.id):
                yield self._phrase(Role.RISK, pattern, entry.id, entry)

    def _phrase(self, role: Role, pattern: str, where: str, entry: Entry | None = None) -> Phrase:
        try:
            parts = self._grammar.parse(pattern)
        except PatternError as error:
            raise LexiconError(where, f"pattern {pattern!r}: {error}") from error
        return Phrase(role, self._language, self._family, parts, entry)


def _strings(found: object, where: str) -> list[str]:
    """A list of phrases: a YAML list, or text with commas or line ends between the phrases."""
    if isinstance(found, str):
        return [phrase.strip() for phrase in re.split(r"[,\n]", found) if phrase.strip()]
    if not isinstance(found, list):
        raise LexiconError(where, "it must be a list")
    for item in found:
        if not isinstance(item, str):
            raise LexiconError(where, f"{item!r} is not text; put it in quotes")
    return found


def _entry(raw: object, language: str) -> Entry:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        raise LexiconError(f"{language}/entries", "an entry has no id")
    name = str(raw["id"])
    _check_keys(raw, name)
    return Entry(
        id=name,
        categories=_categories(raw["category"], name),
        kind=_one_of(raw["signals"], KINDS, "signals", name),
        level=_level(raw.get("level"), name),
        subject=_one_of(raw.get("subject", "self"), _SUBJECTS, "subject", name),
    )


def _check_keys(raw: Mapping[object, object], name: str) -> None:
    if unknown := sorted(map(str, set(raw) - _ENTRY_KEYS)):
        raise LexiconError(name, f"it has an unknown field {unknown[0]!r}")
    for key in ("category", "signals", "patterns"):
        if key not in raw:
            raise LexiconError(name, f"it has no {key}")
    for key in ("rationale", "source"):
        if not isinstance(raw.get(key), str) or not raw[key]:
            raise LexiconError(name, f"it has no {key}")


def _categories(found: object, name: str) -> tuple[RiskCategory, ...]:
    names = found if isinstance(found, list) else [found]
    known = {category.value: category for category in RiskCategory}
    return tuple(known[_one_of(item, known, "category", name)] for item in names)


def _one_of(found: object, allowed: Iterable[str], key: str, name: str) -> str:
    if not isinstance(found, str) or found not in allowed:
        raise LexiconError(name, f"{key} {found!r} is not one of {', '.join(allowed)}")
    return found


def _level(found: object, name: str) -> RiskLevel | None:
    if found is None:
        return None
    if not isinstance(found, int) or found not in range(5):
        raise LexiconError(name, f"level {found!r} is not a number from 0 to 4")
    return RiskLevel(found)


def _patterns(raw: Mapping[str, object], name: str) -> list[str]:
    patterns = _strings(raw["patterns"], name)
    if not patterns:
        raise LexiconError(name, "it has no patterns")
    return patterns

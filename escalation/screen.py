"""Screens one message for signs of risk.

Purpose: from the words of one message to an assessment.
Owns: the Screener, which compiles the lexicons once and then only reads.
May import: context, explanation, lexicon, matcher, rules, signs, vocabulary.
Start reading at: Screener.assess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from escalation.context import Found, Scene
from escalation.explanation import explain
from escalation.lexicon import Lexicon, LexiconError, Phrase, Role, read
from escalation.matcher import Matcher
from escalation.patterns import Word
from escalation.rules import decide
from escalation.signs import Assessment, Earlier, RiskCategory, RiskLevel, RiskSignal
from escalation.vocabulary import Token, Vocabulary


class Screener:
    """Risk screening with a set of lexicons, all of them on every message.

    Deterministic; no clock, no network, no files. Safe to share between threads.
    """

    def __init__(self, lexicons: Iterable[Mapping[str, object]]) -> None:
        """Compile parsed lexicon documents (the YAML files of escalation/lexicon).

        Raises:
            LexiconError: a document is wrong; it names the language, the entry and the reason.
        """
        read_lexicons = [read(document) for document in lexicons]
        _check_ids(read_lexicons)
        self._phrases = [phrase for lexicon in read_lexicons for phrase in lexicon.phrases]
        self._matcher = Matcher(
            [phrase.parts for phrase in self._phrases],
            elastic=[phrase.role is Role.RISK for phrase in self._phrases],
        )
        self._vocabulary = _vocabulary(read_lexicons, self._matcher.symbols())
        self._harmless = _single_words(self._phrases, {Role.LAUGHTER, Role.HARMLESS})

    def assess(
        self,
        text: str,
        *,
        has_media: bool = False,
        recent: Iterable[RiskLevel | Earlier] = (),
        minor: bool = False,
    ) -> Assessment:
        """Assess one message (service specification 3.2).

        `has_media`: a voice note, picture or file came with it, which nobody has read.
        `recent`: levels of the contact's messages of the last 14 days, oldest first, the message
        just before among them even at level 0; a bare level counts as of today.
        `minor`: the contact is known to be under 18.
        The level is never below the highest of `recent`: only a person lowers a level (rule 1).
        """
        tokens = self._vocabulary.tokens(text)
        earlier = [one if isinstance(one, Earlier) else Earlier(one) for one in recent]
        return self._concluded(text, tokens, self._found(tokens), has_media, earlier, minor)

    def explain(self, text: str) -> list[str]:
        """Lines for a clinician: how each word of one message was read, what was found, which rule decided."""
        tokens = self._vocabulary.tokens(text)
        found = self._found(tokens)
        return list(explain(tokens, found, self._concluded(text, tokens, found, False, [], False)))

    def _found(self, tokens: Sequence[Token]) -> list[Found]:
        return [Found(hit, self._phrases[hit.phrase]) for hit in self._matcher.hits(tokens)]

    def _concluded(
        self,
        text: str,
        tokens: Sequence[Token],
        found: Sequence[Found],
        has_media: bool,
        recent: Sequence[Earlier],
        minor: bool,
    ) -> Assessment:
        signals = Scene(text, tokens, found).signals()
        if self._unreadable(tokens, has_media):
            signals.append(_UNREADABLE)
        return decide(signals, recent, minor=minor)

    def _unreadable(self, tokens: Sequence[Token], has_media: bool) -> bool:
        """Rule 8: nothing here can be read as words, and it is not one of the harmless emoji."""
        if any(not token.piece.emoji for token in tokens):
            return False
        return has_media or any(token.piece.plain not in self._harmless for token in tokens)


_UNREADABLE = RiskSignal(RiskCategory.UNREADABLE, "unreadable", "", None, None, "unreadable", language="")


def _check_ids(lexicons: Sequence[Lexicon]) -> None:
    owner: dict[str, str] = {}
    for lexicon in lexicons:
        for name in {phrase.entry.id for phrase in lexicon.phrases if phrase.entry}:
            if name in owner:
                raise LexiconError(name, f"{owner[name]} has an entry with the same id")
            owner[name] = lexicon.language


def _vocabulary(lexicons: Sequence[Lexicon], symbols: set[str]) -> Vocabulary:
    spellings: dict[str, set[str]] = defaultdict(set)
    for lexicon in lexicons:
        for variant, word in lexicon.spellings.items():
            spellings[variant].add(word)
    fillers = frozenset(word for lexicon in lexicons for word in lexicon.fillers)
    negations = _single_words((p for each in lexicons for p in each.phrases), {Role.NEGATION})
    return Vocabulary(
        symbols | fillers,
        spellings={variant: frozenset(words) for variant, words in spellings.items()},
        contractions={short: words for each in lexicons for short, words in each.contractions.items()},
        real_words=frozenset(word for lexicon in lexicons for word in lexicon.real_words),
        accented=frozenset(word for lexicon in lexicons for word in lexicon.accented),
        skips=fillers | negations,
    )


def _single_words(phrases: Iterable[Phrase], roles: set[Role]) -> frozenset[str]:
    return frozenset(
        node.symbol
        for phrase in phrases
        for (node, *more), *parts in [phrase.parts]
        if phrase.role in roles and not more and not parts and isinstance(node, Word)
    )

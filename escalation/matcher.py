"""Finds every phrase of every lexicon in a message.

Purpose: find phrases at a cost that does not grow with the number of phrases.
Owns: the compiled phrases, and which words of the message made each hit.
May import: patterns, vocabulary.
Start reading at: Matcher.hits.

Each phrase is filed under its rarest part (its anchors: "vivir" rather than "no quiero"), so an
ordinary message touches few phrases. A touched phrase is then walked word by word through its small
graph of places: at a place one of several words may come next, or any word of a gap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from escalation.patterns import Choice, Gap, Node, Word
from escalation.vocabulary import Sense, Token

_LONGEST = 30
"""No phrase spans more tokens than this, fillers included."""
_SENTENCE = 2
"""The pause at which a gap ends: a new sentence."""

Places = tuple[int, ...]
_Path = list[tuple[int, Sense]]


@dataclass(frozen=True)
class Hit:
    """One phrase found in a message: tokens first..last, of which `used` matched its words."""

    phrase: int
    first: int
    last: int
    used: tuple[int, ...]
    how: str


class Matcher:
    """Phrases, compiled; numbered in the order given."""

    def __init__(self, phrases: Sequence[Sequence[Node]]) -> None:
        self._words: list[dict[str, Places]] = []
        self._gaps: list[Places] = []
        self._end = self._place()
        self._starts = [self._sequence(nodes, (self._end,)) for nodes in phrases]
        self._openings = [
            frozenset(symbol for place in places for symbol in self._words[place])
            for places in self._starts
        ]
        common = Counter(symbol for edges in self._words for symbol in edges)
        self._filed: dict[str, list[int]] = defaultdict(list)
        for number, nodes in enumerate(phrases):
            for symbol in _anchors(nodes, common):
                self._filed[symbol].append(number)

    def symbols(self) -> set[str]:
        """Every word, stem and number range that any phrase mentions."""
        return {name for edges in self._words for name in edges}

    def hits(self, tokens: Sequence[Token]) -> Iterator[Hit]:
        """Every phrase found: for each phrase the longest hits, none inside another."""
        touched: dict[int, tuple[int, int]] = {}
        for at, token in enumerate(tokens):
            for symbol in token.reading.senses:
                for phrase in self._filed.get(symbol, ()):
                    touched[phrase] = (touched.get(phrase, (at, at))[0], at)
        for phrase, (earliest, latest) in touched.items():
            yield from self._occurrences(phrase, tokens, earliest - _LONGEST, latest)

    def _occurrences(
        self, phrase: int, tokens: Sequence[Token], start: int, latest: int
    ) -> Iterator[Hit]:
        opening, reached = self._openings[phrase], -1
        for first in range(max(0, start), latest + 1):
            if opening.isdisjoint(tokens[first].reading.senses):
                continue
            hit = self._longest(phrase, tokens, first)
            if hit and hit.last > reached:
                reached = hit.last
                yield hit

    def _longest(self, phrase: int, tokens: Sequence[Token], first: int) -> Hit | None:
        paths = self._paths(self._starts[phrase], tokens, first, first)
        credible = [path for path in paths if _credible([sense for _, sense in path])]
        best = max(credible, key=lambda path: (path[-1][0], len(path)), default=None)
        return None if best is None else _hit(phrase, best)

    def _paths(
        self, places: Places, tokens: Sequence[Token], at: int, first: int
    ) -> Iterator[_Path]:
        """Ways through one phrase that read the tokens from `at` on."""
        if at >= len(tokens) or at - first > _LONGEST:
            return
        token = tokens[at]
        for place in places:
            yield from self._steps(self._words[place], tokens, at, first)
            if self._gaps[place] and token.piece.pause < _SENTENCE:
                yield from self._paths(self._gaps[place], tokens, at + 1, first)
        if token.reading.skip and at > first:
            yield from self._paths(places, tokens, at + 1, first)

    def _steps(
        self, edges: Mapping[str, Places], tokens: Sequence[Token], at: int, first: int
    ) -> Iterator[_Path]:
        for symbol, sense in tokens[at].reading.senses.items():
            if symbol in edges:
                if self._end in edges[symbol]:
                    yield [(at, sense)]
                for rest in self._paths(edges[symbol], tokens, at + 1, first):
                    yield [(at, sense), *rest]

    # Compiling

    def _place(self) -> int:
        self._words.append({})
        self._gaps.append(())
        return len(self._words) - 1

    def _sequence(self, nodes: Sequence[Node], after: Places) -> Places:
        for node in reversed(nodes):
            after = self._node(node, after)
        return after

    def _node(self, node: Node, after: Places) -> Places:
        if isinstance(node, Word):
            return self._one_of((node.symbol,), after)
        if isinstance(node, Gap):
            return self._gap(node.most, after)
        return self._choice(node, after)

    def _choice(self, node: Choice, after: Places) -> Places:
        words = [part[0].symbol for part in node.options if _single(part)]  # type: ignore[union-attr]
        places = self._one_of(words, after) if words else ()
        for part in node.options:
            if not _single(part):
                places += self._sequence(part, after)
        return tuple(dict.fromkeys(places))

    def _one_of(self, symbols: Iterable[str], after: Places) -> Places:
        place = self._place()
        self._words[place] = dict.fromkeys(symbols, after)
        return (place,)

    def _gap(self, most: int, after: Places) -> Places:
        reached = after
        for _ in range(most):
            place = self._place()
            self._gaps[place] = reached
            reached = (*after, place)
        return reached


def _single(part: tuple[Node, ...]) -> bool:
    return len(part) == 1 and isinstance(part[0], Word)


def _anchors(nodes: Sequence[Node], common: Mapping[str, int]) -> frozenset[str]:
    """Of the parts that a phrase cannot do without, the one whose words are rarest in phrases."""
    needed = [found for node in nodes if (found := _words_of(node, common))]
    return min(needed, key=lambda part: max(common[symbol] for symbol in part), default=frozenset())


def _words_of(node: Node, common: Mapping[str, int]) -> frozenset[str]:
    if isinstance(node, Word):
        return frozenset((node.symbol,))
    if isinstance(node, Gap):
        return frozenset()
    parts = [_anchors(option, common) for option in node.options]
    return frozenset().union(*parts) if all(parts) else frozenset()


def _hit(phrase: int, path: _Path) -> Hit:
    used = tuple(at for at, _ in path)
    how = next((sense.how for _, sense in path if sense.how != "plain"), "plain")
    return Hit(phrase, used[0], used[-1], used, how)


def _credible(senses: Sequence[Sense]) -> bool:
    """Whether enough of a phrase was written plainly (service specification 7.3 step 11)."""
    guesses = sum(sense.guess for sense in senses)
    if len(senses) == 1:
        return senses[0].alone
    return 2 * guesses <= len(senses) + 1 and guesses < len(senses)

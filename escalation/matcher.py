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

from escalation.patterns import Choice, Gap, Node, Parts, Word
from escalation.vocabulary import Sense, Token

_LONGEST = 30
"""No phrase spans more tokens than this, fillers included."""
_SENTENCE = 2
"""The pause at which a gap ends: a new sentence."""

_REACH = 16
"""Parts joined by "&" lie within this many tokens."""
_ELASTIC = 3
"""A phrase of so many words may have foreign words inside, one for each so many..."""
_SPARE = 2

Places = tuple[int, ...]


@dataclass(frozen=True)
class Hit:
    """One phrase found in a message: tokens first..last, of which `used` matched its words."""

    phrase: int
    first: int
    last: int
    used: tuple[int, ...]
    how: str
    core: int
    """First token of its last part, which a negation before it would deny."""


@dataclass(frozen=True)
class _Path:
    """A way through one part: which tokens were read, and how."""

    used: tuple[int, ...] = ()
    senses: tuple[Sense, ...] = ()

    def after(self, at: int, sense: Sense) -> _Path:
        return _Path((at, *self.used), (sense, *self.senses))


class Matcher:
    """Phrases, compiled; numbered in the order given."""

    def __init__(self, phrases: Sequence[Parts], elastic: Sequence[bool]) -> None:
        self._words: list[dict[str, Places]] = []
        self._gaps: list[Places] = []
        self._end = self._place()
        self._elastic = elastic
        self._starts = [[self._sequence(part, (self._end,)) for part in parts] for parts in phrases]
        self._openings = [list(map(self._opening, parts)) for parts in self._starts]
        common = Counter(symbol for edges in self._words for symbol in edges)
        self._filed: dict[str, list[int]] = defaultdict(list)
        for number, parts in enumerate(phrases):
            for symbol in _rarest([_anchors(part, common) for part in parts], common):
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
            span = range(max(0, earliest - _LONGEST), min(len(tokens), latest + _LONGEST))
            yield from self._hits_of(phrase, tokens, span)

    def _hits_of(self, phrase: int, tokens: Sequence[Token], span: range) -> Iterator[Hit]:
        parts = [self._occurrences(phrase, part, tokens, span) for part in range(self._parts(phrase))]
        for core in parts[-1]:
            others = [_nearest(core, paths) for paths in parts[:-1]]
            if all(others):
                yield _hit(phrase, core, [path for path in others if path])

    def _parts(self, phrase: int) -> int:
        return len(self._starts[phrase])

    def _occurrences(self, phrase: int, part: int, tokens: Sequence[Token], span: range) -> list[_Path]:
        opening, found = self._openings[phrase][part], list[_Path]()
        for first in span:
            if opening.isdisjoint(tokens[first].reading.senses):
                continue
            path = self._longest(phrase, part, tokens, first)
            if path and (not found or path.used[-1] > found[-1].used[-1]):
                found.append(path)
        return found

    def _longest(self, phrase: int, part: int, tokens: Sequence[Token], first: int) -> _Path | None:
        spare = _SPARE * int(self._elastic[phrase])
        paths = self._paths(self._starts[phrase][part], tokens, first, first, spare)
        credible = (path for path in paths if _credible(path, self._parts(phrase)))
        return max(credible, key=lambda path: (path.used[-1], len(path.used)), default=None)

    def _paths(self, places: Places, tokens: Sequence[Token], at: int, first: int, spare: int) -> Iterator[_Path]:
        """Ways through one part that read the tokens from `at` on."""
        if at >= len(tokens) or at - first > _LONGEST:
            return
        token = tokens[at]
        for place in places:
            yield from self._steps(self._words[place], tokens, at, first, spare)
            if self._gaps[place] and token.piece.pause < _SENTENCE:
                yield from self._paths(self._gaps[place], tokens, at + 1, first, spare)
        if at > first:
            yield from self._passing(places, tokens, at, first, spare)

    def _passing(self, places: Places, tokens: Sequence[Token], at: int, first: int, spare: int) -> Iterator[_Path]:
        """Step over a filler, or once over any word of the same sentence."""
        token = tokens[at]
        if token.reading.skip:
            yield from self._paths(places, tokens, at + 1, first, spare)
        elif spare and token.piece.pause == 0:
            for path in self._paths(places, tokens, at + 1, first, spare - 1):
                if len(path.used) + at - first >= _ELASTIC:
                    yield path

    def _steps(
        self, edges: Mapping[str, Places], tokens: Sequence[Token], at: int, first: int, spare: int
    ) -> Iterator[_Path]:
        for symbol, sense in tokens[at].reading.senses.items():
            if symbol in edges:
                if self._end in edges[symbol]:
                    yield _Path().after(at, sense)
                for rest in self._paths(edges[symbol], tokens, at + 1, first, spare):
                    yield rest.after(at, sense)

    # Compiling

    def _opening(self, places: Places) -> frozenset[str]:
        return frozenset(symbol for place in places for symbol in self._words[place])

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
    """Of the words that a part cannot do without, those that are rarest in phrases."""
    return _rarest([found for node in nodes if (found := _words_of(node, common))], common)


def _rarest(parts: Sequence[frozenset[str]], common: Mapping[str, int]) -> frozenset[str]:
    return min(parts, key=lambda part: max(common[symbol] for symbol in part), default=frozenset())


def _words_of(node: Node, common: Mapping[str, int]) -> frozenset[str]:
    if isinstance(node, Word):
        return frozenset((node.symbol,))
    if isinstance(node, Gap):
        return frozenset()
    parts = [_anchors(option, common) for option in node.options]
    return frozenset[str]().union(*parts) if all(parts) else frozenset()


def _nearest(core: _Path, paths: Sequence[_Path]) -> _Path | None:
    """The occurrence nearest to `core` that shares no word with it and is within reach."""
    apart = {
        max(core.used[0] - path.used[-1], path.used[0] - core.used[-1]): path
        for path in reversed(paths)
        if set(core.used).isdisjoint(path.used)
    }
    distance = min(apart, default=_REACH + 1)
    return apart[distance] if distance <= _REACH else None


def _hit(phrase: int, core: _Path, others: Sequence[_Path]) -> Hit:
    used = sorted({at for path in (core, *others) for at in path.used})
    senses = (sense for path in (core, *others) for sense in path.senses)
    how = next((sense.how for sense in senses if sense.how != "plain"), "plain")
    return Hit(phrase, used[0], used[-1], tuple(used), how, core.used[0])


def _credible(path: _Path, parts: int) -> bool:
    """Whether enough was written plainly (service specification 7.3 step 11)."""
    guesses, words = sum(sense.guess for sense in path.senses), len(path.senses)
    if words == 1:
        sense = path.senses[0]
        return (sense.alone and (parts == 1 or not guesses)) or (parts > 1 and sense.how == "arabizi")
    return 2 * guesses <= words + 1 and guesses < words

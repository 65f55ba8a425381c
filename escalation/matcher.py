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
from itertools import accumulate

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


class _Message:
    """The tokens of one message, laid out for looking up."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.senses = [token.reading.senses for token in tokens]
        self.skips = [token.reading.skip for token in tokens]
        self.pauses = [token.piece.pause for token in tokens]
        self.places = list(accumulate((not token.piece.emoji for token in tokens), initial=0))
        """How many words stand before each token; emoji put nothing farther apart."""
        self.where: dict[str, list[int]] = defaultdict(list)
        for at, senses in enumerate(self.senses):
            for symbol in senses:
                self.where[symbol].append(at)
        self.symbols = set(self.where)

    def __len__(self) -> int:
        return len(self.senses)

    def starts(self, opening: frozenset[str], span: range) -> list[int]:
        """The tokens within `span` that one of these words may stand for."""
        found = {at for symbol in opening & self.symbols for at in self.where[symbol]}
        return sorted(at for at in found if at in span)


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
        self._needed: list[list[frozenset[str]]] = []
        needs = _Needs(common)
        for number, parts in enumerate(phrases):
            by_part = [needs.of(part) for part in parts]
            anchors = needs.rarest(list(map(needs.rarest, by_part)))
            rest = {needed for part in by_part for needed in part if needed is not anchors}
            self._needed.append(sorted(rest, key=needs.commonness))
            for symbol in anchors:
                self._filed[symbol].append(number)

    def symbols(self) -> set[str]:
        """Every word, stem and number range that any phrase mentions."""
        return {name for edges in self._words for name in edges}

    def hits(self, tokens: Sequence[Token]) -> Iterator[Hit]:
        """Every phrase found: for each phrase the longest hits, none inside another."""
        message = _Message(tokens)
        touched: dict[int, tuple[int, int]] = {}
        for symbol, places in message.where.items():
            for phrase in self._filed.get(symbol, ()):
                if self._may_be_in(phrase, message.symbols):
                    earliest, latest = touched.get(phrase, (places[0], 0))
                    touched[phrase] = earliest, max(latest, places[-1])
        for phrase, (earliest, latest) in touched.items():
            span = range(max(0, earliest - _LONGEST), min(len(tokens), latest + _LONGEST))
            yield from self._hits_of(phrase, message, span)

    def _may_be_in(self, phrase: int, symbols: set[str]) -> bool:
        for needed in self._needed[phrase]:  # noqa: SIM110 (a third of the time of `all`)
            if needed.isdisjoint(symbols):
                return False
        return True

    def _hits_of(self, phrase: int, message: _Message, span: range) -> Iterator[Hit]:
        parts = [self._occurrences(phrase, part, message, span) for part in range(len(self._starts[phrase]))]
        for core in parts[-1]:
            others = [_nearest(core, paths, message.places) for paths in parts[:-1]]
            if all(others):
                yield _hit(phrase, core, [path for path in others if path])

    def _occurrences(self, phrase: int, part: int, message: _Message, span: range) -> list[_Path]:
        found: list[_Path] = []
        for first in message.starts(self._openings[phrase][part], span):
            path = self._longest(phrase, part, message, first)
            if path and (not found or path.used[-1] > found[-1].used[-1]):
                found.append(path)
        return found

    def _longest(self, phrase: int, part: int, message: _Message, first: int) -> _Path | None:
        spare = _SPARE if self._elastic[phrase] else 0
        paths = self._paths(self._starts[phrase][part], message, first, first, spare)
        credible = (path for path in paths if _credible(path, len(self._starts[phrase])))
        return max(credible, key=lambda path: (path.used[-1], len(path.used)), default=None)

    def _paths(self, places: Places, message: _Message, at: int, first: int, spare: int) -> list[_Path]:
        """Ways through one part that read the tokens from `at` on."""
        found: list[_Path] = []
        if at >= len(message) or at - first > _LONGEST:
            return found
        senses = message.senses[at].keys()
        for place in places:
            if not senses.isdisjoint(self._words[place].keys()):
                found += self._steps(self._words[place], message, at, first, spare)
            if self._gaps[place] and message.pauses[at] < _SENTENCE:
                found += self._paths(self._gaps[place], message, at + 1, first, spare)
        if at > first:
            found += self._passing(places, message, at, first, spare)
        return found

    def _passing(self, places: Places, message: _Message, at: int, first: int, spare: int) -> list[_Path]:
        """Step over a filler, or once over any word of the same sentence."""
        if message.skips[at]:
            return self._paths(places, message, at + 1, first, spare)
        if not spare or message.pauses[at]:
            return []
        paths = self._paths(places, message, at + 1, first, spare - 1)
        return [path for path in paths if len(path.used) + at - first >= _ELASTIC]

    def _steps(
        self, edges: Mapping[str, Places], message: _Message, at: int, first: int, spare: int
    ) -> Iterator[_Path]:
        for symbol, sense in message.senses[at].items():
            if symbol in edges:
                if self._end in edges[symbol]:
                    yield _Path().after(at, sense)
                for rest in self._paths(edges[symbol], message, at + 1, first, spare):
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
        words = _words(node.options)
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


def _words(options: Iterable[tuple[Node, ...]]) -> list[str]:
    """Of the options those that are one word."""
    return [node.symbol for node, *more in filter(None, options) if not more and isinstance(node, Word)]


class _Needs:
    """Which words a phrase cannot do without. `common` says in how many phrases a word stands."""

    def __init__(self, common: Mapping[str, int]) -> None:
        self._common = common
        self._of_choice: dict[int, frozenset[str]] = {}

    def of(self, nodes: Sequence[Node]) -> list[frozenset[str]]:
        """Sets of words; of each set one must be there."""
        return [found for node in nodes if (found := self._words_of(node))]

    def rarest(self, sets: Sequence[frozenset[str]]) -> frozenset[str]:
        """The set whose most common word is the rarest in phrases; nothing of nothing."""
        if len(sets) == 1:
            return sets[0]
        return min(sets, key=self.commonness, default=frozenset())

    def commonness(self, words: frozenset[str]) -> int:
        """In how many phrases the most common of these words stands."""
        return max(map(self._common.__getitem__, words))

    def _words_of(self, node: Node) -> frozenset[str]:
        if isinstance(node, Word):
            return frozenset((node.symbol,))
        if isinstance(node, Gap):
            return frozenset()
        # Word groups stand in many phrases as one object.
        if (known := self._of_choice.get(id(node))) is None:
            known = self._of_choice[id(node)] = self._of_any(node.options)
        return known

    def _of_any(self, options: Sequence[tuple[Node, ...]]) -> frozenset[str]:
        words = _words(options)
        rest = [self.rarest(self.of(option)) for option in options if not _single(option)]
        return frozenset(words).union(*rest) if all(rest) else frozenset()


def _nearest(core: _Path, paths: Sequence[_Path], places: Sequence[int]) -> _Path | None:
    """The occurrence nearest to `core` that shares no word with it and is within reach."""
    apart = {
        max(places[core.used[0]] - places[path.used[-1]], places[path.used[0]] - places[core.used[-1]]): path
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

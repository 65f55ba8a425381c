"""All phrases of all lexicons as one machine that reads a message once.

Purpose: find every phrase in a message at a cost that does not grow with the number of phrases.
Owns: the combined automaton, and which words of the message made each hit.
May import: patterns, vocabulary.
Start reading at: Automaton.hits.

The phrases form one non-deterministic automaton over known words. Its reachable sets of places are
built when first met and remembered, so a message usually costs one look-up per word. A hit is then
traced back through its own phrase to learn where it began and how its words were read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from escalation.patterns import Choice, Gap, Node, Word
from escalation.vocabulary import Reading, Sense, Token

_LONGEST = 30
"""No phrase spans more tokens than this, fillers included."""
_MOST_STATES = 30_000

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


@dataclass(eq=False)
class _State:
    places: frozenset[int]
    complete: tuple[int, ...]
    moves: dict[tuple[Reading, bool], _State] = field(default_factory=dict)


class Automaton:
    """Phrases, compiled; numbered in the order given."""

    def __init__(self, phrases: Iterable[Sequence[Node]]) -> None:
        self._words: list[dict[str, Places]] = []
        self._gaps: list[Places] = []
        self._phrase_at: dict[int, int] = {}
        self._starts: list[Places] = []
        for number, nodes in enumerate(phrases):
            end = self._place()
            self._phrase_at[end] = number
            self._starts.append(self._sequence(nodes, (end,)))
        self._first = self._first_words()
        self._states: dict[frozenset[int], _State] = {}

    def symbols(self) -> set[str]:
        """Every word, stem and number range that any phrase mentions."""
        return {name for edges in self._words for name in edges}

    def hits(self, tokens: Sequence[Token]) -> Iterator[Hit]:
        """Every phrase found, once for each token it may end at."""
        state = self._state(frozenset())
        for at, token in enumerate(tokens):
            move = (token.reading, token.piece.pause == _SENTENCE)
            following = state.moves.get(move)
            if following is None:
                following = state.moves[move] = self._follow(state, *move)
            state = following
            for phrase in state.complete:
                if hit := self._trace(phrase, tokens, at):
                    yield hit

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
        words = [part[0].symbol for part in node.options if _single(part) and isinstance(part[0], Word)]
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

    def _first_words(self) -> dict[str, frozenset[int]]:
        first: dict[str, set[int]] = defaultdict(set)
        for places in self._starts:
            for place in places:
                for symbol, after in self._words[place].items():
                    first[symbol].update(after)
        return {symbol: frozenset(places) for symbol, places in first.items()}

    def _follow(self, state: _State, reading: Reading, fresh: bool) -> _State:
        reached: set[int] = set()
        for symbol in reading.senses:
            reached |= self._first.get(symbol, frozenset())
        for place in state.places:
            reached.update(*self._onward(place, reading, fresh))
        return self._state(frozenset(reached))

    def _onward(self, place: int, reading: Reading, fresh: bool) -> Iterator[Places]:
        edges = self._words[place]
        if edges:
            yield from (edges[symbol] for symbol in reading.senses if symbol in edges)
        elif not fresh:
            yield self._gaps[place]
        if reading.skip:
            yield (place,)

    def _state(self, reached: frozenset[int]) -> _State:
        if (state := self._states.get(reached)) is None:
            if len(self._states) >= _MOST_STATES:
                self._forget()
            complete = tuple(sorted(self._phrase_at[p] for p in reached if p in self._phrase_at))
            places = frozenset(p for p in reached if p not in self._phrase_at)
            state = self._states[reached] = _State(places, complete)
        return state

    def _forget(self) -> None:
        for state in self._states.values():
            state.moves.clear()
        self._states.clear()

    def _trace(self, phrase: int, tokens: Sequence[Token], last: int) -> Hit | None:
        for first in range(max(0, last - _LONGEST), last + 1):
            if self._may_start(phrase, tokens[first].reading):
                for path in self._paths(self._starts[phrase], tokens, first, last):
                    if _credible([sense for _, sense in path]):
                        return _hit(phrase, path)
        return None

    def _may_start(self, phrase: int, reading: Reading) -> bool:
        starts = self._starts[phrase]
        return any(symbol in self._words[p] for p in starts for symbol in reading.senses)

    def _paths(
        self, places: Places, tokens: Sequence[Token], at: int, last: int, begun: bool = False
    ) -> Iterator[_Path]:
        """Ways through one phrase that read the tokens from `at` on and complete it at `last`."""
        token = tokens[at]
        for place in places:
            for symbol, sense in token.reading.senses.items():
                after = self._words[place].get(symbol, ())
                for rest in self._completions(after, tokens, at, last):
                    yield [(at, sense), *rest]
            if at < last and self._gaps[place] and token.piece.pause < _SENTENCE:
                yield from self._paths(self._gaps[place], tokens, at + 1, last, True)
        if begun and at < last and token.reading.skip:
            yield from self._paths(places, tokens, at + 1, last, True)

    def _completions(
        self, after: Places, tokens: Sequence[Token], at: int, last: int
    ) -> Iterator[_Path]:
        if at < last:
            yield from self._paths(after, tokens, at + 1, last, True)
        elif any(place in self._phrase_at for place in after):
            yield []


def _single(part: tuple[Node, ...]) -> bool:
    return len(part) == 1 and isinstance(part[0], Word)


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

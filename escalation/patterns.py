"""The language in which risk phrases are written, meant to be read by a clinician.

Purpose: turn one written pattern into a tree.
Owns: the pattern syntax.
May import: normalise.
Start reading at: Grammar.parse.

    i want to die          these words, in this order, however they were typed
    (die|be dead)          one of these
    [really]               may be there or not
    suicid*                any word that begins so
    ...                    up to three other words
    <family>               one phrase of the word group "family" of the same lexicon
    {8-17}                 a number in this range
    rope & goodbye         both within a dozen words, in any order; a negation before the last
                           part denies the whole
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escalation.normalise import fold, pieces

_PART = re.compile(r"\s*(\.\.\.|[()\[\]|]|<[^<>]*>|\{[^{}]*\}|[^\s()\[\]|<>{}]+)")
_NUMBERS = re.compile(r"\{(\d+)-(\d+)\}")
_GLUED = re.compile(r"[\w'*][(\[<{]|[)\]>}][\w'(\[<{]")


class PatternError(ValueError):
    """A pattern that cannot be read; the message says why."""


@dataclass(frozen=True)
class Word:
    """One symbol: a word, "stem*" or "{low-high}"."""

    symbol: str


@dataclass(frozen=True)
class Gap:
    """Up to `most` words of any kind."""

    most: int = 3


@dataclass(frozen=True)
class Choice:
    """One of several sequences; an empty one means "may be absent"."""

    options: tuple[tuple[Node, ...], ...]


Node = Word | Gap | Choice
Parts = tuple[tuple[Node, ...], ...]
"""A phrase: its parts, each in order; more than one when they may stand in any order."""


class Grammar:
    """Reads patterns that may name the word groups of one lexicon."""

    def __init__(self, groups: Mapping[str, Sequence[str]], contractions: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups
        self.contractions = contractions
        self._read: dict[str, Choice] = {}
        self._reading: list[str] = []
        self._words: dict[str, tuple[Node, ...]] = {}

    def parse(self, pattern: str) -> Parts:
        """The trees of one pattern: one, or several joined by "&".

        Raises:
            PatternError: the pattern is unbalanced, names an unknown group, is empty or may match
                nothing, or begins or ends with a gap.
        """
        return tuple(self._part(part) for part in pattern.split("&"))

    def _part(self, part: str) -> tuple[Node, ...]:
        nodes = self._sequence(part)
        if _may_be_empty(nodes):
            raise PatternError("it could match a message without any of its words")
        if isinstance(nodes[0], Gap) or isinstance(nodes[-1], Gap):
            raise PatternError("it begins or ends with a gap")
        return nodes

    def group(self, name: str) -> Choice:
        """One of the phrases of a word group."""
        if name not in self._groups:
            raise PatternError(f"there is no word group <{name}>")
        if name in self._reading:
            raise PatternError(f"the word group <{name}> refers to itself")
        if name not in self._read:
            self._reading.append(name)
            self._read[name] = Choice(tuple(map(self._sequence, self._groups[name])))
            self._reading.pop()
        return self._read[name]

    def words(self, part: str) -> tuple[Node, ...]:
        """One written word, or a range of numbers, as the words it stands for."""
        if part not in self._words:
            self._words[part] = tuple(map(Word, self._written(part)))
        return self._words[part]

    def _written(self, part: str) -> list[str]:
        if part[0] == "{":
            if not _NUMBERS.fullmatch(part):
                raise PatternError(f"{part!r} is not a range of numbers such as {{8-17}}")
            return [part]
        typed = [piece.plain for piece in pieces(part.rstrip("*"))]
        if not typed:
            raise PatternError(f"{part!r} holds no word")
        words = [word for each in typed for word in self.contractions.get(each, (fold(each),))]
        if part.endswith("*"):
            words[-1] += "*"
        return words

    def _sequence(self, pattern: str) -> tuple[Node, ...]:
        if glued := _GLUED.search(pattern):
            raise PatternError(f"write whole words: a space is missing at {glued.group()!r}")
        return _Parser(pattern, self).whole()


def _may_be_empty(nodes: tuple[Node, ...]) -> bool:
    return not any(
        isinstance(node, Word) or (isinstance(node, Choice) and not any(map(_may_be_empty, node.options)))
        for node in nodes
    )


class _Parser:
    def __init__(self, pattern: str, grammar: Grammar) -> None:
        self._parts = _PART.findall(pattern)
        self._grammar = grammar
        self._at = 0

    def whole(self) -> tuple[Node, ...]:
        nodes = self._sequence()
        if self._at < len(self._parts):
            raise PatternError(f"unexpected {self._parts[self._at]!r}")
        return nodes

    def _sequence(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        while self._at < len(self._parts) and self._parts[self._at] not in "|)]":
            part = self._parts[self._at]
            self._at += 1
            nodes.extend(self._node(part))
        return tuple(nodes)

    def _node(self, part: str) -> tuple[Node, ...]:
        if part == "(":
            return (Choice(self._options(")")),)
        if part == "[":
            return (Choice((*self._options("]"), ())),)
        if part == "...":
            return (Gap(),)
        if part[0] == "<":
            return (self._grammar.group(part[1:-1]),)
        return self._grammar.words(part)

    def _options(self, closing: str) -> tuple[tuple[Node, ...], ...]:
        options = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence())
        if self._peek() != closing:
            raise PatternError(f"a {closing!r} is missing")
        self._at += 1
        return tuple(options)

    def _peek(self) -> str:
        return self._parts[self._at] if self._at < len(self._parts) else ""

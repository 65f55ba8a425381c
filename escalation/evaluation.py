"""How well screening does on labelled messages.

Purpose: count what was found and what was missed, with honest intervals.
Owns: Item, read_items, Result, Figures, tables.
May import: signs.
Start reading at: tables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from escalation.signs import RiskLevel

KINDS = ("risk", "watch", "trap", "everyday")
"""What a labelled message is there for: real risk, level 1, harmless text with dangerous words, harmless text."""
_LEVEL = re.compile(r"([0-4])(?:(\+)|-([0-4]))?")
_Z = 1.959964
"""The 95 % quantile of the normal distribution, for Wilson's score interval (Wilson 1927)."""


class LabelError(ValueError):
    """A labelled message cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Item:
    """One labelled message: the levels it may have are `low` to `high`."""

    id: str
    language: str
    text: str
    low: int
    high: int
    categories: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Result:
    """A labelled message and the level it was given."""

    item: Item
    level: RiskLevel


def read_items(found: object, language: str) -> list[Item]:
    """Labelled messages from parsed YAML or JSON: a list of {id, text, level, categories, kind}.

    `level` is "3", "3+" (at least) or "2-3" (either is right). `language` holds for messages that
    do not name their own.

    Raises:
        LabelError: names the message and what is wrong with it.
    """
    if not isinstance(found, list):
        raise LabelError(f"{language}: the file must hold a list of messages")
    return [_item(raw, language, at) for at, raw in enumerate(found, start=1)]


def _item(raw: object, language: str, at: int) -> Item:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("text"), str):
        raise LabelError(f"{language}, message {at}: it has no text")
    name = str(raw.get("id", f"{language}-{at}"))
    kind = raw.get("kind", "risk" if str(raw.get("level")) != "0" else "everyday")
    if kind not in KINDS:
        raise LabelError(f"{name}: kind {kind!r} is not one of {', '.join(KINDS)}")
    low, high = _range(str(raw.get("level")), name)
    categories = raw.get("categories") or ()
    if not isinstance(categories, (list, tuple)):
        raise LabelError(f"{name}: categories must be a list")
    return Item(
        name, str(raw.get("language", language)), raw["text"], low, high, tuple(map(str, categories)), str(kind)
    )


def _range(level: str, name: str) -> tuple[int, int]:
    found = _LEVEL.fullmatch(level)
    if not found:
        raise LabelError(f'{name}: level {level!r} is not a number from 0 to 4, "3+" or "2-3"')
    low = int(found[1])
    return low, 4 if found[2] else int(found[3] or low)


@dataclass(frozen=True)
class Share:
    """`part` of `whole`, with its 95 % Wilson score interval."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The share, from 0 to 1; NaN of nothing."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share; 0 to 1 when nothing was counted."""
        if not self.whole:
            return 0.0, 1.0
        n, p = self.whole, self.value
        middle, scale = p + _Z**2 / (2 * n), 1 + _Z**2 / n
        spread = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    def __str__(self) -> str:
        if not self.whole:
            return "–"
        low, high = self.interval
        return f"{self.value:.3f} [{low:.2f}-{high:.2f}]{self.part:>4}/{self.whole}".rjust(28)


@dataclass(frozen=True)
class Figures:
    """What screening reached on some messages."""

    high_found: Share
    """Of messages of level 3 or 4 those given 3 or 4."""
    elevated_found: Share
    """Of messages of level 2 to 4 those given 2 or more."""
    alarmed: Share
    """Of harmless messages (level 0) those given 2 or more."""
    alarmed_high: Share
    """Of harmless messages those given 3 or 4."""
    in_range: Share
    """Of all messages those given a level that their label allows."""


def figures(results: Iterable[Result]) -> Figures:
    """The figures of these results."""
    given = list(results)
    high = [r for r in given if r.item.low >= RiskLevel.HIGH]
    elevated = [r for r in given if r.item.low >= RiskLevel.ELEVATED]
    harmless = [r for r in given if r.item.high == RiskLevel.NONE]
    return Figures(
        _share(high, lambda r: r.level >= RiskLevel.HIGH),
        _share(elevated, lambda r: r.level >= RiskLevel.ELEVATED),
        _share(harmless, lambda r: r.level >= RiskLevel.ELEVATED),
        _share(harmless, lambda r: r.level >= RiskLevel.HIGH),
        _share(given, lambda r: r.item.low <= r.level <= r.item.high),
    )


def _share(results: Sequence[Result], counts: Callable[[Result], bool]) -> Share:
    return Share(sum(map(counts, results)), len(results))


def missed(results: Iterable[Result]) -> list[Result]:
    """Messages of level 2 to 4 that were given less than 2, or less than 3 where 3 was due."""
    return [r for r in results if r.level < min(r.item.low, RiskLevel.HIGH) and r.item.low >= RiskLevel.ELEVATED]


def alarms(results: Iterable[Result]) -> list[Result]:
    """Harmless messages that were given level 2 or more."""
    return [r for r in results if r.item.high == RiskLevel.NONE and r.level >= RiskLevel.ELEVATED]


_HEAD = f"{'':10}" + "".join(
    name.rjust(28) for name in ("recall, level >= 3", "recall, level >= 2", "alarms >= 2", "alarms >= 3", "in range")
)


def tables(results: Sequence[Result]) -> Iterator[str]:
    """Lines to print: figures per language, category and kind, and who was missed, by id."""
    groups: tuple[tuple[str, Callable[[Item], Sequence[str]]], ...] = (
        ("language", lambda item: (item.language,)),
        ("category", lambda item: item.categories),
        ("kind", lambda item: (item.kind,)),
    )
    for title, names in groups:
        yield f"{title}\n{_HEAD}"
        for name in sorted({name for r in results for name in names(r.item)}):
            yield _line(name, [r for r in results if name in names(r.item)])
    yield _line("all", results)
    yield "missed: " + (" ".join(f"{r.item.id}({r.level})" for r in missed(results)) or "none")
    yield "false alarms: " + (" ".join(f"{r.item.id}({r.level})" for r in alarms(results)) or "none")


def _line(name: str, results: Sequence[Result]) -> str:
    found = figures(results)
    shares = (found.high_found, found.elevated_found, found.alarmed, found.alarmed_high, found.in_range)
    return f"{name:10}" + "".join(str(share).rjust(28) for share in shares)

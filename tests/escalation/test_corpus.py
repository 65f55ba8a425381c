"""How well the lexicons do on messages that their author has not read.

The corpus is written apart from the lexicons (tests/escalation/corpus/<language>.yml). This file
prints figures only, never a message, so that the lexicons can be improved without fitting them to
single sentences. Run with `-s` to see the table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from escalation import Screener

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.yml")) if CORPUS.is_dir() else []
# A floor under what these first lexicons reach on messages their author never saw, to be raised
# with them; the aim is 0.98 (service specification 3.2). Figures: docs/nlu.md.
LEAST_RECALL = 0.65
MOST_FALSE_ALARMS = 0.08


@dataclass(frozen=True)
class Item:
    """One message and the levels it may have."""

    text: str
    low: int
    high: int
    categories: tuple[str, ...]


@dataclass
class Figures:
    """Counts for one language, or one category."""

    serious: int = 0
    found: int = 0
    harmless: int = 0
    watched: int = 0
    alarmed: int = 0
    total: int = 0
    within: int = 0

    @property
    def recall(self) -> float:
        """Share of level 3-4 messages that were given level 3 or 4."""
        return self.found / self.serious if self.serious else 1.0

    @property
    def false_alarms(self) -> float:
        """Share of level 0 messages that were given level 3 or 4."""
        return self.alarmed / self.harmless if self.harmless else 0.0

    def count(self, item: Item, level: int) -> None:
        """Add one screened message."""
        self.total += 1
        self.within += item.low <= level <= item.high
        if item.low >= 3:
            self.serious += 1
            self.found += level >= 3
        if item.high == 0:
            self.harmless += 1
            self.watched += level >= 1
            self.alarmed += level >= 3

    def line(self, name: str) -> str:
        """One line of the table."""
        return (
            f"{name:8} {self.total:5} {self.found:4}/{self.serious:<4} {self.recall:7.3f}"
            f" {self.harmless:5} {self.watched:4} {self.alarmed:4} {self.false_alarms:7.3f}"
            f" {self.within / max(1, self.total):7.3f}"
        )


def _item(raw: dict[str, object]) -> Item:
    low, high = _range(str(raw["level"]))
    categories = raw.get("categories") or ()
    assert isinstance(categories, (list, tuple))
    return Item(str(raw["text"]), low, high, tuple(map(str, categories)))


def _range(level: str) -> tuple[int, int]:
    if level.endswith("+"):
        return int(level[:-1]), 4
    low, _, high = level.partition("-")
    return int(low), int(high or low)


def _items(path: Path) -> list[Item]:
    return [_item(raw) for raw in yaml.safe_load(path.read_text("utf-8"))]


def _measure(screener: Screener) -> tuple[dict[str, Figures], dict[str, Figures]]:
    languages: dict[str, Figures] = defaultdict(Figures)
    categories: dict[str, Figures] = defaultdict(Figures)
    for path in FILES:
        for item in _items(path):
            level = int(screener.assess(item.text).level)
            languages[path.stem].count(item, level)
            languages["all"].count(item, level)
            for name in item.categories or ("-",):
                categories[name].count(item, level)
    return languages, categories


@pytest.mark.skipif(not FILES, reason="the held-apart corpus is not here")
def test_serious_messages_are_found_and_everyday_ones_left_alone(screener: Screener) -> None:
    languages, categories = _measure(screener)
    print("\n         total found/serious recall harmless L1+  L3+   false  level ok")
    for table in (languages, categories):
        for name in sorted(table):
            print(table[name].line(name))
    assert languages["all"].recall >= LEAST_RECALL
    assert languages["all"].false_alarms <= MOST_FALSE_ALARMS

"""How well the lexicons do on labelled messages.

`corpus/<language>.yml` is what the lexicon's author works with; `corpus/<language>.test.yml` is kept
from them. Figures only are printed here, never a message. The floors lie under what is reached, to be
raised with it; the aims are those of the service specification 3.2. Figures: docs/safety.md. The same
table, with intervals: `harbour screen-eval tests/escalation/corpus/*.test.yml`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.conversation.screening import read_labelled
from escalation import Screener
from escalation.evaluation import Item, Result, Share, figures, tables

CORPUS = Path(__file__).parent / "corpus"
WAVE_1 = ("en", "es", "fr", "ar", "uk", "ru")
ENOUGH = dict.fromkeys(WAVE_1, 300) | {"fa": 150}
ENOUGH_SMALLER = 60
LEAST_TRAPS = 0.4
# (recall of level 3 and 4, recall of level 2 to 4, alarms on harmless messages)
FLOORS = {"seen": (0.30, 0.30, 0.12), "unseen": (0.30, 0.30, 0.15)}


def _items(split: str) -> list[Item]:
    unseen = split == "unseen"
    files = [path for path in sorted(CORPUS.glob("*.yml")) if path.name.endswith(".test.yml") == unseen]
    return [item for path in files for item in read_labelled(path)]


@pytest.mark.parametrize("split", FLOORS)
def test_serious_messages_are_found_and_harmless_ones_left_alone(screener: Screener, split: str) -> None:
    results = [Result(item, screener.assess(item.text).level) for item in _items(split)]
    print(f"\n{split}\n" + "\n".join(line for line in tables(results) if ": " not in line))
    found = figures([result for result in results if result.item.language in WAVE_1])
    high, elevated, alarmed = FLOORS[split]
    assert found.high_found.value >= high
    assert found.elevated_found.value >= elevated
    assert found.alarmed.value <= alarmed


def test_every_language_has_enough_messages_and_traps() -> None:
    items = _items("seen") + _items("unseen")
    count = Counter(item.language for item in items)
    traps = Counter(item.language for item in items if item.kind in ("trap", "everyday"))
    for language, found in count.items():
        assert found >= ENOUGH.get(language, ENOUGH_SMALLER), language
        assert traps[language] / found >= LEAST_TRAPS, language
    assert set(ENOUGH) | {"ps", "sw", "ha", "ckb", "ht", "pt", "tr"} == set(count)


def test_no_message_stands_in_both_splits_or_twice() -> None:
    texts = Counter(" ".join(item.text.lower().split()) for item in _items("seen") + _items("unseen"))
    assert [count for count in texts.values() if count > 1] == []


def test_an_interval_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263, 95 % score interval 0.2553 to 0.3662.
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)

"""The labelled messages that screening finds, each assessed once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from bot.conversation.screening import read_labelled
from escalation import Assessment, RiskLevel
from escalation.evaluation import Item
from tests.world import screener

CORPUS = Path(__file__).parent / "escalation" / "corpus"


class Danger(NamedTuple):
    """One labelled message of level 2 or more that the lexicons alone find."""

    item: Item
    found: Assessment


@cache
def labelled() -> tuple[Item, ...]:
    """Every labelled message of every language."""
    return tuple(item for path in sorted(CORPUS.glob("*.yml")) for item in read_labelled(path))


@cache
def dangers() -> tuple[Danger, ...]:
    """Every message of level 2 or more that screening finds by the lexicons alone."""
    assessed = (Danger(item, screener().assess(item.text)) for item in labelled() if item.low >= RiskLevel.ELEVATED)
    return tuple(danger for danger in assessed if danger.found.alarming)


def spread(most: int, language: str = "") -> list[Danger]:
    """At most `most` of them, evenly spread over the corpus, or over one language of it."""
    those = [danger for danger in dangers() if language in ("", danger.item.language)]
    return those[:: max(1, -(-len(those) // most))]

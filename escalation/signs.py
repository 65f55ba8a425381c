"""The nouns of risk screening.

Purpose: name what a screening finds and what it concludes.
Owns: RiskLevel, Earlier, RiskCategory, RiskSignal, Assessment, highest.
May import: the standard library.
Start reading at: Assessment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeVar

T = TypeVar("T")


class RiskLevel(IntEnum):
    """How soon a person must act (service specification 3.2, table)."""

    NONE = 0
    WATCH = 1
    ELEVATED = 2
    HIGH = 3
    IMMINENT = 4


@dataclass(frozen=True)
class Earlier:
    """The level of an earlier message of the same contact, and how many days ago it came."""

    level: RiskLevel
    days: float = 0.0


class RiskCategory(str, Enum):
    """What the risk is about (service specification 3.1)."""

    SUICIDE_SELF = "R1"
    SUICIDE_OTHER = "R1T"
    HARM_TO_OTHERS = "R2"
    VIOLENCE_BY_OTHERS = "R3"
    CHILD_AT_RISK = "R4"
    EXPLOITATION = "R5"
    MEDICAL_EMERGENCY = "R6"
    SEVERE_ILLNESS = "R7"
    TRAUMA_DISCLOSURE = "R8"
    ABUSE_BY_STAFF = "R9"
    SURVIVAL_NEED = "R10"
    UNREADABLE = "R11"


@dataclass(frozen=True)
class RiskSignal:
    """One sign of risk found in one message, for the counsellor's screen (3.4)."""

    category: RiskCategory
    kind: str
    """What it signals: "wish", "thought", "intent", "method", "act", "time", … (see kinds.py)."""
    matched: str
    """The words of the original message."""
    start: int | None
    """Offset of the first character in the original message; None when there are no words."""
    end: int | None
    entry: str
    """Id of the lexicon entry."""
    language: str
    subject: str = "self"
    """"self", "other" or "reader"."""
    polarity: str = "affirmed"
    """"affirmed", "negated", "quoted", "conditional" or "past"."""
    candidate: str = "plain"
    """Which normalisation produced the hit: "plain", "spelling", "typo", "deleet", "arabizi", …"""
    hint: RiskLevel | None = None
    """The level the lexicon entry asks for, where it differs from its kind's usual level."""


@dataclass(frozen=True)
class Assessment:
    """What one message says about risk, and why."""

    level: RiskLevel
    categories: tuple[RiskCategory, ...] = ()
    """Most serious first."""
    signals: tuple[RiskSignal, ...] = ()
    rules: tuple[str, ...] = ()
    """The level rules that decided, as "3.2-<number>"."""
    ask: str | None = None
    """Key of the question the bot should ask, or None: "meaning_check" (D5),
    "meaning_check_negated" (D5b), "third_person" (D11), "need" (R10), "unreadable"."""

    @property
    def alarming(self) -> bool:
        """Whether a human must see this soon (level 2 or higher)."""
        return self.level >= RiskLevel.ELEVATED


def highest(assessments: Iterable[Assessment]) -> Assessment:
    """Merge the assessments of one message's texts: the highest level, everything that was seen."""
    parts = sorted(assessments, key=lambda part: -part.level)
    if not parts:
        return Assessment(RiskLevel.NONE)
    return Assessment(
        level=parts[0].level,
        categories=_unique(name for part in parts for name in part.categories),
        signals=_unique(sign for part in parts for sign in part.signals),
        rules=_unique(rule for part in parts for rule in part.rules),
        ask=next((part.ask for part in parts if part.ask), None),
    )


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))

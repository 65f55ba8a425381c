"""What a second, statistical reader may do to an assessment: raise it.

Purpose: keep the word lists' findings, and add what the reader hears in the whole message.
Owns: raised, SECOND_READER.
May import: signs.
Start reading at: raised.
"""

from __future__ import annotations

import dataclasses

from escalation.signs import Assessment, RiskCategory, RiskLevel, RiskSignal

SECOND_READER = "second-reader"
"""The rule, and the kind of sign, that a counsellor sees when the reader raised the level."""

_ASKS = {
    RiskCategory.SUICIDE_SELF: "meaning_check",
    RiskCategory.SUICIDE_OTHER: "third_person",
    RiskCategory.SURVIVAL_NEED: "need",
}


def raised(found: Assessment, level: RiskLevel, category: RiskCategory, *, minor: bool = False) -> Assessment:
    """`found`, raised to `level` if that is higher; never lowered, and nothing found is dropped.

    A bare suspicion (level 1) counts only where there is a question to ask about it.
    Rule 13: level 2 about oneself is level 3 for a minor.
    """
    if minor and category is RiskCategory.SUICIDE_SELF and level == RiskLevel.ELEVATED:
        level = RiskLevel.HIGH
    asks = _ASKS.get(category)
    if level <= found.level or (level == RiskLevel.WATCH and asks is None):
        return found
    sign = RiskSignal(category, SECOND_READER, "", None, None, SECOND_READER, language="", hint=level)
    return dataclasses.replace(
        found,
        level=level,
        categories=tuple(dict.fromkeys((category, *found.categories))),
        signals=(*found.signals, sign),
        rules=(SECOND_READER,),
        ask=found.ask or (asks if level <= RiskLevel.ELEVATED else None),
    )

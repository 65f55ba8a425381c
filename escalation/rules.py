"""The level rules of the service specification, section 3.2.

Purpose: from signals, and what was known before, to a level.
Owns: the rules 1-9, 11 and 13, and what the bot should ask. (Rules 10 and 12 are not about one
    message: the follow-up clock and onboarding belong to the caller.)
May import: kinds, signs.
Start reading at: decide.

Every rule adds verdicts and the highest one counts, so one more sign never lowers the level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from escalation.kinds import ACUTE, AIMS, ASPECTS, CORE, KINDS
from escalation.signs import Assessment, Earlier, RiskCategory, RiskLevel, RiskSignal

NONE, WATCH, ELEVATED, HIGH, IMMINENT = RiskLevel
_SELF, _OTHER = RiskCategory.SUICIDE_SELF, RiskCategory.SUICIDE_OTHER
_TIMED = (RiskCategory.HARM_TO_OTHERS, RiskCategory.VIOLENCE_BY_OTHERS, RiskCategory.EXPLOITATION)
_ASPECTS = 3
"""How many aspects of an indirect message make it serious."""
_TIMES = 3
"""How many messages of one level raise it (rule 9)."""
_WITHIN_DAYS = 7
"""... if they came within so many days."""

Signals = Sequence[RiskSignal]


@dataclass(frozen=True)
class Verdict:
    """What one rule concludes."""

    level: RiskLevel
    category: RiskCategory
    rule: str


def decide(signals: Signals, earlier: Sequence[Earlier] = (), *, minor: bool = False) -> Assessment:
    """Apply the rules to the signals of one message.

    `earlier` holds the levels of the last 14 days, oldest first; the result is never below them.
    """
    recent = [one.level for one in earlier]
    verdicts = [verdict for rule in _RULES for verdict in rule(signals)]
    verdicts += _unreadable(signals, recent)
    verdicts += _still_happening(signals, recent)
    verdicts += _under_age(verdicts, minor or any(sign.kind == "minor" for sign in signals))
    verdicts += _repeated(verdicts, earlier)
    return _conclude(signals, verdicts, max(recent, default=NONE))


def _conclude(signals: Signals, verdicts: list[Verdict], before: RiskLevel) -> Assessment:
    serious = sorted((v for v in verdicts if v.level > NONE), key=lambda v: -v.level)
    own = serious[0].level if serious else NONE
    rules = dict.fromkeys(v.rule for v in serious if v.level == own)
    if before > own:
        rules["3.2-1"] = None
    return Assessment(
        level=max(own, before),
        categories=tuple(dict.fromkeys(v.category for v in serious)),
        signals=tuple(signals),
        rules=tuple(rules),
        ask=_ask(signals, serious, own),
    )


# Each sign by itself


def _each(signals: Signals) -> Iterator[Verdict]:
    for sign in signals:
        level = _weight(sign)
        if sign.polarity in ("negated", "quoted", "past"):
            yield Verdict(min(level, WATCH), sign.category, "3.2-4")
        elif sign.polarity == "conditional":
            yield Verdict(min(level, ELEVATED), sign.category, "3.2-3")
        else:
            yield Verdict(_of_other(sign, level), sign.category, _rule_of(sign))


def _weight(sign: RiskSignal) -> RiskLevel:
    return KINDS[sign.kind] if sign.hint is None else sign.hint


def _of_other(sign: RiskSignal, level: RiskLevel) -> RiskLevel:
    """Rule 5: about another person, level 3 unless more is known."""
    if sign.category is _OTHER and sign.kind in CORE | {"attempt"} and sign.hint is None:
        return max(level, HIGH)
    return level


def _rule_of(sign: RiskSignal) -> str:
    if sign.category is _OTHER:
        return "3.2-5"
    by_kind = {"idiom": "3.2-6", "attempt": "3.2-7", "goodbye": "3.2-11", "act": "3.2-2"}
    if sign.category is _SELF or sign.kind == "idiom":
        return by_kind.get(sign.kind, "3.2-3")
    return "3.2"


# Signs together


def _self_and_now(signals: Signals) -> Iterator[Verdict]:
    """Rule 2: affirmed, self, with a plan, means, time or act: imminent at once."""
    own = [sign for sign in signals if sign.category is _SELF and _meant(sign)]
    for sign in own:
        rest = {other.kind for other in own if other.entry != sign.entry or other.kind == "time"}
        if sign.kind in CORE and rest & (ACUTE - {sign.kind}):
            yield Verdict(IMMINENT, _SELF, "3.2-2")


def _others_now(signals: Signals) -> Iterator[Verdict]:
    """Rule 5 and the table: another's suicide, or a threat to life, with a time."""
    for sign in signals:
        if sign.kind == "time" and sign.category is _OTHER:
            yield Verdict(IMMINENT, _OTHER, "3.2-5")
        timed = any(s.kind in AIMS and s.category is sign.category and _meant(s) for s in signals)
        if sign.kind == "time" and sign.category in _TIMED and timed:
            yield Verdict(IMMINENT, sign.category, "3.2")


def _attempts(signals: Signals) -> Iterator[Verdict]:
    """Rule 7: an attempt within about three months, or long ago with distress now."""
    for sign in signals:
        if sign.kind != "attempt" or sign.polarity == "negated":
            continue
        if any(other.kind == "recent" and other.entry == sign.entry for other in signals):
            yield Verdict(HIGH, sign.category, "3.2-7")
        if any(_distressed(other) for other in signals):
            yield Verdict(ELEVATED, sign.category, "3.2-7")


def _goodbyes(signals: Signals) -> Iterator[Verdict]:
    """Rule 11 and the table: a last goodbye."""
    if not any(sign.kind == "goodbye" and _meant(sign) for sign in signals):
        if _suicide_words(signals) and any(sign.kind == "farewell" for sign in signals):
            yield Verdict(HIGH, _SELF, "3.2-11")
        return
    if any(sign.kind == "farewell" for sign in signals):
        yield Verdict(HIGH, _SELF, "3.2-11")
    if _suicide_words(signals):
        yield Verdict(IMMINENT, _SELF, "3.2-2")


def _closings(signals: Signals) -> Iterator[Verdict]:
    """Rule 11 for quiet preparation: two different ways of taking leave, or one with a goodbye."""
    leave = _topics(s for s in signals if s.kind in ("closing", "farewell") and _meant(s))
    closing = any(sign.kind == "closing" and _meant(sign) for sign in signals)
    if leave > 1 or (closing and any(sign.kind == "goodbye" for sign in signals)):
        yield Verdict(HIGH, _SELF, "3.2-11")
    if closing and any(map(_distressed, signals)):
        yield Verdict(ELEVATED, _SELF, "3.2-11")


def _controls(signals: Signals) -> Iterator[Verdict]:
    """The table, R5: one sign of control may have an innocent reason, two are a positive check."""
    if _topics(s for s in signals if s.kind == "control_sign" and _meant(s)) > 1:
        yield Verdict(HIGH, RiskCategory.EXPLOITATION, "3.2")


def _aspects(signals: Signals) -> Iterator[Verdict]:
    """Calm or indirect words: despair, leave-taking, means, resolve and a time, taken together."""
    own = [sign for sign in signals if sign.category is _SELF and _meant(sign)]
    seen = {ASPECTS[sign.kind] for sign in own if sign.kind in ASPECTS}
    if not seen & {"despair", "leave"}:
        return
    if len(seen) >= _ASPECTS:
        yield Verdict(HIGH, _SELF, "3.2")
    elif len(seen - {"time"}) > 1:
        yield Verdict(ELEVATED, _SELF, "3.2")


def _topics(signals: Iterable[RiskSignal]) -> int:
    """How many different things were said: of signs that share words one counts."""
    seen, reached = set[str](), -1
    for sign in sorted(signals, key=lambda s: (s.end or 0, -(s.start or 0))):
        if (sign.start or 0) >= reached and _topic(sign) not in seen:
            seen.add(_topic(sign))
            reached = sign.end or 0
    return len(seen)


def _topic(sign: RiskSignal) -> str:
    """What an entry is about, whatever its language: "ru.r5.papers" and "uk.r5.papers" are one."""
    return sign.entry.removeprefix(f"{sign.language}.")


def _suicide_words(signals: Signals) -> bool:
    own = (sign for sign in signals if sign.category is _SELF and _meant(sign))
    return any(sign.kind in CORE for sign in own)


def _disclosures(signals: Signals) -> Iterator[Verdict]:
    """The table, level 2: past violence asking for help; trauma disclosed in distress."""
    for sign in signals:
        if sign.kind == "help" and sign.category is RiskCategory.VIOLENCE_BY_OTHERS:
            yield Verdict(ELEVATED, sign.category, "3.2")
        if sign.kind == "disclosure" and any(map(_distressed, signals)):
            yield Verdict(ELEVATED, sign.category, "3.2")


_RULES: tuple[Callable[[Signals], Iterator[Verdict]], ...] = (
    _each,
    _self_and_now,
    _others_now,
    _attempts,
    _goodbyes,
    _closings,
    _aspects,
    _controls,
    _disclosures,
)


# Signs and what was known before


def _unreadable(signals: Signals, recent: Sequence[RiskLevel]) -> Iterator[Verdict]:
    """Rule 8: a second sign we cannot read, or any while level 2 is open, goes to a person."""
    before = recent[-1] if recent else NONE
    if any(sign.kind == "unreadable" for sign in signals):
        raised = before >= WATCH or max(recent, default=NONE) >= ELEVATED
        yield Verdict(ELEVATED if raised else WATCH, RiskCategory.UNREADABLE, "3.2-8")


def _still_happening(signals: Signals, recent: Sequence[RiskLevel]) -> Iterator[Verdict]:
    """Rule 5: after an alarm about another person, "now" makes it imminent."""
    alarm = max(recent, default=NONE) >= HIGH or any(s.kind in CORE for s in signals)
    for sign in signals:
        if sign.kind == "isolation" and _meant(sign) and alarm:
            yield Verdict(IMMINENT, sign.category, "3.2-5")


def _under_age(verdicts: Sequence[Verdict], minor: bool) -> list[Verdict]:
    """Rule 13: level 2 about oneself becomes level 3 for a minor."""
    own = [v for v in verdicts if v.category is _SELF and v.level == ELEVATED]
    return [Verdict(HIGH, _SELF, "3.2-13")] if minor and own else []


def _repeated(verdicts: Sequence[Verdict], earlier: Sequence[Earlier]) -> list[Verdict]:
    """Rule 9: the same level for the third time in seven days counts one higher."""
    worst = max(verdicts, key=lambda v: v.level, default=None)
    if worst is None or worst.level in (NONE, IMMINENT):
        return []
    same = [one for one in earlier if one.level == worst.level and one.days <= _WITHIN_DAYS]
    if len(same) < _TIMES - 1:
        return []
    return [Verdict(RiskLevel(worst.level + 1), worst.category, "3.2-9")]


# What to ask


def _ask(signals: Signals, verdicts: Sequence[Verdict], level: RiskLevel) -> str | None:
    about = {v.category for v in verdicts}
    if _OTHER in about:
        return "third_person"
    if _SELF in about and level <= ELEVATED:
        return _meaning(signals)
    if RiskCategory.SURVIVAL_NEED in about and level <= ELEVATED:
        return "need"
    return "unreadable" if RiskCategory.UNREADABLE in about else None


def _meaning(signals: Signals) -> str | None:
    own = [sign for sign in signals if sign.category is _SELF and _weight(sign) > NONE]
    if all(sign.polarity == "negated" for sign in own):
        return "meaning_check_negated"
    sure = any(sign.kind == "attempt" and _meant(sign) for sign in own)
    return None if sure else "meaning_check"


def _meant(sign: RiskSignal) -> bool:
    return sign.polarity in ("affirmed", "conditional")


def _distressed(sign: RiskSignal) -> bool:
    return sign.kind in CORE | {"hopeless", "distress"} and _meant(sign)

"""Why a message was given its level, in lines for a clinician.

Purpose: show how each word was read, which phrases were found, what they mean here, and which rule decided.
Owns: explain.
May import: context, lexicon, signs, vocabulary.
Start reading at: explain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from escalation.context import Found
from escalation.lexicon import Role
from escalation.signs import Assessment, RiskSignal
from escalation.vocabulary import Token

_MOST_READINGS = 6


def explain(tokens: Sequence[Token], found: Sequence[Found], assessment: Assessment) -> Iterator[str]:
    """Lines that say how `assessment` came about."""
    yield "words"
    for token in tokens:
        yield f"  {token.piece.plain:<16} {_readings(token)}"
    yield "phrases"
    for item in sorted(found, key=lambda item: (item.phrase.role is not Role.RISK, item.hit.first)):
        words = " ".join(tokens[at].piece.plain for at in item.hit.used)
        yield f"  {words:<30} {_name(item)} (read as {item.hit.how})"
    yield "signs"
    for sign in assessment.signals:
        yield f"  {_sign(sign)}"
    rules = ", ".join(assessment.rules) or "none"
    yield f"level {int(assessment.level)} by rule {rules}; ask: {assessment.ask or 'nothing'}"


def _readings(token: Token) -> str:
    senses = token.reading.senses
    shown = [f"{meant} ({sense.how})" for meant, sense in list(senses.items())[:_MOST_READINGS]]
    if len(senses) > _MOST_READINGS:
        shown.append(f"and {len(senses) - _MOST_READINGS} more")
    return ", ".join(shown) or "-"


def _name(item: Found) -> str:
    return item.phrase.entry.id if item.phrase.entry else f"{item.phrase.language} {item.phrase.role.value}"


def _sign(sign: RiskSignal) -> str:
    about = f"{sign.category.value} {sign.kind}, {sign.subject}, {sign.polarity}"
    return f"{sign.matched!r}: {about}, from {sign.entry}"

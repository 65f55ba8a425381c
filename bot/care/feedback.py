"""What counsellors find out about the screening becomes labels: right, a false alarm, missed.

Owns: Finding, closing(), label(), sampled(), report().
May import: store, the package escalation.
Start reading at: `closing`.
"""

from __future__ import annotations

import dataclasses
import math
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bot import clock
from bot.errors import HarbourError
from bot.store import cases, labels
from bot.store.cases import Case
from bot.store.database import Session
from bot.store.labels import Judged
from escalation import RiskCategory, RiskLevel
from escalation.case import FALSE_ALARM
from escalation.feedback import Verdict, table

CONFIRMS = ("helped", "referred")
"""Closing reasons that say that the alert was right to call a person."""
_ONE_IN = 50
"""Service specification 3.2: a supervisor reads 2 % of the conversations that raised no alarm."""
_KNOWN = tuple(category.value for category in RiskCategory)


class NothingToLabel(HarbourError):
    """There is no such message, or what is said about its level cannot be."""

    code = "nothing_to_label"
    status = 422


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a person found about a message: the level it should have had, 0 when it was no risk.

    `message` is its number, None for the last one; `category` what a missed danger was about.
    """

    level: int
    message: int | None = None
    category: str = ""


async def closing(session: Session, case: Case, reason: str) -> None:
    """Label the alerts of a case that is being closed, where the reason says something about them.

    What was said of a single message before stays.
    """
    if reason != FALSE_ALARM and reason not in CONFIRMS:
        return
    false = reason == FALSE_ALARM
    for alert in await labels.alerts_of(session, case.contact_id, cases.first_moment(case)):
        verdict = Verdict.FALSE if false else Verdict.CONFIRMED
        await labels.keep(session, alert, verdict=verdict.value, level=0 if false else alert.level, first=True)


async def label(
    session: Session, contact_id: uuid.UUID, by: str, finding: Finding, case_id: uuid.UUID | None = None
) -> Judged:
    """Keep what a person found about one message; the message as it was screened. It changes no level.

    Raises NothingToLabel.
    """
    found = await _message(session, contact_id, finding.message)
    if finding.level == 0:
        if found.level == 0:
            raise NothingToLabel(f"Message {found.inbox_id} was given level 0 already.")
        verdict, act = Verdict.FALSE, "labelled a message as no risk"
    else:
        _check_missed(found, finding)
        verdict, act = Verdict.MISSED, "labelled a message as missed"
        found = dataclasses.replace(found, category=finding.category or found.category)
    await labels.keep(session, found, verdict=verdict.value, level=finding.level)
    await cases.audit(session, by, act, case_id)
    return found


def _check_missed(found: Judged, finding: Finding) -> None:
    if not found.level < finding.level <= RiskLevel.IMMINENT:
        raise NothingToLabel(
            f"Message {found.inbox_id} was given level {found.level}: what was missed is a higher one, 4 at most."
        )
    if finding.category and finding.category not in _KNOWN:
        raise NothingToLabel(f"There is no category {finding.category!r}; there are: {', '.join(_KNOWN)}.")


async def _message(session: Session, contact_id: uuid.UUID, message: int | None) -> Judged:
    found = await labels.message_of(session, contact_id, message)
    if found is None:
        which = "a message" if message is None else f"message {message}"
        raise NothingToLabel(
            f"This person has not written {which} that was screened; numbers stand in the conversation."
        )
    return found


async def sampled(session: Session, month: datetime) -> Sequence[uuid.UUID]:
    """The conversations of one month without alarm that a supervisor is to read: 2 %, at least one.

    Drawn by a keyed hash of month and conversation, so that nobody can choose, and the draw is the
    same each time. `month` is its first moment.
    """
    end = (month + timedelta(days=32)).replace(day=1)
    there = await labels.unflagged(session, month, end)
    drawn = sorted(there, key=lambda one: session.keys.pseudonym(f"sample {month:%Y-%m}", str(one)))
    return drawn[: math.ceil(len(drawn) / _ONE_IN)]


async def report(session: Session, *, days: int, least: int) -> Iterator[str]:
    """Lines to print: alerts, confirmed, false and missed per language, category and rule."""
    since = (clock.now().astimezone(UTC) - timedelta(days=days)).date()
    counts: dict[tuple[str, str, str], dict[str, int]] = {}
    for language, category, rule, column, count in await labels.counts(session, since):
        counts.setdefault((language, category, rule), {})[column] = count
    return table(counts, least)

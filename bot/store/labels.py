"""Labels: what a person found about the level of a message, for measuring the screening.

Owns: Judged, alerts_of(), message_of(), keep(), counts(), unflagged().
May import: SQLAlchemy, `bot.clock`, `bot.store.assessments`' tables.
Start reading at: `keep`.

A label holds no text, no contact and no time of day. Its id is a keyed hash of the message's, so
that the same message is never labelled twice, and nobody finds the message without the key.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.store.database import Row, Session
from bot.store.tables import assessment, case_, contact, inbox, label

ALERT = 2
"""The lowest level that calls a person."""
NOTHING = "none"


@dataclasses.dataclass(frozen=True)
class Judged:
    """One screened message, as far as a label needs it."""

    inbox_id: int
    at: datetime
    language: str
    level: int
    category: str
    rule: str
    entries: tuple[str, ...]


async def alerts_of(session: Session, contact_id: uuid.UUID, since: datetime) -> list[Judged]:
    """The contact's messages of level 2 and above from then on, that no person has lowered."""
    rows = await session.all(
        _judged().where(
            assessment.c.contact_id == contact_id,
            assessment.c.at > since,
            assessment.c.level >= ALERT,
            assessment.c.lowered_at.is_(None),
        )
    )
    return [_from(session, row) for row in rows]


async def message_of(session: Session, contact_id: uuid.UUID, inbox_id: int | None) -> Judged | None:
    """That message of the contact, or their last one; None if they wrote no such message."""
    wanted = _judged().where(assessment.c.contact_id == contact_id)
    if inbox_id is not None:
        wanted = wanted.where(assessment.c.inbox_id == inbox_id)
    row = await session.one(wanted.order_by(assessment.c.inbox_id.desc()).limit(1))
    return _from(session, row) if row else None


def _judged() -> sa.Select[tuple[object, ...]]:
    return sa.select(assessment, contact.c.language).join(contact, contact.c.id == assessment.c.contact_id)


def _from(session: Session, row: Row) -> Judged:
    signals = session.keys.open_json(row["sealed_signals"], "assessment.signals")
    return Judged(
        row["inbox_id"],
        row["at"],
        row["language"] or "?",
        row["level"],
        next(iter(row["categories"]), NOTHING),
        next(iter(row["rules"]), NOTHING),
        tuple(dict.fromkeys(signal["entry"] for signal in signals)),
    )


async def keep(session: Session, judged: Judged, *, verdict: str, level: int, first: bool = False) -> None:
    """Write down what a person found. With `first`, what was found of this message before stays."""
    values = {
        "day": judged.at.astimezone(UTC).date(),
        "verdict": verdict,
        "language": judged.language,
        "category": judged.category,
        "rule": judged.rule,
        "entries": list(judged.entries),
        "level_given": judged.level,
        "level_true": level,
    }
    statement = insert(label).values(id=session.keys.pseudonym("label", str(judged.inbox_id)), **values)
    at_hand = [label.c.id]
    if first:
        await session.run(statement.on_conflict_do_nothing(index_elements=at_hand))
    else:
        await session.run(statement.on_conflict_do_update(index_elements=at_hand, set_=values))


async def counts(session: Session, since: date) -> list[tuple[str, str, str, str, int]]:
    """(language, category, rule, column, how many) from that day on: alerts, and what people found."""
    language = sa.func.coalesce(contact.c.language, "?").label("language")
    category = sa.func.coalesce(assessment.c.categories[1], NOTHING).label("category")
    rule = sa.func.coalesce(assessment.c.rules[1], NOTHING).label("rule")
    alerts = (
        sa.select(language, category, rule, sa.literal("alerts").label("column"), sa.func.count().label("count"))
        .join(contact, contact.c.id == assessment.c.contact_id)
        .where(assessment.c.at >= datetime(since.year, since.month, since.day, tzinfo=UTC), assessment.c.level >= ALERT)
        .group_by(*map(sa.text, ("1", "2", "3")))
    )
    found = (
        sa.select(label.c.language, label.c.category, label.c.rule, label.c.verdict, sa.func.count().label("count"))
        .where(label.c.day >= since)
        .group_by(label.c.language, label.c.category, label.c.rule, label.c.verdict)
    )
    rows = [*await session.all(alerts), *await session.all(found)]
    return [tuple(row.values()) for row in rows]


async def unflagged(session: Session, begin: datetime, end: datetime) -> Sequence[uuid.UUID]:
    """Contacts who wrote from `begin` to before `end`, of whom nothing reached level 2 and no case was
    opened in that time: conversations that no person was called to."""
    wrote = sa.exists().where(
        inbox.c.contact_id == contact.c.id, inbox.c.received_at >= begin, inbox.c.received_at < end
    )
    alarmed = sa.exists().where(
        assessment.c.contact_id == contact.c.id,
        assessment.c.at >= begin,
        assessment.c.at < end,
        assessment.c.level >= ALERT,
    )
    seen = sa.exists().where(case_.c.contact_id == contact.c.id, case_.c.opened_at >= begin, case_.c.opened_at < end)
    rows = await session.all(sa.select(contact.c.id).where(wrote, ~alarmed, ~seen))
    return [row["id"] for row in rows]

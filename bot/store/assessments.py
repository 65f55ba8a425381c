"""What screening found in each message.

Owns: record(), past(), Past.
May import: SQLAlchemy, `bot.clock`.
Start reading at: `record`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.errors import CannotDecrypt
from bot.store.contacts import MINORS
from bot.store.database import Row, Session
from bot.store.statement import Statement
from bot.store.tables import assessment, contact, inbox
from bot.store.wire import message_from_json
from bot.vocabulary import InboundMessage


async def record(
    session: Session,
    *,
    inbox_id: int,
    contact_id: uuid.UUID,
    level: int,
    categories: Sequence[str],
    rules: Sequence[str],
    signals: Any,
) -> None:
    """Keep one assessment; a higher level found later for the same message replaces it."""
    await session.run(
        _RECORD,
        {
            "inbox_id": inbox_id,
            "contact_id": contact_id,
            "at": clock.now(),
            "level": level,
            "categories": list(categories),
            "rules": list(rules),
            "sealed_signals": session.keys.seal_json(signals, "assessment.signals"),
        },
    )


def _recording() -> Statement:
    statement = insert(assessment)
    found = ("level", "categories", "rules", "sealed_signals")
    higher = statement.on_conflict_do_update(
        index_elements=[assessment.c.inbox_id],
        set_={name: statement.excluded[name] for name in found},
        where=assessment.c.level < statement.excluded.level,
    )
    return Statement(higher.inline(), ("inbox_id", "contact_id", "at", *found))


_RECORD = _recording()


@dataclasses.dataclass(frozen=True)
class Past:
    """A message that was screened. `message` is None when it cannot be opened, for want of its key."""

    id: int
    at: datetime
    language: str | None
    minor: bool
    message: InboundMessage | None


async def past(session: Session, *, since: datetime, after: int, most: int) -> list[Past]:
    """At most `most` messages screened from `since` on, by id, those after the id `after`."""
    rows = await session.all(
        sa.select(assessment.c.inbox_id, assessment.c.at, inbox.c.sealed, contact.c.language, contact.c.age_band)
        .join(inbox, inbox.c.id == assessment.c.inbox_id)
        .join(contact, contact.c.id == assessment.c.contact_id)
        .where(assessment.c.at >= since, assessment.c.inbox_id > after)
        .order_by(assessment.c.inbox_id)
        .limit(most)
    )
    return [_past(session, row) for row in rows]


def _past(session: Session, row: Row) -> Past:
    try:
        message = message_from_json(session.keys.open_json(row["sealed"], "inbox.message"))
    except CannotDecrypt:
        message = None
    return Past(row["inbox_id"], row["at"], row["language"], row["age_band"] in MINORS, message)

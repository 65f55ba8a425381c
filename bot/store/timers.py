"""Timers: things to be done later, as rows.

Owns: set_timer(), claim_timer(), done(), again().
May import: SQLAlchemy, `bot.clock`.
Start reading at: `claim_timer`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Session
from bot.store.tables import timer


@dataclasses.dataclass(frozen=True)
class Timer:
    """One thing that is due."""

    id: uuid.UUID
    kind: str
    contact_id: uuid.UUID | None
    payload: Mapping[str, Any]
    attempts: int


async def set_timer(
    session: Session,
    kind: str,
    due_at: datetime,
    *,
    key: str,
    contact_id: uuid.UUID | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Set a timer. One of the same key that still runs is never put off, only moved earlier."""
    statement = insert(timer).values(
        id=clock.new_id(), kind=kind, key=key, contact_id=contact_id, payload=dict(payload or {}), due_at=due_at
    )
    earliest = sa.case((timer.c.done_at.is_(None), sa.func.least(timer.c.due_at, due_at)), else_=due_at)
    await session.run(
        statement.on_conflict_do_update(
            index_elements=[timer.c.key],
            set_={"due_at": earliest, "done_at": None, "attempts": 0, "payload": statement.excluded.payload},
        )
    )


async def claim_timer(session: Session) -> Timer | None:
    """The timer that is due longest, locked until commit; locked ones are passed over."""
    row = await session.one(
        sa.select(timer)
        .where(timer.c.done_at.is_(None), timer.c.due_at <= clock.now())
        .order_by(timer.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    return Timer(row["id"], row["kind"], row["contact_id"], row["payload"], row["attempts"])


async def done(session: Session, timer_id: uuid.UUID) -> None:
    """It has been done."""
    await session.run(sa.update(timer).where(timer.c.id == timer_id).values(done_at=clock.now()))


async def again(session: Session, timer_id: uuid.UUID, due_at: datetime) -> None:
    """It went wrong; try again then."""
    await session.run(
        sa.update(timer).where(timer.c.id == timer_id).values(due_at=due_at, attempts=timer.c.attempts + 1)
    )

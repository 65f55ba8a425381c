"""What screening found in each message.

Owns: record().
May import: SQLAlchemy, `bot.clock`.
Start reading at: `record`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Session
from bot.store.statement import Statement
from bot.store.tables import assessment


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

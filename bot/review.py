"""Reviewing the screening in a terminal: how often alerts were right, and what raised none.

Owns: report(), sample().
May import: desk, care, store, settings.
Start reading at: `sample`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot import clock
from bot.care import feedback
from bot.care.feedback import Finding
from bot.desk import labelled, shown_line
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store import cases
from bot.store.database import Session
from bot.terminal import open_database


async def report(settings: Settings, *, days: int) -> None:
    """Print the table of the last `days` days. Raises ConfigurationError."""
    if days < 1:
        raise ConfigurationError("--days must be at least 1.")
    least = settings.smallest_count
    async with open_database(settings) as database, database.transaction() as session:
        print("\n".join(await feedback.report(session, days=days, least=least)))
    print(f"\n· not shown: a number from 1 to {least - 1}, or one that would tell such a number.")


async def sample(
    settings: Settings, month: datetime | None, read: str, by: str, finding: Finding | None = None
) -> None:
    """Print which conversations without alarm a supervisor is to read, or one of them, and label a
    message of it. Who looked is in the audit. Raises HarbourError with a sentence."""
    begin = (month or _last_month()).replace(tzinfo=UTC)
    if finding is not None and not read:
        raise ConfigurationError("Say with --read which conversation the message is of.")
    async with open_database(settings) as database, database.transaction() as session:
        drawn = await feedback.sampled(session, begin)
        if read:
            await _read(session, _chosen(drawn, read), by, finding)
            return
        await cases.audit(session, by, f"drew the sample of {begin:%Y-%m}", None)
    print(f"{len(drawn)} conversations of {begin:%Y-%m} that raised no alarm, drawn blind:")
    for one in drawn:
        print(one)
    print("\nto read one: harbour screen --sample --read ID · danger in it: --missed LEVEL --message NUMBER")


def _last_month() -> datetime:
    first = clock.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=1)


def _chosen(drawn: Sequence[uuid.UUID], read: str) -> uuid.UUID:
    found = [one for one in drawn if str(one).startswith(read)]
    if len(found) != 1:
        raise ConfigurationError(f"There is no one conversation in this sample that begins with {read!r}.")
    return found[0]


async def _read(session: Session, contact_id: uuid.UUID, by: str, finding: Finding | None) -> None:
    await cases.audit(session, by, f"read the sampled conversation {str(contact_id)[:8]}", None)
    for line in await cases.conversation(session, contact_id):
        print(shown_line(line))
    if finding is not None:
        print("\n" + labelled(await feedback.label(session, contact_id, by, finding), finding))

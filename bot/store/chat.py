"""What the terminal chat needs to see: the answers to one simulated contact.

Owns: Spoken, answers_after(), is_answered(), begin_as().
May import: SQLAlchemy, store.
Start reading at: `answers_after`.
"""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from bot.store.contacts import change_contact, find_or_create
from bot.store.database import Session
from bot.store.tables import address, inbox, outbox
from bot.vocabulary import Address


@dataclasses.dataclass(frozen=True)
class Spoken:
    """One message to the contact, and its place in the order."""

    position: int
    kind: str
    text: str


async def answers_after(session: Session, who: Address, position: int) -> list[Spoken]:
    """What was queued for this address after `position`."""
    rows = await session.all(
        sa.select(outbox.c.position, outbox.c.kind, outbox.c.sealed)
        .join(address, address.c.id == outbox.c.address_id)
        .where(_is(session, who), outbox.c.position > position)
        .order_by(outbox.c.position)
    )
    return [Spoken(row["position"], row["kind"], session.keys.open(row["sealed"], "outbox.text")) for row in rows]


async def is_answered(session: Session, who: Address) -> bool:
    """Whether nothing from this address waits."""
    waiting = await session.scalar(
        sa.select(sa.func.count())
        .select_from(inbox.join(address, address.c.id == inbox.c.address_id))
        .where(_is(session, who), inbox.c.state == "waiting")
    )
    return not waiting


async def begin_as(session: Session, who: Address, language: str) -> None:
    """Have this contact speak `language`, as if they had chosen it."""
    contact_id, _ = await find_or_create(session, [who])
    await change_contact(session, contact_id, {"language": language, "language_chosen": True})


def _is(session: Session, who: Address) -> sa.ColumnElement[bool]:
    return address.c.fingerprint == session.keys.fingerprint(who.channel.value, who.value)

"""The outbox: what is to be sent, in each address's order, until its fate is known.

Owns: queue(), claim(), settle(), report(), queue_state().
May import: SQLAlchemy, `bot.vocabulary`, `bot.clock`.
Start reading at: `claim`.

A send is written down as `sending` and committed before anything goes out. What is found
`sending` after its lease, or answered unclearly, is `unknown`: it is looked up at the provider
before anything is sent again.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot import clock
from bot.store.contacts import AddressState, address_from
from bot.store.database import Session
from bot.store.tables import address, outbox
from bot.vocabulary import DeliveryReport, DeliveryStatus, OutboundMessage

_SEALED = "outbox.text"
_OPEN = ("queued", "sending", "unknown")
# Kinds whose loss a counsellor must see.
MUST_ARRIVE = frozenset({"crisis", "counsellor"})


@dataclasses.dataclass(frozen=True)
class Claimed:
    """A message that this worker now sends, or looks up when `lookup` is set."""

    message: OutboundMessage
    contact_id: uuid.UUID
    kind: str
    address: AddressState
    attempts: int
    lookup: bool
    tried_at: datetime | None


async def queue(
    session: Session,
    *,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    texts: Sequence[str],
    kind: str,
    inbox_id: int | None = None,
) -> list[uuid.UUID]:
    """Add messages behind everything already queued for this address."""
    now = clock.now()
    ids = [clock.new_id() for _ in texts]
    for one, text in zip(ids, texts, strict=True):
        await session.insert(
            outbox,
            {
                "id": one,
                "contact_id": contact_id,
                "address_id": address_id,
                "inbox_id": inbox_id,
                "kind": kind,
                "sealed": session.keys.seal(text, _SEALED),
                "created_at": now,
                "due_at": now,
            },
        )
    return ids


async def claim(session: Session, lease: timedelta) -> Claimed | None:
    """The next message of an address nobody else is sending to; marked `sending`.

    An address's messages go out in order, one at a time. Only an answer to danger passes over
    what cannot be sent yet.
    """
    now = clock.now()
    row = await session.one(_NEXT_ADDRESS, now=now)
    found = await session.one(_NEXT_MESSAGE, now=now, address=row["id"]) if row else None
    if row is None or found is None:
        return None
    await session.run(
        sa.update(outbox)
        .where(outbox.c.id == found["id"])
        .values(
            status="sending",
            attempts=outbox.c.attempts + 1,
            due_at=now + lease,
            tried_at=now if found["status"] == "queued" else outbox.c.tried_at,
        )
    )
    return _claimed(session, found, row)


def _is_next() -> sa.ColumnElement[bool]:
    """Due, and nothing of the same address is under way or has to go first."""
    now: sa.BindParameter[Any] = sa.bindparam("now")
    other = outbox.alias("other")
    under_way = other.c.status.in_(("sending", "unknown"))
    waits_for_later = sa.and_(outbox.c.kind == "crisis", other.c.due_at > now)
    goes_first = sa.and_(other.c.position < outbox.c.position, ~waits_for_later)
    blocked = sa.exists().where(
        other.c.address_id == outbox.c.address_id,
        other.c.id != outbox.c.id,
        other.c.status.in_(_OPEN),
        sa.or_(under_way, goes_first),
    )
    return sa.and_(outbox.c.status.in_(_OPEN), outbox.c.due_at <= now, ~blocked)


# Built once: building them costs more than running them.
_NEXT_ADDRESS = (
    sa.select(address)
    .join(outbox, outbox.c.address_id == address.c.id)
    .where(_is_next())
    .order_by(outbox.c.position)
    .limit(1)
    .with_for_update(key_share=True, skip_locked=True, of=address)
)
_NEXT_MESSAGE = (
    sa.select(outbox)
    .where(outbox.c.address_id == sa.bindparam("address"), _is_next())
    .order_by(outbox.c.position)
    .limit(1)
)


def _claimed(session: Session, row: sa.RowMapping, address_row: sa.RowMapping) -> Claimed:
    state = address_from(session, address_row)
    text = session.keys.open(row["sealed"], _SEALED)
    return Claimed(
        message=OutboundMessage(row["id"], state.address, text),
        contact_id=row["contact_id"],
        kind=row["kind"],
        address=state,
        attempts=row["attempts"] + 1,
        lookup=row["status"] != "queued",
        tried_at=row["tried_at"],
    )


async def keep(session: Session, claimed: Claimed, lease: timedelta) -> bool:
    """Renew the lease just before sending. False if it ran out and somebody else claimed the message."""
    mine = (outbox.c.id == claimed.message.id, outbox.c.status == "sending", outbox.c.attempts == claimed.attempts)
    return bool(await session.run(sa.update(outbox).where(*mine).values(due_at=clock.now() + lease)))


async def settle(
    session: Session,
    message_id: uuid.UUID,
    status: DeliveryStatus,
    *,
    attempts: int,
    provider_id: str | None = None,
    reason: str | None = None,
    code: int | None = None,
    due_at: datetime | None = None,
) -> None:
    """What came of the claim with this number of `attempts`. A status that a callback has already moved
    further stays; a claim that outlived its lease has no say any more, except that the message went out."""
    values: dict[str, Any] = {"status": status.value, "reason": reason, "code": code}
    if provider_id:
        values["provider_id"] = provider_id
    if due_at:
        values["due_at"] = due_at
    if status is DeliveryStatus.SENT:
        values["sent_at"] = clock.now()
    mine = [outbox.c.id == message_id, outbox.c.status.in_(_OPEN)]
    if status is not DeliveryStatus.SENT:
        mine.append(outbox.c.attempts == attempts)
    await session.run(sa.update(outbox).where(*mine).values(**values))


async def report(session: Session, found: DeliveryReport, reason: str | None = None) -> sa.RowMapping | None:
    """A provider's later word. The status only moves forward, in whatever order words arrive.

    The changed row (id, address_id, contact_id, kind, status), or None if nothing changed or it is not ours.
    """
    mine = outbox.c.id == found.message_id if found.message_id else outbox.c.provider_id == found.provider_id
    row = await session.one(sa.select(outbox.c.id, outbox.c.status).where(mine).with_for_update())
    if row is None or DeliveryStatus(row["status"]).after(found.status).value == row["status"]:
        return None
    values: dict[str, Any] = {"status": found.status.value, "provider_id": found.provider_id}
    if found.code is not None:
        values |= {"code": found.code, "reason": reason}
    return await session.one(
        sa.update(outbox)
        .where(outbox.c.id == row["id"])
        .values(**values, sent_at=sa.func.coalesce(outbox.c.sent_at, clock.now()))
        .returning(outbox.c.id, outbox.c.address_id, outbox.c.contact_id, outbox.c.kind, outbox.c.status)
    )


async def known_provider_ids(session: Session, address_id: uuid.UUID) -> frozenset[str]:
    """The provider's ids of what we already know went to this address."""
    rows = await session.all(
        sa.select(outbox.c.provider_id)
        .where(outbox.c.address_id == address_id, outbox.c.provider_id.is_not(None))
        .order_by(outbox.c.position.desc())
        .limit(500)
    )
    return frozenset(row["provider_id"] for row in rows)


async def queue_state(session: Session) -> tuple[int, float]:
    """How many messages are open, and the age of the oldest in seconds."""
    row = await session.one(
        sa.select(sa.func.count().label("open"), sa.func.min(outbox.c.created_at).label("oldest")).where(
            outbox.c.status.in_(_OPEN)
        )
    )
    if row is None or row["oldest"] is None:
        return 0, 0.0
    return row["open"], (clock.now() - row["oldest"]).total_seconds()

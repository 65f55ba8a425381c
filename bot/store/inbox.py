"""The inbox: what came in, once each, in order, until it is answered.

Owns: receive_known(), receive(), claim_contact(), waiting(), done(), postpone(), failed().
May import: SQLAlchemy, `bot.vocabulary`, `bot.clock`.
Start reading at: `receive_known`, then `claim_contact`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.contacts import advisory_locks, find_or_create, fingerprints
from bot.store.database import Row, Session
from bot.store.statement import Statement
from bot.store.tables import address, contact, inbox
from bot.store.wire import message_from_json, message_to_json
from bot.vocabulary import InboundMessage

_SEALED = "inbox.message"


@dataclasses.dataclass(frozen=True)
class Waiting:
    """One message that waits for its answer."""

    id: int
    address_id: uuid.UUID
    message: InboundMessage
    received_at: datetime
    due_at: datetime
    attempts: int


# The locks come before all else: nothing leaves `known`, and so nothing is numbered, without them.
_RECEIVE_KNOWN = Statement(
    sa.text("""
    WITH locked AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(one) FROM unnest(CAST(:locks AS bigint[])) AS one
    ), known AS MATERIALIZED (
        SELECT address.id, address.contact_id, address.fingerprint
        FROM (SELECT count(*) FROM locked) AS first, address
        WHERE address.channel = ANY(CAST(:channels AS text[]))
            AND address.fingerprint = ANY(CAST(:fingerprints AS bytea[]))
    ), complete AS MATERIALIZED (
        SELECT count(*) = cardinality(CAST(:fingerprints AS bytea[])) AS complete FROM known
    ), stored AS (
        INSERT INTO inbox (channel, provider_id, contact_id, address_id, sealed, received_at, due_at)
        SELECT CAST(:channel AS text), CAST(:provider_id AS text), known.contact_id, known.id,
            CAST(:sealed AS bytea), CAST(:now AS timestamptz), CAST(:now AS timestamptz)
        FROM known, complete WHERE known.fingerprint = CAST(:sender AS bytea) AND complete
        ON CONFLICT (channel, provider_id) DO NOTHING RETURNING address_id
    ), heard AS (
        UPDATE address SET last_inbound_at = CAST(:now AS timestamptz), unusable_at = NULL
        FROM stored WHERE address.id = stored.address_id
    )
    SELECT complete, EXISTS (SELECT FROM stored) AS fresh FROM complete
    """)
)


async def receive_known(session: Session, message: InboundMessage) -> bool | None:
    """Store `message` in one statement. False if it was here before; None, and nothing done, if any
    of its addresses is new: then call `receive`.

    Messages of one contact are numbered in the order in which their transactions end, because
    each takes the contact's advisory lock first.
    """
    known = fingerprints(session, (message.sender, *message.aliases))
    row = await session.one(
        _RECEIVE_KNOWN,
        locks=advisory_locks(known),
        channels=list({one.channel.value for one in known.values()}),
        fingerprints=list(known),
        sender=next(iter(known)),
        channel=message.channel.value,
        provider_id=message.provider_id,
        sealed=session.keys.seal_json(message_to_json(message), _SEALED),
        now=clock.now(),
    )
    assert row is not None
    return row["fresh"] if row["complete"] else None


async def receive(session: Session, message: InboundMessage) -> bool:
    """Store `message` in a transaction; find its contact or create one. False if it was here before."""
    now = clock.now()
    contact_id, address_id = await find_or_create(session, (message.sender, *message.aliases))
    fresh = await session.scalar(
        insert(inbox)
        .values(
            channel=message.channel.value,
            provider_id=message.provider_id,
            contact_id=contact_id,
            address_id=address_id,
            sealed=session.keys.seal_json(message_to_json(message), _SEALED),
            received_at=now,
            due_at=now,
        )
        .on_conflict_do_nothing(index_elements=[inbox.c.channel, inbox.c.provider_id])
        .returning(inbox.c.id)
    )
    if fresh is None:
        return False
    await session.run(
        sa.update(address).where(address.c.id == address_id).values(last_inbound_at=now, unusable_at=None)
    )
    return True


def _claiming() -> sa.Select[Any]:
    """Whose due message is oldest."""
    due = (
        sa.select(inbox.c.contact_id, inbox.c.id)
        .where(inbox.c.state == "waiting", inbox.c.due_at <= sa.bindparam("now"))
        .order_by(inbox.c.id)
        .limit(500)
        .subquery()
    )
    first = sa.select(due.c.contact_id, sa.func.min(due.c.id).label("first")).group_by(due.c.contact_id).subquery()
    return (
        sa.select(contact)
        .join(first, first.c.contact_id == contact.c.id)
        .order_by(first.c.first)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True, of=contact)
    )


_CLAIM = Statement(_claiming())
_WAITING = Statement(
    sa.select(inbox)
    .where(inbox.c.contact_id == sa.bindparam("contact"), inbox.c.state == "waiting")
    .order_by(inbox.c.id)
    .limit(50)
)
_DONE = Statement(
    sa.update(inbox).where(inbox.c.id == sa.bindparam("one")).values(state="done", done_at=sa.bindparam("now"))
)


async def claim_contact(session: Session) -> Row | None:
    """The contact whose due message is oldest and whom no other worker holds, locked until commit.

    The row is not opened yet (see `contacts.contact_from`), so that the caller knows whose it is
    even when it cannot be. The lock leaves new messages free to come in: it is NO KEY, and the
    inbox only refers to the key.
    """
    return await session.one(_CLAIM, now=clock.now())


async def waiting(session: Session, contact_id: uuid.UUID) -> Sequence[Waiting]:
    """The contact's unanswered messages, oldest first, read afresh under the lock."""
    return [_waiting(session, row) for row in await session.all(_WAITING, contact=contact_id)]


def _waiting(session: Session, row: Row) -> Waiting:
    return Waiting(
        id=row["id"],
        address_id=row["address_id"],
        message=message_from_json(session.keys.open_json(row["sealed"], _SEALED)),
        received_at=row["received_at"],
        due_at=row["due_at"],
        attempts=row["attempts"],
    )


async def done(session: Session, inbox_id: int) -> None:
    """This message is answered, or needs no answer."""
    await session.run(_DONE, {"one": inbox_id, "now": clock.now()})


async def postpone(session: Session, contact_id: uuid.UUID, until: datetime, *, but: Collection[int] = ()) -> None:
    """Leave what this contact sent waiting until then, `but` for these messages."""
    await session.run(
        sa.update(inbox)
        .where(
            inbox.c.contact_id == contact_id,
            inbox.c.state == "waiting",
            inbox.c.due_at < until,
            inbox.c.id.not_in(but),
        )
        .values(due_at=until)
    )


async def failed(session: Session, inbox_id: int, until: datetime) -> None:
    """One more try went wrong; the next not before `until`."""
    await session.run(
        sa.update(inbox)
        .where(inbox.c.id == inbox_id, inbox.c.state == "waiting")
        .values(attempts=inbox.c.attempts + 1, due_at=until)
    )


async def unprocessed(session: Session) -> tuple[int, float]:
    """How many messages wait, and the age of the oldest in seconds."""
    row = await session.one(
        sa.select(sa.func.count().label("waiting"), sa.func.min(inbox.c.received_at).label("oldest")).where(
            inbox.c.state == "waiting"
        )
    )
    if row is None or row["oldest"] is None:
        return 0, 0.0
    return row["waiting"], (clock.now() - row["oldest"]).total_seconds()

"""The outbox: what is to be sent, in each address's order, until its fate is known.

Owns: queue(), claim(), settle(), report(), release(), queue_state().
May import: SQLAlchemy, `bot.vocabulary`, `bot.clock`.
Start reading at: `claim`.

A send is written down as `sending` and committed before anything goes out. What is found
`sending` after its lease, or answered unclearly, is `unknown`: it is looked up at the provider
before anything is sent again. A send that is known to have failed and is worth another gets one;
the provider's id of the failed one is kept apart (`failed_ids`), so that its late reports are not
taken for the new one's.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from bot import clock
from bot.store.contacts import AddressState, address_from
from bot.store.database import Row, Session
from bot.store.statement import Statement
from bot.store.tables import address, outbox
from bot.vocabulary import DeliveryReport, DeliveryStatus, OutboundMessage

_SEALED = "outbox.text"
_OPEN = ("queued", "sending", "unknown")
# Kinds whose loss a counsellor must see.
MUST_ARRIVE = frozenset({"crisis", "counsellor"})
_ARRIVED = (DeliveryStatus.DELIVERED, DeliveryStatus.READ)
# A failure reported later than this is not made good: the words are about another day.
_RETRIED_WITHIN = timedelta(hours=24)
# How long what was held for a closed window is worth sending once the contact writes again.
RELEASED_WITHIN = {"crisis": timedelta(hours=24), "counsellor": timedelta(days=7)}
WINDOW_CLOSED = "window_closed"
Retry = Callable[[int], datetime | None]
"""After so many tries: when to try again, or None."""


def _never(attempts: int) -> None:
    return None


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
    line_ids: Sequence[str] = (),
) -> list[uuid.UUID]:
    """Add messages behind everything already queued for this address; `line_ids` are the help lines
    that they give."""
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
                "line_ids": list(line_ids),
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
    # A statement of its own, and so a fresh look: what is under way is certain only under the lock.
    found = await session.one(_CLAIM, now=now, address=row["id"], lease=now + lease) if row else None
    return _claimed(session, found, row) if row and found else None


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


_NEXT_ADDRESS = Statement(
    sa.select(address)
    .join(outbox, outbox.c.address_id == address.c.id)
    .where(_is_next())
    .order_by(outbox.c.position)
    .limit(1)
    .with_for_update(key_share=True, skip_locked=True, of=address)
)


def _claiming() -> Statement:
    """The next message of an address, marked `sending`; `was` is its status before."""
    next_one = (
        sa.select(outbox.c.id, outbox.c.status.label("was"))
        .where(outbox.c.address_id == sa.bindparam("address"), _is_next())
        .order_by(outbox.c.position)
        .limit(1)
        .subquery()
    )
    tried_at = sa.case((next_one.c.was == "queued", sa.bindparam("now")), else_=outbox.c.tried_at)
    return Statement(
        sa.update(outbox)
        .where(outbox.c.id == next_one.c.id)
        .values(status="sending", attempts=outbox.c.attempts + 1, due_at=sa.bindparam("lease"), tried_at=tried_at)
        .returning(outbox, next_one.c.was)
    )


_CLAIM = _claiming()


def _claimed(session: Session, row: Row, address_row: Row) -> Claimed:
    state = address_from(session, address_row)
    text = session.keys.open(row["sealed"], _SEALED)
    return Claimed(
        message=OutboundMessage(row["id"], state.address, text),
        contact_id=row["contact_id"],
        kind=row["kind"],
        address=state,
        attempts=row["attempts"],
        lookup=row["was"] != "queued",
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
    further stays, and so does a retry that a callback asked for before the answer to the send was read;
    a claim that outlived its lease has no say any more, except that the message went out."""
    values: dict[str, Any] = {"status": status.value, "reason": reason, "code": code}
    if provider_id and status is DeliveryStatus.QUEUED:
        values["failed_ids"] = sa.func.array_append(outbox.c.failed_ids, provider_id)
    elif provider_id:
        values["provider_id"] = provider_id
    if due_at:
        values["due_at"] = due_at
    if status is DeliveryStatus.SENT:
        values["sent_at"] = clock.now()
    if status is DeliveryStatus.SENT and provider_id:
        await session.run(_SENT, {**values, "one": message_id, "accepted": provider_id})
        return
    mine = [outbox.c.id == message_id, outbox.c.status.in_(_OPEN)]
    if status is not DeliveryStatus.SENT:
        mine.append(outbox.c.attempts == attempts)
    await session.run(sa.update(outbox).where(*mine).values(**values))


_SENT = Statement(
    sa.update(outbox).where(
        outbox.c.id == sa.bindparam("one"),
        outbox.c.status.in_(_OPEN),
        sa.bindparam("accepted", type_=sa.Text) != sa.all_(outbox.c.failed_ids),
    ),
    ("status", "reason", "code", "provider_id", "sent_at"),
)


async def report(
    session: Session, found: DeliveryReport, reason: str | None = None, retry: Retry = _never
) -> Row | None:
    """A provider's later word. The status only moves forward, in whatever order words arrive; only
    a send that failed may begin anew, if `retry` gives a time, or be held, if `reason` says that the
    window is closed.

    The changed row (id, address_id, contact_id, kind, status), or None if nothing changed or it is not ours.
    """
    if only_moves_forward(found):
        return await _move_forward(session, found)
    mine = outbox.c.id == found.message_id if found.message_id else outbox.c.provider_id == found.provider_id
    row = await session.one(_reported().where(mine).with_for_update(of=outbox))
    if row is None or _says_nothing_new(row, found):
        return None
    values = _after_report(row, found, reason, retry)
    return await session.one(
        sa.update(outbox)
        .where(outbox.c.id == row["id"])
        .values(**values)
        .returning(outbox.c.id, outbox.c.address_id, outbox.c.contact_id, outbox.c.kind, outbox.c.status)
    )


def only_moves_forward(found: DeliveryReport) -> bool:
    """Whether this is good news, which changes nothing but its row, in one statement."""
    return found.code is None and found.status is not DeliveryStatus.FAILED


async def _move_forward(session: Session, found: DeliveryReport) -> Row | None:
    ours = found.message_id is not None
    return await session.one(
        _FORWARD_BY_ID if ours else _FORWARD_BY_PROVIDER,
        one=found.message_id if ours else found.provider_id,
        status=found.status.value,
        provider_id=found.provider_id,
        reported=found.provider_id,
        arrived=found.status in _ARRIVED,
        behind=_BEHIND[found.status],
        now=clock.now(),
    )


_BEHIND = {status: [other.value for other in DeliveryStatus if other.rank < status.rank] for status in DeliveryStatus}


def _moving_forward(mine: sa.ColumnElement[bool]) -> Statement:
    """The same rules as in `_says_nothing_new`."""
    reported = sa.bindparam("reported", type_=sa.Text)
    counts = sa.and_(
        reported != sa.all_(outbox.c.failed_ids),
        sa.or_(outbox.c.provider_id.is_(None), outbox.c.provider_id == reported),
    )
    return Statement(
        sa.update(outbox)
        .where(
            mine,
            outbox.c.status == sa.any_(sa.bindparam("behind", type_=ARRAY(sa.Text))),
            sa.or_(sa.bindparam("arrived", type_=sa.Boolean), counts),
        )
        .values(sent_at=sa.func.coalesce(outbox.c.sent_at, sa.bindparam("now", type_=sa.DateTime(timezone=True))))
        .returning(outbox.c.id, outbox.c.address_id, outbox.c.contact_id, outbox.c.kind, outbox.c.status),
        ("status", "provider_id"),
    )


_FORWARD_BY_ID = _moving_forward(outbox.c.id == sa.bindparam("one"))
_FORWARD_BY_PROVIDER = _moving_forward(outbox.c.provider_id == sa.bindparam("one"))


def _reported() -> sa.Select[Any]:
    return sa.select(outbox, address.c.last_inbound_at.label("wrote_at")).join(
        address, address.c.id == outbox.c.address_id
    )


def _says_nothing_new(row: Row, found: DeliveryReport) -> bool:
    """Behind what is known already, or about another send of this message than the one that counts."""
    current = row["provider_id"]
    other = found.provider_id in row["failed_ids"] or (current is not None and current != found.provider_id)
    if other and found.status not in _ARRIVED:
        return True
    return bool(DeliveryStatus(row["status"]).after(found.status).value == row["status"])


def _after_report(row: Row, found: DeliveryReport, reason: str | None, retry: Retry) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if found.code is not None:
        values |= {"code": found.code, "reason": reason}
    failed = found.status is DeliveryStatus.FAILED
    held = failed and reason == WINDOW_CLOSED
    due_at = retry(row["attempts"]) if failed and _is_still_wanted(row) else None
    if not held and due_at is None:
        sent_at = sa.func.coalesce(outbox.c.sent_at, clock.now())
        return {**values, "status": found.status.value, "provider_id": found.provider_id, "sent_at": sent_at}
    values |= {"provider_id": None, "failed_ids": [*row["failed_ids"], found.provider_id]}
    return {**values, "status": "held"} if held else {**values, "status": "queued", "due_at": due_at}


def _is_still_wanted(row: Row) -> bool:
    """Of today; and unless it must arrive, nothing was written since, which it would answer wrongly."""
    if clock.now() - row["created_at"] > _RETRIED_WITHIN:
        return False
    went = row["sent_at"] or row["tried_at"] or row["created_at"]
    return row["kind"] in MUST_ARRIVE or row["wrote_at"] is None or row["wrote_at"] <= went


def _to_release() -> sa.ColumnElement[bool]:
    """Held for a closed window, of a kind and age that are still worth sending."""
    wanted = [
        sa.and_(outbox.c.kind == kind, outbox.c.created_at > sa.bindparam(f"{kind}_since")) for kind in RELEASED_WITHIN
    ]
    return sa.and_(outbox.c.status == "held", outbox.c.reason == WINDOW_CLOSED, sa.or_(*wanted))


_RELEASE = Statement(
    sa.update(outbox)
    .where(outbox.c.address_id == sa.bindparam("released"), _to_release())
    .values(status="queued", reason=None, code=None, due_at=sa.bindparam("now"))
)


async def release(session: Session, address_id: uuid.UUID) -> int:
    """The contact wrote, so the window is open again: what was held for it goes out, in its old
    order and before anything newer. How many messages that are."""
    now = clock.now()
    since = {f"{kind}_since": now - age for kind, age in RELEASED_WITHIN.items()}
    return await session.run(_RELEASE, {"released": address_id, "now": now, **since})


async def known_provider_ids(session: Session, address_id: uuid.UUID) -> frozenset[str]:
    """The provider's ids of what we already know went to this address, arrived or failed."""
    rows = await session.all(
        sa.select(outbox.c.provider_id, outbox.c.failed_ids)
        .where(outbox.c.address_id == address_id)
        .order_by(outbox.c.position.desc())
        .limit(500)
    )
    ids = (one for row in rows for one in (row["provider_id"], *row["failed_ids"]))
    return frozenset(one for one in ids if one is not None)


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

"""Cases: a contact in a human's care. Their state is derived from their events.

Owns: open_case(), add_event(), open_case_of(), queue_of_cases(), conversation().
May import: SQLAlchemy, `bot.clock`.
Start reading at: `open_case`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from bot import clock
from bot.store.contacts import AddressState, address_from
from bot.store.database import Row, Session
from bot.store.statement import Statement
from bot.store.tables import address, assessment, audit_entry, case_, case_event, contact, inbox, outbox
from bot.store.wire import message_from_json

_NOTE = "case_event.note"
_SAME_TURN = timedelta(seconds=5)


@dataclasses.dataclass(frozen=True)
class CaseEvent:
    """One thing that happened to a case. `by` is "bot" or a counsellor's name."""

    at: datetime
    kind: str
    by: str
    level: int | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """A case as a counsellor sees it in the queue."""

    id: uuid.UUID
    contact_id: uuid.UUID
    opened_at: datetime
    reason: str
    level: int
    categories: tuple[str, ...]
    closed_at: datetime | None
    language: str | None
    events: tuple[CaseEvent, ...] = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a conversation: who said what, when, how far it came, and which help lines it gave."""

    at: datetime
    by: str
    text: str
    status: str
    level: int | None = None
    gave: tuple[str, ...] = ()
    message: int | None = None
    """The number of what the contact wrote."""


async def open_case(
    session: Session, contact_id: uuid.UUID, *, reason: str, level: int, categories: Sequence[str] = ()
) -> uuid.UUID:
    """Open a case, or raise the one that is open; a level never goes down here."""
    statement = insert(case_).values(
        id=clock.new_id(),
        contact_id=contact_id,
        opened_at=clock.now(),
        reason=reason,
        level=level,
        categories=list(categories),
    )
    row = await session.one(
        statement.on_conflict_do_update(
            index_elements=[case_.c.contact_id],
            index_where=case_.c.closed_at.is_(None),
            set_={
                "level": sa.func.greatest(case_.c.level, statement.excluded.level),
                "categories": case_.c.categories.op("||")(statement.excluded.categories),
            },
        ).returning(case_.c.id, case_.c.opened_at, sa.literal_column("(xmax = 0)").label("fresh"))
    )
    assert row is not None
    kind = "requested" if row["fresh"] else "raised"
    await add_event(session, row["id"], kind, by="bot", level=level, note=reason)
    case_id: uuid.UUID = row["id"]
    return case_id


async def add_event(
    session: Session, case_id: uuid.UUID, kind: str, *, by: str, level: int | None = None, note: str = ""
) -> None:
    """Write down what happened."""
    await session.insert(
        case_event,
        {
            "case_id": case_id,
            "at": clock.now(),
            "kind": kind,
            "by": by,
            "level": level,
            "sealed_note": session.keys.seal(note, _NOTE) if note else None,
        },
    )


def first_moment(case: Case) -> datetime:
    """Messages screened after this belong to the case: the one that opened it was screened within the
    same transaction, just before."""
    return case.opened_at - _SAME_TURN


async def lower(session: Session, case: Case) -> None:
    """A person found no danger in this case: what was said in it no longer counts for later levels."""
    since = first_moment(case)
    await session.run(
        sa.update(assessment)
        .where(assessment.c.contact_id == case.contact_id, assessment.c.at > since, assessment.c.level > 0)
        .values(lowered_at=clock.now())
    )


async def close(session: Session, case_id: uuid.UUID) -> None:
    """No longer open; its history stays."""
    await session.run(sa.update(case_).where(case_.c.id == case_id).values(closed_at=clock.now()))


async def find(session: Session, prefix: str) -> Case | None:
    """The one open case whose id begins with `prefix`."""
    rows = await session.all(
        _cases().where(sa.cast(case_.c.id, sa.Text).startswith(prefix, autoescape=True), case_.c.closed_at.is_(None))
    )
    return await _with_events(session, rows[0]) if len(rows) == 1 else None


async def open_case_of(session: Session, contact_id: uuid.UUID) -> Case | None:
    """The contact's open case."""
    row = await session.one(_cases().where(case_.c.contact_id == contact_id, case_.c.closed_at.is_(None)))
    return await _with_events(session, row) if row else None


async def queue_of_cases(session: Session) -> list[Case]:
    """Every open case, the worst first, then the longest waiting."""
    rows = await session.all(
        _cases().where(case_.c.closed_at.is_(None)).order_by(case_.c.level.desc(), case_.c.opened_at)
    )
    return [await _with_events(session, row) for row in rows]


def _cases() -> sa.Select[tuple[object, ...]]:
    return sa.select(case_, contact.c.language).join(contact, contact.c.id == case_.c.contact_id)


async def _with_events(session: Session, row: Row) -> Case:
    events = await session.all(sa.select(case_event).where(case_event.c.case_id == row["id"]).order_by(case_event.c.id))
    return Case(
        id=row["id"],
        contact_id=row["contact_id"],
        opened_at=row["opened_at"],
        reason=row["reason"],
        level=row["level"],
        categories=tuple(dict.fromkeys(row["categories"])),
        closed_at=row["closed_at"],
        language=row["language"],
        events=tuple(_event(session, event) for event in events),
    )


def _event(session: Session, row: Row) -> CaseEvent:
    note = session.keys.open(row["sealed_note"], _NOTE) if row["sealed_note"] else ""
    return CaseEvent(row["at"], row["kind"], row["by"], row["level"], note)


async def conversation(session: Session, contact_id: uuid.UUID, *, last: int = 40) -> list[Line]:
    """The latest lines of a conversation, oldest first."""
    came = await session.all(
        sa.select(inbox.c.id, inbox.c.received_at, inbox.c.sealed, inbox.c.state, assessment.c.level)
        .outerjoin(assessment, assessment.c.inbox_id == inbox.c.id)
        .where(inbox.c.contact_id == contact_id)
        .order_by(inbox.c.id.desc())
        .limit(last)
    )
    went = await session.all(
        sa.select(outbox).where(outbox.c.contact_id == contact_id).order_by(outbox.c.position.desc()).limit(last)
    )
    lines = [_inbound_line(session, row) for row in reversed(came)]
    lines += [_outbound_line(session, row) for row in reversed(went)]
    return sorted(lines, key=lambda line: line.at)[-last:]


def _inbound_line(session: Session, row: Row) -> Line:
    message = message_from_json(session.keys.open_json(row["sealed"], "inbox.message"))
    parts = [*message.texts, *(f"[{media.content_type}]" for media in message.media)]
    if message.location:
        parts.append("[location]")
    return Line(row["received_at"], "contact", " / ".join(parts), row["state"], row["level"], message=row["id"])


def _outbound_line(session: Session, row: Row) -> Line:
    by = "counsellor" if row["kind"] == "counsellor" else "bot"
    status = row["status"] + (f" ({row['reason']})" if row["reason"] else "")
    text = session.keys.open(row["sealed"], "outbox.text")
    return Line(row["created_at"], by, text, status, gave=tuple(row["line_ids"]))


async def audit(session: Session, by: str, act: str, case_id: uuid.UUID | None) -> None:
    """Who did or saw what."""
    await session.insert(audit_entry, {"at": clock.now(), "by": by, "act": act, "case_id": case_id})


@dataclasses.dataclass(frozen=True)
class Standing:
    """The open case of a contact in brief."""

    level: int
    acknowledged: bool
    categories: tuple[str, ...] = ()


def _standing() -> sa.Select[tuple[object, ...]]:
    taken = sa.exists().where(case_event.c.case_id == case_.c.id, case_event.c.kind == "acknowledged")
    return sa.select(case_.c.contact_id, case_.c.level, case_.c.categories, taken.label("taken")).where(
        case_.c.closed_at.is_(None)
    )


async def standing(session: Session, contact_id: uuid.UUID) -> Standing | None:
    """Level of the open case, and whether a counsellor has taken it; None without one."""
    row = await session.one(_standing().where(case_.c.contact_id == contact_id))
    return _standing_from(row) if row else None


def _standing_from(row: Row) -> Standing:
    return Standing(row["level"], row["taken"], tuple(dict.fromkeys(row["categories"])))


@dataclasses.dataclass(frozen=True)
class Background:
    """What a turn must know beside the message: where it came from, earlier levels, the open case,
    and whether anything to this address is held.

    `recent` holds (level, days ago), oldest first, of the messages that showed something, and last
    that of the message just before, even at level 0. What a person has lowered is not among them.
    """

    address: AddressState
    recent: tuple[tuple[int, float], ...]
    case: Standing | None
    held: bool = False


def _background() -> sa.Select[Any]:
    oldest_first = (assessment.c.at, assessment.c.inbox_id)
    recent = (
        sa.select(
            sa.func.array_agg(aggregate_order_by(assessment.c.level, *oldest_first)).label("levels"),
            sa.func.array_agg(aggregate_order_by(assessment.c.at, *oldest_first)).label("times"),
        )
        .where(
            assessment.c.contact_id == address.c.contact_id,
            assessment.c.at > sa.bindparam("since"),
            assessment.c.level > 0,
            assessment.c.lowered_at.is_(None),
        )
        .lateral()
    )
    just_before = (
        sa.select(sa.case((assessment.c.lowered_at.is_(None), assessment.c.level), else_=0))
        .join(inbox, inbox.c.id == assessment.c.inbox_id)
        .where(inbox.c.contact_id == address.c.contact_id, inbox.c.id < sa.bindparam("message"))
        .order_by(inbox.c.id.desc())
        .limit(1)
        .correlate(address)
        .scalar_subquery()
    )
    case = _standing().subquery()
    held = sa.exists().where(outbox.c.address_id == address.c.id, outbox.c.status == "held")
    return (
        sa.select(
            address,
            *recent.c,
            just_before.label("just_before"),
            *(case.c.level, case.c.categories, case.c.taken),
            held.label("held"),
        )
        .select_from(address)
        .join(recent, sa.true())
        .outerjoin(case, case.c.contact_id == address.c.contact_id)
        .where(address.c.id == sa.bindparam("address"))
    )


_BACKGROUND = Statement(_background())


async def background(session: Session, address_id: uuid.UUID, inbox_id: int, days: int) -> Background:
    """All of it in one round trip, for the message `inbox_id`. Raises LookupError if the address is gone."""
    since = clock.now() - timedelta(days=days)
    row = await session.one(_BACKGROUND, address=address_id, message=inbox_id, since=since)
    if row is None:
        raise LookupError("address")
    standing = None if row["level"] is None else _standing_from(row)
    return Background(address_from(session, row), _recent(row), standing, row["held"])


def _recent(row: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    now = clock.now()
    shown = zip(row["levels"] or (), row["times"] or (), strict=True)
    recent = [(level, (now - at) / timedelta(days=1)) for level, at in shown]
    if recent and row["just_before"] == 0:
        recent.append((0, 0.0))
    return tuple(recent)


async def open_by_level(session: Session) -> dict[int, int]:
    """How many open cases there are at each level."""
    rows = await session.all(
        sa.select(case_.c.level, sa.func.count().label("count"))
        .where(case_.c.closed_at.is_(None))
        .group_by(case_.c.level)
    )
    return {row["level"]: row["count"] for row in rows}

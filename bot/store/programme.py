"""Planned support: sites, groups, meetings, memberships, services, measures, and the rota.

Owns: the queries behind `bot/programme` and the truth about who is on duty.
May import: SQLAlchemy, `bot.clock`.
Start reading at: `next_meetings`, `duty`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Row, Session
from bot.store.tables import contact, group_, measure, meeting, membership, service, shift, site

VERIFIED_DAYS = 180


@dataclasses.dataclass(frozen=True)
class Site:
    """A place where support happens. `name` is by language, `time_zone` an IANA name, `country` an
    ISO 3166 alpha-2 code and `admin1` the part of it, each "" when it was not said."""

    id: uuid.UUID
    name: Mapping[str, str]
    time_zone: str
    country: str = ""
    admin1: str = ""


@dataclasses.dataclass(frozen=True)
class Meeting:
    """The next time a group meets. Names and places are by language."""

    group_id: uuid.UUID
    group: Mapping[str, str]
    site: Site
    starts_at: datetime
    place: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Duty:
    """Whether somebody answers now, and when the next shift begins."""

    on_duty: bool
    next_start: datetime | None


async def sites(session: Session) -> list[Site]:
    """All sites, by their English name."""
    rows = await session.all(sa.select(site).order_by(site.c.name["en"].astext, site.c.id))
    return [_site(row) for row in rows]


async def site_of(session: Session, contact_id: uuid.UUID) -> Site | None:
    """The place a contact named last."""
    row = await session.one(
        sa.select(site).join(contact, contact.c.site_id == site.c.id).where(contact.c.id == contact_id)
    )
    return _site(row) if row else None


def _site(row: Row) -> Site:
    return Site(row["id"], row["name"], row["time_zone"], row["country"] or "", row["admin1"] or "")


async def next_meetings(
    session: Session, *, kind: str | None, site_id: uuid.UUID | None, minor: bool, days: int, most: int
) -> list[Meeting]:
    """The next meeting of each matching group within `days`, soonest first. Groups for minors are for
    those who said they are minors, and the others for all others."""
    now = clock.now()
    soonest = (
        sa.select(meeting.c.group_id, sa.func.min(meeting.c.starts_at).label("starts_at"))
        .where(meeting.c.starts_at > now, meeting.c.starts_at < now + timedelta(days=days))
        .group_by(meeting.c.group_id)
        .subquery()
    )
    wanted: list[sa.ColumnElement[bool]] = [sa.true()]
    wanted += [group_.c.kind == kind] if kind else []
    wanted += [site.c.id == site_id] if site_id else []
    wanted += [group_.c.for_minors.is_(minor)]
    rows = await session.all(
        _meetings()
        .join(soonest, sa.and_(soonest.c.group_id == group_.c.id, soonest.c.starts_at == meeting.c.starts_at))
        .where(*wanted)
        .order_by(meeting.c.starts_at)
        .limit(most)
    )
    return [_meeting(row) for row in rows]


async def next_meeting_of(session: Session, group_id: uuid.UUID) -> Meeting | None:
    """When this group meets next."""
    row = await session.one(
        _meetings()
        .where(group_.c.id == group_id, meeting.c.starts_at > clock.now())
        .order_by(meeting.c.starts_at)
        .limit(1)
    )
    return _meeting(row) if row else None


def _meetings() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            group_.c.id.label("group_id"),
            group_.c.name.label("group_name"),
            site.c.id.label("site_id"),
            site.c.name.label("site_name"),
            site.c.time_zone,
            meeting.c.starts_at,
            meeting.c.place,
        )
        .join(site, site.c.id == group_.c.site_id)
        .join(meeting, meeting.c.group_id == group_.c.id)
    )


def _meeting(row: Row) -> Meeting:
    place = Site(row["site_id"], row["site_name"], row["time_zone"])
    return Meeting(row["group_id"], row["group_name"], place, row["starts_at"], row["place"])


async def join(session: Session, group_id: uuid.UUID, contact_id: uuid.UUID, *, minor: bool) -> bool:
    """Become a member. False when the group is full, gone, or not for people of that age."""
    row = await session.one(sa.select(group_).where(group_.c.id == group_id).with_for_update())
    if row is None or minor is not row["for_minors"]:
        return False
    members = await session.all(sa.select(membership.c.contact_id).where(membership.c.group_id == group_id))
    already = contact_id in {member["contact_id"] for member in members}
    if not already and len(members) >= row["capacity"]:
        return False
    await session.run(
        insert(membership)
        .values(group_id=group_id, contact_id=contact_id, joined_at=clock.now())
        .on_conflict_do_nothing()
    )
    return True


async def leave(session: Session, group_id: uuid.UUID, contact_id: uuid.UUID) -> None:
    """No longer a member."""
    await session.run(
        sa.delete(membership).where(membership.c.group_id == group_id, membership.c.contact_id == contact_id)
    )


async def groups_of(session: Session, contact_id: uuid.UUID) -> list[tuple[uuid.UUID, Mapping[str, str]]]:
    """The groups a contact is in."""
    rows = await session.all(
        sa.select(group_.c.id, group_.c.name)
        .join(membership, membership.c.group_id == group_.c.id)
        .where(membership.c.contact_id == contact_id)
        .order_by(membership.c.joined_at)
    )
    return [(row["id"], row["name"]) for row in rows]


async def services_at(
    session: Session, site_id: uuid.UUID | None
) -> list[tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]]:
    """Up to three services (name, details, site) that were verified within 180 days."""
    wanted = [service.c.verified_at > clock.now() - timedelta(days=VERIFIED_DAYS)]
    wanted += [service.c.site_id == site_id] if site_id else []
    rows = await session.all(
        sa.select(service.c.name, service.c.details, site.c.name.label("site_name"))
        .join(site, site.c.id == service.c.site_id)
        .where(*wanted)
        .order_by(service.c.verified_at.desc())
        .limit(3)
    )
    return [(row["name"], row["details"], row["site_name"]) for row in rows]


async def note_measure(
    session: Session, contact_id: uuid.UUID, instrument: str, before: int | None, after: int | None
) -> None:
    """Keep one pair of check-ins."""
    await session.insert(
        measure,
        {
            "id": clock.new_id(),
            "contact_id": contact_id,
            "at": clock.now(),
            "instrument": instrument,
            "before": before,
            "after": after,
        },
    )


async def heavy_measures(session: Session, contact_id: uuid.UUID, instrument: str, score: int, days: int) -> int:
    """On how many occasions in the last `days` a contact gave `score` or more."""
    found: int = await session.scalar(
        sa.select(sa.func.count()).where(
            measure.c.contact_id == contact_id,
            measure.c.instrument == instrument,
            measure.c.at > clock.now() - timedelta(days=days),
            sa.func.greatest(measure.c.before, measure.c.after) >= score,
        )
    )
    return found


async def duty(session: Session, language: str | None) -> Duty:
    """Who is truly there now for this language, from the rota alone."""
    now = clock.now()
    speaks = sa.or_(shift.c.languages == [], shift.c.languages.contains([language])) if language else sa.true()
    row = await session.one(
        sa.select(
            sa.func.bool_or(shift.c.starts_at <= now).label("on_duty"),
            sa.func.min(shift.c.starts_at).filter(shift.c.starts_at > now).label("next_start"),
        ).where(shift.c.ends_at > now, speaks)
    )
    assert row is not None
    return Duty(bool(row["on_duty"]), row["next_start"])

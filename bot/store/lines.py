"""Help lines as rows. They are the organisation's own data and are not sealed.

Owns: every(), of_country(), one(), save(), given_to(), audit().
May import: SQLAlchemy, the package escalation's values, `bot.clock`.
Start reading at: `of_country`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Row, Session
from bot.store.statement import Statement
from bot.store.tables import audit_entry, help_line, outbox
from escalation.lines import (
    Audience,
    Cost,
    HelpLine,
    Hours,
    LineChannel,
    LineConflict,
    LineContact,
    LineStatus,
    LineType,
    SourceKind,
    Span,
    VerifyMethod,
)

_FLAGS = ("anonymous", "accessible_for_deaf", "migrants_ok", "id_required", "may_call_police")
_NOT_GIVEN = ("failed", "held")


async def every(session: Session, country: str = "") -> list[HelpLine]:
    """All lines, or those of one country, by country and id."""
    wanted = [help_line.c.country == country] if country else []
    rows = await session.all(sa.select(help_line).where(*wanted).order_by(help_line.c.country, help_line.c.id))
    return [_line(row) for row in rows]


async def of_country(session: Session, country: str) -> list[HelpLine]:
    """The active lines of one country; whether they may be given is for `escalation.lines` to say."""
    rows = await session.all(_ACTIVE, country=country)
    return [_line(row) for row in rows]


_ACTIVE = Statement(
    sa.select(help_line).where(help_line.c.country == sa.bindparam("country"), help_line.c.status == "active")
)


async def one(session: Session, line_id: str) -> HelpLine | None:
    """The line of that id, held for a change until the transaction ends."""
    row = await session.one(sa.select(help_line).where(help_line.c.id == line_id).with_for_update())
    return _line(row) if row else None


async def save(session: Session, line: HelpLine) -> None:
    """Keep a line as it is given, new or changed."""
    values = _row(line)
    statement = insert(help_line).values(**values, imported_at=clock.now())
    await session.run(statement.on_conflict_do_update(index_elements=[help_line.c.id], set_=values))


async def given_to(session: Session, contact_id: uuid.UUID, within: timedelta) -> frozenset[str]:
    """The ids of the lines that a contact was given lately, unless the message is known to have failed."""
    rows = await session.all(_GIVEN, contact=contact_id, since=clock.now() - within)
    return frozenset(line_id for row in rows for line_id in row["line_ids"])


_GIVEN = Statement(
    sa.select(outbox.c.line_ids).where(
        outbox.c.contact_id == sa.bindparam("contact"),
        outbox.c.created_at > sa.bindparam("since"),
        outbox.c.line_ids != sa.cast([], outbox.c.line_ids.type),
        outbox.c.status.not_in(_NOT_GIVEN),
    )
)


async def audit(session: Session, by: str, line_id: str, act: str) -> None:
    """Who did what to a line."""
    await session.insert(audit_entry, {"at": clock.now(), "by": by, "act": f"line {line_id}: {act}", "case_id": None})


# Rows and values


def describe(line: HelpLine) -> dict[str, Any]:
    """All that says what a line is, as JSON; what a check said of it is not among it."""
    return {
        "admin1": line.admin1,
        "name": dict(line.name),
        "operator": line.operator,
        "type": line.type.value,
        "contacts": [_contact_json(contact) for contact in line.contacts],
        "languages": list(line.languages),
        "hours": _hours_json(line.hours),
        "audience": line.audience.value,
        **{flag: getattr(line, flag) for flag in _FLAGS},
        "source_url": line.source_url,
        "source_kind": line.source_kind.value,
    }


def _row(line: HelpLine) -> dict[str, Any]:
    conflicts = [{**dataclasses.asdict(one), "on": one.on.isoformat()} for one in line.conflicts]
    return {
        "id": line.id,
        "country": line.country,
        "description": describe(line),
        "status": line.status.value,
        "verified_on": line.verified_on,
        "verified_by": line.verified_by or None,
        "verify_method": line.verify_method.value if line.verify_method else None,
        "next_check_due": line.next_check_due,
        "suspended_for": line.suspended_for or None,
        "suspended_on": line.suspended_on,
        "conflicts": conflicts,
    }


def _line(row: Row) -> HelpLine:
    said = row["description"]
    return HelpLine(
        id=row["id"],
        country=row["country"],
        admin1=said["admin1"],
        name=said["name"],
        operator=said["operator"],
        type=LineType(said["type"]),
        contacts=tuple(_contact(one) for one in said["contacts"]),
        languages=tuple(said["languages"]),
        hours=_hours(said["hours"]),
        audience=Audience(said["audience"]),
        **{flag: said[flag] for flag in _FLAGS},
        source_url=said["source_url"],
        source_kind=SourceKind(said["source_kind"]),
        status=LineStatus(row["status"]),
        verified_on=row["verified_on"],
        verified_by=row["verified_by"] or "",
        verify_method=VerifyMethod(row["verify_method"]) if row["verify_method"] else None,
        next_check_due=row["next_check_due"],
        suspended_for=row["suspended_for"] or "",
        suspended_on=row["suspended_on"],
        conflicts=tuple(
            LineConflict(**{**conflict, "on": date.fromisoformat(conflict["on"])}) for conflict in row["conflicts"]
        ),
    )


def _contact_json(contact: LineContact) -> dict[str, Any]:
    cost = contact.cost.value if contact.cost else None
    return {**dataclasses.asdict(contact), "channel": contact.channel.value, "cost": cost}


def _contact(said: Mapping[str, Any]) -> LineContact:
    cost = Cost(said["cost"]) if said["cost"] else None
    return LineContact(**{**said, "channel": LineChannel(said["channel"]), "cost": cost})


def _hours_json(hours: Hours) -> dict[str, Any]:
    return {
        "tz": str(hours.zone),
        "always": hours.always,
        "weekly": [_spans_json(day) for day in hours.weekly],
        "exceptions": {day.isoformat(): _spans_json(spans) for day, spans in sorted(hours.exceptions.items())},
    }


def _hours(said: Mapping[str, Any]) -> Hours:
    return Hours(
        ZoneInfo(said["tz"]),
        said["always"],
        tuple(_spans(day) for day in said["weekly"]),
        {date.fromisoformat(day): _spans(spans) for day, spans in said["exceptions"].items()},
    )


def _spans_json(spans: tuple[Span, ...]) -> list[list[int]]:
    return [[span.opens, span.closes] for span in spans]


def _spans(said: list[list[int]]) -> tuple[Span, ...]:
    return tuple(Span(opens, closes) for opens, closes in said)

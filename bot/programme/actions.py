"""What flows may call on planned support: places, groups, services, check-ins.

Owns: ACTIONS, ActionContext.
May import: store, flow's texts, Babel, and below.
Start reading at: `ACTIONS`.

An action runs inside the turn's transaction, so that what it does and what is said about it
happen together or not at all. It gets the flow's slots and gives new values for them.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from bot.flow import Bundle, service_text
from bot.store import contacts, programme
from bot.store.contacts import Contact
from bot.store.database import Session

NONE = "none"
ANY = "any"
MEETING_DAYS = 14
MOST_MEETINGS = 6
# Three scores of 7 or more in 14 days: offer a person (service specification 2.0, a default).
_DISTRESS, _HEAVY, _HEAVY_DAYS, _OFTEN = "distress_0_10", 7, 14, 3


@dataclasses.dataclass(frozen=True)
class ActionContext:
    """Whom an action is for. `when` writes a time in the contact's zone and language;
    `promised_until` is when somebody from the team is to answer, if anybody is on duty."""

    session: Session
    contact: Contact
    bundle: Bundle
    language: str
    channel: str
    when: Callable[[Any, str, str], str]
    promised_until: datetime | None = None

    @property
    def minor(self) -> bool:
        """Whether the contact said they are under 18."""
        return self.contact.minor

    def text(self, key: str) -> str:
        """A text of the service in the contact's language."""
        return service_text(self.bundle, key, self.language, self.channel)

    def named(self, names: Mapping[str, str]) -> str:
        """A name in the contact's language, else in English, else in any."""
        return names.get(self.language) or names.get("en") or next(iter(names.values()), "")


Slots = Mapping[str, Any]
Action = Callable[[ActionContext, Slots], Awaitable[dict[str, Any]]]


async def list_sites(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """The places, and "any place"."""
    choices = [
        {"value": str(site.id), "title": context.named(site.name)} for site in await programme.sites(context.session)
    ]
    return {"site_choices": [*choices, {"value": ANY, "title": context.text("any_place")}]}


async def list_meetings(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """The next meeting of each group of that kind and place, and "not now"."""
    kind = slots.get("group_kind")
    await _keep_site(context, slots)
    found = await programme.next_meetings(
        context.session,
        kind=None if kind in (None, ANY) else str(kind),
        site_id=_uuid(slots.get("site")),
        minor=context.minor,
        days=MEETING_DAYS,
        most=MOST_MEETINGS,
    )
    choices = [{"value": str(one.group_id), "title": _meeting_title(context, one)} for one in found]
    return {
        "meetings_found": bool(found),
        "meeting_choices": [*choices, {"value": NONE, "title": context.text("not_now")}],
    }


def _meeting_title(context: ActionContext, one: programme.Meeting) -> str:
    time = context.when(one.starts_at, one.site.time_zone, context.language)
    return f"{context.named(one.group)} – {context.named(one.site.name)} – {time}"


async def join_group(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """Join; the place of the meeting is told to members only."""
    group_id = _uuid(slots.get("join_group"))
    meeting = await programme.next_meeting_of(context.session, group_id) if group_id else None
    if group_id is None or meeting is None:
        return {"joined": False}
    if not await programme.join(context.session, group_id, context.contact.id, minor=context.minor):
        return {"joined": False}
    return {
        "joined": True,
        "group_name": context.named(meeting.group),
        "meeting_time": context.when(meeting.starts_at, meeting.site.time_zone, context.language),
        "meeting_place": f"{context.named(meeting.place)} ({context.named(meeting.site.name)})",
    }


async def list_memberships(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """The contact's own groups, and "not now"."""
    mine = await programme.groups_of(context.session, context.contact.id)
    choices = [{"value": str(group_id), "title": context.named(name)} for group_id, name in mine]
    return {
        "memberships_found": bool(mine),
        "membership_choices": [*choices, {"value": NONE, "title": context.text("not_now")}],
    }


async def leave_group(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """Leave, without a reason."""
    group_id = _uuid(slots.get("leave_which"))
    names = dict(await programme.groups_of(context.session, context.contact.id))
    if group_id is not None:
        await programme.leave(context.session, group_id, context.contact.id)
    return {"group_name": context.named(names.get(group_id, {})) if group_id else ""}


async def find_services(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """Up to three services that were verified within 180 days."""
    await _keep_site(context, slots)
    found = await programme.services_at(context.session, _uuid(slots.get("site")))
    blocks = [
        f"*{context.named(name)}* ({context.named(site)})\n{context.named(details)}" for name, details, site in found
    ]
    if context.channel == "sms":
        blocks = [block.replace("*", "") for block in blocks]
    return {"services_found": bool(found), "services_text": "\n\n".join(blocks)}


async def record_measure(context: ActionContext, slots: Slots) -> dict[str, Any]:
    """Keep distress before and after, each only if it was given; say whether it is often heavy."""
    before, after = _score(slots.get("distress_before")), _score(slots.get("distress_after"))
    if context.contact.consent is not None and (before is not None or after is not None):
        await programme.note_measure(context.session, context.contact.id, _DISTRESS, before, after)
    heavy = await programme.heavy_measures(context.session, context.contact.id, _DISTRESS, _HEAVY, _HEAVY_DAYS)
    return {"heavy_often": heavy >= _OFTEN}


async def _keep_site(context: ActionContext, slots: Slots) -> None:
    """Remember the place a contact named; times are told in its zone."""
    site_id = _uuid(slots.get("site"))
    if site_id is not None:
        await contacts.change_contact(context.session, context.contact.id, {"site_id": site_id})


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _score(value: Any) -> int | None:
    return value if isinstance(value, int) else None


ACTIONS: dict[str, Action] = {
    "list_sites": list_sites,
    "list_meetings": list_meetings,
    "join_group": join_group,
    "list_memberships": list_memberships,
    "leave_group": leave_group,
    "find_services": find_services,
    "record_measure": record_measure,
}

"""What is true now and may be told: who is on duty, when the team is back, the contact's time.

Owns: Rota, Truth, truth_for(), when().
May import: store, Babel, and below.
Start reading at: `truth_for`.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from bot import clock
from bot.flow import Bundle, service_text
from bot.store import programme
from bot.store.contacts import Contact
from bot.store.database import Session
from bot.store.programme import Duty


@dataclasses.dataclass(frozen=True)
class Truth:
    """Availability from the rota alone, ready to be put into texts."""

    on_duty: bool
    eta_minutes: int
    opens: str
    hours: str
    lines: str

    def values(self) -> dict[str, Any]:
        """As the names that texts use."""
        return dataclasses.asdict(self)


class Rota:
    """Who is on duty, asked anew every few seconds."""

    def __init__(self, fresh: timedelta = timedelta(seconds=5)) -> None:
        self._fresh = fresh
        self._known: dict[str | None, tuple[datetime, Duty]] = {}

    async def duty(self, session: Session, language: str | None) -> Duty:
        """The truth for this language, at most `fresh` old."""
        now = clock.now()
        known = self._known.get(language)
        if known is None or not timedelta(0) <= now - known[0] < self._fresh:
            known = self._known[language] = (now, await programme.duty(session, language))
        return known[1]


async def truth_for(
    session: Session,
    rota: Rota,
    bundle: Bundle,
    contact: Contact,
    language: str,
    channel: str,
    *,
    zone: str,
    eta_minutes: int,
) -> Truth:
    """What may honestly be said to this contact now."""
    duty = await rota.duty(session, contact.language)
    site = await programme.site_of(session, contact.id) if contact.site_id else None
    local = site.time_zone if site else zone
    opens = (
        when(duty.next_start, local, language)
        if duty.next_start
        else service_text(bundle, "opens_unknown", language, channel)
    )
    now_text = service_text(bundle, "duty_now", language, channel)
    return Truth(
        on_duty=duty.on_duty,
        eta_minutes=eta_minutes,
        opens=opens,
        hours=now_text if duty.on_duty else opens,
        lines=service_text(bundle, "no_lines", language, channel),
    )


def when(at: datetime, zone: str, language: str) -> str:
    """A time as the contact reads it: weekday, day, month, hour, in their zone and language."""
    return str(format_datetime(at, "EEE d MMM, HH:mm", tzinfo=ZoneInfo(zone), locale=language))

"""What is true now and may be told: who is on duty, when the team is back, the contact's time.

Owns: Rota, Truth, TruthReader, when().
May import: care, store, Babel, and below.
Start reading at: `TruthReader.truth_for`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from bot import clock
from bot.care.lines import LineBook, LineOffer, LinePolicy, Told, offer_to
from bot.flow import Bundle, service_text
from bot.store import programme
from bot.store.contacts import Contact
from bot.store.database import Session
from bot.store.programme import Duty


@dataclasses.dataclass(frozen=True)
class Truth:
    """Availability from the rota alone. `zone` is where the contact lives, as far as we know; `offer`
    the help lines they may be given; `keep_days` is after how many days the team erases what is kept,
    0 without such a time."""

    on_duty: bool
    next_start: datetime | None
    eta_minutes: int
    zone: str
    offer: LineOffer
    keep_days: int = 0

    def lines(self, bundle: Bundle, language: str, channel: str, *, next_one: bool = False) -> Told:
        """The help lines that may be given now, in the words of one language; or that there are none."""
        return self.offer.told(bundle, language, channel, next_one=next_one)

    def values(self, bundle: Bundle, language: str, channel: str, *, next_line: bool = False) -> dict[str, Any]:
        """As the names that texts use, in the words of one language; with `next_line` somebody who was
        given help lines lately gets one more."""

        def text(key: str) -> str:
            return service_text(bundle, key, language, channel)

        opens = when(self.next_start, self.zone, language) if self.next_start else text("opens_unknown")
        return {
            "on_duty": self.on_duty,
            "eta_minutes": self.eta_minutes,
            "opens": opens,
            "hours": text("duty_now") if self.on_duty else opens,
            "lines": self.lines(bundle, language, channel, next_one=next_line).text,
            "keep": self._keep(bundle, language, channel),
        }

    def _keep(self, bundle: Bundle, language: str, channel: str) -> str:
        key = "keep_days" if self.keep_days else "keep_open"
        return service_text(bundle, key, language, channel, keep_days=self.keep_days)


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


class TruthReader:
    """Reads what is true now. What is the same for many contacts is asked anew every few seconds."""

    def __init__(self, *, zone: str, eta_minutes: int, keep_days: int, lines: LinePolicy) -> None:
        self._zone = zone
        self._eta_minutes = eta_minutes
        self._keep_days = keep_days
        self._policy = lines
        self._rota = Rota()
        self._book = LineBook()

    async def truth_for(
        self, session: Session, contact: Contact, *, categories: Iterable[str] = (), in_case: bool = False
    ) -> Truth:
        """What may honestly be said to this contact now. `categories` is what the danger is about, if
        there is any; `in_case` whether they have an open case, and so may have been given lines."""
        duty = await self._rota.duty(session, contact.language)
        site = await programme.site_of(session, contact.id) if contact.site_id else None
        zone = site.time_zone if site else self._zone
        offer = await offer_to(
            session, self._book, self._policy, contact, site=site, categories=categories, before=in_case
        )
        return Truth(duty.on_duty, duty.next_start, self._eta_minutes, zone, offer, self._keep_days)


def when(at: datetime, zone: str, language: str) -> str:
    """A time as the contact reads it: weekday, day, month, hour, in their zone and language."""
    return str(format_datetime(at, "EEE d MMM, HH:mm", tzinfo=ZoneInfo(zone), locale=language))

"""Help lines as they are told to a person: chosen for them, in their words, numbers copied.

Owns: LinePolicy, LineBook, LineOffer, Told, offer_to().
May import: store, flow's texts, Babel, the package escalation's values, and below.
Start reading at: `LineOffer.told`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_time

from bot import clock
from bot.flow import Bundle, service_text
from bot.flow.render import FALLBACK
from bot.store import lines
from bot.store.contacts import Contact
from bot.store.database import Session
from bot.store.programme import Site
from escalation.lines import (
    MOST,
    VALID_DAYS,
    Cost,
    HelpLine,
    LineChannel,
    LineContact,
    Need,
    choose,
    following,
    topics_of,
)

_SMS, _MOST_ON_SMS = "sms", 2
_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "fa", "ps", "ur"})
_LEFT_TO_RIGHT_ISOLATE, _FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2066", "\u2068", "\u2069"
_WAY = {LineChannel.SMS: "SMS ", LineChannel.WHATSAPP: "WhatsApp "}
_GIVEN_WITHIN = timedelta(hours=24)
_SOON = timedelta(hours=20)


@dataclasses.dataclass(frozen=True)
class LinePolicy:
    """What an operator set. `country` holds where a contact's place names none; "" gives no lines.
    `days` is how long a check counts; with `police` lines that may call the police are given; `zone`
    is the one in which hours are told where a contact has no place."""

    country: str = ""
    days: int = VALID_DAYS
    police: bool = False
    zone: str = "UTC"


@dataclasses.dataclass(frozen=True)
class Told:
    """Words for a person, and the ids of the lines in them."""

    text: str
    line_ids: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class LineOffer:
    """The lines of a contact's country, what they need, and which they were given lately."""

    lines: tuple[HelpLine, ...]
    need: Need
    zone: str
    given: frozenset[str] = frozenset()

    def told(self, bundle: Bundle, language: str, channel: str, *, next_one: bool = False) -> Told:
        """What `{lines}` stands for. With `next_one` somebody who was given lines lately gets one
        more; without any line it is said that there is none."""
        need = dataclasses.replace(self.need, language=language)
        goes_on = next_one and bool(self.given)
        if goes_on:
            other = following(self.lines, need, self.given)
            chosen: Sequence[HelpLine] = (other,) if other else ()
        else:
            chosen = choose(self.lines, need, most=_MOST_ON_SMS if channel == _SMS else MOST)
        if not chosen or not _speaks_of_lines(bundle):
            key = "no_more_lines" if goes_on and _speaks_of_lines(bundle) else "no_lines"
            return Told(service_text(bundle, key, language, channel))
        words = _Words(bundle, language, channel, self.zone, need.at)
        key = "next_line" if goes_on else "help_lines"
        return Told(words.listed(key, chosen), tuple(line.id for line in chosen))


def _speaks_of_lines(bundle: Bundle) -> bool:
    """Whoever is inside a flow may be on content from before there were lines."""
    return "help_lines" in bundle.service[FALLBACK].texts


@dataclasses.dataclass(frozen=True)
class _Words:
    """How lines are written in one language, for one channel."""

    bundle: Bundle
    language: str
    channel: str
    zone: str
    at: datetime

    def listed(self, key: str, chosen: Sequence[HelpLine]) -> str:
        """The lines under their heading: on SMS in one sentence, else each on its own line."""
        if self.channel == _SMS:
            line_list = "; ".join(self._short(line) for line in chosen)
            return self._text(key, line_list=line_list)
        line_list = "\n".join(f"- {self._long(line)}" for line in chosen)
        return f"\n\n{self._text(key, line_list=line_list)}\n\n"

    def _short(self, line: HelpLine) -> str:
        foreign = self._foreign(line)
        return f"{self._name(line)} {self._contact(line.usable_contacts[0])}" + (f" ({foreign})" if foreign else "")

    def _long(self, line: HelpLine) -> str:
        contacts = line.usable_contacts
        free = self._text("line_free") if contacts[0].cost is Cost.FREE else ""
        notes = " · ".join(note for note in (self._hours(line), free, self._foreign(line)) if note)
        return f"{self._name(line)}: {' · '.join(map(self._contact, contacts))} ({notes})"

    def _name(self, line: HelpLine) -> str:
        name = line.name.get(self.language) or line.name.get("en") or next(iter(line.name.values()))
        return self._isolated(name, _FIRST_STRONG_ISOLATE)

    def _contact(self, contact: LineContact) -> str:
        return self._isolated(f"{_WAY.get(contact.channel, '')}{contact.value}", _LEFT_TO_RIGHT_ISOLATE)

    def _isolated(self, words: str, isolate: str) -> str:
        """Without this, "00 11" in the midst of Arabic is shown as "11 00" (service specification 7.2)."""
        return f"{isolate}{words}{_POP_ISOLATE}" if self.language in _RIGHT_TO_LEFT else words

    def _hours(self, line: HelpLine) -> str:
        closes = line.hours.closes_at(self.at)
        if closes is None:
            return self._text("line_always")
        zone = ZoneInfo(self.zone)
        if closes - self.at < _SOON:
            until = format_time(closes, "HH:mm", tzinfo=zone, locale=self.language)
        else:
            until = format_datetime(closes, "EEE d MMM, HH:mm", tzinfo=zone, locale=self.language)
        return self._text("line_until", until=self._isolated(str(until), _FIRST_STRONG_ISOLATE))

    def _foreign(self, line: HelpLine) -> str:
        """The languages in which a line answers, when the contact's is not among them."""
        if self.language in line.languages:
            return ""
        names = Locale(self.language).languages
        return ", ".join(names.get(code, code) for code in line.languages)

    def _text(self, key: str, **values: str) -> str:
        return service_text(self.bundle, key, self.language, self.channel, **values)


class LineBook:
    """The active lines of each country, asked anew every few seconds."""

    def __init__(self, fresh: timedelta = timedelta(seconds=5)) -> None:
        self._fresh = fresh
        self._known: dict[str, tuple[datetime, tuple[HelpLine, ...]]] = {}

    async def of(self, session: Session, country: str) -> tuple[HelpLine, ...]:
        """The active lines of this country, at most `fresh` old."""
        if not country:
            return ()
        now = clock.now()
        known = self._known.get(country)
        if known is None or not timedelta(0) <= now - known[0] < self._fresh:
            known = self._known[country] = (now, tuple(await lines.of_country(session, country)))
        return known[1]


async def offer_to(
    session: Session,
    book: LineBook,
    policy: LinePolicy,
    contact: Contact,
    *,
    site: Site | None,
    categories: Iterable[str],
    before: bool,
) -> LineOffer:
    """What may be offered to this contact now. `before` when they may have been given lines already."""
    country = (site.country if site else "") or policy.country
    known = await book.of(session, country)
    need = Need(
        at=clock.now(),
        country=country,
        language=contact.language or "",
        admin1=site.admin1 if site else "",
        topics=topics_of(categories, minor=contact.minor),
        minor=contact.minor,
        police=policy.police,
        days=policy.days,
    )
    given = await lines.given_to(session, contact.id, _GIVEN_WITHIN) if known and before else frozenset()
    return LineOffer(known, need, site.time_zone if site else policy.zone, given)

"""Everything that is known while one message is handled.

Owns: Scene, SceneReader, TurnConfig.
May import: store, flow, screening, and below.
Start reading at: `SceneReader.read`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import clock
from bot.care.lines import LinePolicy
from bot.conversation.content import Content
from bot.conversation.events import ReplyQueued
from bot.conversation.facts import Truth, TruthReader
from bot.conversation.language import detect, settled
from bot.conversation.screening import Assessor, screen
from bot.conversation.second_reader import Reading, SecondReader
from bot.flow import Bundle, render
from bot.flow.state import Say
from bot.store import cases, outbox
from bot.store.cases import Standing
from bot.store.contacts import AddressState, Contact
from bot.store.database import Session
from bot.store.inbox import Waiting
from bot.vocabulary import InboundMessage
from escalation import Assessment, Earlier, RiskLevel

_DEFAULT_LANGUAGE = "en"
_LINES = "{lines}"
# Texts that follow a first answer: who was given lines already gets the next one (service specification 8, T07).
_FOLLOW_UPS = frozenset({"stay_company", "stay_third", "still_danger", "third_person_now"})
# Service specification 2.0, "pauses".
_RESUMED_WITHIN = timedelta(days=14)


@dataclasses.dataclass(frozen=True)
class TurnConfig:
    """What an operator set, as far as a turn needs it."""

    organisation: str = "this service"
    time_zone: str = "UTC"
    first_languages: tuple[str, ...] = ("en",)
    second_reader: bool = False
    history_days: int = 14
    keep_days: int = 0
    acknowledge_minutes: int = 30
    away_hours: float = 24
    repeat_crisis_minutes: float = 5
    answer_within: float = 60
    turn_attempts: int = 3
    sms_segments: int = 6
    lines: LinePolicy = dataclasses.field(default_factory=LinePolicy)


@dataclasses.dataclass(frozen=True)
class Scene:
    """All that is known while one message is handled."""

    session: Session
    contact: Contact
    waiting: Waiting
    address: AddressState
    bundle: Bundle
    language: str
    own: Assessment
    latched: Assessment
    truth: Truth
    case: Standing | None
    first_languages: tuple[str, ...]
    more_waits: bool = False
    reading: Reading = dataclasses.field(default_factory=Reading)

    @property
    def about_other(self) -> bool:
        """Whether the danger, of this message and of the open case, is another person's alone."""
        known = {*(self.case.categories if self.case else ()), *(one.value for one in self.own.categories)}
        return "R1T" in known and not known & {"R1", "R7"}

    @property
    def promised_until(self) -> datetime | None:
        """The time by which the contact is told that somebody comes; none when nobody is on duty."""
        if not self.truth.on_duty:
            return None
        return clock.now() + timedelta(minutes=self.truth.eta_minutes)

    @property
    def channel(self) -> str:
        """How the message travels."""
        return self.waiting.message.channel.value

    def reply(self, *keys: str, kind: str = "reply") -> ReplyQueued:
        """Texts of the service as one message, with the help lines that it gives."""
        text = "\n\n".join(self._text(key) for key in keys)
        given = (line_id for key in keys for line_id in self.lines_in(self.bundle.service["en"].texts[key].text, key))
        return ReplyQueued(text, kind, tuple(dict.fromkeys(given)))

    def lines_in(self, text: str, key: str = "") -> tuple[str, ...]:
        """The ids of the help lines that this text of a bundle gives."""
        if _LINES not in text:
            return ()
        spoken = self._spoken()
        told = [self.truth.lines(self.bundle, one, self.channel, next_one=key in _FOLLOW_UPS) for one in spoken]
        return tuple(line_id for one in told for line_id in one.line_ids)

    def _spoken(self) -> tuple[str, ...]:
        """The contact's language, or the first languages while theirs is unknown."""
        return (self.language,) if self.contact.language else self.first_languages

    def _text(self, key: str) -> str:
        """A text of the service, filled with what is true now, in each language that is spoken."""
        offers = tuple(self.bundle.service["en"].texts[key].choices)
        return "\n\n".join(self._text_in(language, key, offers) for language in self._spoken())

    def _text_in(self, language: str, key: str, offers: tuple[str, ...]) -> str:
        values = self.truth.values(self.bundle, language, self.channel, next_line=key in _FOLLOW_UPS)
        return render(self.bundle, Say("", key, values, offers), language, self.channel)


class SceneReader:
    """Reads what a turn must know, in as few round trips as it takes."""

    def __init__(self, screener: Assessor, config: TurnConfig, second: SecondReader) -> None:
        self.content = Content()
        self._screener = screener
        self._second = second
        self._config = config
        self._truth = TruthReader(
            zone=config.time_zone,
            eta_minutes=config.acknowledge_minutes,
            keep_days=config.keep_days,
            lines=config.lines,
        )

    async def read(self, session: Session, contact: Contact, waiting: Waiting, *, more_waits: bool = False) -> Scene:
        """The scene of this message; `more_waits` when a newer one is due already. Raises what the
        store raises."""
        message = waiting.message
        minor = contact.minor
        known = await cases.background(session, waiting.address_id, waiting.id, self._config.history_days)
        if known.held:
            await outbox.release(session, waiting.address_id)
        recent = [Earlier(RiskLevel(level), days) for level, days in known.recent]
        own = screen(self._screener, message, minor=minor)
        latched = screen(self._screener, message, recent, minor=minor) if recent else own
        reading = await self._second.read(message, own)
        own, latched = reading.raise_(own, minor=minor), reading.raise_(latched, minor=minor)
        bundle = await self.content.for_state(session, _still_open(contact))
        language, other = _languages(contact, message, bundle)
        contact = dataclasses.replace(contact, language=language, other_language=other, state=_still_open(contact))
        spoken = language or _DEFAULT_LANGUAGE
        categories = {*(known.case.categories if known.case else ()), *(one.value for one in own.categories)}
        truth = await self._truth.truth_for(session, contact, categories=categories, in_case=known.case is not None)
        return Scene(
            session,
            contact,
            waiting,
            known.address,
            bundle,
            spoken,
            own,
            latched,
            truth,
            known.case,
            self._config.first_languages,
            more_waits,
            reading,
        )

    def is_alarming(self, waiting: Waiting) -> bool:
        """Whether this message shows risk by itself."""
        return screen(self._screener, waiting.message).alarming


def _languages(contact: Contact, message: InboundMessage, bundle: Bundle) -> tuple[str | None, str | None]:
    """What the contact speaks now, and the other language they may be going over to. A language that the
    service does not speak counts as none: the person is asked in the first languages."""
    spoken = frozenset(bundle.service)
    written = " ".join(message.texts)
    if contact.language is None:
        found = detect(written).language
        return (found if found in spoken else None), None
    if contact.language_chosen or message.button_title:
        return contact.language, None
    return settled(contact.language, contact.other_language, written, spoken)


def _still_open(contact: Contact) -> Mapping[str, Any] | None:
    """Where the dialogue stands, unless that is so long ago that one begins anew."""
    last = contact.last_inbound_at
    return None if last is not None and clock.now() - last > _RESUMED_WITHIN else contact.state

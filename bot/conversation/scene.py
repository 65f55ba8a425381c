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
from bot.conversation.content import Content
from bot.conversation.facts import Rota, Truth, truth_for
from bot.conversation.language import detect
from bot.conversation.screening import screen
from bot.conversation.second_reader import Reading, SecondReader
from bot.flow import Bundle, render
from bot.flow.state import Say
from bot.programme.actions import MINORS
from bot.store import cases, outbox
from bot.store.cases import Standing
from bot.store.contacts import AddressState, Contact
from bot.store.database import Session
from bot.store.inbox import Waiting
from escalation import Assessment, Earlier, RiskLevel, Screener

_DEFAULT_LANGUAGE = "en"
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

    def text(self, key: str) -> str:
        """A text of the service, filled with what is true now: in the contact's language, or in
        the first languages one after the other while theirs is unknown."""
        offers = tuple(self.bundle.service["en"].texts[key].choices)
        languages = (self.language,) if self.contact.language else self.first_languages
        return "\n\n".join(self._text_in(language, key, offers) for language in languages)

    def _text_in(self, language: str, key: str, offers: tuple[str, ...]) -> str:
        say = Say("", key, self.truth.values(self.bundle, language, self.channel), offers)
        return render(self.bundle, say, language, self.channel)


class SceneReader:
    """Reads what a turn must know, in as few round trips as it takes."""

    def __init__(self, screener: Screener, config: TurnConfig, second: SecondReader) -> None:
        self.content = Content()
        self._screener = screener
        self._second = second
        self._config = config
        self._rota = Rota()

    async def read(self, session: Session, contact: Contact, waiting: Waiting, *, more_waits: bool = False) -> Scene:
        """The scene of this message; `more_waits` when a newer one is due already. Raises what the
        store raises."""
        message = waiting.message
        minor = contact.age_band in MINORS
        known = await cases.background(session, waiting.address_id, waiting.id, self._config.history_days)
        if known.held:
            await outbox.release(session, waiting.address_id)
        recent = [Earlier(RiskLevel(level), days) for level, days in known.recent]
        own = screen(self._screener, message, minor=minor)
        latched = screen(self._screener, message, recent, minor=minor) if recent else own
        reading = await self._second.read(message, own)
        own, latched = reading.raise_(own, minor=minor), reading.raise_(latched, minor=minor)
        bundle = await self.content.for_state(session, _still_open(contact))
        language = contact.language or detect(" ".join(message.texts)).language
        contact = dataclasses.replace(contact, language=language, state=_still_open(contact))
        spoken = language or _DEFAULT_LANGUAGE
        truth = await truth_for(
            session,
            self._rota,
            contact,
            zone=self._config.time_zone,
            eta_minutes=self._config.acknowledge_minutes,
            keep_days=self._config.keep_days,
        )
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


def _still_open(contact: Contact) -> Mapping[str, Any] | None:
    """Where the dialogue stands, unless that is so long ago that one begins anew."""
    last = contact.last_inbound_at
    return None if last is not None and clock.now() - last > _RESUMED_WITHIN else contact.state

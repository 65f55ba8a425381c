"""One turn of one contact: load, screen, decide, play, record; all in one transaction.

Owns: TurnHandler.
May import: everything below the conversation.
Start reading at: `TurnHandler.next_turn`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, assert_never

from bot import clock
from bot.channels.carrier_words import carrier_opt_out, is_ambiguous_stop
from bot.conversation import decide as d
from bot.conversation.checks import Check, CheckResult
from bot.conversation.content import Content
from bot.conversation.effects import perform
from bot.conversation.events import (
    Answered,
    CaseRequested,
    ContactChanged,
    ControlReturned,
    Event,
    OptedIn,
    OptedOut,
    ReplyQueued,
    Screened,
)
from bot.conversation.facts import Rota, Truth, truth_for, when
from bot.conversation.language import detect
from bot.conversation.record import Desk, record
from bot.conversation.screening import screen
from bot.dialogue.protocol import DialogueEngine, EngineReply, EngineTurn
from bot.errors import EngineFailed, EngineUnavailable
from bot.flow import Bundle, render
from bot.flow.answers import choice_in
from bot.flow.interpreter import REPEAT
from bot.flow.render import choices_of
from bot.flow.state import Say
from bot.programme.actions import MINORS, ActionContext
from bot.store import cases, contacts, inbox
from bot.store.cases import Standing
from bot.store.contacts import AddressState, Contact, contact_from
from bot.store.database import Database, DatabaseUnavailable, Session
from bot.store.inbox import Waiting
from bot.vocabulary import Control
from escalation import Assessment, RiskCategory, RiskLevel, Screener

MOST_CALLS = 10
_REPEATED_AFTER = timedelta(minutes=5)
_UNOPENED_AGAIN = timedelta(minutes=1)
_PROBE_EVERY = timedelta(seconds=1)
_DEFAULT_LANGUAGE = "en"
_MEDICAL, _THIRD, _SELF = "R6", "R1T", frozenset({"R1", "R7"})


@dataclasses.dataclass(frozen=True)
class TurnConfig:
    """What an operator set, as far as a turn needs it."""

    organisation: str = "this service"
    time_zone: str = "UTC"
    first_languages: tuple[str, ...] = ("en",)
    history_days: int = 14
    acknowledge_minutes: int = 30
    away_hours: float = 24
    answer_within: float = 60
    turn_attempts: int = 3
    sms_segments: int = 6


class Took(Enum):
    """What `next_turn` came to."""

    NOTHING = "nothing"
    ANSWERED = "answered"
    POSTPONED = "postponed"
    GAVE_UP = "gave up"


@dataclasses.dataclass(frozen=True)
class TurnReport:
    """For logs and metrics: nothing of what was said."""

    took: Took
    decision: str = ""
    level: int = 0
    language: str = ""
    channel: str = ""
    waited: float = 0.0
    error: str = ""


@dataclasses.dataclass(frozen=True)
class _Scene:
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

    @property
    def channel(self) -> str:
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


@dataclasses.dataclass
class _Claim:
    """What a turn has got hold of so far; it outlives a failure."""

    contact_id: uuid.UUID | None = None
    waiting: Waiting | None = None


class TurnHandler:
    """Handles messages one contact at a time. Many may run at once, here and elsewhere."""

    def __init__(self, database: Database, engine: DialogueEngine, screener: Screener, config: TurnConfig) -> None:
        self._database = database
        self._engine = engine
        self._screener = screener
        self._config = config
        self._content = Content()
        self._rota = Rota()
        self._engine_down_since: datetime | None = None
        self._engine_asked_at: datetime | None = None
        self._engine_well_at: datetime | None = None

    async def next_turn(self) -> TurnReport:
        """Answer the message that waits longest, if any.

        Raises DatabaseUnavailable; then nothing has happened and the message still waits.
        """
        claim = _Claim()
        try:
            async with self._database.transaction() as session:
                return await self._one(session, claim)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if claim.contact_id is None:
                raise
            return await self._after_failure(claim.contact_id, claim.waiting, error)

    async def _one(self, session: Session, claim: _Claim) -> TurnReport:
        row = await inbox.claim_contact(session)
        if row is None:
            return TurnReport(Took.NOTHING)
        claim.contact_id = row["id"]
        contact = contact_from(session, row)
        waiting = await inbox.waiting(session, contact.id)
        chosen = self._choose(waiting)
        if chosen is None:
            if waiting:
                await inbox.postpone(session, contact.id, waiting[0].due_at)
            return TurnReport(Took.POSTPONED)
        claim.waiting = chosen
        scene = await self._scene(session, contact, chosen)
        decision, events = await self._turn(scene)
        await record(session, self._desk(contact, chosen), events)
        return TurnReport(
            Took.ANSWERED,
            decision=type(decision).__name__.lower(),
            level=int(scene.own.level),
            language=scene.language,
            channel=scene.channel,
            waited=(clock.now() - chosen.received_at).total_seconds(),
        )

    def _choose(self, waiting: Sequence[Waiting]) -> Waiting | None:
        """The oldest message if it is due; before it any that shows risk, for danger does not queue."""
        if not waiting:
            return None
        if waiting[0].due_at > clock.now():
            return next((one for one in waiting if self._is_alarming(one)), None)
        return waiting[0]

    def _is_alarming(self, one: Waiting) -> bool:
        return screen(self._screener, one.message).alarming

    async def _scene(self, session: Session, contact: Contact, waiting: Waiting) -> _Scene:
        message = waiting.message
        minor = contact.age_band in MINORS
        known = await cases.background(session, waiting.address_id, self._config.history_days)
        recent = known.recent_levels
        own = screen(self._screener, message, minor=minor)
        latched = screen(self._screener, message, recent, minor=minor) if recent else own
        bundle = await self._content.for_state(session, contact.state)
        language = contact.language or detect(" ".join(message.texts)).language
        contact = dataclasses.replace(contact, language=language)
        spoken = language or _DEFAULT_LANGUAGE
        minutes = self._config.acknowledge_minutes
        truth = await truth_for(session, self._rota, contact, zone=self._config.time_zone, eta_minutes=minutes)
        return _Scene(
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
        )

    # Deciding

    async def _turn(self, scene: _Scene) -> tuple[d.Decision, list[Event]]:
        situation = self._situation(scene)
        decision = d.decide(situation)
        events: list[Event] = [Screened(scene.waiting.id, _keep(scene.own, scene.latched))]
        events += await self._carry_out(scene, decision)
        events.append(ContactChanged(self._seen(scene)))
        events.append(Answered(scene.waiting.id))
        return decision, events

    def _situation(self, scene: _Scene) -> d.Situation:
        contact, message = scene.contact, scene.waiting.message
        case = scene.case
        command = self._content.command_in(scene.bundle, message.button_title or message.text)
        answered = contact.crisis_answered_at
        return d.Situation(
            own=scene.own,
            latched=scene.latched,
            control=contact.control,
            word=command,
            opt_out=carrier_opt_out(message),
            opted_out=scene.address.opted_out_at is not None,
            consented=contact.consent is not None,
            open_flow=_open_flow(contact),
            open_check=contact.open_check,
            check_answer=self._check_answer(scene),
            case_level=case.level if case else None,
            acknowledged=case.acknowledged if case else False,
            recently_answered=answered is not None and clock.now() - answered < _REPEATED_AFTER,
            has_media=bool(message.media),
        )

    def _check_answer(self, scene: _Scene) -> str | None:
        asked, message = scene.contact.open_check, scene.waiting.message
        if asked is None:
            return None
        say = Say("", asked, {}, tuple(scene.bundle.service["en"].texts[asked].choices))
        choices = choices_of(scene.bundle, say, scene.language)
        written = message.button_title or message.text
        return choice_in(written, message.button_payload, choices, exact=True)

    def _seen(self, scene: _Scene) -> dict[str, Any]:
        """What every message changes: when it came, and its language once that is known."""
        values: dict[str, Any] = {"last_inbound_at": scene.waiting.received_at}
        if scene.contact.language is not None:
            values["language"] = scene.contact.language
        return values

    # Carrying out

    async def _carry_out(self, scene: _Scene, decision: d.Decision) -> list[Event]:
        match decision:
            case d.Silence():
                return []
            case d.StillWaiting():
                return self._who_is_there(scene, "reply")
            case d.CameBack(level):
                again = CaseRequested("wrote again after stopping in a crisis", int(level))
                return [again, *self._who_is_there(scene, "crisis")]
            case d.Alarm():
                return self._alarm(scene, decision)
            case d.Ask(check):
                return [
                    ReplyQueued(scene.text(check.value)),
                    ContactChanged({"open_check": check.value}),
                ]
            case d.CheckAnswered(result):
                return await self._after_check(scene, result)
            case d.ListenLater():
                return [
                    CaseRequested(
                        "sent a voice note, picture or file", int(scene.own.level), ("R11",), takes_control=False
                    ),
                    ReplyQueued(scene.text("voice_note")),
                ]
            case d.Stop(provider_confirms, in_crisis):
                return self._stop(scene, provider_confirms, in_crisis)
            case d.Start(provider_confirms):
                reply = [] if provider_confirms else [ReplyQueued(scene.text("started"), "confirmation")]
                return [OptedIn(), *reply]
            case d.Exit():
                return [ContactChanged({"state": None, "open_check": None}), ReplyQueued(scene.text("exited"))]
            case d.Play():
                return await self._play(scene, decision)
            case _:
                assert_never(decision)

    def _who_is_there(self, scene: _Scene, kind: str) -> list[Event]:
        key = "held_on_duty" if scene.truth.on_duty else "held_off_duty"
        return [ReplyQueued(scene.text(key), kind), ContactChanged({"crisis_answered_at": clock.now()})]

    def _alarm(self, scene: _Scene, alarm: d.Alarm) -> list[Event]:
        """The case, and the first answer: truthful, at once, without the engine."""
        need_only = set(alarm.categories) == {"R10"} and alarm.level <= RiskLevel.ELEVATED
        events: list[Event] = [CaseRequested("risk", int(alarm.level), alarm.categories, takes_control=not need_only)]
        if alarm.quiet:
            return events
        key = self._first_answer(scene, alarm, need_only)
        events.append(ReplyQueued(scene.text(key), "crisis"))
        asks = key if key in {check.value for check in Check} else None
        events.append(ContactChanged({"open_check": asks, "crisis_answered_at": clock.now()}))
        return events

    def _promised_until(self, scene: _Scene) -> datetime | None:
        """The time by which the contact is told that somebody comes; none when nobody is on duty."""
        if not scene.truth.on_duty:
            return None
        return clock.now() + timedelta(minutes=self._config.acknowledge_minutes)

    def _first_answer(self, scene: _Scene, alarm: d.Alarm, need_only: bool) -> str:
        found = set(alarm.categories)
        if alarm.repeated:
            return "noted_for_team"
        if need_only:
            return "need_noted"
        if _MEDICAL in found:
            return "medical"
        if _THIRD in found and not found & _SELF:
            return str(Check.THIRD_PERSON.value)
        on_duty = scene.truth.on_duty
        if found & _SELF or not found:
            return str((Check.SAFE_ON_DUTY if on_duty else Check.SAFE_OFF_DUTY).value)
        return str((Check.DANGER_ON_DUTY if on_duty else Check.DANGER_OFF_DUTY).value)

    async def _after_check(self, scene: _Scene, result: CheckResult) -> list[Event]:
        events: list[Event] = [ContactChanged({"open_check": None})]
        level = max(result.level, scene.latched.level)
        if result.level > RiskLevel.NONE:
            events.append(Screened(scene.waiting.id, _raised(scene.own, result)))
        if result.alarm:
            return events + self._alarm(scene, d.Alarm(level, (result.category,)))
        if result.case:
            control = result.category != "R10"
            events.append(CaseRequested("answered a check question", int(level), (result.category,), control))
        if result.text:
            events.append(ReplyQueued(scene.text(result.text), "crisis" if result.case else "reply"))
        if result.person:
            if result.level > RiskLevel.NONE:
                events.append(CaseRequested("answered a check question", int(level), (result.category,)))
            events += await self._play(scene, d.Play(start="talk_to_person"))
        return events

    def _stop(self, scene: _Scene, provider_confirms: bool, in_crisis: bool) -> list[Event]:
        message = scene.waiting.message
        events: list[Event] = [OptedOut(), ContactChanged({"open_check": None})]
        if is_ambiguous_stop(message):
            events.append(
                CaseRequested("a word that also ends SMS may have been distress", 1, ("R1",), takes_control=False)
            )
        if not provider_confirms:
            key = "stop_in_crisis" if in_crisis else "stopped"
            events.append(ReplyQueued(scene.text(key), "confirmation"))
        return events

    # Playing a flow

    async def _play(self, scene: _Scene, play: d.Play) -> list[Event]:
        events: list[Event] = [ControlReturned()] if play.takes_back else []
        contact = scene.contact
        if play.takes_back:
            contact = dataclasses.replace(contact, control=Control.BOT)
        language, state = scene.language, contact.state
        said: list[str] = []
        result: Mapping[str, Any] | None = None
        for _ in range(MOST_CALLS):
            reply = await self._engine_turn(scene, contact, play, language, state, result)
            said += [one.text for one in reply.says]
            state = reply.state
            self._engine_down_since, self._engine_well_at = None, clock.now()
            if reply.call is None:
                return [
                    *events,
                    *self._reply(scene, said, events),
                    ContactChanged({"state": state, "open_check": None}),
                ]
            slots = {**reply.call.slots, "time_zone": self._config.time_zone}
            context = self._context(scene, contact, language)
            result, effects = await perform(context, reply.call.name, slots)
            events += effects
            contact = _changed(contact, effects)
            language = contact.language or language
        raise EngineFailed("A flow calls the outside without end.")

    def _reply(self, scene: _Scene, said: list[str], events: list[Event]) -> list[Event]:
        """All that was said as one message: fewer to pay for, and none can overtake another."""
        stopped = scene.address.opted_out_at is not None or any(isinstance(event, OptedOut) for event in events)
        text = "\n\n".join(part for part in said if part)
        return [ReplyQueued(text, "confirmation" if stopped else "reply")] if text else []

    async def _engine_turn(
        self,
        scene: _Scene,
        contact: Contact,
        play: d.Play,
        language: str,
        state: Mapping[str, Any] | None,
        result: Mapping[str, Any] | None,
    ) -> EngineReply:
        self._spare_a_broken_engine()
        message = scene.waiting.message
        return await self._engine.play(
            EngineTurn(
                bundle_hash=scene.bundle.hash,
                bundle_json=lambda: self._content.body(scene.bundle.hash),
                state=state,
                language=language,
                channel=scene.channel,
                text="" if result is not None else (message.text or message.button_title),
                payload=message.button_payload,
                start="" if result is not None else (REPEAT if play.repeat else play.start),
                result=result,
                facts=self._facts(scene, contact, language),
            )
        )

    def _spare_a_broken_engine(self) -> None:
        """While the engine is down one turn a second asks it; the others do not wait for nothing."""
        now = clock.now()
        if self._engine_down_since and self._engine_asked_at and now - self._engine_asked_at < _PROBE_EVERY:
            raise EngineUnavailable("The engine was down a moment ago.")
        self._engine_asked_at = now

    def _facts(self, scene: _Scene, contact: Contact, language: str) -> dict[str, Any]:
        last = contact.last_inbound_at
        away = last is not None and scene.waiting.received_at - last > timedelta(hours=self._config.away_hours)
        return {
            **scene.truth.values(scene.bundle, language, scene.channel),
            "org": self._config.organisation,
            "language_known": contact.language is not None,
            "consent": contact.consent is not None,
            "control": contact.control.value,
            "away": away,
        }

    def _context(self, scene: _Scene, contact: Contact, language: str) -> ActionContext:
        until = self._promised_until(scene)
        return ActionContext(scene.session, contact, scene.bundle, language, scene.channel, when, until)

    # When it does not work

    async def _after_failure(self, contact_id: uuid.UUID, waiting: Waiting | None, error: Exception) -> TurnReport:
        """Postpone, or tell the person honestly and have a human read it."""
        if waiting is None:
            return await self._cannot_open(contact_id, error)
        waited = (clock.now() - waiting.received_at).total_seconds()
        down = isinstance(error, EngineUnavailable)
        last_try = waiting.attempts + 1 >= self._config.turn_attempts
        give_up = self._is_down_too_long(waited) if down else last_try
        async with self._database.transaction() as session:
            held = await contacts.hold_contact(session, contact_id)
            others = await inbox.waiting(session, contact_id)
            if held is None or waiting.id not in {one.id for one in others}:
                return TurnReport(Took.NOTHING)
            if give_up:
                await self._give_up(session, held, waiting)
            elif down:
                danger = [one.id for one in others if self._is_alarming(one)]
                await inbox.postpone(session, contact_id, _later(waited), but=danger)
            else:
                await inbox.failed(session, waiting.id, _later(waiting.attempts + 1.0))
        took = Took.GAVE_UP if give_up else Took.POSTPONED
        return TurnReport(took, error=type(error).__name__, channel=waiting.message.channel.value, waited=waited)

    async def _cannot_open(self, contact_id: uuid.UUID, error: Exception) -> TurnReport:
        """Something of this contact cannot be opened, most likely for want of a key: nothing is
        given up, the others go on, and a human knows."""
        async with self._database.transaction() as session:
            await inbox.postpone(session, contact_id, clock.now() + _UNOPENED_AGAIN)
            if await cases.standing(session, contact_id) is None:
                await cases.open_case(session, contact_id, reason="a message cannot be opened", level=1)
        return TurnReport(Took.POSTPONED, error=type(error).__name__)

    def _is_down_too_long(self, waited: float) -> bool:
        """The person has waited long enough, and the engine had a fair time to come back, or
        answers others all the while."""
        now = clock.now()
        self._engine_down_since = self._engine_down_since or now
        fair = timedelta(seconds=self._config.answer_within / 2)
        answers_others = self._engine_well_at is not None and now - self._engine_well_at < fair
        return waited > self._config.answer_within and (answers_others or now - self._engine_down_since > fair)

    async def _give_up(self, session: Session, contact: Contact, waiting: Waiting) -> None:
        scene = await self._scene(session, contact, waiting)
        events: list[Event] = [
            Screened(waiting.id, _keep(scene.own, scene.latched)),
            CaseRequested("the bot could not answer", int(scene.own.level), takes_control=False),
            ReplyQueued(scene.text("cannot_answer")),
            ContactChanged({"last_inbound_at": waiting.received_at}),
            Answered(waiting.id),
        ]
        silent = contact.control is Control.COUNSELLOR or scene.address.opted_out_at is not None
        kept = [event for event in events if not (silent and isinstance(event, ReplyQueued))]
        await record(session, self._desk(contact, waiting), kept)

    def _desk(self, contact: Contact, waiting: Waiting) -> Desk:
        return Desk(contact.id, waiting.address_id, waiting.message.channel, waiting.id, self._config.sms_segments)


def _open_flow(contact: Contact) -> str:
    """The flow whose question is open, or ""."""
    stack = contact.state["stack"] if contact.state else ()
    return str(stack[-1]["flow"]) if stack else ""


def _later(waited: float) -> datetime:
    """The next try: soon at first, at most five seconds apart."""
    return clock.now() + timedelta(seconds=clock.jitter(min(5.0, max(0.5, waited / 2))))


def _keep(own: Assessment, latched: Assessment) -> Assessment:
    """What is written down for a message: its own signs, at the level that counts if it has any."""
    return dataclasses.replace(latched, signals=own.signals) if own.level > RiskLevel.NONE else own


def _raised(own: Assessment, result: CheckResult) -> Assessment:
    return dataclasses.replace(
        own,
        level=max(own.level, result.level),
        categories=(*own.categories, RiskCategory(result.category)),
        rules=(*own.rules, "check"),
    )


def _changed(contact: Contact, effects: Sequence[Event]) -> Contact:
    """The contact as the effects leave it, for the rest of the turn."""
    for effect in effects:
        if isinstance(effect, ContactChanged):
            known = {key: value for key, value in effect.values.items() if hasattr(contact, key)}
            contact = dataclasses.replace(contact, **known)
        elif isinstance(effect, CaseRequested) and effect.takes_control:
            contact = dataclasses.replace(contact, control=Control.COUNSELLOR)
    return contact

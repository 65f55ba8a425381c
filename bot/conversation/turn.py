"""One turn of one contact: load, screen, decide, carry out, record; all in one transaction.

Owns: TurnHandler.
May import: everything below the conversation.
Start reading at: `TurnHandler.next_turn`.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from bot import clock
from bot.channels.carrier_words import carrier_opt_out
from bot.conversation import decide as d
from bot.conversation.answering import Answering
from bot.conversation.events import Answered, CaseRequested, ContactChanged, Event, ReplyQueued, Screened
from bot.conversation.playing import Playing
from bot.conversation.record import Desk, record
from bot.conversation.scene import Scene, SceneReader, TurnConfig
from bot.conversation.screening import Assessor
from bot.conversation.second_reader import SecondReader
from bot.dialogue.protocol import DialogueEngine
from bot.errors import EngineUnavailable
from bot.flow.answers import choice_in
from bot.flow.render import choices_of
from bot.flow.state import Say
from bot.store import cases, contacts, inbox
from bot.store.contacts import Contact, contact_from
from bot.store.database import Database, DatabaseUnavailable, Session
from bot.store.inbox import Waiting
from bot.vocabulary import Control
from escalation import Assessment, RiskLevel

__all__ = ["Took", "TurnConfig", "TurnHandler", "TurnReport"]

_UNOPENED_AGAIN = timedelta(minutes=1)


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


@dataclasses.dataclass
class _Claim:
    """What a turn has got hold of so far; it outlives a failure."""

    contact_id: uuid.UUID | None = None
    waiting: Waiting | None = None


class TurnHandler:
    """Handles messages one contact at a time. Many may run at once, here and elsewhere."""

    def __init__(self, database: Database, engine: DialogueEngine, screener: Assessor, config: TurnConfig) -> None:
        self._database = database
        self._config = config
        self._scenes = SceneReader(screener, config, SecondReader(engine, on=config.second_reader))
        self._playing = Playing(engine, self._scenes.content, config)
        self._answering = Answering(self._playing)

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
        more_waits = any(one.id > chosen.id for one in waiting)
        scene = await self._scenes.read(session, contact, chosen, more_waits=more_waits)
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
            return next((one for one in waiting if self._scenes.is_alarming(one)), None)
        return waiting[0]

    # Deciding

    async def _turn(self, scene: Scene) -> tuple[d.Decision, list[Event]]:
        situation = self._situation(scene)
        decision = d.decide(situation)
        events: list[Event] = [Screened(scene.waiting.id, _keep(scene.own, scene.latched))]
        events.append(ContactChanged(self._seen(scene)))
        events += await self._answering.carry_out(scene, decision)
        events.append(Answered(scene.waiting.id))
        return decision, events

    def _situation(self, scene: Scene) -> d.Situation:
        contact, message = scene.contact, scene.waiting.message
        case = scene.case
        command = self._scenes.content.command_in(scene.bundle, message.button_title or message.text)
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
            recently_answered=answered is not None
            and clock.now() - answered < timedelta(minutes=self._config.repeat_crisis_minutes),
            has_media=bool(message.media),
            child=contact.age_band == "under_13",
            about_other=scene.about_other,
            more_waits=scene.more_waits,
        )

    def _check_answer(self, scene: Scene) -> str | None:
        asked, message = scene.contact.open_check, scene.waiting.message
        if asked is None:
            return None
        say = Say("", asked, {}, tuple(scene.bundle.service["en"].texts[asked].choices))
        choices = choices_of(scene.bundle, say, scene.language)
        written = message.button_title or message.text
        return choice_in(written, message.button_payload, choices, exact=True)

    def _seen(self, scene: Scene) -> dict[str, Any]:
        """What every message changes: when it came, and its language once that is known."""
        values: dict[str, Any] = {"last_inbound_at": scene.waiting.received_at}
        if scene.contact.language is not None:
            values |= {"language": scene.contact.language, "other_language": scene.contact.other_language}
        return values

    # When it does not work

    async def _after_failure(self, contact_id: uuid.UUID, waiting: Waiting | None, error: Exception) -> TurnReport:
        """Postpone, or tell the person honestly and have a human read it."""
        if waiting is None:
            return await self._cannot_open(contact_id, error)
        waited = (clock.now() - waiting.received_at).total_seconds()
        down = isinstance(error, EngineUnavailable)
        last_try = waiting.attempts + 1 >= self._config.turn_attempts
        give_up = self._playing.is_down_too_long(waited) if down else last_try
        async with self._database.transaction() as session:
            held = await contacts.hold_contact(session, contact_id)
            others = await inbox.waiting(session, contact_id)
            if held is None or waiting.id not in {one.id for one in others}:
                return TurnReport(Took.NOTHING)
            if give_up:
                await self._give_up(session, held, waiting)
            elif down:
                danger = [one.id for one in others if self._scenes.is_alarming(one)]
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

    async def _give_up(self, session: Session, contact: Contact, waiting: Waiting) -> None:
        scene = await self._scenes.read(session, contact, waiting)
        events: list[Event] = [
            Screened(waiting.id, _keep(scene.own, scene.latched)),
            CaseRequested("the bot could not answer", int(scene.own.level), takes_control=False),
            scene.reply("cannot_answer"),
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

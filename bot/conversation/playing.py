"""Playing flows: the engine's turns, and what they call on the outside in between.

Owns: Playing.
May import: dialogue, programme, store, flow, and below.
Start reading at: `Playing.play`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot import clock
from bot.conversation import decide as d
from bot.conversation.content import Content
from bot.conversation.effects import perform
from bot.conversation.events import CaseRequested, ContactChanged, ControlReturned, Event, OptedOut, ReplyQueued
from bot.conversation.facts import when
from bot.conversation.scene import Scene, TurnConfig
from bot.dialogue.protocol import DialogueEngine, EngineReply, EngineTurn, Said
from bot.errors import EngineFailed, EngineUnavailable
from bot.flow.interpreter import REPEAT
from bot.programme.actions import ActionContext
from bot.store.contacts import Contact
from bot.vocabulary import Control

MOST_CALLS = 10
_PROBE_EVERY = timedelta(seconds=1)


class Playing:
    """Asks the engine, and remembers how it is."""

    def __init__(self, engine: DialogueEngine, content: Content, config: TurnConfig) -> None:
        self._engine = engine
        self._content = content
        self._config = config
        self._down_since: datetime | None = None
        self._asked_at: datetime | None = None
        self._well_at: datetime | None = None

    async def play(self, scene: Scene, play: d.Play) -> list[Event]:
        """The turns of the engine until it waits for the contact, and what they come to."""
        events: list[Event] = [ControlReturned()] if play.takes_back else []
        contact = scene.contact
        if play.takes_back:
            contact = dataclasses.replace(contact, control=Control.BOT)
        language, state = scene.language, contact.state
        said: list[Said] = []
        result: Mapping[str, Any] | None = None
        for _ in range(MOST_CALLS):
            reply = await self._engine_turn(scene, contact, play, language, state, result)
            said += reply.says
            state = reply.state
            self._down_since, self._well_at = None, clock.now()
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

    def _reply(self, scene: Scene, said: list[Said], events: list[Event]) -> list[Event]:
        """All that was said as one message: fewer to pay for, and none can overtake another."""
        stopped = scene.address.opted_out_at is not None or any(isinstance(event, OptedOut) for event in events)
        text = "\n\n".join(one.text for one in said if one.text)
        given = dict.fromkeys(line_id for one in said for line_id in _lines_in(scene, one))
        return [ReplyQueued(text, "confirmation" if stopped else "reply", tuple(given))] if text else []

    async def _engine_turn(
        self,
        scene: Scene,
        contact: Contact,
        play: d.Play,
        language: str,
        state: Mapping[str, Any] | None,
        result: Mapping[str, Any] | None,
    ) -> EngineReply:
        self._spare_a_broken_engine()
        message = scene.waiting.message
        text = "" if result is not None else (message.text or message.button_title)
        return await self._engine.play(
            EngineTurn(
                bundle_hash=scene.bundle.hash,
                bundle_json=lambda: self._content.body(scene.bundle.hash),
                state=state,
                language=language,
                channel=scene.channel,
                text=text,
                payload=message.button_payload,
                start="" if result is not None else (REPEAT if play.repeat else play.start),
                result=result,
                reading=scene.reading.by_text.get(text),
                facts=self._facts(scene, contact, language),
            )
        )

    def _spare_a_broken_engine(self) -> None:
        """While the engine is down one turn a second asks it; the others do not wait for nothing."""
        now = clock.now()
        if self._down_since and self._asked_at and now - self._asked_at < _PROBE_EVERY:
            raise EngineUnavailable("The engine was down a moment ago.")
        self._asked_at = now

    def _facts(self, scene: Scene, contact: Contact, language: str) -> dict[str, Any]:
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

    def _context(self, scene: Scene, contact: Contact, language: str) -> ActionContext:
        return ActionContext(scene.session, contact, scene.bundle, language, scene.channel, when, scene.promised_until)

    def is_down_too_long(self, waited: float) -> bool:
        """The person has waited long enough, and the engine had a fair time to come back, or
        answers others all the while."""
        now = clock.now()
        self._down_since = self._down_since or now
        fair = timedelta(seconds=self._config.answer_within / 2)
        answers_others = self._well_at is not None and now - self._well_at < fair
        return waited > self._config.answer_within and (answers_others or now - self._down_since > fair)


def _lines_in(scene: Scene, said: Said) -> tuple[str, ...]:
    """The help lines that a text of a flow gave."""
    texts = scene.bundle.texts["en"].get(said.flow, {}) if said.flow else scene.bundle.service["en"].texts
    return scene.lines_in(texts[said.key].text) if said.key in texts else ()


def _changed(contact: Contact, effects: Sequence[Event]) -> Contact:
    """The contact as the effects leave it, for the rest of the turn."""
    for effect in effects:
        if isinstance(effect, ContactChanged):
            known = {key: value for key, value in effect.values.items() if hasattr(contact, key)}
            contact = dataclasses.replace(contact, **known)
        elif isinstance(effect, CaseRequested) and effect.takes_control:
            contact = dataclasses.replace(contact, control=Control.COUNSELLOR)
    return contact

"""Carrying out what was decided: from a decision to events.

Owns: Answering.
May import: the conversation's own parts.
Start reading at: `Answering.carry_out`.
"""

from __future__ import annotations

import dataclasses
from typing import assert_never

from bot import clock
from bot.channels.carrier_words import is_ambiguous_stop
from bot.conversation import decide as d
from bot.conversation.checks import Check, CheckResult
from bot.conversation.events import CaseRequested, ContactChanged, Event, OptedIn, OptedOut, Screened
from bot.conversation.playing import Playing
from bot.conversation.scene import Scene
from escalation import Assessment, RiskCategory, RiskLevel

_MEDICAL, _THIRD, _SELF = "R6", "R1T", frozenset({"R1", "R7"})


class Answering:
    """Everything but the flows is answered here, without the engine."""

    def __init__(self, playing: Playing) -> None:
        self._playing = playing

    async def carry_out(self, scene: Scene, decision: d.Decision) -> list[Event]:
        """What the decision means for this contact. Raises what the engine raises."""
        match decision:
            case d.Silence():
                return []
            case d.StillWaiting():
                return self._who_is_there(scene, "reply")
            case d.Stay(key):
                return self._said(scene, key)
            case d.CameBack(level):
                again = CaseRequested("wrote again after stopping in a crisis", int(level))
                return [again, *self._who_is_there(scene, "crisis")]
            case d.Alarm():
                return self._alarm(scene, decision)
            case d.Ask(check):
                return [
                    scene.reply(check.value),
                    ContactChanged({"open_check": check.value}),
                ]
            case d.CheckAnswered(result):
                return await self._after_check(scene, result)
            case d.ListenLater():
                return [
                    CaseRequested(
                        "sent a voice note, picture or file", int(scene.latched.level), ("R11",), takes_control=False
                    ),
                    scene.reply("voice_note"),
                ]
            case d.Stop(provider_confirms, in_crisis):
                return self._stop(scene, provider_confirms, in_crisis)
            case d.Start(provider_confirms):
                reply = [] if provider_confirms else [scene.reply("started", kind="confirmation")]
                return [OptedIn(), *reply]
            case d.Exit():
                return [ContactChanged({"state": None, "open_check": None}), scene.reply("exited")]
            case d.Play():
                return await self._playing.play(scene, decision)
            case _:
                assert_never(decision)

    def _who_is_there(self, scene: Scene, kind: str) -> list[Event]:
        key = "held_on_duty" if scene.truth.on_duty else "held_off_duty"
        return [scene.reply(key, kind=kind), ContactChanged({"crisis_answered_at": clock.now()})]

    def _alarm(self, scene: Scene, alarm: d.Alarm) -> list[Event]:
        """The case, and the first answer: truthful, at once, without the engine."""
        need_only = set(alarm.categories) == {"R10"} and alarm.level <= RiskLevel.ELEVATED
        events: list[Event] = [
            CaseRequested(
                "risk",
                int(alarm.level),
                alarm.categories,
                takes_control=not need_only,
                promised_until=scene.promised_until,
            )
        ]
        if alarm.quiet:
            return events
        key = self._first_answer(scene, alarm, need_only)
        return [*events, *self._said(scene, key), ContactChanged({"crisis_answered_at": clock.now()})]

    def _said(self, scene: Scene, key: str) -> list[Event]:
        """An answer to danger; when it is a check question, that is open from now on."""
        asks = key if key in {check.value for check in Check} else None
        return [scene.reply(key, kind="crisis"), ContactChanged({"open_check": asks})]

    def _first_answer(self, scene: Scene, alarm: d.Alarm, need_only: bool) -> str:
        found = set(alarm.categories)
        if alarm.stay:
            return "noted_for_team" if need_only else alarm.stay
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

    async def _after_check(self, scene: Scene, result: CheckResult) -> list[Event]:
        events: list[Event] = [ContactChanged({"open_check": result.asks.value if result.asks else None})]
        categories = (result.category,) if result.category else ()
        level = max(result.level, scene.latched.level)
        if result.level > RiskLevel.NONE:
            events.append(Screened(scene.waiting.id, _raised(scene.own, result)))
        if result.alarm:
            return events + self._alarm(scene, d.Alarm(level, categories))
        if result.case:
            control = result.category != "R10"
            events.append(CaseRequested("answered a check question", int(level), categories, control))
        if result.text:
            said = [result.text, *([result.asks.value] if result.asks else [])]
            kind = "crisis" if result.case or result.asks else "reply"
            events.append(scene.reply(*said, kind=kind))
        if result.person:
            if result.level > RiskLevel.NONE:
                events.append(CaseRequested("answered a check question", int(level), categories))
            events += await self._playing.play(scene, d.Play(start="talk_to_person"))
        return events

    def _stop(self, scene: Scene, provider_confirms: bool, in_crisis: bool) -> list[Event]:
        message = scene.waiting.message
        events: list[Event] = [OptedOut(), ContactChanged({"open_check": None, "crisis_answered_at": None})]
        if is_ambiguous_stop(message):
            events.append(
                CaseRequested("a word that also ends SMS may have been distress", 1, ("R1",), takes_control=False)
            )
        if not provider_confirms:
            key = "stop_in_crisis" if in_crisis else "stopped"
            events.append(scene.reply(key, kind="confirmation"))
        return events


def _raised(own: Assessment, result: CheckResult) -> Assessment:
    more = (RiskCategory(result.category),) if result.category else ()
    return dataclasses.replace(
        own,
        level=max(own.level, result.level),
        categories=(*own.categories, *more),
        rules=(*own.rules, "check"),
    )

"""What flows may call on the conversation itself: language, consent, age, pause, stop, a person.

Owns: perform(), KNOWN_ACTIONS.
May import: programme, store, and below.
Start reading at: `perform`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot import clock
from bot.conversation.events import CaseRequested, ContactChanged, Event, OptedOut
from bot.programme.actions import ACTIONS, ActionContext

CONSENT_VERSION = "2"
_PAUSE_DAYS = {"day": 1, "week": 7, "month": 30}
_ASKED, _IN_DANGER = 0, 3

Slots = Mapping[str, Any]
Effect = tuple[dict[str, Any], list[Event]]


def _set_language(context: ActionContext, slots: Slots) -> Effect:
    return {}, [ContactChanged({"language": slots["language"], "language_chosen": True})]


def _record_consent(context: ActionContext, slots: Slots) -> Effect:
    if slots.get("consent") != "agree":
        return {}, []
    return {}, [ContactChanged({"consent": CONSENT_VERSION, "consent_at": clock.now()})]


def _record_age(context: ActionContext, slots: Slots) -> Effect:
    return {}, [ContactChanged({"age_band": slots.get("age_band")})]


def _open_case(context: ActionContext, slots: Slots) -> Effect:
    in_danger = slots.get("case_reason") == "danger"
    level = _IN_DANGER if in_danger else _ASKED
    reason = "said to be in danger" if in_danger else "asked for a person"
    return {"case_reason": None}, [CaseRequested(reason, level, promised_until=context.promised_until)]


def _request_deletion(context: ActionContext, slots: Slots) -> Effect:
    return {}, [CaseRequested("asked for their data to be erased", _ASKED, takes_control=False)]


def _pause(context: ActionContext, slots: Slots) -> Effect:
    until = clock.now() + timedelta(days=_PAUSE_DAYS[slots["stop_choice"]])
    text = context.when(until, str(slots.get("time_zone") or "UTC"), context.language)
    return {"paused_until": text}, [ContactChanged({"paused_until": until})]


def _stop(context: ActionContext, slots: Slots) -> Effect:
    return {}, [OptedOut()]


_EFFECTS: dict[str, Callable[[ActionContext, Slots], Effect]] = {
    "set_language": _set_language,
    "record_consent": _record_consent,
    "record_age": _record_age,
    "open_case": _open_case,
    "request_deletion": _request_deletion,
    "pause_messages": _pause,
    "stop_messages": _stop,
}
KNOWN_ACTIONS = frozenset(ACTIONS) | frozenset(_EFFECTS)


async def perform(context: ActionContext, name: str, slots: Slots) -> Effect:
    """Carry out what a flow called: values for its slots, and events to record.

    Raises KeyError for a name that is no action; `harbour flows check` finds those before.
    """
    if name in _EFFECTS:
        return _EFFECTS[name](context, slots)
    return await ACTIONS[name](context, slots), []

"""From the JSON of a request to a Turn; what is wrong with it is said in one sentence.

Owns: read_turn(), Malformed.
May import: `bot.flow`, `bot.vocabulary`.
Start reading at: `read_turn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.engine.components.turn import Turn
from bot.flow import Bundle, DialogueState, TurnInput
from bot.flow.interpreter import REPEAT
from bot.vocabulary import Channel

_TEXTS = ("language", "channel", "text", "payload", "start")
_CHANNELS = {channel.value for channel in Channel}


class Malformed(Exception):
    """The request cannot be played. `sentence` repeats nothing a person wrote."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def read_turn(data: Mapping[str, Any], bundle: Bundle) -> Turn:
    """The Turn that `data` asks for. Raises Malformed."""
    for name in _TEXTS:
        if not isinstance(data.get(name, ""), str):
            raise Malformed("malformed", f'"{name}" must be a text')
    if data.get("channel") not in _CHANNELS:
        raise Malformed("malformed", f'"channel" must be one of {", ".join(sorted(_CHANNELS))}')
    if not data.get("language"):
        raise Malformed("malformed", '"language" is missing')
    state = _state(data.get("state"), bundle)
    turn = TurnInput(
        **{name: data.get(name, "") for name in _TEXTS},
        result=_mapping(data, "result"),
        facts=_mapping(data, "facts") or {},
    )
    _fits(turn, state, bundle)
    return Turn(bundle, state.to_json(), turn, read_before=_reading(data))


def _reading(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    reading = _mapping(data, "reading")
    if reading is None:
        return None
    confidence = reading.get("confidence")
    if not isinstance(reading.get("intent"), str) or not isinstance(confidence, (int, float)):
        raise Malformed("malformed", '"reading" must hold "intent", a text, and "confidence", a number')
    return reading


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = data.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise Malformed("malformed", f'"{name}" must be an object or null')
    return value


def _state(data: Any, bundle: Bundle) -> DialogueState:
    if data is None:
        return DialogueState(bundle.hash)
    try:
        state = DialogueState.from_json(data)
    except (KeyError, TypeError, AttributeError):
        raise Malformed("malformed", '"state" is not a dialogue state') from None
    for frame in state.stack:
        flow = bundle.flows.get(frame.flow)
        if flow is None or frame.step not in {step.id for step in flow.steps}:
            raise Malformed("unknown_step", f'this bundle has no step "{frame.flow}/{frame.step}"')
    return state


def _fits(turn: TurnInput, state: DialogueState, bundle: Bundle) -> None:
    if turn.start and turn.start != REPEAT and turn.start not in bundle.flows:
        raise Malformed("unknown_flow", f'this bundle has no flow "{turn.start}"')
    if turn.result is not None and turn.start:
        raise Malformed("malformed", "a turn is a start or a result, not both")
    if turn.result is not None and (not state.stack or state.stack[-1].phase != "called"):
        raise Malformed("no_open_call", "a result was sent, but no call is open")

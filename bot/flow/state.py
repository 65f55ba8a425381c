"""What goes into a turn of a flow and what comes out; all of it survives JSON.

Owns: DialogueState, Frame, TurnInput, Say, Call, Outcome.
May import: the standard library.
Start reading at: `DialogueState`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Frame:
    """One flow being played: where it stands and how often its question went unanswered.

    `phase` is "enter" before the step ran, "asked" while its answer is awaited, "way_out" while
    the choice between trying again, the menu and a person is awaited, "called" while the outside
    works on it. `interrupted` marks a flow that another one came before: its question is asked anew.
    """

    flow: str
    step: str
    phase: str = "enter"
    tries: int = 0
    interrupted: bool = False


@dataclasses.dataclass(frozen=True)
class DialogueState:
    """Where one contact stands. The last frame of `stack` is the flow that speaks."""

    bundle: str
    stack: tuple[Frame, ...] = ()
    slots: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    misses: int = 0

    @property
    def waiting_for(self) -> Frame | None:
        """The frame whose question is open, if any."""
        return self.stack[-1] if self.stack else None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "bundle": self.bundle,
            "stack": [dataclasses.asdict(frame) for frame in self.stack],
            "slots": dict(self.slots),
            "misses": self.misses,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DialogueState:
        """The inverse of `to_json`."""
        return DialogueState(
            bundle=data["bundle"],
            stack=tuple(Frame(**frame) for frame in data["stack"]),
            slots=data["slots"],
            misses=data["misses"],
        )


@dataclasses.dataclass(frozen=True)
class TurnInput:
    """What happened: a message (text, tapped payload, intent), a flow to start, or a result.

    `facts` are read-only truths about now (channel, on_duty, consent, ...). `result` is what the
    outside answered to the last Call; with it there is no message.
    """

    language: str
    channel: str = "whatsapp"
    text: str = ""
    payload: str = ""
    intent: str = ""
    confidence: float = 0.0
    start: str = ""
    result: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Say:
    """One thing to say: a text of a flow (or of the service, with `flow` ""), filled with `slots`."""

    flow: str
    key: str
    slots: Mapping[str, Any]
    choices: tuple[str, ...] = ()
    choices_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self) | {"choices": list(self.choices)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Say:
        """The inverse of `to_json`."""
        return Say(**{**data, "choices": tuple(data["choices"])})


@dataclasses.dataclass(frozen=True)
class Call:
    """Something only the outside can do; the turn is suspended until its result is given."""

    name: str
    slots: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one turn came to."""

    state: DialogueState
    says: tuple[Say, ...] = ()
    call: Call | None = None

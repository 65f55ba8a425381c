"""What the application asks of a conversation engine, and the values that travel.

Owns: DialogueEngine, EngineTurn, EngineReply, Said, Call, Interpretation, Sounds.
May import: `bot.vocabulary`.
Start reading at: `DialogueEngine`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bot.vocabulary import Reading

# Dialogue states, slots, facts and bundles cross this border as JSON values and are not looked into.
Json = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class EngineTurn:
    """One turn of one contact: a message, a flow to start, or the result of a call.

    `bundle_hash` names the published content; `bundle_json` gives it, and is asked only when the
    engine does not hold it yet. `state` is what the last reply gave, None for a new contact.
    `reading` is what `DialogueEngine.read` gave for `text`, if it was asked: it is not read again.
    `language` is an ISO 639-1 code, `channel` a `bot.vocabulary.Channel` value.
    """

    bundle_hash: str
    bundle_json: Callable[[], Json]
    state: Json | None
    language: str
    channel: str
    text: str = ""
    payload: str = ""
    start: str = ""
    result: Json | None = None
    reading: Interpretation | None = None
    facts: Json = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"EngineTurn({self.bundle_hash[:8]}, {self.channel}, {self.language})"


@dataclasses.dataclass(frozen=True)
class Said:
    """One text to send, and which text of which flow it is (`flow` "" is the service itself)."""

    flow: str
    key: str
    text: str

    def __repr__(self) -> str:
        return f"Said({self.flow}/{self.key})"


@dataclasses.dataclass(frozen=True)
class Call:
    """Something only the application can do; its result goes back as the next turn."""

    name: str
    slots: Json

    def __repr__(self) -> str:
        return f"Call({self.name})"


@dataclasses.dataclass(frozen=True)
class EngineReply:
    """What one turn came to. `reading` is None when there were no words to read (a tap, a bare number).

    With a `call` the turn is not over: carry it out, then play `result` on `state`.
    """

    reading: Reading | None
    says: tuple[Said, ...]
    call: Call | None
    state: Json

    def __repr__(self) -> str:
        return f"EngineReply({list(self.says)}, {self.call})"


@dataclasses.dataclass(frozen=True)
class Sounds:
    """The second reader's opinion of a text: the level it sounds like, 0 to 4, its category ("R1" …),
    and how far beyond the border to level 2 it lies (0 is on the border)."""

    level: int
    category: str
    margin: float


@dataclasses.dataclass(frozen=True)
class Interpretation:
    """What a text was understood as, with the engine's next best guesses: (intent, confidence).

    `sounds` is None when the engine's model has no second reader.
    """

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...] = ()
    sounds: Sounds | None = None


class DialogueEngine(Protocol):
    """A conversation engine. It keeps nothing: the same turn always gives the same reply.

    Safe to use from many tasks of one event loop at once; not from several threads.
    """

    async def play(self, turn: EngineTurn) -> EngineReply:
        """Play one turn. Raises EngineUnavailable (try again later) or EngineFailed."""
        ...

    async def read(self, text: str) -> Interpretation:
        """Understand `text` and do nothing else. Raises as `play`."""
        ...

    async def ready(self) -> bool:
        """Whether an engine answers and has its model. Never raises."""
        ...

    async def close(self) -> None:
        """Let go of connections. Nothing may be asked afterwards."""
        ...

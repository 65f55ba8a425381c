"""An engine for tests: no process, no network, readings as the test says.

Owns: ScriptedEngine.
May import: the protocol's own values.
Start reading at: `ScriptedEngine`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from bot.dialogue.protocol import Call, EngineReply, EngineTurn, Interpretation, Said, Sounds
from bot.errors import HarbourError
from bot.vocabulary import Reading

# As the real engine: a bare number is an answer, not language.
_NO_WORDS = re.compile(r"[\d\s\u20e3\ufe0f]*")
Understand = Callable[[str], tuple[str, float]]
# The request and what was understood, in; {"says", "call", "state"} as the real engine gives, out.
Play = Callable[[EngineTurn, str, float], dict[str, Any]]


class ScriptedEngine:
    """Plays turns with a given interpreter and a given understanding.

    `understand` maps a text to (intent, confidence). `play` is the pure interpreter, handed in
    because this package does not know flows (`tests/world.py` has it). Set
    `fails_with` to an error to have every question answered by it;
    `sounds` holds what the second reader hears in a text.
    """

    def __init__(self, understand: Understand, play: Play) -> None:
        self._understand = understand
        self._play = play
        self.fails_with: HarbourError | None = None
        self.sounds: dict[str, Sounds] = {}
        self.read_texts: list[str] = []
        self.turns: list[EngineTurn] = []

    async def play(self, turn: EngineTurn) -> EngineReply:
        """Play one turn; the state goes through JSON, as it would on the wire."""
        self._fail_if_told()
        self.turns.append(turn)
        reading = self._reading(turn)
        intent, confidence = (reading.intent, reading.confidence) if reading else ("", 0.0)
        answer = json.loads(json.dumps(self._play(turn, intent, confidence)))
        call = answer["call"]
        return EngineReply(
            reading=reading,
            says=tuple(Said(one["flow"], one["key"], one["text"]) for one in answer["says"]),
            call=call and Call(call["name"], call["slots"]),
            state=answer["state"],
        )

    async def read(self, text: str) -> Interpretation:
        """What the script says of `text`."""
        self._fail_if_told()
        self.read_texts.append(text)
        intent, confidence = self._understand(text)
        return Interpretation(intent, confidence, ((intent, confidence),), self.sounds.get(text))

    async def ready(self) -> bool:
        """Unless told to fail."""
        return self.fails_with is None

    async def close(self) -> None:
        """Nothing to close."""

    def _reading(self, turn: EngineTurn) -> Reading | None:
        if turn.result is not None or turn.start or _NO_WORDS.fullmatch(turn.text):
            return None
        return Reading(*self._understand(turn.text), language=turn.language)

    def _fail_if_told(self) -> None:
        if self.fails_with is not None:
            raise self.fails_with

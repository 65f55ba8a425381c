"""Where Rasa sends what it says: into the reply of this turn.

Owns: TurnOutput.
May import: Rasa.
Start reading at: `TurnOutput`.
"""

from __future__ import annotations

from typing import Any

from rasa.core.channels.channel import OutputChannel

from bot.engine.components.turn import Turn


class TurnOutput(OutputChannel):
    """Collects what is said, in order, with the flow and key it came from."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @classmethod
    def name(cls) -> str:
        """As the input channel."""
        return "turn"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one message of Rasa's."""
        origin = message.get("custom")
        if origin:
            self._turn.said.append({**origin, "text": message["text"]})

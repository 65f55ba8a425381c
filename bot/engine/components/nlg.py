"""What Rasa says: the next text of the turn, rendered from the published bundle.

Owns: FlowTexts.
May import: Rasa, `bot.flow`.
Start reading at: `FlowTexts.generate`.
"""

from __future__ import annotations

from typing import Any

from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.engine.components.turn import Turn, current
from bot.flow import render


class FlowTexts(NaturalLanguageGenerator):
    """Renders in process, in the contact's language and for their channel."""

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        """Nothing to set up; Rasa passes these to every NLG."""

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The next text of the turn. An error ends the turn and is reported by the channel."""
        turn = current()
        try:
            return _next(turn)
        except Exception as failure:
            turn.failure = failure
            return {"text": ""}


def _next(turn: Turn) -> dict[str, Any]:
    say = turn.next_say()
    if say is None:
        raise RuntimeError("Rasa asked for a text, but nothing is left to say")
    text = render(turn.bundle, say, turn.input.language, turn.input.channel)
    turn.rendered += 1
    return {"text": text, "custom": {"flow": say.flow, "key": say.key}}

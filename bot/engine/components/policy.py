"""The policy that plays flows: it asks the pure interpreter what comes next.

Owns: FlowPolicy.
May import: Rasa.
Start reading at: `FlowPolicy.predict_action_probabilities`.

Rasa checks the graph by type hints: every parameter and return type here must stay annotated.
"""

from __future__ import annotations

from typing import Any

from rasa.core.constants import POLICY_PRIORITY
from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SlotSet
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.components.tracker_store import SLOT
from bot.engine.components.turn import Turn, current

SAY = "utter_step"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False)
class FlowPolicy(Policy):
    """One `utter_step` for each thing to say, then listen. Flows are data: nothing is learnt."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Rasa wants a priority of every policy; there is no other one."""
        return {POLICY_PRIORITY: 1}

    def train(
        self,
        training_trackers: list[TrackerWithCachedStates],
        domain: Domain,
        **kwargs: Any,
    ) -> Resource:
        """Nothing to learn."""
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """The next action of this turn; the first time, also the new state."""
        turn = current()
        events = [] if turn.outcome else self._advance(turn, tracker)
        more = turn.failure is None and turn.next_say() is not None
        return self._sure_of(SAY if more else ACTION_LISTEN_NAME, domain, events)

    @staticmethod
    def _advance(turn: Turn, tracker: DialogueStateTracker) -> list[Event]:
        heard = tracker.latest_message.intent if tracker.latest_message else {}
        try:
            outcome = turn.play(tracker.get_slot(SLOT), heard.get("name") or "", heard.get("confidence") or 0.0)
        except Exception as failure:
            turn.failure = failure
            return []
        return [SlotSet(SLOT, outcome.state.to_json())]

    def _sure_of(self, action: str, domain: Domain, events: list[Event]) -> PolicyPrediction:
        probabilities = [0.0] * domain.num_actions
        probabilities[domain.index_for_action(action)] = 1.0
        return self._prediction(probabilities, events=events)

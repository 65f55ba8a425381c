"""The second reader's place in Rasa's pipeline.

Owns: RiskReader, RISK.
May import: Rasa, `learnt`, `second_reader`.
Start reading at: `RiskReader.process`.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.components.learnt import LearntReader, chosen
from bot.engine.components.second_reader import DATA, CannotRead, SecondReader, Settings, messages_in

logger = logging.getLogger("harbour.engine")
RISK = "risk"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class RiskReader(LearntReader):
    """Sets `risk` on a message: the level it sounds like, the category, and the margin of level 2.

    `thresholds` in `config.yml` says from which margin on a text counts as level 1, 2, 3 and 4.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The settings as measured best; nothing is believed until `config.yml` says from when on."""
        return {**dataclasses.asdict(Settings()), "thresholds": [9.0, 9.0, 9.0, 9.0]}

    _reader: SecondReader | None = None

    def use(self, arrays: Mapping[str, Any]) -> None:
        """Read with what was learnt; without the encoder it takes, say so and read nothing."""
        try:
            self._reader = SecondReader(chosen(self._config, Settings()), arrays)
        except CannotRead as error:
            logger.error("without second reader: %s", error)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from `risk_data/`, with the phrases of the intents as harmless talk; store what was learnt."""
        harmless = [example.get(TEXT) for example in training_data.intent_examples]
        return self.keep(SecondReader.learn(chosen(self._config, Settings()), messages_in(DATA), harmless).arrays)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `risk` on each message; without a reader it stays unset."""
        for message in messages if self._reader else ():
            found = self._reader.danger(message.get(TEXT) or "")
            level = found.level(self._config["thresholds"])
            risk = {"level": level, "category": found.category, "margin": round(found.margins[0], 4)}
            message.set(RISK, risk, add_to_output=True)
        return messages

"""The NLU of the engine: Rasa's place for what `understanding` knows.

Owns: PhraseReader.
May import: Rasa, numpy, `learnt`, `understanding`.
Start reading at: `PhraseReader.process`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.components.learnt import LearntReader, chosen
from bot.engine.components.understanding import Settings, Understanding

_RANKED = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PhraseReader(LearntReader):
    """Reads an intent with a confidence from 0 to 1. `config.yml` may change its `Settings`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The settings as measured best."""
        return dataclasses.asdict(Settings())

    def use(self, arrays: Mapping[str, Any]) -> None:
        """Read with what was learnt."""
        self._understanding = Understanding(chosen(self._config, Settings()), arrays)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every phrase of the training data, and store what was learnt."""
        examples = training_data.intent_examples
        texts, intents = [one.get(TEXT) for one in examples], [one.get(INTENT) for one in examples]
        return self.keep(Understanding.learn(chosen(self._config, Settings()), texts, intents).arrays)

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `intent` and `intent_ranking` on each message."""
        for message in messages:
            sureness = self._understanding.sureness(message.get(TEXT) or "")
            best = np.argsort(-sureness)[:_RANKED]
            ranking = [{"name": self._understanding.intents[at], "confidence": float(sureness[at])} for at in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

"""The second reader's place in Rasa's pipeline.

Owns: RiskReader, RISK.
May import: Rasa, numpy, `second_reader`.
Start reading at: `RiskReader.process`.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.components.second_reader import CannotRead, SecondReader, Settings, messages_in

logger = logging.getLogger("harbour.engine")
RISK = "risk"
DATA = Path(__file__).parents[3] / "risk_data"
_FILE = "second_reader.npz"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class RiskReader(GraphComponent, IntentClassifier):
    """Sets `risk` on a message: the level it sounds like, the category, and the margin of level 2.

    `thresholds` in `config.yml` says from which margin on a text counts as level 1, 2, 3 and 4.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The settings as measured best; nothing is believed until `config.yml` says from when on."""
        return {**dataclasses.asdict(Settings()), "thresholds": [9.0, 9.0, 9.0, 9.0]}

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        names = {field.name for field in dataclasses.fields(Settings)}
        self._settings = Settings(**{name: value for name, value in config.items() if name in names})
        self._thresholds = tuple(config["thresholds"])
        self._model_storage = model_storage
        self._resource = resource
        self._reader: SecondReader | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RiskReader:
        """A reader that has yet to learn."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> RiskReader:
        """A reader as it was trained."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / _FILE, allow_pickle=False) as arrays:
            try:
                reader._reader = SecondReader(reader._settings, dict(arrays))
            except CannotRead as error:
                logger.error("without second reader: %s", error)
        return reader

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from `risk_data/`, with the phrases of the intents as harmless talk; store what was learnt."""
        harmless = [example.get(TEXT) for example in training_data.intent_examples]
        learnt = SecondReader.learn(self._settings, messages_in(DATA), harmless)
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(folder / _FILE, **learnt.arrays)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `risk` on each message; without a reader it stays unset."""
        for message in messages if self._reader else ():
            found = self._reader.danger(message.get(TEXT) or "")
            level = found.level(self._thresholds)
            risk = {"level": level, "category": found.category, "margin": round(found.margins[0], 4)}
            message.set(RISK, risk, add_to_output=True)
        return messages

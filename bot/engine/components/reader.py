"""The NLU of the engine: Rasa's place for what `understanding` knows.

Owns: PhraseReader.
May import: Rasa, numpy.
Start reading at: `PhraseReader.process`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.components.understanding import Settings, Understanding

_FILE = "understanding.npz"
_RANKED = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PhraseReader(GraphComponent, IntentClassifier):
    """Reads an intent with a confidence from 0 to 1. `config.yml` may change its `Settings`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The settings as measured best."""
        return dataclasses.asdict(Settings())

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        names = {field.name for field in dataclasses.fields(Settings)}
        self._settings = Settings(**{name: value for name, value in config.items() if name in names})
        self._model_storage = model_storage
        self._resource = resource
        self._understanding: Understanding | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> PhraseReader:
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
    ) -> PhraseReader:
        """A reader as it was trained."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / _FILE, allow_pickle=False) as arrays:
            reader._understanding = Understanding(reader._settings, dict(arrays))
        return reader

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every phrase of the training data, and store what was learnt."""
        examples = training_data.intent_examples
        learnt = Understanding.learn(
            self._settings, [example.get(TEXT) for example in examples], [example.get(INTENT) for example in examples]
        )
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(folder / _FILE, **learnt.arrays)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `intent` and `intent_ranking` on each message."""
        assert self._understanding is not None
        for message in messages:
            sureness = self._understanding.sureness(message.get(TEXT) or "")
            best = np.argsort(-sureness)[:_RANKED]
            ranking = [{"name": self._understanding.intents[at], "confidence": float(sureness[at])} for at in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

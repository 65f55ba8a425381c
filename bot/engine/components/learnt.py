"""What our two readers share as parts of Rasa's pipeline: settings from `config.yml`, one file of arrays.

Owns: LearntReader, chosen().
May import: Rasa, numpy.
Start reading at: `LearntReader`.

Rasa checks the graph by type hints: every parameter and return type here must stay annotated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier

_FILE = "learnt.npz"
T = TypeVar("T")


class LearntReader(GraphComponent, IntentClassifier):
    """Learns arrays, stores them, and reads with them. Subclasses learn and read."""

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LearntReader:
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
    ) -> LearntReader:
        """A reader as it was trained."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / _FILE, allow_pickle=False) as arrays:
            reader.use(dict(arrays))
        return reader

    def use(self, arrays: Mapping[str, Any]) -> None:
        """Read with what was learnt."""
        raise NotImplementedError

    def keep(self, arrays: Mapping[str, Any]) -> Resource:
        """Store what was learnt."""
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(folder / _FILE, **arrays)
        return self._resource


def chosen(config: Mapping[str, Any], settings: T) -> T:
    """`settings`, a dataclass, with what `config.yml` says differently."""
    names = {field.name for field in dataclasses.fields(settings)}  # type: ignore[arg-type]
    differently = {name: value for name, value in config.items() if name in names}
    return dataclasses.replace(settings, **differently)  # type: ignore[type-var]

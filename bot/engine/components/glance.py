"""A first glance at a text: may it be dangerous at all? Most messages may not, and need no closer look.

Owns: Glance.
May import: scikit-learn, `meaning`, `understanding`.
Start reading at: `Glance.margin`.

Letters and meaning are weighed by one linear model, as for intents. It takes a tenth of the time of
the closer look, and is set to let pass whatever is not clearly harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.engine.components.meaning import sentence_encoder
from bot.engine.components.understanding import folded

_MEANING = 0.7
_STRENGTH = 10.0


class Glance:
    """What was learnt, as arrays."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._weights, self._bias = arrays["glance_weights"], float(arrays["glance_bias"])
        self._letters = _vectorizer(vocabulary=arrays["glance_runs"].tolist())
        self._letters.idf_ = arrays["glance_rarity"]

    @staticmethod
    def learn(texts: Sequence[str], dangerous: Sequence[bool]) -> dict[str, Any]:
        """The arrays of what can be learnt from these texts."""
        letters = _vectorizer(min_df=2).fit(map(folded, texts))
        features = hstack([letters.transform(map(folded, texts)), csr_matrix(sentence_encoder()(texts) * _MEANING)])
        model = LogisticRegression(C=_STRENGTH, solver="liblinear", class_weight="balanced", random_state=42)
        model.fit(features.tocsr(), dangerous)
        return {
            "glance_runs": np.asarray(letters.get_feature_names_out(), dtype=np.str_),
            "glance_rarity": letters.idf_,
            "glance_weights": model.coef_[0].astype(np.float32),
            "glance_bias": np.float32(model.intercept_[0]),
        }

    def margin(self, text: str) -> float:
        """How far beyond the border of danger `text` lies, in log odds."""
        row = self._letters.transform([folded(text)])
        by_letters = row.data @ self._weights[row.indices]
        by_meaning = sentence_encoder()([text])[0] @ self._weights[row.shape[1] :] * _MEANING
        return float(by_letters + by_meaning + self._bias)


def _vectorizer(**more: Any) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, lowercase=False, **more)

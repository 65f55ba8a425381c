"""How dangerous a text sounds, learnt from labelled messages. Knows nothing of Rasa.

Owns: SecondReader, Danger, Labelled, messages_in(), read_labelled().
May import: scikit-learn, `understanding`.
Start reading at: `SecondReader.danger`.

The word lists in `escalation` read first and explain themselves. This reader only adds: it has seen
thousands of messages with their levels and hears what is said around the words. As with intents,
letters and meaning are weighed together by linear models: one for each level, one for each category.
`docs/safety.md` has what it gains and what it costs, measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack, spmatrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.engine.components.understanding import folded, meanings

LEVELS = (2, 3, 4)
_SETTINGS = {"solver": "liblinear", "class_weight": "balanced", "random_state": 42}


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A message, its level 0 to 4, and its categories ("R1" …)."""

    text: str
    level: int
    categories: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Danger:
    """How sure it is (0 to 1) that a text is of at least each of LEVELS, and of which category."""

    sureness: tuple[float, ...]
    category: str

    def level(self, thresholds: Sequence[float]) -> int:
        """The highest level of which it is sure enough; `thresholds` are for levels 1, 2, 3 and 4.

        Level 1 is a lower bar for the same question as level 2: worth asking the person what they mean.
        """
        sureness = (self.sureness[0], *self.sureness)
        enough = zip(sureness, thresholds, strict=True)
        return max((at for at, (sure, least) in enumerate(enough, start=1) if sure >= least), default=0)


@dataclasses.dataclass(frozen=True)
class Settings:
    """`meaning` weighs meaning against letters, `strength` is the classifiers' C, `longest` is in characters."""

    longest_run: int = 5
    meaning: float = 0.7
    strength: float = 10.0
    longest: int = 500


class SecondReader:
    """What was learnt, as arrays: they can be stored and loaded without running code."""

    def __init__(self, settings: Settings, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays
        self._settings = settings
        self._categories: list[str] = arrays["categories"].tolist()
        self._letters = _vectorizer(settings, vocabulary=arrays["runs"].tolist())
        self._letters.idf_ = arrays["rarity"]

    @staticmethod
    def learn(settings: Settings, messages: Sequence[Labelled]) -> SecondReader:
        """Learn from labelled messages."""
        cut = [message.text[: settings.longest] for message in messages]
        letters = _vectorizer(settings).fit([folded(text) for text in cut])
        features = _features(settings, letters, cut)
        levels = np.array([message.level for message in messages])
        models = [_model(settings, features, levels >= level) for level in LEVELS]
        serious = [at for at, message in enumerate(messages) if message.level >= LEVELS[0] and message.categories]
        names = sorted({messages[at].categories[0] for at in serious})
        models += [
            _model(settings, features[serious], np.array([name in messages[at].categories for at in serious]))
            for name in names
        ]
        return SecondReader(
            settings,
            {
                "runs": np.asarray(letters.get_feature_names_out(), dtype=np.str_),
                "rarity": letters.idf_,
                # Laid out by feature: reading a text then touches only the rows of its own letter runs.
                "weights": np.ascontiguousarray(np.vstack([m.coef_[0] for m in models]).T, dtype=np.float32),
                "bias": np.array([m.intercept_[0] for m in models], dtype=np.float32),
                "categories": np.asarray(names, dtype=np.str_),
            },
        )

    def danger(self, text: str) -> Danger:
        """How dangerous `text` sounds."""
        cut = text[: self._settings.longest]
        row = self._letters.transform([folded(cut)])
        weights = self.arrays["weights"]
        found = row.data.astype(np.float32) @ weights[row.indices] + self.arrays["bias"]
        if self._settings.meaning:
            found += meanings([cut])[0] * self._settings.meaning @ weights[row.shape[1] :]
        sure = 1 / (1 + np.exp(-found[: len(LEVELS)]))
        # Whatever is level 3 is level 2 as well.
        sure = np.maximum.accumulate(sure[::-1])[::-1]
        best = int(np.argmax(found[len(LEVELS) :]))
        return Danger(tuple(map(float, sure)), self._categories[best])


def read_labelled(lines: Iterable[str], where: str) -> list[Labelled]:
    """Messages written as "level|categories|text", one a line; "#" begins a comment.

    Raises ValueError naming the file and the line.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        level, _, rest = line.rstrip("\n").partition("|")
        categories, bar, text = rest.partition("|")
        if level not in {"0", "1", "2", "3", "4"} or not bar or not text.strip():
            raise ValueError(f'{where}:{number}: a line is "level|categories|text", with a level from 0 to 4')
        found.append(Labelled(text, int(level), tuple(filter(None, map(str.strip, categories.split(","))))))
    return found


def messages_in(folder: Path) -> list[Labelled]:
    """Every labelled message of `folder`. Raises ValueError at the first line that cannot be read."""
    return [
        message
        for file in sorted(folder.glob("*.txt"))
        for message in read_labelled(file.read_text(encoding="utf-8").splitlines(), str(file))
    ]


def _features(settings: Settings, letters: TfidfVectorizer, texts: Sequence[str]) -> spmatrix:
    by_letters = letters.transform(map(folded, texts))
    if not settings.meaning:
        return by_letters.tocsr()
    return hstack([by_letters, csr_matrix(meanings(texts) * settings.meaning)]).tocsr()


def _model(settings: Settings, features: spmatrix, wanted: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=settings.strength, **_SETTINGS).fit(features, wanted)


def _vectorizer(settings: Settings, **more: Any) -> TfidfVectorizer:
    runs = (1, settings.longest_run)
    return TfidfVectorizer(analyzer="char_wb", ngram_range=runs, sublinear_tf=True, lowercase=False, **more)

"""How dangerous a text sounds, learnt from labelled messages. Knows nothing of Rasa.

Owns: SecondReader, Danger, Labelled, Settings, messages_in(), read_labelled().
May import: scipy, `glance`, `meaning`.
Start reading at: `SecondReader.danger`.

The word lists in `escalation` read first and explain themselves. This reader only adds: it compares what
a message means with thousands of labelled messages (kernel ridge regression over the rows of two
sentence encoders), unless a first glance finds it clearly harmless. `docs/safety.md` has what it gains and what it costs, measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from bot.engine.components.glance import Glance
from bot.engine.components.meaning import multilingual_encoder, sentence_encoder

LEVELS = (2, 3, 4)
DATA = Path(__file__).parents[3] / "risk_data"


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A message, its level 0 to 4, and its categories ("R1" …)."""

    text: str
    level: int
    categories: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Danger:
    """How far beyond the border to each of LEVELS a text lies (about -1 to 1; 0 is the border), and its category."""

    margins: tuple[float, ...]
    category: str

    def level(self, thresholds: Sequence[float]) -> int:
        """The highest level that its margin reaches; `thresholds` are for levels 1, 2, 3 and 4.

        Level 1 is a lower bar for the same question as level 2: worth asking the person what they mean.
        """
        enough = zip((self.margins[0], *self.margins), thresholds, strict=True)
        return max((at for at, (margin, least) in enumerate(enough, start=1) if margin >= least), default=0)


_HARMLESS = Danger(tuple(-1.0 for _ in LEVELS), "")
"""What is said of a text that needed no closer look."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """`multilingual` weighs E5 against USE, `smooth` is the ridge, `longest` is in characters.

    What lies below `glance` at first glance (log odds) is not looked at closely.
    """

    glance: float = -2.5
    multilingual: float = 4.0
    smooth: float = 0.2
    longest: int = 500


class CannotRead(Exception):
    """What was learnt needs an encoder that this machine does not have."""


class SecondReader:
    """What was learnt, as arrays: they can be stored and loaded without running code."""

    def __init__(self, settings: Settings, arrays: Mapping[str, Any]) -> None:
        self._settings = settings
        self.arrays = arrays
        self._glance = Glance(arrays)
        self._middle = arrays["middle"]
        self._known = arrays["known"].astype(np.float32)
        self._categories: list[str] = arrays["categories"].tolist()
        if self._middle.size and multilingual_encoder() is None:
            raise CannotRead("the second reader was trained with E5, which is not installed here")

    @staticmethod
    def learn(settings: Settings, messages: Sequence[Labelled], harmless: Sequence[str] = ()) -> SecondReader:
        """Learn from labelled messages; the first glance also from what is `harmless`."""
        texts = [message.text[: settings.longest] for message in messages]
        rows, middle = _rows(settings, texts)
        levels = np.array([message.level for message in messages])
        names = sorted({name for message in messages for name in message.categories})
        wanted = [levels >= level for level in LEVELS]
        wanted += [np.array([name in message.categories for message in messages]) for name in names]
        gamma = np.float32(1 / (rows.shape[1] * rows.var()))
        # Kernel ridge regression: one system of equations for all the questions.
        alike = _alike(rows, rows, gamma)
        alike[np.diag_indices_from(alike)] += settings.smooth
        system = cho_factor(alike, overwrite_a=True, check_finite=False)
        # Twice the answer, less one below: what is like nothing known counts as harmless, not as undecided.
        pull = cho_solve(system, np.where(wanted, 2, 0).T.astype(np.float32), check_finite=False)
        return SecondReader(
            settings,
            {
                **Glance.learn([*texts, *harmless], [*(levels >= LEVELS[0]), *(False for _ in harmless)]),
                "middle": middle,
                "known": rows.astype(np.float16),
                "pull": pull,
                "gamma": gamma,
                "categories": np.asarray(names, dtype=np.str_),
            },
        )

    def danger(self, text: str) -> Danger:
        """How dangerous `text` sounds."""
        cut = text[: self._settings.longest]
        if self._glance.margin(cut) < self._settings.glance:
            return _HARMLESS
        row = _rows(self._settings, [cut], self._middle)[0][0]
        found = _alike(row[None], self._known, self.arrays["gamma"])[0] @ self.arrays["pull"] - 1
        # Whatever is level 3 is level 2 as well.
        margins = np.maximum.accumulate(found[: len(LEVELS)][::-1])[::-1]
        return Danger(tuple(map(float, margins)), self._categories[int(np.argmax(found[len(LEVELS) :]))])


def messages_in(folder: Path) -> list[Labelled]:
    """Every labelled message of `folder`. Raises ValueError at the first line that cannot be read."""
    return [
        message
        for file in sorted(folder.glob("*.txt"))
        for message in read_labelled(file.read_text(encoding="utf-8").splitlines(), str(file))
    ]


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


def _rows(settings: Settings, texts: Sequence[str], middle: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """A row for each text, and the middle of E5's rows, which says nothing: found here unless it is given."""
    rows = sentence_encoder()(texts)
    encoder = multilingual_encoder()
    if encoder is None or (middle is not None and not middle.size):
        return rows, np.zeros(0, dtype=np.float32)
    many = encoder(texts)
    middle = many.mean(axis=0) if middle is None else middle
    return np.hstack([(many - middle) * settings.multilingual, rows]), middle


def _alike(some: np.ndarray, others: np.ndarray, gamma: np.float32) -> np.ndarray:
    """How alike rows are, from 0 to 1 (a Gaussian kernel)."""
    distances = some @ others.T
    distances *= -2
    distances += (some**2).sum(axis=1)[:, None]
    distances += (others**2).sum(axis=1)[None]
    distances *= -gamma
    return np.exp(distances, out=distances)

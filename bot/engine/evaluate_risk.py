"""Measures the second reader; trains nothing that is kept.

Owns: main().
May import: scikit-learn, `second_reader`.
Start reading at: `main`.

    python -m bot.engine.evaluate_risk               on tests/escalation/corpus/*.test.yml, from which it never learns
    python -m bot.engine.evaluate_risk --folds 5     the method, on messages of risk_data it was not shown
    ... --scores FILE                                also a JSON line for each message: id, margins, category

For each margin: the share of dangerous messages it hears, and of harmless ones it takes for dangerous.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from bot.engine import quiet
from bot.engine.components.second_reader import (
    DATA,
    Danger,
    Labelled,
    SecondReader,
    Settings,
    messages_in,
    read_labelled,
)
from bot.engine.phrases import read_phrases
from bot.engine.serve import HERE, ROOT

UNSEEN = ROOT / "tests" / "escalation" / "corpus"
BARS = (-0.5, -0.3, -0.1, 0.0, 0.1, 0.3, 0.5)


@dataclasses.dataclass(frozen=True)
class Case:
    """A labelled message: its level is `low` to `high`."""

    id: str
    language: str
    text: str
    low: int
    high: int
    categories: tuple[str, ...]


Heard = tuple[Case, Danger]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and end. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.engine.evaluate_risk", description=__doc__)
    parser.add_argument("--folds", type=int, default=0, help="cross-validate on risk_data with so many folds")
    parser.add_argument("--scores", type=Path, help="write down what was heard in each message")
    options = parser.parse_args(arguments)
    quiet.prepare()
    heard = list(_by_folds(options.folds) if options.folds else _unseen())
    _report(heard)
    if options.scores:
        lines = (json.dumps({"id": c.id, "margins": d.margins, "category": d.category}) for c, d in heard)
        options.scores.write_text("\n".join(lines) + "\n")
    return 0


def _harmless() -> list[str]:
    intents = frozenset(yaml.safe_load((HERE / "domain.yml").read_text())["intents"])
    return [phrase.text for phrase in read_phrases(ROOT / "nlu_data", intents)]


def _unseen() -> Iterator[Heard]:
    reader = SecondReader.learn(Settings(), messages_in(DATA), _harmless())
    for file in sorted(UNSEEN.glob("*.test.yml")):
        for raw in yaml.safe_load(file.read_text(encoding="utf-8")):
            level = str(raw["level"])
            high = 4 if level.endswith("+") else int(level[-1])
            language = file.name.partition(".")[0]
            case = Case(raw["id"], language, raw["text"], int(level[0]), high, tuple(raw["categories"]))
            yield case, reader.danger(case.text)


def _by_folds(folds: int) -> Iterator[Heard]:
    cases = [
        Case(f"{file.stem}-{at}", file.stem, m.text, m.level, m.level, m.categories)
        for file in sorted(DATA.glob("*.txt"))
        for at, m in enumerate(read_labelled(file.read_text(encoding="utf-8").splitlines(), str(file)))
    ]
    fold = np.random.default_rng(42).permutation(len(cases)) % folds
    harmless = _harmless()
    for held in range(folds):
        kept = [Labelled(c.text, c.low, c.categories) for c, at in zip(cases, fold, strict=True) if at != held]
        reader = SecondReader.learn(Settings(), kept, harmless)
        yield from ((c, reader.danger(c.text)) for c, at in zip(cases, fold, strict=True) if at == held)


def _report(heard: Sequence[Heard]) -> None:
    print(f"{'':10}{'messages':>9}" + "".join(f"{bar:>16}" for bar in BARS))
    print(f"{'':19}" + f"{'heard / alarmed':>16}" * len(BARS))
    groups: list[tuple[str, Callable[[Case], bool]]] = [
        (language, lambda case, language=language: case.language == language)  # type: ignore[misc]
        for language in sorted({case.language for case, _ in heard})
    ]
    for at, level in enumerate((2, 3, 4)):
        print(f"level {level} and more")
        for name, belongs in [*groups, ("all", lambda case: True)]:
            rows = [one for one in heard if belongs(one[0])]
            print(f"{name:10}{len(rows):>9}" + "".join(f"{_shares(rows, at, level, bar):>16}" for bar in BARS))
    serious = [(c, d) for c, d in heard if c.low >= 2]
    right = sum(d.category in c.categories for c, d in serious)
    print(f"category right: {right} of {len(serious)}")


def _shares(heard: Iterable[Heard], at: int, level: int, bar: float) -> str:
    due = [d.margins[at] >= bar for c, d in heard if c.low >= level]
    free = [d.margins[at] >= bar for c, d in heard if c.high == 0]
    return f"{_share(due)} / {_share(free)}"


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found) / len(found):.3f}" if found else "–"


if __name__ == "__main__":
    sys.exit(main())

"""Measures what the engine understands; trains nothing that is kept.

Owns: main().
May import: Rasa, scikit-learn, `understanding`.
Start reading at: `main`.

    python -m bot.engine.evaluate                 the model, on the phrases held apart in tests/nlu
    python -m bot.engine.evaluate --folds 5       the method, on phrases of nlu_data it was not shown

Of each language: right (sure and correct), unsure (asks again), wrong (sure and mistaken); and of the
phrases that are none of our business, how many are turned away. The held-apart phrases resemble the
training phrases (a third are nearly the same); the folds are the harder and more honest question.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from bot.engine import quiet
from bot.engine.phrases import Phrase, read_phrases
from bot.engine.serve import HERE, ROOT, newest

NOT_OURS = "out_of_scope"
UNSURE = "nlu_fallback"
_NEARLY_THE_SAME = 0.8
Reader = Callable[[str], tuple[str, float]]
Read = tuple[Phrase, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and end."""
    options = _options(arguments)
    quiet.prepare()
    intents = frozenset(yaml.safe_load((HERE / "domain.yml").read_text())["intents"])
    phrases = read_phrases(ROOT / "nlu_data", intents)
    if options.folds:
        _report(f"{options.folds} folds of nlu_data", _by_folds(phrases, options.folds))
        return 0
    model = newest(options.model)
    if model is None:
        print(f"No model in {options.model}; run python -m bot.engine.train first.", file=sys.stderr)
        return 2
    held_apart = list(_held_apart(ROOT / "tests" / "nlu"))
    read = asyncio.run(_by_model(model, held_apart))
    _report("held apart, all", read)
    known = _known(phrases)
    _report("held apart, unlike any training phrase", [one for one in read if not _resembles(one[0], known)])
    _mistakes(read)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.engine.evaluate")
    parser.add_argument("--model", type=Path, default=ROOT / "models", help="a model file, or the folder of models")
    parser.add_argument("--folds", type=int, default=0, help="train on all but one fold, read that one; each in turn")
    return parser.parse_args(arguments)


def _held_apart(folder: Path) -> Iterable[Phrase]:
    for file in sorted(folder.glob("*.yml")):
        for intent, texts in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            yield from (Phrase(text, intent, file.stem) for text in texts)


async def _by_model(model: Path, phrases: Sequence[Phrase]) -> list[Read]:
    """As the running engine reads: through Rasa, with its threshold."""
    from rasa.core.agent import load_agent

    from bot.engine.components.channel import as_words

    agent = await load_agent(str(model))
    quiet.hush()
    return [(phrase, (await agent.parse_message(as_words(phrase.text)))["intent"]["name"]) for phrase in phrases]


def _by_folds(phrases: Sequence[Phrase], folds: int) -> list[Read]:
    from sklearn.model_selection import StratifiedKFold

    from bot.engine.components.understanding import Settings, Understanding

    settings, threshold = _settings(Settings)
    shuffled = StratifiedKFold(folds, shuffle=True, random_state=1)
    read: list[Read] = []
    for shown, kept in shuffled.split(phrases, [phrase.intent for phrase in phrases]):
        learnt = Understanding.learn(settings, [phrases[at].text for at in shown], [phrases[at].intent for at in shown])
        for at in kept:
            sureness = learnt.sureness(phrases[at].text)
            best = int(sureness.argmax())
            read.append((phrases[at], learnt.intents[best] if sureness[best] >= threshold else UNSURE))
    return read


def _settings(kind: type) -> tuple[object, float]:
    reader, fallback = yaml.safe_load((HERE / "config.yml").read_text())["pipeline"]
    return kind(**{name: value for name, value in reader.items() if name != "name"}), fallback["threshold"]


def _known(phrases: Iterable[Phrase]) -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for phrase in phrases:
        known.setdefault(phrase.language, []).append(phrase.text.lower())
    return known


def _resembles(phrase: Phrase, known: dict[str, list[str]]) -> bool:
    return bool(difflib.get_close_matches(phrase.text.lower(), known[phrase.language], 1, _NEARLY_THE_SAME))


def _report(title: str, read: Sequence[Read]) -> None:
    print(f"\n{title}: {len(read)} phrases")
    print(f"{'':8}{'right':>8}{'unsure':>8}{'wrong':>8}{'not ours, turned away':>24}")
    languages = sorted({phrase.language for phrase, _ in read})
    for name in [*languages, "all"]:
        _line(name, [one for one in read if name in (one[0].language, "all")])


def _line(name: str, read: Sequence[Read]) -> None:
    counted: Counter[str] = Counter(_kind(phrase.intent, found) for phrase, found in read)
    ours = counted["right"] + counted["unsure"] + counted["wrong"]
    others = counted["turned away"] + counted["taken for ours"]
    shares = [counted[kind] / max(ours, 1) for kind in ("right", "unsure", "wrong")]
    away = counted["turned away"] / max(others, 1)
    print(f"{name:8}" + "".join(f"{share:8.1%}" for share in shares) + f"{away:24.1%}")


def _kind(intent: str, found: str) -> str:
    turned_away = found in {UNSURE, NOT_OURS}
    if intent == NOT_OURS:
        return "turned away" if turned_away else "taken for ours"
    if turned_away:
        return "unsure"
    return "right" if found == intent else "wrong"


def _mistakes(read: Sequence[Read]) -> None:
    wrong = Counter((phrase.intent, found) for phrase, found in read if _kind(phrase.intent, found) == "wrong")
    print("\nmost frequent mistakes:")
    for (intent, found), times in wrong.most_common(8):
        print(f"  {times:3} x {intent} taken for {found}")


if __name__ == "__main__":
    sys.exit(main())

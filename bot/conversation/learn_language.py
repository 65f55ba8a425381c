"""Learns how our languages look from the texts in `nlu_data/`, `risk_data/` and the word lists.

Owns: learn(), and the command `python -m bot.conversation.learn_language` that writes
`bot/conversation/languages/learnt.gz` anew. Run it after those texts have grown much.
May import: letters, PyYAML.
Start reading at: `learn`.
"""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from bot.conversation.letters import DOUBT, GRAIN, KINDS, LEARNT, LONGEST, folded, listed_words, runs, script_of
from bot.conversation.letters import words_of as words_in

# A word listed by hand counts as if it had been met so often.
_LISTED = 4
# A whole word or a long run met less often says nothing that its parts do not.
_FEWEST = 2
_RUSSIAN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f h ts ch sh sch | y | e yu ya".split(),
        strict=True,
    )
)
_UKRAINIAN = _RUSSIAN | dict(zip("гґеєиіїхщ", "h g e ye y i yi kh shch".split(), strict=True))


def typed_in_latin(text: str, table: dict[str, str]) -> str:
    """A Cyrillic text as somebody without a Cyrillic keyboard types it."""
    return "".join(table.get(letter, letter) for letter in text).replace("|", "")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of every phrase and message we own and may learn from."""
    for path in sorted((root / "risk_data").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#") and line.count("|") >= 2:
                yield path.stem, line.split("|", 2)[2]
    for path in sorted((root / "nlu_data").glob("*/*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in str(block.get("examples", "")).splitlines():
                yield path.parent.name, line.strip().removeprefix("- ")


def learn(root: Path) -> dict[str, Counter[str]]:
    """How often each run of letters stands in each kind."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kinds in KINDS.values() for kind in kinds}
    for language, text in texts(root):
        for kind, script, written in _writings(language, folded(text)):
            for word in words_in(written, script):
                counts[kind].update(runs(word))
    for kind, words in listed_words().items():
        for word in sorted(words):
            counts[kind].update(dict.fromkeys(runs(word), _LISTED))
    return counts


def _writings(language: str, text: str) -> Iterator[tuple[str, str, str]]:
    script = script_of(text)
    if script is None or script == "other":
        return
    for kind in (language, f"{language}-latn"):
        if kind in KINDS[script]:
            yield kind, script, text
    if script == "cyrillic":
        yield f"{language}-latn", "latin", typed_in_latin(text, _RUSSIAN if language == "ru" else _UKRAINIAN)


def write(counts: dict[str, Counter[str]], path: Path = LEARNT) -> None:
    """Write what `Letters` reads: how much more a run stands in a kind than in all of its writing."""
    totals = {kind: counts[kind].total() for kind in counts}
    lines = [json.dumps(totals)]
    for script, kinds in KINDS.items():
        shares: dict[str, float] = {}
        for kind in kinds:
            for run, count in counts[kind].items():
                shares[run] = shares.get(run, 0.0) + count / totals[kind] / len(kinds)
        for run in sorted(shares):
            if len(run) < LONGEST or max(counts[kind][run] for kind in kinds) >= _FEWEST:
                lines.append(f"{script}\t{run}\t{_weights([counts[kind][run] for kind in kinds], shares[run]).hex()}")
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def _weights(counts: Sequence[int], share: float) -> bytes:
    found = bytearray()
    for at, count in enumerate(counts):
        if count:
            weight = math.log(1 + count / share / DOUBT)
            found += bytes((at, min(255, max(1, round(weight * GRAIN)))))
    return bytes(found)


if __name__ == "__main__":
    write(learn(Path.cwd()))

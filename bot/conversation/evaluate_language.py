"""How well detection does on texts whose language is known: `harbour detect-eval`.

Owns: Tally, measured(), cut(), read_messages(), table().
May import: language, screening.
Start reading at: `measured`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bot.conversation.language import CODES, detect
from bot.errors import ContentError


@dataclasses.dataclass(frozen=True)
class Tally:
    """Counts of (true language, what was found, or "")."""

    confused: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.confused + other.confused)

    def of(self, language: str) -> Tally:
        """The counts of one language."""
        return Tally(Counter({pair: count for pair, count in self.confused.items() if pair[0] == language}))

    @property
    def languages(self) -> list[str]:
        """The true languages, in the order of `CODES`."""
        return [code for code in CODES if any(true == code for true, _ in self.confused)]

    def share(self, what: str) -> float:
        """The share that was "right", "unsure" or "wrong"; 0 without texts."""
        hits = sum(count for pair, count in self.confused.items() if _kind(*pair) == what)
        return hits / max(1, self.confused.total())


def _kind(true: str, found: str) -> str:
    if found == "":
        return "unsure"
    return "right" if found == true else "wrong"


def measured(messages: Iterable[tuple[str, str]]) -> Tally:
    """What is found in (language, text) pairs."""
    return Tally(Counter((true, detect(text).language or "") for true, text in messages))


def cut(messages: Iterable[tuple[str, str]], words: int) -> list[tuple[str, str]]:
    """The first words of each text that has so many."""
    return [(true, " ".join(text.split()[:words])) for true, text in messages if len(text.split()) >= words]


def read_messages(path: Path) -> list[tuple[str, str]]:
    """(language, text) pairs: a text file of one message a line, or labelled messages in YAML or JSON
    lines; named by language (`uk.txt`, `uk.test.yml`). Raises ContentError."""
    from bot.conversation.screening import read_labelled

    language = path.name.split(".")[0]
    if language not in CODES:
        raise ContentError(
            f"{path}: the name does not begin with a language that can be detected. Name it like uk.txt; "
            f"languages: {' '.join(CODES)}."
        )
    if path.suffix != ".txt":
        return [(language, item.text) for item in read_labelled(path)]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: cannot be read as text in UTF-8 ({error.__class__.__name__}).") from error
    return [(language, line) for line in lines if line.strip() and not line.startswith("#")]


def table(tally: Tally) -> Sequence[str]:
    """A table in Markdown: right, unsure, wrong, of each language and of all."""
    rows = [(code, tally.of(code)) for code in tally.languages] + [("all", tally)]
    return [
        "| language | texts | right | unsure | wrong |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {one.confused.total()} | {one.share('right'):.3f} | {one.share('unsure'):.3f} | {one.share('wrong'):.3f} |"
            for name, one in rows
        ),
    ]

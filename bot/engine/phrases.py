"""The phrases people write for each intent: read, checked, and handed to Rasa as one file.

Owns: Phrase, read_phrases(), write_rasa(), DataError.
May import: PyYAML.
Start reading at: `read_phrases`.

    nlu_data/<language>/<intent>.yml    Rasa's own NLU format, one intent to a file
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

_ENTITY = re.compile(r"\]\s*[({]")
_START = re.compile(r"^\s*examples:\s*\|")


class DataError(Exception):
    """A data file is wrong: file, line, and how to mend it."""


@dataclasses.dataclass(frozen=True)
class Phrase:
    """One thing a person might write, and what is meant by it."""

    text: str
    intent: str
    language: str


def read_phrases(folder: Path, intents: frozenset[str]) -> list[Phrase]:
    """Every phrase under `folder`. Raises DataError at the first wrong file."""
    files = sorted(folder.glob("*/*.yml"))
    if not files:
        raise DataError(f"{folder}: there are no <language>/<intent>.yml files here; write some.")
    phrases = [phrase for file in files for phrase in _read(file, intents)]
    missing = intents - {phrase.intent for phrase in phrases}
    if missing:
        raise DataError(f"{folder}: no phrases for {', '.join(sorted(missing))}; write a file each.")
    return phrases


def _read(file: Path, intents: frozenset[str]) -> Iterator[Phrase]:
    written = file.read_text(encoding="utf-8")
    _check_form(file, written)
    if file.stem not in intents:
        raise DataError(f"{file}:1: {file.stem} is no intent of domain.yml; rename the file or add it.")
    lines = written.splitlines()
    begin = next((at for at, line in enumerate(lines) if _START.match(line)), len(lines))
    texts = [_phrase(file, at, line) for at, line in enumerate(lines[begin + 1 :], begin + 2)]
    yield from (Phrase(text, file.stem, file.parent.name) for text in texts if text)


def _check_form(file: Path, written: str) -> None:
    try:
        data = yaml.safe_load(written)
        (block,) = data["nlu"]
        intent, examples = block["intent"], block["examples"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DataError(f"{file}:{line}: this is not YAML: {error.problem}.") from None
    except (TypeError, KeyError, ValueError):
        raise DataError(f"{file}:1: write one `nlu:` entry with `intent:` and `examples: |`.") from None
    if intent != file.stem:
        raise DataError(f"{file}:1: the file is named {file.stem}, but its intent is {intent}.")
    if not isinstance(examples, str):
        raise DataError(f"{file}:1: `examples:` must be followed by `|` and lines that begin with `- `.")


def _phrase(file: Path, number: int, line: str) -> str:
    text = line.strip()
    if not text or text.startswith("#"):
        return ""
    if not text.startswith("- "):
        raise DataError(f'{file}:{number}: every phrase begins with "- "; this line does not.')
    if _ENTITY.search(text):
        raise DataError(f"{file}:{number}: entity marks like [word](name) are not used here.")
    if text[2:].lstrip().startswith("/"):
        raise DataError(f'{file}:{number}: a phrase must not begin with "/", which Rasa takes for a command.')
    return text[2:].strip()


def write_rasa(phrases: Iterable[Phrase], file: Path) -> Path:
    """All phrases in Rasa's own format, in one file (it reads one fast and a hundred slowly)."""
    by_intent: dict[str, dict[str, None]] = defaultdict(dict)
    for phrase in phrases:
        by_intent[phrase.intent][phrase.text] = None
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in sorted(by_intent.items()):
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file

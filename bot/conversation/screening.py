"""Screening one message with the lexicons of this deployment.

Owns: Assessor, load_screener(), document(), read_labelled(), screen(), signals_json().
May import: PyYAML; the package escalation.
Start reading at: `screen`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml

import escalation
from bot.errors import ContentError
from bot.vocabulary import InboundMessage
from escalation import Assessment, Earlier, LexiconError, RiskLevel, Screener
from escalation.evaluation import Item, read_items

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LEXICONS = Path(escalation.__file__).parent / "lexicon"


class Assessor(Protocol):
    """What screens one text: a Screener, or the one in use (`bot.conversation.live_screener`)."""

    def assess(
        self,
        text: str,
        *,
        has_media: bool = False,
        recent: Iterable[RiskLevel | Earlier] = (),
        minor: bool = False,
    ) -> Assessment:
        """As `Screener.assess`."""


def load_screener(folder: Path = LEXICONS) -> Screener:
    """All lexicons under `folder`, compiled. Raises ContentError naming the entry that is wrong."""
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise ContentError(f"There is no lexicon in {folder}; without one nobody is screened.")
    try:
        with _uncollected():
            return Screener([document(path) for path in paths])
    except (LexiconError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContentError(f"A risk lexicon in {folder} cannot be used: {error}") from error


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What is made here holds no cycles, so it needs no looking through for garbage, which would take
    as long as making it, and later stop a worker for a third of a second each time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def document(path: Path) -> Mapping[str, object]:
    """One lexicon as it stands in its file. Raises LexiconError, OSError, YAMLError, UnicodeDecodeError."""
    found = _parsed(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise LexiconError(path.name, "it must hold sections, written `key: value`")
    return found


def _parsed(text: str) -> object:
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 (the safe loader, in C where there is one)


def read_labelled(path: Path) -> list[Item]:
    """Labelled messages of one file: a YAML list, or one JSON object a line (`.jsonl`); the file's name
    begins with the language.

    Raises ContentError saying which message is wrong and how.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = path.suffix == ".jsonl"
        found = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else _parsed(text)
        return read_items(found, path.name.partition(".")[0])
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ContentError(f"{path} cannot be used: {error}") from error


def screen(
    screener: Assessor, message: InboundMessage, recent: Sequence[RiskLevel | Earlier] = (), *, minor: bool = False
) -> Assessment:
    """The assessment of everything written in `message`; the highest sign counts.

    `recent` is as for `Screener.assess`.
    """
    unreadable = bool(message.media)
    texts: Sequence[str] = message.texts or ("",)
    return escalation.highest(
        [screener.assess(text, has_media=unreadable, recent=recent, minor=minor) for text in texts]
    )


def signals_json(assessment: Assessment) -> list[dict[str, Any]]:
    """The signals as JSON values, for the counsellor's eyes."""
    return [
        {key: getattr(value, "value", value) for key, value in dataclasses.asdict(signal).items()}
        for signal in assessment.signals
    ]

"""The one turn under way: what came in, what the interpreter made of it, what was said.

Owns: Turn, playing(), current().
May import: `bot.flow`.
Start reading at: `Turn`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bot.flow import Bundle, DialogueState, Outcome, Say, TurnInput, advance

# Digits of any script, also in keycaps. Most answers are these, and they are no language.
_NO_WORDS = re.compile(r"[\d\s\u20e3\ufe0f]*")
# A ContextVar, so that turns handled at the same time never see each other.
_current: ContextVar[Turn] = ContextVar("turn")


@dataclasses.dataclass
class Turn:
    """One turn from request to reply. It lives for one request and is then forgotten.

    `read_before` is what `/read` gave for this text, if it was asked. `reading` is what was
    understood, if there were words to read.
    `state` is what the tracker store hands to Rasa and, after the turn, what Rasa handed back.
    `said` collects what went out through the output channel. `failure` is the first error of
    the interpreter or the renderer: Rasa would log it and go on, so it is kept here instead.
    """

    bundle: Bundle
    state: Mapping[str, Any]
    input: TurnInput
    read_before: Mapping[str, Any] | None = None
    reading: dict[str, Any] | None = None
    outcome: Outcome | None = None
    rendered: int = 0
    said: list[dict[str, str]] = dataclasses.field(default_factory=list)
    saved: bool = False
    failure: Exception | None = None

    @property
    def has_words(self) -> bool:
        """Whether there is something to understand: not a start, a result, a bare tap or a bare number."""
        if self.input.result is not None or self.input.start:
            return False
        return not _NO_WORDS.fullmatch(self.input.text)

    def play(self, state: Mapping[str, Any], intent: str, confidence: float) -> Outcome:
        """Ask the flow interpreter, once a turn."""
        if self.outcome is None:
            self.reading = {"intent": intent, "confidence": confidence} if intent else None
            heard = dataclasses.replace(self.input, intent=intent, confidence=confidence)
            self.outcome = advance(self.bundle, DialogueState.from_json(state), heard)
        return self.outcome

    def next_say(self) -> Say | None:
        """What is to be said next, if anything is left."""
        says = self.outcome.says if self.outcome else ()
        return says[self.rendered] if self.rendered < len(says) else None


@contextmanager
def playing(turn: Turn) -> Iterator[Turn]:
    """Make `turn` the current one of this task."""
    token = _current.set(turn)
    try:
        yield turn
    finally:
        _current.reset(token)


def current() -> Turn:
    """The turn of this task. Raises LookupError outside of one."""
    return _current.get()

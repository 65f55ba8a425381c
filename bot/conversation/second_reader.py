"""Asking the second reader about a message. It may only raise a level; without it screening goes on.

Owns: SecondReader, Reading.
May import: dialogue, escalation, and below.
Start reading at: `SecondReader.read`.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

from bot import clock
from bot.dialogue.protocol import DialogueEngine, Interpretation
from bot.errors import EngineFailed, EngineUnavailable
from bot.log import log
from bot.vocabulary import InboundMessage
from escalation import Assessment, RiskCategory, RiskLevel, raised

_log = log("worker")
_LEAST_LETTERS = 2
_ASK_AGAIN = timedelta(seconds=1)
_SAY_AGAIN = timedelta(minutes=1)


@dataclasses.dataclass(frozen=True)
class Reading:
    """What the second reader made of each text of one message."""

    by_text: dict[str, Interpretation] = dataclasses.field(default_factory=dict)

    def raise_(self, found: Assessment, *, minor: bool = False) -> Assessment:
        """`found`, raised by what was read."""
        for read in self.by_text.values():
            if read.sounds is not None and read.sounds.level:
                category = RiskCategory(read.sounds.category)
                found = raised(found, RiskLevel(read.sounds.level), category, minor=minor)
        return found


class SecondReader:
    """Asks the engine how dangerous a message sounds.

    When the engine does not answer, the message is screened by the word lists alone; that is
    logged once a minute, and the engine is spared for a second.
    """

    def __init__(self, engine: DialogueEngine, *, on: bool) -> None:
        self._engine = engine
        self._on = on
        self._failed_at: datetime | None = None
        self._said_at: datetime | None = None

    async def read(self, message: InboundMessage, found: Assessment) -> Reading:
        """Every text of the message read, unless the word lists have already raised the alarm."""
        texts = [text for text in message.texts if sum(map(str.isalpha, text)) >= _LEAST_LETTERS]
        if not self._on or not texts or found.level >= RiskLevel.HIGH or self._failed_just_now():
            return Reading()
        try:
            return Reading({text: await self._engine.read(text) for text in texts})
        except (EngineUnavailable, EngineFailed) as error:
            self._failed(error)
            return Reading()

    def _failed_just_now(self) -> bool:
        return self._failed_at is not None and clock.now() - self._failed_at < _ASK_AGAIN

    def _failed(self, error: Exception) -> None:
        now = self._failed_at = clock.now()
        if self._said_at is None or now - self._said_at >= _SAY_AGAIN:
            self._said_at = now
            _log.warning("without second reader", error=type(error).__name__)

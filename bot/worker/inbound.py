"""Inbound: turns, one contact at a time.

Owns: InboundWork.
May import: conversation, and below.
Start reading at: `InboundWork`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from bot import clock
from bot.conversation.turn import Took, TurnHandler
from bot.log import log
from bot.worker import metrics

_log = log("worker")


class InboundWork:
    """Claims and answers one message; tells the senders of this worker."""

    def __init__(self, turns: TurnHandler, tell_senders: Callable[[], None]) -> None:
        self._turns = turns
        self._tell_senders = tell_senders

    async def __call__(self) -> bool:
        """Whether there was something to do."""
        begun = time.perf_counter()
        with structlog.contextvars.bound_contextvars(turn=clock.new_id().hex[:12]):
            report = await self._turns.next_turn()
            if report.took is Took.NOTHING:
                return False
            seconds = time.perf_counter() - begun
            metrics.turn(report, seconds)
            _log.info(
                "turn",
                took=report.took.value,
                decision=report.decision,
                risk=report.level,
                language=report.language,
                channel=report.channel,
                waited=round(report.waited, 3),
                ms=round(seconds * 1000, 1),
                error=report.error,
            )
        self._tell_senders()
        return True

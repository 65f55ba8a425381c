"""Due: timers.

Owns: DueWork and what each kind of timer does.
May import: care, store, and below.
Start reading at: `DueWork`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot import clock
from bot.care.handover import tell_nobody_came
from bot.care.lines import LinePolicy
from bot.care.timers import NOBODY_CAME
from bot.log import log
from bot.store import timers
from bot.store.database import Database, DatabaseUnavailable, Session
from bot.store.timers import Timer

_log = log("worker")
_LONGEST_WAIT = 3600.0
_KINDS: dict[str, Callable[[Session, Timer, LinePolicy], Awaitable[None]]] = {NOBODY_CAME: tell_nobody_came}


class DueWork:
    """Claims one due timer and does what it is for, in one transaction; `lines` says which help lines
    may be told."""

    def __init__(self, database: Database, lines: LinePolicy | None = None) -> None:
        self._database = database
        self._lines = lines or LinePolicy()

    async def __call__(self) -> bool:
        """Whether there was something to do. A timer that fails is tried again later."""
        claimed: list[Timer] = []
        try:
            async with self._database.transaction() as session:
                return await self._one(session, claimed)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if not claimed:
                raise
            _log.error("timer failed", kind=claimed[0].kind, error=type(error).__name__)
            await self._later(claimed[0])
            return True

    async def _one(self, session: Session, claimed: list[Timer]) -> bool:
        timer = await timers.claim_timer(session)
        if timer is None:
            return False
        claimed.append(timer)
        await _KINDS[timer.kind](session, timer, self._lines)
        await timers.done(session, timer.id)
        _log.info("timer", kind=timer.kind)
        return True

    async def _later(self, timer: Timer) -> None:
        wait = timedelta(seconds=min(_LONGEST_WAIT, 5.0 * 2**timer.attempts))
        async with self._database.transaction() as session:
            await timers.again(session, timer.id, clock.now() + wait)

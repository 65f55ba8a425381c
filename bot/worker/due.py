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
from bot.care.timers import NOBODY_CAME
from bot.log import log
from bot.store import timers
from bot.store.database import Database, Session
from bot.store.timers import Timer

_log = log("worker")
_KINDS: dict[str, Callable[[Session, Timer], Awaitable[None]]] = {NOBODY_CAME: tell_nobody_came}


class DueWork:
    """Claims one due timer and does what it is for, in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self) -> bool:
        """Whether there was something to do."""
        async with self._database.transaction() as session:
            timer = await timers.claim_timer(session)
            if timer is None:
                return False
            do = _KINDS.get(timer.kind)
            if do is None:
                _log.error("unknown timer", kind=timer.kind)
                await timers.again(session, timer.id, clock.now() + timedelta(hours=1))
                return True
            await do(session, timer)
            await timers.done(session, timer.id)
            _log.info("timer", kind=timer.kind)
        return True

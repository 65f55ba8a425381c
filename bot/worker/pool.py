"""Several claimers of one kind of work, woken early or looking by themselves.

Owns: Pool.
May import: `bot.log`, `bot.store`'s errors.
Start reading at: `Pool.run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot import clock
from bot.log import log
from bot.store.database import DatabaseUnavailable

Work = Callable[[], Awaitable[bool]]


class Pool:
    """`size` tasks that call `work` while it finds something; else they sleep till woken.

    A task that finds work a second time wakes the next one, so a burst is met by all and quiet by none,
    and a single piece of work does not rouse more than one.
    """

    def __init__(self, name: str, size: int, work: Work, *, poll: float) -> None:
        self._name = name
        self._size = size
        self._work = work
        self._poll = poll
        self._wake = asyncio.Semaphore(0)
        self._log = log(name)

    def wake(self) -> None:
        """There may be something to do."""
        if self._wake.locked():
            self._wake.release()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            for _ in range(self._size):
                group.create_task(self._claimer())

    async def _look(self) -> None:
        while True:
            self.wake()
            await asyncio.sleep(clock.jitter(self._poll))

    async def _claimer(self) -> None:
        while True:
            await self._wake.acquire()
            if await self._once():
                while await self._once():
                    self.wake()

    async def _once(self) -> bool:
        """One piece of work; whatever goes wrong, the loop goes on."""
        try:
            return await self._work()
        except DatabaseUnavailable:
            self._log.warning("database unavailable")
            await asyncio.sleep(clock.jitter(1.0))
        except Exception as error:
            self._log.error("work failed", error=type(error).__name__)
            await asyncio.sleep(clock.jitter(0.5))
        return False

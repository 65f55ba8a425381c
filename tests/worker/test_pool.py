"""The loops of a worker go on whatever happens, and wake each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.store.database import DatabaseUnavailable
from bot.worker import pool as pool_module
from bot.worker.pool import Pool


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module.clock, "jitter", lambda seconds: seconds / 100)


async def run_for(work: Callable[[], Awaitable[bool]], seconds: float = 0.3, size: int = 4) -> None:
    """Let a pool run a while."""
    pool = Pool("test", size, work, poll=1.0)
    task = asyncio.ensure_future(pool.run())
    await asyncio.sleep(seconds)
    assert not task.done(), "the pool has ended by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("error", [RuntimeError("x"), DatabaseUnavailable("x"), KeyError("x"), TimeoutError()])
async def test_a_piece_of_work_that_fails_does_not_end_the_loop(error: Exception) -> None:
    calls = 0

    async def work() -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        return False

    await run_for(work)
    assert calls > 5


async def test_a_burst_is_met_by_all_claimers() -> None:
    left, at_once, most = 40, 0, 0

    async def work() -> bool:
        nonlocal left, at_once, most
        if not left:
            return False
        left -= 1
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return True

    await run_for(work)
    assert (left, most) == (0, 4)


async def test_without_any_work_nobody_spins() -> None:
    calls = 0

    async def work() -> bool:
        nonlocal calls
        calls += 1
        return False

    await run_for(work, seconds=0.3)
    assert calls < 60


async def test_waking_finds_the_work_without_waiting_for_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module.clock, "jitter", lambda seconds: 60.0)
    found = asyncio.Event()
    looked = 0

    async def work() -> bool:
        nonlocal looked
        looked += 1
        if looked > 1:
            found.set()
        return False

    pool = Pool("test", 2, work, poll=60)
    task = asyncio.ensure_future(pool.run())
    await asyncio.sleep(0.05)
    pool.wake()
    await asyncio.wait_for(found.wait(), 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

"""What is due is done once; a promise that ran out is told on the channel of the person."""

from __future__ import annotations

import asyncio

import pytest

from bot.care.lines import LinePolicy
from bot.store import timers
from bot.store.database import Session
from bot.store.tables import timer
from bot.store.timers import Timer
from bot.worker import due as due_module
from bot.worker.due import DueWork
from tests.world import World, opening


async def promised(world: World) -> None:
    """A promise to somebody has just run out."""
    person = world.person()
    await person.consents()
    await person.writes("person")
    world.pass_time(minutes=31)


async def test_two_workers_tell_it_once(world: World) -> None:
    await promised(world)
    await asyncio.gather(*(DueWork(world.database)() for _ in range(4)))
    *_, told = await world.person().reads()
    assert told.startswith(opening("still_waiting"))
    assert sum(row["done_at"] is not None for row in await world.rows(timer)) == 1


async def test_what_fails_is_undone_and_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await promised(world)
    tell = due_module._KINDS["nobody_came"]

    async def failing(session: Session, found: Timer, lines: LinePolicy) -> None:
        await tell(session, found, lines)
        raise RuntimeError

    monkeypatch.setitem(due_module._KINDS, "nobody_came", failing)
    assert await DueWork(world.database)()
    assert len(await world.person().reads()) == 1, "only the answer of before"
    monkeypatch.setitem(due_module._KINDS, "nobody_came", tell)
    assert not await DueWork(world.database)(), "not at once"
    world.pass_time(seconds=10)
    assert await DueWork(world.database)()
    assert (await world.person().reads())[-1].startswith(opening("still_waiting"))


async def test_a_timer_that_always_fails_does_not_stop_the_ones_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(session: Session, found: Timer, lines: LinePolicy) -> None:
        raise RuntimeError

    monkeypatch.setitem(due_module._KINDS, "broken", failing)
    async with world.database.transaction() as session:
        await timers.set_timer(session, "broken", world.now, key="broken")
    await promised(world)
    for _ in range(10):
        try:
            if not await DueWork(world.database)():
                break
        except RuntimeError:
            world.pass_time(seconds=5)
    assert (await world.person().reads())[-1].startswith(opening("still_waiting"))


async def test_nothing_due_is_nothing_to_do(world: World) -> None:
    assert not await DueWork(world.database)()

"""What is to be done later is done once, when its time has come, and can be moved."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot import clock
from bot.store import timers
from bot.store.database import Database
from bot.store.tables import timer
from tests.world import DAY, World

LATER = DAY + timedelta(minutes=10)


@pytest.fixture(autouse=True)
def at_ten() -> None:
    go_to(DAY)


def go_to(time: datetime) -> None:
    clock.freeze(lambda: time)


async def set_timer(database: Database, key: str = "k", due_at: datetime = LATER, kind: str = "x") -> None:
    async with database.transaction() as session:
        await timers.set_timer(session, kind, due_at, key=key, payload={"n": 1})


async def claim(database: Database) -> timers.Timer | None:
    async with database.transaction() as session:
        found = await timers.claim_timer(session)
        if found is not None:
            await timers.done(session, found.id)
        return found


async def test_a_timer_is_claimed_when_it_is_due_and_then_no_more(database: Database) -> None:
    await set_timer(database)
    assert await claim(database) is None
    go_to(LATER)
    found = await claim(database)
    assert found is not None and (found.kind, found.payload, found.attempts) == ("x", {"n": 1}, 0)
    assert await claim(database) is None


async def test_a_timer_of_the_same_key_is_never_doubled_and_never_put_off(database: Database) -> None:
    await set_timer(database)
    await set_timer(database, due_at=LATER + timedelta(hours=1))
    go_to(LATER)
    assert await claim(database) is not None
    assert await claim(database) is None
    go_to(LATER + timedelta(hours=1))
    assert await claim(database) is None


async def test_a_timer_that_was_done_can_be_set_again(database: Database) -> None:
    await set_timer(database, due_at=DAY)
    assert await claim(database) is not None
    await set_timer(database, due_at=DAY)
    assert await claim(database) is not None


async def test_the_timer_that_is_due_longest_comes_first(database: Database) -> None:
    await set_timer(database, "late", DAY - timedelta(minutes=1), "late")
    await set_timer(database, "early", DAY - timedelta(minutes=2), "early")
    kinds = [found.kind for _ in range(2) if (found := await claim(database))]
    assert kinds == ["early", "late"]


async def test_two_workers_never_hold_one_timer(database: Database) -> None:
    await set_timer(database, due_at=DAY)
    async with database.transaction() as one, database.transaction() as two:
        assert await timers.claim_timer(one) is not None
        assert await timers.claim_timer(two) is None


async def test_a_worker_that_dies_leaves_its_timer_to_the_next_one(database: Database) -> None:
    await set_timer(database, due_at=DAY)
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            assert await timers.claim_timer(session) is not None
            raise RuntimeError
    assert await claim(database) is not None


async def test_a_timer_that_is_put_off_counts_its_tries(database: Database) -> None:
    await set_timer(database, due_at=DAY)
    async with database.transaction() as session:
        found = await timers.claim_timer(session)
        assert found is not None
        await timers.again(session, found.id, LATER)
    assert await claim(database) is None
    go_to(LATER)
    again = await claim(database)
    assert again is not None and again.attempts == 1


async def test_a_timer_nobody_knows_does_not_stop_the_ones_behind_it(world: World) -> None:
    await set_timer(world.database, "strange", DAY - timedelta(hours=1), "of another version")
    person = world.person()
    await person.consents()
    await person.writes("person")
    world.pass_time(minutes=31)
    clock.freeze(lambda: world.now)
    await world.do_what_is_due()
    done = {row["kind"]: row["done_at"] is not None for row in await world.rows(timer)}
    assert done == {"of another version": False, "nobody_came": True}

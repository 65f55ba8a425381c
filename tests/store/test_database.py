"""Statements are written out once; a transaction is committed whole or not at all."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
import sqlalchemy as sa

from bot.store.database import Database, DatabaseUnavailable
from bot.store.statement import Statement, updating
from bot.store.tables import contact, outbox
from tests.conftest import KEYS

WAITING = Statement(
    sa.select(outbox.c.id).where(outbox.c.status.in_(("queued", "unknown")), outbox.c.due_at <= sa.bindparam("now"))
)


def test_what_is_known_stands_in_the_text_so_that_partial_indexes_serve() -> None:
    assert "IN ('queued', 'unknown')" in WAITING.text
    assert WAITING.arguments({"now": 7}) == [7]


def test_a_value_that_is_missing_is_an_error_and_not_null() -> None:
    with pytest.raises(KeyError):
        updating(contact, ("language",)).arguments({"one": 1})


async def test_a_passed_over_error_does_not_look_like_a_commit(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nothing was committed"):
        async with database.transaction() as session:
            with pytest.raises(asyncpg.PostgresError):
                await session.scalar(sa.text("SELECT 1 / 0"))


async def test_a_turn_that_is_cut_off_leaves_no_transaction_behind(postgres_url: str) -> None:
    database = Database(postgres_url, KEYS, connections=1)

    async def turn() -> None:
        async with database.transaction() as session:
            await session.scalar(sa.text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(turn())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as session:
        assert await session.scalar(sa.text("SELECT 1")) == 1
    await database.close()


async def test_a_connection_that_the_server_ended_is_not_used_again(postgres_url: str) -> None:
    database = Database(postgres_url, KEYS, connections=1)
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as session:
            await session.scalar(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert await database.ping()
    await database.close()

"""Real servers for every test: one embedded PostgreSQL, built by the migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa

from bot import clock
from bot.store.database import Database
from bot.store.migrate import upgrade
from bot.store.seal import Keyring
from bot.store.tables import metadata
from bot.supervisor.servers import EmbeddedPostgres
from tests.world import World

KEYS = Keyring({"test": b"k" * 32}, b"l" * 32)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the tests' own, at the current schema."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    url = server.start()
    upgrade(url)
    yield url
    server.stop()


@pytest.fixture(scope="session")
async def shared_database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url, KEYS, connections=12)
    yield database
    await database.close()


@pytest.fixture
async def database(shared_database: Database) -> AsyncIterator[Database]:
    """An empty database; whatever a test leaves is gone for the next one."""
    async with shared_database.transaction() as session:
        for table in reversed(metadata.sorted_tables):
            await session.run(sa.delete(table))
    yield shared_database
    clock.freeze(None)


@pytest.fixture
async def world(database: Database) -> World:
    """The whole system in process: a contact writes, turns are taken, answers are read."""
    return await World.begin(database)

"""The migrations make the very schema that the code speaks to, and can be undone and done again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import dialect_url
from bot.store.migrate import downgrade, upgrade
from bot.store.tables import metadata

T = TypeVar("T")


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """A database of its own, empty."""
    asyncio.run(on_server(postgres_url, "DROP DATABASE IF EXISTS migrated WITH (FORCE)", "CREATE DATABASE migrated"))
    yield sa.make_url(postgres_url).set(database="migrated").render_as_string(hide_password=False)
    asyncio.run(on_server(postgres_url, "DROP DATABASE migrated WITH (FORCE)"))


async def on_server(url: str, *statements: str) -> None:
    engine = create_async_engine(dialect_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))
    await engine.dispose()


def look(url: str, see: Callable[[sa.Connection], T]) -> T:
    """What `see` makes of the database."""

    async def run() -> T:
        engine = create_async_engine(dialect_url(url))
        async with engine.connect() as connection:
            found = await connection.run_sync(see)
        await engine.dispose()
        return found

    coroutine: Coroutine[Any, Any, T] = run()
    return asyncio.run(coroutine)


def differences(connection: sa.Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def tables(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def constraints(connection: sa.Connection) -> set[str]:
    """Every check, key and index by name; Alembic compares no check constraints."""
    rows = connection.execute(
        sa.text(
            "SELECT conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace"
            " WHERE n.nspname = 'public' AND contype IN ('c','f','p','u')"
        )
    )
    return {str(row[0]) for row in rows if not str(row[0]).startswith("alembic")}


def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    upgrade(url)
    assert look(url, differences) == []
    assert look(url, tables) == {table.name for table in metadata.sorted_tables} | {"alembic_version"}


def test_every_named_rule_of_the_tables_is_in_the_database(url: str) -> None:
    upgrade(url)
    named = {
        str(rule.name) for table in metadata.sorted_tables for rule in table.constraints if isinstance(rule.name, str)
    }
    assert look(url, constraints) >= named


def test_up_down_and_up_again_ends_where_up_ends(url: str) -> None:
    upgrade(url)
    first = look(url, constraints)
    downgrade(url)
    assert look(url, tables) == {"alembic_version"}
    upgrade(url)
    assert look(url, differences) == []
    assert look(url, constraints) == first


def test_upgrading_twice_changes_nothing(url: str) -> None:
    upgrade(url)
    upgrade(url)
    assert look(url, differences) == []


def test_two_processes_may_upgrade_at_once(url: str) -> None:
    """Alembic's environment is one per process, so only the database's lock is tried here."""
    command = [sys.executable, "-c", f"from bot.store.migrate import upgrade; upgrade({url!r})"]
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda _: subprocess.run(command, capture_output=True, check=False), range(2)))
    assert [one.returncode for one in ended] == [0, 0], b"".join(one.stderr for one in ended).decode()[-500:]
    assert look(url, differences) == []

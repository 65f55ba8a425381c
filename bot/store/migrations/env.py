"""Alembic's entry: one connection, one lock, one transaction for all migrations.

Owns: nothing. May import: Alembic, SQLAlchemy, the tables. Start reading at: `migrate`.
"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import dialect_url
from bot.store.tables import metadata

_LOCK = 4_720_115_023


def _run(connection: sa.Connection) -> None:
    connection.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    context.run_migrations()


async def migrate() -> None:
    """Open one connection and run what is asked for."""
    engine = create_async_engine(dialect_url(context.config.attributes["url"]))
    async with engine.begin() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(migrate())

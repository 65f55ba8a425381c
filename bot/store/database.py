"""The connection to PostgreSQL, and the only place where anything is committed.

Owns: Database, Session.
May import: SQLAlchemy, asyncpg, `bot.errors`.
Start reading at: `Database.transaction`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.errors import HarbourError
from bot.store.seal import Keyring

_LOST = (InterfaceError, PoolExhausted, OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, TimeoutError)


class DatabaseUnavailable(HarbourError):
    """PostgreSQL cannot be reached just now; whatever was being done has not happened."""

    code = "database_unavailable"
    status = 503


class Session:
    """One open transaction, with the keys to read and write sealed columns."""

    def __init__(self, connection: AsyncConnection, keys: Keyring) -> None:
        self.connection = connection
        self.keys = keys

    async def one(self, statement: sa.Executable, **values: Any) -> sa.RowMapping | None:
        """The first row, or None."""
        return (await self.connection.execute(statement, values)).mappings().first()

    async def all(self, statement: sa.Executable, **values: Any) -> Sequence[sa.RowMapping]:
        """Every row."""
        return (await self.connection.execute(statement, values)).mappings().all()

    async def scalar(self, statement: sa.Executable, **values: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.scalar(statement, values)

    async def run(self, statement: sa.Executable, values: Any = None) -> int:
        """Execute; the number of rows it touched."""
        return (await self.connection.execute(statement, values)).rowcount

    async def insert(self, table: sa.Table, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Insert one row or several."""
        await self.connection.execute(sa.insert(table), values)


class Database:
    """A pool of connections to one PostgreSQL database.

    Raises DatabaseUnavailable from any use while the server cannot be reached. Statements are
    limited to `statement_timeout` milliseconds, and a transaction that does nothing for a minute
    is ended by the server, so that a hung process never keeps a contact to itself.
    """

    def __init__(self, url: str, keys: Keyring, *, connections: int = 10) -> None:
        self.keys = keys
        self._engine = create_async_engine(
            dialect_url(url),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=5,
            connect_args={
                "timeout": 5,
                "command_timeout": 30,
                "server_settings": {
                    "application_name": "harbour",
                    "idle_in_transaction_session_timeout": "60000",
                    "statement_timeout": "30000",
                },
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One transaction: committed when the block ends well, undone when it does not."""
        with _lost_connections():
            async with self._engine.connect() as connection:
                session = Session(connection, self.keys)
                yield session
                await connection.commit()

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            async with self.transaction() as session:
                await session.scalar(sa.text("SELECT 1"))
        except DatabaseUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


def dialect_url(url: str) -> sa.URL:
    """The operator's URL with the driver named."""
    return sa.make_url(url).set(drivername="postgresql+asyncpg")


@contextmanager
def _lost_connections() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, InterfaceError) or _is_down(error.orig):
            raise DatabaseUnavailable("The database cannot be reached.") from error
        raise
    except _LOST as error:
        raise DatabaseUnavailable("The database cannot be reached.") from error


def _is_down(error: BaseException | None) -> bool:
    """Server starting, stopping, or killing our session (SQLSTATE classes 08, 57, 53300)."""
    state = str(getattr(error, "sqlstate", "") or "")
    return state[:2] in {"08", "57"} or state in {"53300", "25P03"}

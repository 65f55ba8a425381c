"""The connection to PostgreSQL, and the only place where anything is committed.

Owns: Database, Session, Row.
May import: SQLAlchemy, asyncpg, `bot.errors`.
Start reading at: `Database.transaction`.

SQLAlchemy writes the statements (see `statement.py`); asyncpg alone carries them, for SQLAlchemy's
own way of doing so takes several times the processor time of the rest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa

from bot.errors import HarbourError
from bot.store.seal import Keyring
from bot.store.statement import Statement, inserting

Row = Mapping[str, Any]
"""One row, by the names of its columns."""

_PATIENCE = 5
# asyncpg's "internal" error is what it makes of a server that dies at an odd moment of the protocol.
_LOST = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
_SETTINGS = {
    "application_name": "harbour",
    "idle_in_transaction_session_timeout": "60000",
    "statement_timeout": "30000",
}


class DatabaseUnavailable(HarbourError):
    """PostgreSQL cannot be reached just now; whatever was being done has not happened."""

    code = "database_unavailable"
    status = 503


class Session:
    """One connection, in a transaction unless it says otherwise, with the keys to read and write sealed columns."""

    def __init__(self, connection: Any, keys: Keyring) -> None:
        self.connection = connection
        self.keys = keys

    async def one(self, statement: Statement | sa.ClauseElement, **values: Any) -> Row | None:
        """The first row, or None."""
        text, arguments = _written(statement, values)
        row: Row | None = await self.connection.fetchrow(text, *arguments)
        return row

    async def all(self, statement: Statement | sa.ClauseElement, **values: Any) -> Sequence[Row]:
        """Every row."""
        text, arguments = _written(statement, values)
        rows: Sequence[Row] = await self.connection.fetch(text, *arguments)
        return rows

    async def scalar(self, statement: Statement | sa.ClauseElement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        text, arguments = _written(statement, values)
        return await self.connection.fetchval(text, *arguments)

    async def run(self, statement: Statement | sa.ClauseElement, values: Mapping[str, Any] | None = None) -> int:
        """Execute; the number of rows it touched."""
        text, arguments = _written(statement, values or {})
        done: str = await self.connection.execute(text, *arguments)
        count = done.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def insert(self, table: sa.Table, values: Mapping[str, Any]) -> None:
        """Insert one row."""
        await self.run(inserting(table, tuple(values)), values)


def _written(statement: Statement | sa.ClauseElement, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The text of a statement and its arguments in order. One that is not built yet is built now."""
    built = statement if isinstance(statement, Statement) else Statement(statement, constants=False)
    return built.text, built.arguments(values)


class Database:
    """Connections to one PostgreSQL database, at most `connections`, kept open between uses.

    Raises DatabaseUnavailable from any use while the server cannot be reached. Statements are
    limited to `statement_timeout` milliseconds, and a transaction that does nothing for a minute
    is ended by the server, so that a hung process never keeps a contact to itself.
    """

    def __init__(self, url: str, keys: Keyring, *, connections: int = 10) -> None:
        self.keys = keys
        self._url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._idle: list[Any] = []
        self._room = asyncio.Semaphore(connections)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One transaction: committed when the block ends well, undone when it does not."""
        with _lost_connections():
            async with self._connected() as connection:
                await connection.execute("BEGIN")
                try:
                    yield Session(connection, self.keys)
                except Exception:
                    await connection.execute("ROLLBACK")
                    raise
                if await connection.execute("COMMIT") != "COMMIT":
                    raise RuntimeError("An error inside a transaction was passed over, so nothing was committed.")

    @asynccontextmanager
    async def without_transaction(self) -> AsyncIterator[Session]:
        """A session in which each statement is a transaction of its own: for work that takes but one."""
        with _lost_connections():
            async with self._connected() as connection:
                yield Session(connection, self.keys)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """A connection of one's own. One that is left in the middle of something is not used again."""
        async with asyncio.timeout(_PATIENCE):
            await self._room.acquire()
        try:
            connection = self._kept() or await self._connect()
            try:
                yield connection
            except Exception as error:
                if isinstance(error, _LOST):
                    connection.terminate()
                self._keep(connection)
                raise
            except BaseException:
                connection.terminate()
                raise
            self._keep(connection)
        finally:
            self._room.release()

    def _kept(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _keep(self, connection: Any) -> None:
        if connection.is_closed():
            return
        if connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(self._url, timeout=_PATIENCE, command_timeout=30, server_settings=_SETTINGS)
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        return connection

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            async with self.transaction() as session:
                await session.scalar(sa.text("SELECT 1"))
        except DatabaseUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            await self._idle.pop().close(timeout=_PATIENCE)


def dialect_url(url: str) -> sa.URL:
    """The operator's URL with the driver named."""
    return sa.make_url(url).set(drivername="postgresql+asyncpg")


@contextmanager
def _lost_connections() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        if _is_down(error):
            raise DatabaseUnavailable("The database cannot be reached.") from error
        raise
    except _LOST as error:
        raise DatabaseUnavailable("The database cannot be reached.") from error


def _is_down(error: asyncpg.PostgresError) -> bool:
    """Server starting, stopping, or killing our session (SQLSTATE classes 08, 57, 53300)."""
    state = str(error.sqlstate or "")
    return state[:2] in {"08", "57"} or state in {"53300", "25P03"}

"""The servers that both systems share, and the folder everything temporary is in.

Owns: Servers.
May import: `bot.supervisor`, asyncpg.
Start reading at: `Servers.start`.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bot.supervisor.servers import EmbeddedPostgres, EmbeddedValkey
from tests.bench.machine import family


class Servers:
    """One embedded PostgreSQL and one Valkey, for this run only.

    PostgreSQL keeps the time of each commit (`track_commit_timestamp`), which is how the bench sees
    when a turn was committed without touching the system under load. All else is as shipped.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="harbour-bench-"))
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        self.valkey = EmbeddedValkey(self.folder / "valkey")
        self.url = ""

    async def start(self) -> None:
        """Start both, and make one database for each system."""
        self.url = self.postgres.start()
        async with self.connect("postgres") as connection:
            await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        self.postgres.stop()
        self.url = self.postgres.start()
        async with self.connect("postgres") as connection:
            for name in ("harbour", "rasa"):
                await connection.execute(f"CREATE DATABASE {name}")
        self.valkey.start()

    def database_url(self, name: str) -> str:
        """The URL of one of the databases."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    @contextlib.asynccontextmanager
    async def connect(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the bench's own."""
        connection = await asyncpg.connect(self.database_url(name))
        try:
            yield connection
        finally:
            await connection.close()

    def postgres_pids(self) -> list[int]:
        """The server and its backends."""
        return family(self.postgres.pid())

    def valkey_pids(self) -> list[int]:
        """The server."""
        return family(self.valkey.process_id)

    def stop(self) -> None:
        """Stop both and remove their data."""
        for server in (self.valkey, self.postgres):
            with contextlib.suppress(Exception):
                server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

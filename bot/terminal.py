"""What terminal commands share: a database to work on, or one sentence why there is none.

Owns: open_database().
May import: settings, store.
Start reading at: `open_database`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.database import Database
from bot.store.seal import Keyring


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of a running Harbour. Raises ConfigurationError when there is none."""
    url = settings.database()
    keys = Keyring.parse(settings.encryption_keys.get_secret_value(), settings.lookup_key.get_secret_value())
    database = Database(url, keys, connections=2)
    try:
        if not await database.ping():
            raise ConfigurationError("The database does not answer: is `make run` still running?")
        yield database
    finally:
        await database.close()

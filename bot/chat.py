"""`harbour chat`: a contact in a terminal, through the very same inbox, worker and outbox.

Owns: chat().
May import: settings, store, vocabulary.
Start reading at: `chat`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from bot import clock
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store.chat import Spoken, answers_after, begin_as, is_answered
from bot.store.database import Database
from bot.store.inbox import receive
from bot.store.wake import INBOX, Wake
from bot.terminal import open_database
from bot.vocabulary import SIMULATED, Address, Channel, InboundMessage, Language

_PATIENCE = 90.0
_LOOK = 0.1


async def chat(settings: Settings, *, channel: str, language: str, record: Path | None) -> None:
    """Talk until end of input. Raises ConfigurationError for an unknown channel or language."""
    try:
        way = Channel(channel)
        spoken = Language(language).value if language else ""
    except ValueError as error:
        known = ", ".join(one.value for one in [*Channel, *Language])
        raise ConfigurationError(f"{error}; known are {known}.") from error
    who = Address(way, f"{SIMULATED}{clock.new_id()}")
    async with open_database(settings) as database:
        talk = _Talk(database, Wake(settings.redis_url.get_secret_value()), who)
        if spoken:
            async with database.transaction() as session:
                await begin_as(session, who, spoken)
        print("You are a contact now. Write, and press Enter. Ctrl-D ends it.\n")
        await talk.until_end()
    if record and talk.turns:
        record.write_text(_transcript(way, spoken, talk.turns), encoding="utf-8")
        print(f"\nwritten to {record}")


class _Talk:
    """One conversation being had."""

    def __init__(self, database: Database, wake: Wake, who: Address) -> None:
        self._database = database
        self._wake = wake
        self._who = who
        self._position = -1
        self.turns: list[dict[str, Any]] = []

    async def until_end(self) -> None:
        """Read lines and show answers; what comes in between is shown too."""
        listening = asyncio.create_task(self._show_what_comes())
        try:
            while (line := await asyncio.to_thread(_ask)) is not None:
                if line.strip():
                    self.turns.append({"person": line, "bot": []})
                    await self._say(line)
                    await self._until_answered()
        finally:
            listening.cancel()

    async def _say(self, text: str) -> None:
        message = InboundMessage(self._who.channel, f"sim-{clock.new_id()}", self._who, "simulator", text)
        async with self._database.transaction() as session:
            await receive(session, message)
        await self._wake.call(INBOX)

    async def _until_answered(self) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            async with self._database.transaction() as session:
                if await is_answered(session, self._who):
                    break
            await asyncio.sleep(_LOOK)
        await self._show()

    async def _show_what_comes(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self._show()

    async def _show(self) -> None:
        async with self._database.transaction() as session:
            found = await answers_after(session, self._who, self._position)
        for one in found:
            if one.position > self._position:
                self._position = one.position
                _print(one)
                if self.turns:
                    self.turns[-1]["bot"].append(one.text)


def _ask() -> str | None:
    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _print(one: Spoken) -> None:
    mark = "counsellor: " if one.kind == "counsellor" else ""
    print("\n" + "\n".join(f"    {line}" for line in f"{mark}{one.text}".splitlines()) + "\n", flush=True)


def _transcript(channel: Channel, language: str, turns: list[dict[str, Any]]) -> str:
    """The conversation as a test: what was said, and what must be answered."""
    body = {"channel": channel.value, "language": language or None, "turns": turns}
    return yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=100)

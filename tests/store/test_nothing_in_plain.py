"""Whoever steals the database finds neither a word of anybody nor an address."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.channels.simulator import SimulatorChannel
from bot.store import cases
from bot.store.database import Database
from bot.store.tables import metadata
from bot.vocabulary import Address, Channel, Location, Media
from tests.world import World

WORDS = "kanarie zanjabil"
ADDRESSES = ("+15557654321", "CO.KANARIE99", "+15551112229")


async def everything(database: Database) -> bytes:
    """Every row of every table, as bytes."""
    dumped = b""
    async with database.transaction() as session:
        for table in metadata.sorted_tables:
            for row in await session.all(sa.select(table)):
                dumped += b"".join(_bytes(value) for value in row.values())
    return dumped


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


@pytest.fixture
async def lived(world: World) -> World:
    """A deployment in which people wrote their words in every place there is."""
    person = world.person(ADDRESSES[0])
    await person.consents()
    await person.writes(WORDS, aliases=(Address(Channel.WHATSAPP, ADDRESSES[1]),))
    await person.writes(f"menu {WORDS}", button_title=WORDS, button_payload=WORDS)
    place = Location(1.0, 2.0, f"Hotel {WORDS}")
    await person.writes(WORDS, location=place, media=(Media(f"https://m.example/{WORDS}", "image/png"),))
    await person.writes(f"i want to kill myself tonight {WORDS}")
    await world.counsellor().answers(person, f"I read: {WORDS}")
    await world.counsellor().closes(person)
    sms = world.person(ADDRESSES[2], Channel.SMS)
    await sms.writes(f"person {WORDS}")
    await world.send_out(SimulatorChannel())
    return world


@pytest.mark.parametrize("secret", [*WORDS.split(), *ADDRESSES, *(one.lstrip("+") for one in ADDRESSES)])
async def test_no_table_holds_words_or_addresses_in_plain(lived: World, secret: str) -> None:
    assert secret.encode() not in await everything(lived.database)


async def test_the_dump_would_show_it_if_it_were_there(lived: World) -> None:
    """The test of the test: what is not secret is found."""
    dumped = await everything(lived.database)
    assert b"demo counsellor" in dumped and b"North site" in dumped


async def test_with_the_keys_the_conversation_can_be_read(lived: World) -> None:
    contact = await lived.person(ADDRESSES[0]).contact()
    async with lived.database.transaction() as session:
        lines = await cases.conversation(session, contact.id)
    assert sum(WORDS in line.text for line in lines) == 5

"""What came in waits, once each and in order, until it is answered."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import timedelta

import pytest

from bot import clock
from bot.store import inbox
from bot.store.contacts import address_state, find_or_create
from bot.store.database import Database
from bot.store.wire import message_from_json, message_to_json
from bot.vocabulary import Address, Channel, InboundMessage, Location, Media, OptOut
from tests.world import DAY

FULL = InboundMessage(
    channel=Channel.WHATSAPP,
    provider_id="SM1",
    sender=Address(Channel.WHATSAPP, "+573001112222"),
    recipient="+15559990000",
    text="سلام\u200f 🙏 п’ять",
    aliases=(Address(Channel.WHATSAPP, "CO.1A2B"),),
    media=(Media("https://m.example/1", "image/jpeg"), Media("https://m.example/2", "audio/ogg")),
    location=Location(4.61, -74.08, "Plaza"),
    button_title="Menu",
    button_payload="menu",
    in_reply_to="SM0",
    opt_out=OptOut.HELP,
    forwarded=True,
)
PLAIN = InboundMessage(Channel.SMS, "SM2", Address(Channel.SMS, "+1555"), "+1")


@pytest.fixture(autouse=True)
def frozen() -> None:
    clock.freeze(lambda: DAY)


@pytest.mark.parametrize("message", [FULL, PLAIN])
def test_a_message_is_the_same_after_it_was_stored(message: InboundMessage) -> None:
    assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


async def test_what_is_read_back_is_what_came(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
        found = await inbox.claim_contact(session)
        assert found is not None
        (waiting,) = await inbox.waiting(session, found["id"])
        assert (waiting.message, waiting.received_at, waiting.attempts) == (FULL, DAY, 0)


async def test_a_message_of_somebody_known_is_stored_in_one_statement_and_once(database: Database) -> None:
    async with database.transaction() as session:
        assert await inbox.receive_known(session, FULL) is None
        assert await inbox.claim_contact(session) is None
        await find_or_create(session, (FULL.sender, *FULL.aliases))
    async with database.without_transaction() as session:
        assert await inbox.receive_known(session, FULL) is True
        assert await inbox.receive_known(session, FULL) is False
        stranger = Address(Channel.WHATSAPP, "CO.NEW")
        assert await inbox.receive_known(session, dataclasses.replace(FULL, aliases=(stranger,))) is None
        found = await inbox.claim_contact(session)
        assert found is not None
        (waiting,) = await inbox.waiting(session, found["id"])
        assert (waiting.message, waiting.received_at) == (FULL, DAY)
        assert (await address_state(session, waiting.address_id)).last_inbound_at == DAY


async def test_messages_of_one_contact_are_numbered_in_the_order_they_are_committed(database: Database) -> None:
    async def second() -> None:
        async with database.without_transaction() as session:
            assert await inbox.receive_known(session, dataclasses.replace(FULL, provider_id="SM9"))

    async with database.transaction() as session:
        contact_id, _ = await find_or_create(session, (FULL.sender, *FULL.aliases))
    async with database.transaction() as session:
        await find_or_create(session, (FULL.sender, *FULL.aliases))  # takes the contact's lock
        later = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        assert not later.done()
        await inbox.receive(session, FULL)
    await later
    async with database.transaction() as session:
        waiting = await inbox.waiting(session, contact_id)
    assert [one.message.provider_id for one in waiting] == ["SM1", "SM9"]


async def test_a_contact_that_one_worker_holds_is_passed_over_by_the_other(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
        await inbox.receive(session, PLAIN)
    async with database.transaction() as one, database.transaction() as two, database.transaction() as three:
        first, second = await inbox.claim_contact(one), await inbox.claim_contact(two)
        assert first is not None and second is not None and first["id"] != second["id"]
        assert await inbox.claim_contact(three) is None


async def test_a_message_can_come_in_while_its_contact_is_being_answered(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
    async with database.transaction() as worker, database.transaction() as gateway:
        found = await inbox.claim_contact(worker)
        assert await inbox.receive(gateway, dataclasses.replace(FULL, provider_id="SM9"))
        assert found is not None


async def test_what_is_done_is_not_claimed_again(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
        found = await inbox.claim_contact(session)
        assert found is not None
        (waiting,) = await inbox.waiting(session, found["id"])
        await inbox.done(session, waiting.id)
        assert await inbox.claim_contact(session) is None
        assert await inbox.unprocessed(session) == (0, 0.0)


async def test_what_is_postponed_is_claimed_when_its_time_comes(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
        found = await inbox.claim_contact(session)
        assert found is not None
        await inbox.postpone(session, found["id"], DAY + timedelta(seconds=5))
        assert await inbox.claim_contact(session) is None
        clock.freeze(lambda: DAY + timedelta(seconds=5))
        assert await inbox.claim_contact(session) is not None


async def test_how_much_waits_and_how_long_is_known(database: Database) -> None:
    async with database.transaction() as session:
        await inbox.receive(session, FULL)
        clock.freeze(lambda: DAY + timedelta(seconds=30))
        await inbox.receive(session, PLAIN)
        assert await inbox.unprocessed(session) == (2, 30.0)


async def test_half_a_message_is_never_stored(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await inbox.receive(session, FULL)
            raise RuntimeError
    async with database.transaction() as session:
        assert await inbox.unprocessed(session) == (0, 0.0)
        assert await inbox.receive(session, FULL)

"""One person is one contact, found by any of their addresses, which nobody can read."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot import clock
from bot.store import contacts, inbox
from bot.store.database import Database
from bot.store.tables import address, contact
from bot.vocabulary import Address, Channel, InboundMessage

NUMBER = Address(Channel.WHATSAPP, "+573001112222")
USER_ID = Address(Channel.WHATSAPP, "CO.1A2B3C")
OTHER = Address(Channel.WHATSAPP, "+573009990000")
ids = iter(range(10**6))


def message(sender: Address, *aliases: Address) -> InboundMessage:
    return InboundMessage(sender.channel, f"SM{next(ids)}", sender, "+1", "hello", aliases=aliases)


async def receive(database: Database, *messages: InboundMessage) -> None:
    for one in messages:
        async with database.transaction() as session:
            await inbox.receive(session, one)


async def count(database: Database, table: sa.Table) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(sa.select(sa.func.count()).select_from(table)))


async def test_a_person_is_found_again_by_the_hash_of_their_address(database: Database) -> None:
    async with database.transaction() as session:
        first = await contacts.find_or_create(session, [NUMBER])
    async with database.transaction() as session:
        assert await contacts.find_or_create(session, [NUMBER]) == first
    assert await count(database, contact) == 1


async def test_another_number_is_another_person(database: Database) -> None:
    await receive(database, message(NUMBER), message(OTHER))
    assert await count(database, contact) == 2


async def test_number_and_user_id_that_came_together_are_one_person_from_then_on(database: Database) -> None:
    await receive(database, message(NUMBER, USER_ID), message(USER_ID), message(NUMBER))
    assert (await count(database, contact), await count(database, address)) == (1, 2)


async def test_a_number_that_becomes_known_later_joins_the_person_behind_the_user_id(database: Database) -> None:
    await receive(database, message(USER_ID), message(NUMBER, USER_ID), message(NUMBER))
    assert (await count(database, contact), await count(database, address)) == (1, 2)


async def test_the_answer_goes_to_the_address_they_wrote_from_last(database: Database) -> None:
    await receive(database, message(USER_ID, NUMBER))
    async with database.transaction() as session:
        contact_id, user_id = await contacts.find_or_create(session, [USER_ID])
        assert await contacts.latest_address(session, contact_id) == user_id


async def test_the_messages_of_both_addresses_stand_in_one_queue(database: Database) -> None:
    await receive(database, message(NUMBER, USER_ID), message(USER_ID), message(NUMBER))
    async with database.transaction() as session:
        found = await inbox.claim_contact(session)
        assert found is not None
        waiting = await inbox.waiting(session, found["id"])
        assert [one.message.sender for one in waiting] == [NUMBER, USER_ID, NUMBER]


async def test_stop_on_one_address_leaves_the_other_alone(database: Database) -> None:
    await receive(database, message(NUMBER, USER_ID))
    async with database.transaction() as session:
        _, number = await contacts.find_or_create(session, [NUMBER])
        _, user_id = await contacts.find_or_create(session, [USER_ID])
        await contacts.opt_out(session, number)
        assert (await contacts.address_state(session, number)).opted_out_at is not None
        assert (await contacts.address_state(session, user_id)).opted_out_at is None


async def test_where_a_dialogue_stands_survives_sealing(database: Database) -> None:
    state = {"bundle": "x", "stack": [{"flow": "f"}], "slots": {"n": 3, "name": "Олена"}, "misses": 0}
    async with database.transaction() as session:
        contact_id, _ = await contacts.find_or_create(session, [NUMBER])
        await contacts.change_contact(session, contact_id, {"state": state, "language": "uk"})
        found = await contacts.hold_contact(session, contact_id)
        assert found is not None and (found.state, found.language) == (state, "uk")
        await contacts.change_contact(session, contact_id, {"state": None})
        again = await contacts.hold_contact(session, contact_id)
        assert again is not None and again.state is None


async def test_an_address_that_is_gone_is_an_error_with_no_address_in_it(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(LookupError, match="address"):
            await contacts.address_state(session, clock.new_id())


def test_an_address_never_shows_itself() -> None:
    for shown in (repr(NUMBER), repr(message(NUMBER, USER_ID)), f"{NUMBER}", str([NUMBER])):
        assert "57300" not in shown and "CO.1A" not in shown

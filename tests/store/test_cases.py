"""A case gathers what happened; its level never goes down by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store import assessments, cases, contacts
from bot.store.database import Database
from bot.store.tables import assessment, inbox
from bot.vocabulary import Address, Channel
from escalation.case import CaseState, state_of
from tests.world import World


async def someone(database: Database, number: str = "+1555") -> cases.Case:
    """A person with an open case."""
    async with database.transaction() as session:
        contact_id, _ = await contacts.find_or_create(session, [Address(Channel.SMS, number)])
        await cases.open_case(session, contact_id, reason="risk", level=2, categories=("R1",))
        found = await cases.open_case_of(session, contact_id)
        assert found is not None
        return found


@pytest.mark.parametrize(("later", "level"), [(0, 2), (1, 2), (2, 2), (3, 3), (4, 4)])
async def test_a_case_is_raised_and_never_lowered(database: Database, later: int, level: int) -> None:
    case = await someone(database)
    async with database.transaction() as session:
        again = await cases.open_case(session, case.contact_id, reason="more", level=later, categories=("R6", "R1"))
        found = await cases.open_case_of(session, case.contact_id)
    assert found is not None and again == case.id == found.id
    assert (found.level, found.categories) == (level, ("R1", "R6"))
    assert [(event.kind, event.level, event.note) for event in found.events] == [
        ("requested", 2, "risk"),
        ("raised", later, "more"),
    ]


async def test_after_a_case_was_closed_the_next_one_is_a_new_one(database: Database) -> None:
    case = await someone(database)
    async with database.transaction() as session:
        await cases.close(session, case.id)
        assert await cases.open_case_of(session, case.contact_id) is None
    assert (await someone(database)).id != case.id


async def test_the_worst_comes_first_then_who_waits_longest(world: World) -> None:
    for number, text in (("+1", "person"), ("+2", "i want to die"), ("+3", "i want to kill myself tonight")):
        person = world.person(number)
        await person.consents()
        await person.writes(text)
        world.pass_time(minutes=1)
    late = world.person("+4")
    await late.writes("i want to die")
    async with world.database.transaction() as session:
        queue = await cases.queue_of_cases(session)
    assert [case.level for case in queue] == [4, 2, 2, 0]
    assert queue[1].opened_at < queue[2].opened_at


async def test_a_case_is_found_by_the_beginning_of_its_id_and_never_by_a_pattern(database: Database) -> None:
    case = await someone(database)
    async with database.transaction() as session:
        assert (await cases.find(session, str(case.id)[:8])) is not None
        assert await cases.find(session, "%") is None
        assert await cases.find(session, "_" * 8) is None


async def test_an_id_that_fits_two_cases_finds_none(database: Database) -> None:
    await someone(database)
    await someone(database, "+1556")
    async with database.transaction() as session:
        assert await cases.find(session, "") is None


async def test_the_level_of_a_message_can_be_raised_later_and_never_lowered(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("i am hopeless")
    contact_id = (await person.contact()).id
    (message,) = await world.rows(inbox)
    for level, kept in ((3, 3), (2, 3), (0, 3), (4, 4)):
        async with world.database.transaction() as session:
            await assessments.record(
                session, inbox_id=message["id"], contact_id=contact_id, level=level, categories=(), rules=(), signals=[]
            )
        assert [row["level"] for row in await world.rows(assessment)] == [kept]


@given(st.lists(st.sampled_from(["requested", "raised", "acknowledged", "answered", "overdue", "not delivered"])))
def test_only_closing_closes_a_case(kinds: list[str]) -> None:
    assert state_of(kinds) is not CaseState.CLOSED
    assert state_of([*kinds, "closed"]) is CaseState.CLOSED


async def test_the_parts_of_a_long_answer_are_shown_in_the_order_they_were_written(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    await person.writes("person")
    await world.counsellor().answers(person, " ".join(f"word{n}" for n in range(400)))
    async with world.database.transaction() as session:
        lines = await cases.conversation(session, (await person.contact()).id)
    parts = [line.text for line in lines if line.by == "counsellor"]
    assert len(parts) > 1 and parts[0].startswith("word0 ")
    assert " ".join(parts).split() == [f"word{n}" for n in range(400)]

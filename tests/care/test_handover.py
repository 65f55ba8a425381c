"""One counsellor holds a case; closing needs a reason; nothing that was done is lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.care import handover
from bot.care.handover import CaseConflict
from bot.store import cases
from bot.store.tables import audit_entry, case_, case_event, timer
from bot.vocabulary import Channel
from escalation.case import CLOSING_REASONS
from tests.world import Person, World, opening


async def waiting(world: World, text: str = "person", number: str = "+15550001111") -> Person:
    """Somebody whose case nobody has yet."""
    person = world.person(number)
    await person.consents()
    await person.writes(text)
    return person


async def kinds(person: Person) -> list[str]:
    case = await person.case()
    return [event.kind for event in case.events] if case else []


# One holder


async def test_two_counsellors_never_hold_one_case(world: World) -> None:
    person = await waiting(world)
    await world.counsellor("Amal").takes(person)
    with pytest.raises(CaseConflict, match="Amal already has this case"):
        await world.counsellor("Bohdan").takes(person)
    with pytest.raises(CaseConflict, match="Amal already has this case"):
        await world.counsellor("Bohdan").answers(person, "me too")
    assert await kinds(person) == ["requested", "acknowledged"]
    assert "me too" not in await person.reads()


async def test_of_five_who_take_a_case_at_the_same_moment_one_has_it(world: World) -> None:
    person = await waiting(world)
    team = [world.counsellor(f"c{n}") for n in range(5)]
    ended = await asyncio.gather(*(one.takes(person) for one in team), return_exceptions=True)
    assert sum(one is None for one in ended) == 1
    assert sum(isinstance(one, CaseConflict) for one in ended) == 4
    assert await kinds(person) == ["requested", "acknowledged"]


async def test_of_two_who_answer_at_the_same_moment_one_is_heard(world: World) -> None:
    person = await waiting(world)
    await person.reads()
    team = [world.counsellor(f"c{n}") for n in range(2)]
    await asyncio.gather(*(one.answers(person, one.name) for one in team), return_exceptions=True)
    assert len(await person.reads()) == 1


async def test_taking_ones_own_case_again_changes_nothing(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.takes(person)
    await amal.takes(person)
    assert await kinds(person) == ["requested", "acknowledged"]


async def test_answering_takes_the_case(world: World) -> None:
    person = await waiting(world)
    await world.counsellor().answers(person, "Hello, I am Amal.")
    assert await kinds(person) == ["requested", "acknowledged", "answered"]


async def test_while_the_bot_answers_a_message_the_case_cannot_be_taken_from_under_it(world: World) -> None:
    """Whoever comes second sees what the first one did."""
    person = await waiting(world)
    await person.writes("menu")
    await person.sends("1")
    await asyncio.gather(world.turns.next_turn(), world.counsellor().takes(person))
    await world.work()
    await person.reads()
    assert (await person.contact()).control.value == "counsellor"
    assert await person.writes("4") == []


# Closing


@pytest.mark.parametrize("reason", ["", "done", "because", "HELPED"])
async def test_closing_needs_a_reason_from_the_list(world: World, reason: str) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    with pytest.raises(CaseConflict, match="one of these reasons: helped, referred"):
        await amal.closes(person, reason)
    assert await person.case() is not None


@pytest.mark.parametrize("reason", CLOSING_REASONS)
async def test_every_reason_of_the_list_closes_and_is_kept(world: World, reason: str) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person, reason)
    assert await person.case() is None
    (closed,) = await world.rows(case_)
    *_, last = await world.rows(case_event)
    assert closed["closed_at"] == world.now
    assert (last["kind"], last["by"]) == ("closed", "Amal")
    assert world.database.keys.open(last["sealed_note"], "case_event.note") == reason


async def test_a_case_that_nobody_answered_cannot_be_closed(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    with pytest.raises(CaseConflict, match="somebody has answered"):
        await amal.closes(person)
    await amal.takes(person)
    with pytest.raises(CaseConflict, match="somebody has answered"):
        await amal.closes(person)


async def test_nobody_closes_the_case_of_somebody_else(world: World) -> None:
    person = await waiting(world)
    await world.counsellor("Amal").answers(person, "Hello.")
    with pytest.raises(CaseConflict, match="Amal has this case; only they can close it"):
        await world.counsellor("Bohdan").closes(person)
    assert await person.case() is not None
    assert "closed" not in {row["act"] for row in await world.rows(audit_entry)}


async def test_a_supervisor_may_and_it_is_written_down(world: World) -> None:
    person = await waiting(world)
    await world.counsellor("Amal").answers(person, "Hello.")
    case = await person.case()
    assert case is not None
    async with world.database.transaction() as session:
        await handover.hand_back(session, case, "Bohdan", "helped", supervisor=True)
    assert await person.case() is None
    *_, last = await world.rows(audit_entry)
    assert (last["by"], last["act"]) == ("Bohdan", "closed as supervisor")


async def test_a_case_is_closed_once(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    case = await person.case()
    assert case is not None
    await amal.closes(person)
    with pytest.raises(CaseConflict):
        async with world.database.transaction() as session:
            await handover.hand_back(session, case, "Amal", "helped")
    with pytest.raises(CaseConflict):
        async with world.database.transaction() as session:
            await handover.acknowledge(session, case, "Amal")


async def closed_and_asked_again(world: World) -> tuple[Person, cases.Case]:
    """Somebody with an old, closed case and a new one that Bohdan is working on."""
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    old = await person.case()
    assert old is not None
    await amal.closes(person)
    world.pass_time(hours=1)
    await person.writes("i want to kill myself tonight")
    await world.counsellor("Bohdan").answers(person, "I am here.")
    return person, old


async def test_closing_an_old_case_from_an_old_page_leaves_the_new_one_alone(world: World) -> None:
    person, old = await closed_and_asked_again(world)
    with pytest.raises(CaseConflict):
        async with world.database.transaction() as session:
            await handover.hand_back(session, old, "Amal", "helped")
    assert (await person.contact()).control.value == "counsellor", "Bohdan is still writing with them"


async def test_taking_an_old_case_from_an_old_page_is_refused(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    old = await person.case()
    assert old is not None
    await amal.closes(person)
    await person.writes("person")
    with pytest.raises(CaseConflict):
        async with world.database.transaction() as session:
            await handover.acknowledge(session, old, "Amal")
    assert await kinds(person) == ["requested"]


async def test_after_closing_a_promise_that_runs_out_is_not_spoken_of(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    await person.reads()
    world.pass_time(hours=1)
    await world.do_what_is_due()
    assert await person.reads() == []
    assert all(row["done_at"] for row in await world.rows(timer))


# Answering


async def test_an_empty_answer_is_refused_and_takes_nothing(world: World) -> None:
    person = await waiting(world)
    with pytest.raises(CaseConflict, match="empty"):
        await world.counsellor().answers(person, "  \n ")
    assert await kinds(person) == ["requested"]


async def test_a_long_answer_on_sms_goes_out_in_parts_and_nothing_is_lost(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    await person.writes("person")
    await world.counsellor().answers(person, " ".join(f"word{n}" for n in range(400)))
    parts = await person.reads()
    assert len(parts) > 1
    assert " ".join(parts).split() == [f"word{n}" for n in range(400)]


async def test_who_did_what_is_written_down(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    assert [(row["by"], row["act"]) for row in await world.rows(audit_entry)] == [
        ("Amal", "acknowledged"),
        ("Amal", "closed"),
    ]


async def test_an_answer_is_never_in_the_record_of_the_case_in_plain_words(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "secret words")
    case = await person.case()
    assert case is not None and "secret" not in repr(case)


# Raising


async def test_danger_while_the_case_is_in_hands_shows_in_it_at_once(world: World) -> None:
    person, amal = await waiting(world), world.counsellor()
    await amal.answers(person, "Hello.")
    await person.writes("i want to kill myself tonight")
    case = await person.case()
    assert case is not None and (case.level, case.categories) == (4, ("R1",))
    assert (await kinds(person))[-1] == "raised"


async def test_a_wish_for_a_person_that_becomes_danger_is_one_case_at_the_higher_level(world: World) -> None:
    person = await waiting(world)
    await person.writes("i want to kill myself tonight")
    case = await person.case()
    assert case is not None and (case.level, await kinds(person)) == (4, ["requested", "raised"])


async def test_when_the_last_words_cannot_be_sent_the_case_says_so(world: World) -> None:
    person = await waiting(world)
    async with world.database.transaction() as session:
        await handover.not_delivered(session, (await person.contact()).id, "opted_out")
    assert (await kinds(person))[-1] == "not delivered"


async def test_nothing_delivered_without_a_case_is_no_error(world: World) -> None:
    person = world.person()
    await person.consents()
    async with world.database.transaction() as session:
        await handover.not_delivered(session, (await person.contact()).id, "opted_out")
    assert await person.case() is None


async def test_that_the_conversation_ended_is_said_on_the_channel_of_the_person(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    await person.writes("person")
    amal = world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    assert (await person.reads())[-1] == opening("counsellor_left")

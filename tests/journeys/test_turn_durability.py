"""Whatever breaks, a message is answered once, in order, or its writer is told honestly."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import pytest
import sqlalchemy as sa

from bot.conversation import turn as turn_module
from bot.conversation.turn import Took, TurnHandler, TurnReport
from bot.dialogue.protocol import EngineReply, EngineTurn, Said
from bot.errors import EngineFailed, EngineUnavailable
from bot.store.tables import assessment, case_, contact, inbox, membership, outbox
from bot.vocabulary import Channel
from tests.world import Person, World, opening

TONIGHT = "i want to kill myself tonight"


async def known(world: World, number: str = "+15550001111") -> Person:
    """Somebody who has been through the welcome and sees the menu."""
    person = world.person(number)
    await person.consents()
    return person


async def work_for(world: World, seconds: float) -> list[TurnReport]:
    """Let the system work while the clock runs, a second at a time."""
    reports: list[TurnReport] = []
    for _ in range(int(seconds)):
        reports += await world.work()
        world.pass_time(seconds=1)
    return reports


# Once, and in order


async def test_a_message_that_the_provider_delivers_twice_is_answered_once(world: World) -> None:
    person = await known(world)
    assert await person.sends("menu", provider_id="SM1") is True
    assert await person.sends("menu", provider_id="SM1") is False
    await world.work()
    assert await person.sends("menu", provider_id="SM1") is False
    await world.work()
    assert len(await person.reads()) == 1


async def test_the_same_id_on_another_channel_is_another_message(world: World) -> None:
    whatsapp, sms = await known(world), world.person(channel=Channel.SMS)
    assert await whatsapp.sends("menu", provider_id="SM1")
    assert await sms.sends("menu", provider_id="SM1")
    await world.work()
    assert (len(await whatsapp.reads()), len(await sms.reads())) == (1, 1)


async def test_answers_come_in_the_order_of_what_was_written(world: World) -> None:
    person = await known(world)
    for text in ("menu", "1", "4"):
        await person.sends(text)
    await world.work()
    menu, question, exercise = await person.reads()
    assert "What would help you now" in menu
    assert "from 0 to 10" in question
    assert "Breathe in gently" in exercise


async def test_whoever_waits_longest_is_answered_first(world: World) -> None:
    people = [await known(world, f"+1555000{n}") for n in range(5)]
    for person in reversed(people):
        await person.sends("menu")
    order: list[int] = []
    for _ in people:
        await world.turns.next_turn()
        order += [n for n, person in enumerate(people) if await person.reads()]
    assert order == [4, 3, 2, 1, 0]


# The engine is down


async def test_while_the_engine_is_down_nothing_is_said_and_nothing_is_lost(world: World) -> None:
    person = await known(world)
    world.engine_goes_down()
    assert await person.writes("menu") == []
    assert {row["state"] for row in await world.rows(inbox)} == {"waiting"}
    world.engine_comes_back()
    await work_for(world, 10)
    (menu,) = await person.reads()
    assert "What would help you now" in menu


async def test_all_that_was_written_while_the_engine_was_down_is_answered_in_order(world: World) -> None:
    person = await known(world)
    world.engine_goes_down()
    for text in ("menu", "1", "4"):
        await person.writes(text)
    world.pass_time(seconds=10)
    world.engine_comes_back()
    await work_for(world, 15)
    menu, question, exercise = await person.reads()
    assert "What would help you now" in menu and "Breathe in gently" in exercise and "0 to 10" in question


async def test_after_a_minute_without_the_engine_the_person_is_told_and_a_human_reads_it(world: World) -> None:
    person = await known(world)
    world.engine_goes_down()
    await person.sends("menu")
    early = await work_for(world, 55)
    assert {report.took for report in early} == {Took.POSTPONED}
    assert await person.reads() == []
    await work_for(world, 20)
    assert await person.reads() == [opening("cannot_answer")]
    case, contact = await person.case(), await person.contact()
    assert case is not None and case.reason == "the bot could not answer"
    assert contact.control.value == "bot"
    world.engine_comes_back()
    assert "What would help you now" in " ".join(await person.writes("menu"))


async def test_a_long_outage_before_the_message_came_does_not_shorten_the_wait_for_it(world: World) -> None:
    first, second = await known(world, "+15551"), await known(world, "+15552")
    world.engine_goes_down()
    await first.sends("menu")
    await work_for(world, 120)
    await second.sends("menu")
    await work_for(world, 30)
    assert await second.reads() == []
    world.engine_comes_back()
    await work_for(world, 10)
    assert len(await second.reads()) == 1


async def test_while_the_engine_is_down_other_peoples_danger_is_answered(world: World) -> None:
    waiting, endangered = await known(world, "+15551"), world.person("+15552")
    world.engine_goes_down()
    await waiting.writes("menu")
    (answer,) = await endangered.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))


async def test_stop_needs_no_engine(world: World) -> None:
    person = await known(world)
    world.engine_goes_down()
    assert await person.writes("stop") == [opening("stopped")]
    assert await person.writes("start") == [opening("started")]


async def test_a_message_that_only_this_engine_cannot_finish_is_not_tried_for_ever(world: World) -> None:
    """Others are answered all the time; this one makes the engine time out each time."""
    person, others = await known(world, "+15551"), await known(world, "+15552")
    play = world.engine.play

    async def slow_for_one(turn: EngineTurn) -> EngineReply:
        if turn.text == "the slow one":
            raise EngineUnavailable("did not answer in time")
        return await play(turn)

    world.engine.play = slow_for_one  # type: ignore[method-assign]
    await person.sends("the slow one")
    for _ in range(180):
        await others.sends("menu")
        await world.work()
        world.pass_time(seconds=1)
    assert await person.reads() == [opening("cannot_answer")]
    assert len(await others.reads()) == 180


# The engine answers, but cannot play the turn


async def test_a_turn_that_fails_three_times_ends_with_honest_words_and_a_case(world: World) -> None:
    person = await known(world)
    world.engine.fails_with = EngineFailed("for the test")
    await person.sends("menu")
    reports = await work_for(world, 20)
    assert [report.took for report in reports] == [Took.POSTPONED, Took.POSTPONED, Took.GAVE_UP]
    assert {report.error for report in reports} == {"EngineFailed"}
    assert await person.reads() == [opening("cannot_answer")]
    assert (await person.case()).reason == "the bot could not answer"


async def test_a_turn_that_fails_twice_and_then_works_is_answered_once(world: World) -> None:
    person = await known(world)
    world.engine.fails_with = EngineFailed("for the test")
    await person.sends("menu")
    await world.work()
    world.pass_time(seconds=3)
    await world.work()
    world.engine_comes_back()
    await work_for(world, 10)
    (menu,) = await person.reads()
    assert "What would help you now" in menu
    assert await person.case() is None


async def test_a_failing_message_holds_back_the_later_ones_of_its_writer_only(world: World) -> None:
    person, other = await known(world, "+15551"), await known(world, "+15552")
    play = world.engine.play

    async def failing(turn: EngineTurn) -> EngineReply:
        if turn.text == "poison":
            raise EngineFailed("for the test")
        return await play(turn)

    world.engine.play = failing  # type: ignore[method-assign]
    await person.sends("poison")
    await person.sends("menu")
    await other.sends("menu")
    await world.work()
    assert await person.reads() == []
    assert len(await other.reads()) == 1
    await work_for(world, 20)
    sorry, menu = await person.reads()
    assert sorry == opening("cannot_answer")
    assert "What would help you now" in menu


async def test_what_failed_is_silent_for_whoever_said_stop_but_a_human_reads_it(world: World) -> None:
    person = await known(world)
    await person.writes("stop")
    world.engine.fails_with = EngineFailed("for the test")
    await person.sends("person")
    await work_for(world, 20)
    assert await person.reads() == []
    assert await person.case() is not None


# A crash in the middle


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_a_crash_while_writing_down_leaves_nothing_half_written(
    world: World, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    person = await known(world)
    before = await person.contact()
    await crash_once(world, monkeypatch, person, "menu", after)
    assert await world.rows(outbox) == await world.rows(assessment) == []
    assert await person.contact() == before
    await world.work()
    (menu,) = await person.reads()
    assert "What would help you now" in menu


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_a_crash_in_the_middle_of_an_alarm_gives_one_case_and_one_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    person = await known(world)
    await crash_once(world, monkeypatch, person, TONIGHT, after)
    assert await world.rows(case_) == await world.rows(outbox) == []
    await world.work()
    (answer,) = await person.reads()
    assert answer.startswith(opening("crisis_on_duty"))
    assert [event.kind for event in (await person.case()).events] == ["requested"]


async def test_a_crash_while_joining_a_group_gives_no_second_membership(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await known(world)
    for text in ("menu", "2", "1", "7", "3", "1"):
        await person.writes(text)
    await crash_once(world, monkeypatch, person, "1", after=0)
    assert await world.rows(membership) == []
    await world.work()
    assert any("You are in" in answer for answer in await person.reads())
    assert len(await world.rows(membership)) == 1


class Crash(BaseException):
    """As if the process had died."""


async def crash_once(world: World, monkeypatch: pytest.MonkeyPatch, person: Person, text: str, after: int) -> None:
    """Send `text` and let the process die after `after` of its events were written."""
    record = turn_module.record

    async def dying(session: Any, desk: Any, events: Any) -> None:
        await record(session, desk, events[:after])
        raise Crash

    await person.sends(text)
    monkeypatch.setattr(turn_module, "record", dying)
    try:
        with pytest.raises(Crash):
            await world.turns.next_turn()
    finally:
        monkeypatch.setattr(turn_module, "record", record)
        await person.reads()


# One person's trouble is not everybody's


async def test_a_message_that_cannot_be_opened_does_not_stop_everybody_else(world: World) -> None:
    broken, other = await known(world, "+15551"), await known(world, "+15552")
    await broken.sends("menu")
    async with world.database.transaction() as session:
        await session.run(sa.update(inbox).values(sealed=b"\x04lostsomething that no key of ours opens"))
    await other.sends("menu")
    await survive(world, 10)
    assert len(await other.reads()) == 1


async def test_a_bug_that_one_message_wakes_does_not_stop_everybody_else(world: World) -> None:
    broken, other = await known(world, "+15551"), await known(world, "+15552")
    wake_a_bug(world, "the bug")
    await broken.sends("the bug")
    await other.sends("menu")
    await survive(world, 10)
    assert len(await other.reads()) == 1


async def test_whoever_wakes_a_bug_is_told_and_a_human_reads_it(world: World) -> None:
    person = await known(world)
    wake_a_bug(world, "the bug")
    await person.sends("the bug")
    await survive(world, 20)
    assert await person.reads() == [opening("cannot_answer")]
    assert (await person.case()).reason == "the bot could not answer"


def wake_a_bug(world: World, text: str) -> None:
    """Have the turn of `text` fail in a way that nobody thought of."""
    play = world.engine.play

    async def raising(turn: EngineTurn) -> EngineReply:
        if turn.text == text:
            raise AttributeError("nobody thought of this")
        return await play(turn)

    world.engine.play = raising  # type: ignore[method-assign]


async def survive(world: World, seconds: int) -> None:
    """As the worker does: whatever a turn raises, the loop goes on, a little later."""
    for _ in range(seconds * 2):
        for _ in range(5):
            try:
                if (await world.turns.next_turn()).took is Took.NOTHING:
                    break
            except Exception:
                break
        world.pass_time(seconds=0.5)


# Many at once


async def test_eight_workers_answer_two_hundred_messages_once_each_and_in_order(world: World) -> None:
    people = [await known(world, f"+1555{n:04}") for n in range(20)]
    world.engine.play = echo  # type: ignore[method-assign]
    expected = await send_shuffled(people, each=10)
    handlers = [world.handler() for _ in range(8)]
    await asyncio.gather(*(until_nothing(handler) for handler in handlers))
    for person in people:
        assert await person.reads() == expected[person.address.value]
    assert {row["state"] for row in await world.rows(inbox)} == {"done"}
    assert len(await world.rows(assessment)) == 200


async def test_messages_that_come_in_while_workers_work_are_answered_in_order_too(world: World) -> None:
    people = [await known(world, f"+1555{n:04}") for n in range(10)]
    world.engine.play = echo  # type: ignore[method-assign]
    sending = asyncio.ensure_future(send_shuffled(people, each=8))
    workers = [asyncio.ensure_future(until_nothing(world.handler(), patience=20)) for _ in range(6)]
    expected = await sending
    await asyncio.gather(*workers)
    await world.work()
    for person in people:
        assert await person.reads() == expected[person.address.value]


async def test_two_first_messages_at_the_same_moment_make_one_contact(world: World) -> None:
    person = world.person()
    await asyncio.gather(*(person.sends("hello") for _ in range(6)))
    assert len(await world.rows(contact)) == 1
    assert len(await world.rows(inbox)) == 6


async def echo(turn: EngineTurn) -> EngineReply:
    """An engine that counts, in the state, and takes a moment."""
    await asyncio.sleep(random.uniform(0, 0.003))
    count = (turn.state or {}).get("count", 0) + 1
    state = {"bundle": turn.bundle_hash, "stack": [], "slots": {}, "misses": 0, "count": count}
    return EngineReply(None, (Said("", "echo", f"{count}: {turn.text}"),), None, state)


async def send_shuffled(people: list[Person], each: int) -> dict[str, list[str]]:
    """`each` messages of everybody, mixed, and what each of them should read."""
    order = [person for person in people for _ in range(each)]
    random.Random(7).shuffle(order)
    counts: dict[str, int] = defaultdict(int)
    expected: dict[str, list[str]] = defaultdict(list)
    for person in order:
        who = person.address.value
        counts[who] += 1
        await person.sends(f"word {counts[who]}")
        expected[who].append(f"{counts[who]}: word {counts[who]}")
    return expected


async def until_nothing(handler: TurnHandler, patience: int = 3) -> None:
    """Take turns until nothing was found `patience` times in a row."""
    idle = 0
    while idle < patience:
        report = await handler.next_turn()
        idle = idle + 1 if report.took is Took.NOTHING else 0
        if idle:
            await asyncio.sleep(0.01)

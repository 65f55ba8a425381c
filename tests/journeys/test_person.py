"""Asking for a person: the truth about who is there, and how the bot comes back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.care.handover import CaseConflict
from bot.store import cases
from bot.store.tables import case_, shift
from bot.vocabulary import Address, Channel
from tests.world import NIGHT, Person, World, opening

FLOW = "talk_to_person"


async def asks(world: World, language: str = "en", number: str = "+15550001111") -> tuple[Person, str]:
    """Somebody who asks for a person, and what they read."""
    person = world.person(number)
    await person.consents(language)
    (answer,) = await person.writes("person")
    return person, answer


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Someone is on duty now. It can take up to 30 minutes."),
        ("es", "30 minutos"),
        ("ar", "30"),
    ],
)
async def test_on_duty_the_true_wait_is_told(world: World, language: str, sentence: str) -> None:
    _, answer = await asks(world, language)
    assert answer.startswith(opening("utter_on_duty", language, FLOW))
    assert sentence in answer


@pytest.mark.parametrize(
    ("language", "time"), [("en", "Mon 23 Nov, 07:00"), ("es", "lun 23 nov, 07:00"), ("ar", "الاثنين 23 نوفمبر, 07:00")]
)
async def test_off_duty_it_is_said_when_the_team_is_back(world: World, language: str, time: str) -> None:
    world.now = NIGHT
    _, answer = await asks(world, language)
    assert answer.startswith(opening("utter_off_duty", language, FLOW))
    assert time in answer
    assert "30" not in answer


async def test_a_shift_in_another_language_is_nobody_on_duty(world: World) -> None:
    async with world.database.transaction() as session:
        await session.run(sa.update(shift).values(languages=["uk"]))
    _, answer = await asks(world, "es")
    assert answer.startswith(opening("utter_off_duty", "es", FLOW))
    _, answer = await asks(world, "uk", "+2")
    assert answer.startswith(opening("utter_on_duty", "uk", FLOW))


async def test_a_shift_for_all_languages_counts_for_everybody(world: World) -> None:
    async with world.database.transaction() as session:
        await session.run(sa.update(shift).values(languages=[]))
    _, answer = await asks(world, "ar")
    assert answer.startswith(opening("utter_on_duty", "ar", FLOW))


@pytest.mark.parametrize(("clock", "on_duty"), [("06:59", False), ("07:00", True), ("18:59", True), ("19:00", False)])
async def test_duty_begins_and_ends_with_the_shift(world: World, clock: str, on_duty: bool) -> None:
    hour, minute = clock.split(":")
    world.now = world.now.replace(hour=int(hour), minute=int(minute))
    _, answer = await asks(world)
    assert answer.startswith(opening("utter_on_duty" if on_duty else "utter_off_duty", flow=FLOW))


async def test_whoever_asks_for_a_person_has_a_case_and_the_bot_steps_back(world: World) -> None:
    person, _ = await asks(world)
    case, contact = await person.case(), await person.contact()
    assert case is not None and (case.level, case.reason) == (0, "asked for a person")
    assert contact.control.value == "counsellor"


async def test_asking_twice_is_one_case(world: World) -> None:
    person, _ = await asks(world)
    world.pass_time(hours=2)
    await person.writes("person")
    assert len(await world.rows(case_)) == 1


async def test_nobody_who_waits_is_met_with_silence_when_they_ask_again(world: World) -> None:
    world.now = NIGHT
    person, _ = await asks(world)
    world.pass_time(minutes=10)
    (answer,) = await person.writes("is somebody there?")
    assert answer.startswith(opening("held_off_duty"))


async def test_what_is_written_while_waiting_reaches_the_team(world: World) -> None:
    person, _ = await asks(world)
    world.pass_time(minutes=1)
    await person.writes("please a woman")
    async with world.database.transaction() as session:
        lines = await cases.conversation(session, (await person.contact()).id)
    assert [(line.by, line.text) for line in lines if line.by == "contact"] == [
        ("contact", "person"),
        ("contact", "please a woman"),
    ]


async def test_when_nobody_came_in_time_it_is_said_once_and_not_promised_again(world: World) -> None:
    person, _ = await asks(world)
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    (answer,) = await person.reads()
    assert answer.startswith(opening("still_waiting"))
    assert "30 minutes" not in answer
    world.pass_time(hours=5)
    await world.do_what_is_due()
    assert await person.reads() == []


async def test_asking_again_does_not_put_off_the_promise(world: World) -> None:
    person, _ = await asks(world)
    await person.writes("menu")
    world.pass_time(minutes=20)
    await person.writes("person")
    world.pass_time(minutes=11)
    await world.do_what_is_due()
    assert (await person.reads())[-1].startswith(opening("still_waiting"))


@pytest.mark.parametrize("language", ["es", "ar"])
async def test_that_nobody_came_is_said_in_the_language_of_the_person(world: World, language: str) -> None:
    person, _ = await asks(world, language)
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    (answer,) = await person.reads()
    assert answer.startswith(opening("still_waiting", language))


# The bot comes back


@pytest.mark.parametrize("word", ["menu", "menú", "القائمة", "меню"])
async def test_the_word_menu_takes_the_bot_back_while_nobody_has_come(world: World, word: str) -> None:
    person, _ = await asks(world)
    (answer,) = await person.writes(word)
    assert answer.startswith(opening("utter_ask_menu_choice", flow="ask_menu"))
    assert (await person.contact()).control.value == "bot"
    assert await person.case() is not None, "the team still sees that they asked"
    assert len(await person.writes("1")) == 1


async def test_in_high_danger_the_menu_does_not_take_the_bot_back(world: World) -> None:
    person = world.person()
    await person.writes("i want to kill myself tonight")
    await person.writes("menu")
    assert (await person.contact()).control.value == "counsellor"


async def test_once_a_counsellor_has_the_case_the_bot_is_silent(world: World) -> None:
    person, _ = await asks(world)
    amal = world.counsellor()
    await amal.takes(person)
    for text in ("menu", "hello", "1", "person", "language", "exit"):
        assert await person.writes(text) == []


async def test_a_counsellor_takes_over_even_from_whoever_took_the_bot_back(world: World) -> None:
    person, _ = await asks(world)
    await person.writes("menu")
    await world.counsellor().answers(person, "Hello, I am Amal.")
    assert await person.reads() == ["Hello, I am Amal."]
    assert await person.writes("1") == []


async def test_the_counsellors_words_go_where_the_person_wrote_from_last(world: World) -> None:
    person, _ = await asks(world)
    world.pass_time(minutes=1)
    user_id = world.person("CO.1A2B")
    await user_id.writes("it is me", aliases=(Address(Channel.WHATSAPP, person.address.value),))
    await user_id.reads()
    await world.counsellor().answers(person, "Hello, I am Amal.")
    assert await user_id.reads() == ["Hello, I am Amal."]


async def test_after_the_case_was_closed_the_bot_says_so_and_answers_again(world: World) -> None:
    person, _ = await asks(world)
    amal = world.counsellor()
    await amal.answers(person, "Hello, I am Amal.")
    await amal.closes(person, "helped")
    *_, last = await person.reads()
    assert last == opening("counsellor_left")
    assert await person.case() is None
    (menu,) = await person.writes("menu")
    assert "What would help you now" in menu


@pytest.mark.parametrize("language", ["es", "ar", "uk"])
async def test_that_the_bot_is_back_is_said_in_the_language_of_the_person(world: World, language: str) -> None:
    person, _ = await asks(world, language)
    amal = world.counsellor()
    await amal.answers(person, "…")
    await amal.closes(person)
    *_, last = await person.reads()
    assert last == opening("counsellor_left", language)


async def test_the_place_in_an_exercise_is_kept_through_the_talk_with_a_counsellor(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("menu")
    await person.writes("1")
    await person.writes("person")
    amal = world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    await person.reads()
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_breathe", flow="breathing"))


async def test_after_one_case_the_next_request_is_a_new_case(world: World) -> None:
    person, _ = await asks(world)
    first = await person.case()
    amal = world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    await person.writes("person")
    second = await person.case()
    assert first is not None and second is not None and first.id != second.id
    with pytest.raises(CaseConflict):
        await amal.closes(person)

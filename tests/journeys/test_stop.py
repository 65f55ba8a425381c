"""STOP is obeyed at once, in every language, and START brings the service back."""

from __future__ import annotations

import pytest

from bot.channels.simulator import SimulatorChannel
from bot.store.tables import address
from bot.vocabulary import Channel, OptOut
from tests.world import Person, World, opening, shipped

LANGUAGES = ["en", "es", "fr", "ar", "uk", "ru"]
# Twilio, docs/messaging/tutorials/advanced-opt-out: what ends and restarts SMS on long codes.
CARRIER_STOP = ["STOP", "unsubscribe", "End", "quit", "STOPALL", "revoke", "OptOut", "cancel"]
CARRIER_START = ["START", "unstop"]


async def known(
    world: World, language: str = "en", channel: Channel = Channel.WHATSAPP, number: str = "+15550001111"
) -> Person:
    person = world.person(number, channel=channel)
    await person.consents(language)
    return person


async def has_stopped(person: Person) -> bool:
    contact_id = (await person.contact()).id
    rows = [row for row in await person.world.rows(address) if row["contact_id"] == contact_id]
    return [row["opted_out_at"] is not None for row in rows] == [True]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_word_for_stop_stops_and_says_so_once(world: World, language: str) -> None:
    for number, word in enumerate(shipped().service[language].words["stop"]):
        person = await known(world, language, number=f"+1555{number:04}")
        assert await person.writes(word) == [opening("stopped", language)], word
        assert await has_stopped(person), word


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_word_for_start_brings_the_service_back(world: World, language: str) -> None:
    person = await known(world, language)
    for word in shipped().service[language].words["start"]:
        await person.writes("stop")
        assert await person.writes(word) == [opening("started", language)], word
        assert not await has_stopped(person), word
    assert len(await person.writes("menu")) == 1


@pytest.mark.parametrize("text", ["STOP", "  Stop. ", "stop!!", "СТОП", "توقّف", "Arrêt"])
async def test_stop_is_understood_however_it_is_typed(world: World, text: str) -> None:
    person = await known(world)
    await person.writes(text)
    assert await has_stopped(person)


async def test_stop_works_before_anything_was_agreed(world: World) -> None:
    person = world.person()
    await person.writes("hello")
    assert await person.writes("stop") == [opening("stopped")]
    assert await person.writes("hello") == []


async def test_stop_works_while_a_counsellor_holds_the_conversation(world: World) -> None:
    person = await known(world)
    await person.writes("person")
    await world.counsellor().takes(person)
    await person.writes("stop")
    assert await has_stopped(person)
    assert await person.case() is not None


async def test_a_sentence_with_the_word_stop_in_it_is_not_stop(world: World) -> None:
    person = await known(world)
    await person.writes("he does not stop shouting")
    assert not await has_stopped(person)


@pytest.mark.parametrize("word", CARRIER_STOP)
async def test_what_ends_sms_at_the_carrier_ends_it_here_and_nothing_is_added(world: World, word: str) -> None:
    person = await known(world, channel=Channel.SMS)
    assert await person.writes(word) == []
    assert await has_stopped(person)


@pytest.mark.parametrize("word", CARRIER_START)
async def test_what_restarts_sms_at_the_carrier_restarts_it_here(world: World, word: str) -> None:
    person = await known(world, channel=Channel.SMS)
    await person.writes("stop")
    assert await person.writes(word) == []
    assert not await has_stopped(person)


@pytest.mark.parametrize("word", ["END", "quit", "Cancel"])
async def test_a_word_that_may_have_been_despair_is_seen_by_a_human(world: World, word: str) -> None:
    person = await known(world, channel=Channel.SMS)
    await person.writes(word)
    case, contact = await person.case(), await person.contact()
    assert case is not None and (case.level, case.categories) == (1, ("R1",))
    assert contact.control.value == "bot"


@pytest.mark.parametrize("word", ["stop", "unsubscribe", "stopall"])
async def test_a_clear_stop_is_no_case(world: World, word: str) -> None:
    person = await known(world, channel=Channel.SMS)
    await person.writes(word)
    assert await person.case() is None


@pytest.mark.parametrize("word", ["end", "quit", "cancel"])
async def test_on_whatsapp_the_carriers_words_mean_nothing(world: World, word: str) -> None:
    person = await known(world)
    await person.writes(word)
    assert not await has_stopped(person)


async def test_the_word_help_brings_a_person_even_when_the_provider_answers_it_too(world: World) -> None:
    """Twilio answers HELP itself; that answer is no person."""
    person = await known(world, channel=Channel.SMS)
    await person.writes("HELP", opt_out=OptOut.HELP)
    assert await person.case() is not None


# After STOP


async def test_after_stop_nothing_automatic_is_sent(world: World) -> None:
    person = await known(world)
    await person.writes("stop")
    for text in ("hello", "menu", "1", "language", "exit", "💊😭🖤", "i am hopeless"):
        assert await person.writes(text) == []


async def test_what_was_queued_before_stop_is_not_sent_after_it(world: World) -> None:
    person = await known(world)
    await person.writes("menu")
    await person.writes("stop")
    await world.send_out(SimulatorChannel())
    assert await person.fates() == [
        ("reply", "held", "opted_out"),
        ("confirmation", "sent", None),
    ]


async def test_after_stop_the_word_person_still_brings_one(world: World) -> None:
    person = await known(world)
    await person.writes("stop")
    await person.writes("person")
    assert await person.case() is not None


async def test_whoever_asks_for_a_person_after_stop_gets_the_answer(world: World) -> None:
    """They asked by writing it; saying nothing would leave them alone with it."""
    person = await known(world)
    await person.writes("stop")
    await person.writes("person")
    await world.send_out(SimulatorChannel())
    assert ("held", "opted_out") not in [fate[1:] for fate in await person.fates()]


async def test_a_counsellor_may_answer_whoever_writes_again_after_stop(world: World) -> None:
    person = await known(world)
    await person.writes("stop")
    world.pass_time(minutes=5)
    await person.writes("person")
    await world.counsellor().answers(person, "I am here.")
    await world.send_out(SimulatorChannel())
    assert (await person.fates())[-1] == ("counsellor", "sent", None)


async def test_a_counsellor_cannot_write_to_whoever_said_stop_and_sees_that(world: World) -> None:
    person = await known(world)
    await person.writes("person")
    world.pass_time(minutes=1)
    await person.writes("stop")
    await world.counsellor().answers(person, "One more word.")
    await world.send_out(SimulatorChannel())
    assert (await person.fates())[-1] == ("counsellor", "held", "opted_out")
    assert (await person.case()).events[-1].kind == "not delivered"


async def test_the_first_answer_to_danger_goes_out_even_after_stop(world: World) -> None:
    person = await known(world)
    await person.writes("stop")
    await person.writes("i want to kill myself tonight")
    await world.send_out(SimulatorChannel())
    assert (await person.fates())[-1] == ("crisis", "sent", None)


async def test_start_without_a_stop_before_it_is_an_ordinary_word(world: World) -> None:
    person = await known(world)
    assert opening("started") not in await person.writes("start")


async def test_after_stop_nobody_writes_that_a_promise_ran_out(world: World) -> None:
    person = await known(world)
    await person.writes("person")
    await person.writes("stop")
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    await world.send_out(SimulatorChannel())
    assert ("crisis", "sent", None) not in await person.fates()


# Stop and pause as a flow


async def ask_to_stop(world: World) -> Person:
    world.understands("please write less", "stop_messages")
    person = await known(world)
    (question,) = await person.writes("please write less")
    assert question.startswith(opening("utter_ask_stop_choice", flow="stop_pause"))
    return person


async def test_the_flow_stops_with_one_confirmation_that_arrives(world: World) -> None:
    person = await ask_to_stop(world)
    assert await person.writes("1") == [opening("utter_stopped", flow="stop_pause")]
    await world.send_out(SimulatorChannel())
    assert (await person.fates())[-1] == ("confirmation", "sent", None)
    assert await person.writes("menu") == []


@pytest.mark.parametrize(("number", "days"), [("2", 1), ("3", 7), ("4", 30)])
async def test_a_pause_is_kept_and_told_and_answers_go_on(world: World, number: str, days: int) -> None:
    person = await ask_to_stop(world)
    (answer,) = await person.writes(number)
    until = (await person.contact()).paused_until
    assert (until - world.now).days == days
    assert until.strftime("%-d %b, %H:%M") in answer
    assert len(await person.writes("menu")) == 1


async def test_going_on_changes_nothing(world: World) -> None:
    person = await ask_to_stop(world)
    assert await person.writes("5") == [opening("utter_fine", flow="stop_pause")]
    assert not await has_stopped(person)
    assert (await person.contact()).paused_until is None


async def test_pause_is_a_word_of_its_own_in_every_language(world: World) -> None:
    assert [code for code, service in shipped().service.items() if not service.words.get("pause")] == []

"""The welcome: danger first, then privacy, then yes or not now; and "not now" is respected."""

from __future__ import annotations

import dataclasses

import pytest

from bot.care.lines import LineOffer
from bot.conversation.facts import Truth
from bot.store.tables import measure, membership
from bot.vocabulary import Channel
from escalation.lines import Need
from tests.world import DAY, NIGHT, Person, World, opening, shipped

FLOW = "welcome_consent"


async def asked_to_agree(world: World) -> Person:
    """Somebody who is safe and has read about privacy."""
    person = world.person()
    await person.writes("hello")
    (question,) = await person.writes("1")
    assert opening("utter_privacy", flow=FLOW) in question
    assert question.endswith("Do you agree that we go on like this?\n1. I agree\n2. Not now")
    return person


async def test_the_welcome_asks_about_danger_before_anything_else(world: World) -> None:
    (answer,) = await world.person().writes("hello")
    assert answer.endswith("Are you safe at this moment?\n1. I am safe\n2. I am in danger")


@pytest.mark.parametrize("said", ["2", "no", "I am in danger", "٢"])
async def test_whoever_is_in_danger_gets_a_person_and_no_questions(world: World, said: str) -> None:
    person = world.person()
    await person.writes("hello")
    (answer,) = await person.writes(said)
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))
    case, contact = await person.case(), await person.contact()
    assert case is not None and (case.level, case.reason) == (3, "said to be in danger")
    assert contact.control.value == "counsellor"


async def test_whoever_is_in_danger_is_told_what_to_do_until_somebody_comes(world: World) -> None:
    """Specification 3.3: verified lines or that there are none, and one safety action."""
    person = world.person()
    await person.writes("hello")
    (answer,) = await person.writes("2")
    assert opening("no_lines") in answer


async def test_whoever_is_in_danger_at_night_is_told_that_nobody_reads(world: World) -> None:
    world.now = NIGHT
    person = world.person()
    await person.writes("hello")
    (answer,) = await person.writes("2")
    assert answer.startswith(opening("utter_off_duty", flow="talk_to_person"))
    assert "Mon 23 Nov, 07:00" in answer


@pytest.mark.parametrize("said", ["i am not in danger", "no danger here, all is good", "i dont know", "safe or not?"])
async def test_an_unclear_answer_about_danger_is_asked_again_and_never_guessed(world: World, said: str) -> None:
    person = world.person()
    await person.writes("hello")
    (answer,) = await person.writes(said)
    assert "Are you safe at this moment?" in answer
    assert await person.case() is None


@pytest.mark.parametrize("said", ["1", "yes", "I agree", "ok"])
async def test_whoever_agrees_has_agreed_to_this_version_now(world: World, said: str) -> None:
    person = await asked_to_agree(world)
    await person.writes(said)
    contact = await person.contact()
    assert contact.consent == "2"


@pytest.mark.parametrize("said", ["i do not agree", "i agree to nothing", "why", "agree?? with what"])
async def test_no_unclear_word_is_taken_for_consent(world: World, said: str) -> None:
    person = await asked_to_agree(world)
    (answer,) = await person.writes(said)
    assert (await person.contact()).consent is None
    assert "Do you agree that we go on like this?" in answer


@pytest.mark.parametrize("said", ["2", "no", "later", "Not now"])
async def test_not_now_is_respected_and_asked_again_the_next_time(world: World, said: str) -> None:
    person = await asked_to_agree(world)
    assert await person.writes(said) == [opening("utter_refused", flow=FLOW)]
    assert (await person.contact()).consent is None
    world.pass_time(days=2)
    (answer,) = await person.writes("hello again")
    assert "computer program" in answer and "Are you safe at this moment?" in answer


async def test_after_not_now_a_person_can_still_be_asked_for(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("2")
    (answer,) = await person.writes("person")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))


async def test_consent_can_be_given_the_second_time(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("2")
    for text in ("hello", "1", "1", "3"):
        answers = await person.writes(text)
    assert "What would help you now" in answers[0]
    assert (await person.contact()).consent == "2"


async def test_whoever_agreed_is_not_asked_again(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("1")
    await person.writes("3")
    world.pass_time(days=60)
    (answer,) = await person.writes("hello")
    assert "computer program, not a person and not a doctor" not in answer


@pytest.mark.parametrize(
    ("said", "band"),
    [
        ("1", "under_13"),
        ("2", "teen"),
        ("3", "adult"),
        ("4", "rather_not"),
        ("17", "teen"),
        ("i am 34", "adult"),
        ("12", "under_13"),
    ],
)
async def test_the_age_band_is_kept_as_it_was_said(world: World, said: str, band: str) -> None:
    person = await asked_to_agree(world)
    await person.writes("1")
    await person.writes(said)
    assert (await person.contact()).age_band == band


async def test_a_child_gets_a_person(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("1")
    (answer,) = await person.writes("1")
    assert opening("utter_child", flow=FLOW) in answer
    assert (await person.contact()).control.value == "counsellor"
    assert await person.case() is not None


async def test_a_child_is_not_sent_to_the_exercises(world: World) -> None:
    """Specification 3.8: under 13 no self-help library."""
    person = await asked_to_agree(world)
    await person.writes("1")
    await person.writes("1")
    answers = await person.writes("menu")
    assert "Slow breathing" not in " ".join(answers)


async def test_a_child_is_not_sent_to_the_exercises_when_the_counsellor_has_left(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("1")
    await person.writes("1")
    amal = world.counsellor()
    await amal.answers(person, "Hello.")
    await amal.closes(person)
    await person.reads()
    assert "Slow breathing" not in " ".join(await person.writes("menu"))


@pytest.mark.parametrize("way", [["menu", "1", "4", "1", "2"], ["menu", "2", "1", "7", "3", "1", "1"]])
async def test_nothing_about_a_person_is_kept_before_they_agreed(world: World, way: list[str]) -> None:
    person = await asked_to_agree(world)
    for text in way:
        await person.writes(text)
        if (await person.contact()).consent is not None:
            return
    assert await world.rows(measure) == await world.rows(membership) == []


@pytest.mark.parametrize(("said", "intent"), [("i panic", "panic"), ("when do groups meet", "group_schedule")])
async def test_before_they_agreed_nobody_is_led_elsewhere_by_what_the_engine_reads(
    world: World, said: str, intent: str
) -> None:
    world.understands(said, intent)
    person = await asked_to_agree(world)
    (answer,) = await person.writes(said)
    assert answer.endswith("Do you agree that we go on like this?\n1. I agree\n2. Not now")


async def test_the_welcome_goes_on_after_another_question_came_between(world: World) -> None:
    person = await asked_to_agree(world)
    await person.writes("language")
    (answer,) = await person.writes("2")
    assert opening("utter_ask_consent", "es", FLOW) in answer
    assert (await person.contact()).consent is None


# What is kept


@pytest.mark.parametrize("language", ["en", "es", "fr", "ar", "uk", "ru"])
@pytest.mark.parametrize("channel", [Channel.WHATSAPP, Channel.SMS])
async def test_who_carries_the_messages_and_for_how_long_they_are_kept_is_said_truly(
    world: World, language: str, channel: Channel
) -> None:
    person = world.person(channel=channel)
    await person.consents(language)
    said = "\n".join(await person.writes("delete"))
    on_whatsapp = channel is Channel.WHATSAPP
    assert any(name in said for name in ("WhatsApp", "واتساب")) is on_whatsapp
    keep = shipped().service[language].texts["keep_open"]
    assert (keep.sms if not on_whatsapp and keep.sms else keep.text) in said


def test_a_time_is_told_only_where_one_is_set() -> None:
    no_lines = LineOffer((), Need(DAY, "", "en"), "UTC")
    truth = Truth(on_duty=False, next_start=None, eta_minutes=30, zone="UTC", offer=no_lines)
    for language in shipped().service:
        assert "30" not in truth.values(shipped(), language, "whatsapp")["keep"]
        told = dataclasses.replace(truth, keep_days=45).values(shipped(), language, "whatsapp")["keep"]
        assert "45" in told

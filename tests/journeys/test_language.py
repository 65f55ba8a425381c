"""The language is the person's: asked when unclear, never guessed into a neighbour's, kept once chosen."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.store.tables import shift
from bot.vocabulary import Channel
from tests.world import Person, World, opening

WELCOME, CHANGE = "welcome_consent", "change_language"
CODES = ["en", "es", "fr", "ar", "uk", "ru"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "hello, I need help"),
        ("es", "hola, necesito ayuda por favor"),
        ("fr", "bonjour, j'ai besoin d'aide"),
        ("ar", "مرحبا، أحتاج إلى مساعدة"),
        ("ar", "mar7aba, bdi e7ki"),
        ("uk", "Добрий день, потрібна допомога"),
        ("ru", "Здравствуйте, мне нужна помощь"),
    ],
)
async def test_a_first_message_is_answered_in_its_own_language(world: World, language: str, text: str) -> None:
    person = world.person()
    (answer,) = await person.writes(text)
    assert opening("utter_hello", language, WELCOME) in answer
    assert (await person.contact()).language == language


@pytest.mark.parametrize("text", ["?", "👋", "12", "ok", "группа", "سلام، کمک می‌خواهم پ"])
async def test_when_the_language_is_unclear_it_is_asked_and_nothing_is_kept(world: World, text: str) -> None:
    person = world.person()
    (answer,) = await person.writes(text)
    assert answer.startswith(opening("utter_ask_language", flow=CHANGE))
    assert (await person.contact()).language is None


@pytest.mark.parametrize("text", ["де", "алло", "так", "група", "прошу", "мама"])
async def test_ukrainian_is_never_guessed_into_russian(world: World, text: str) -> None:
    person = world.person()
    (answer,) = await person.writes(text)
    assert (await person.contact()).language != "ru"
    assert opening("utter_hello", "ru", WELCOME) not in answer


@pytest.mark.parametrize(("number", "language"), list(enumerate(CODES, start=1)))
async def test_the_chosen_language_is_kept_and_the_welcome_goes_on_in_it(
    world: World, number: int, language: str
) -> None:
    person = world.person()
    await person.writes("?")
    (answer,) = await person.writes(str(number))
    assert opening("utter_changed", language, CHANGE) in answer
    assert opening("utter_hello", language, WELCOME) in answer
    contact = await person.contact()
    assert (contact.language, contact.language_chosen) == (language, True)
    (answer,) = await person.writes("1")
    assert opening("utter_privacy", language, WELCOME) in answer


@pytest.mark.parametrize("said", ["Español", "spanish", "castellano", "espagnol", "اسباني", "2", "٢", "②"])
async def test_a_language_is_chosen_by_number_or_by_its_name_in_any_language(world: World, said: str) -> None:
    person = world.person()
    await person.writes("?")
    (answer,) = await person.writes(said)
    assert opening("utter_changed", "es", CHANGE) in answer


# Changing it later


async def test_a_language_that_was_never_chosen_follows_the_second_message_in_another(world: World) -> None:
    person = world.person()
    await person.writes("hello, I need help")
    await person.writes("necesito hablar con alguien por favor")
    assert (await person.contact()).language == "en"
    await person.writes("no puedo dormir por la noche")
    assert (await person.contact()).language == "es"


async def test_whoever_writes_in_a_language_the_service_does_not_speak_is_asked(world: World) -> None:
    person = world.person()
    (answer,) = await person.writes("habari, nahitaji msaada wenu tafadhali")
    assert answer.startswith(opening("utter_ask_language", flow=CHANGE))
    assert (await person.contact()).language is None


async def breathing_in_english(world: World) -> Person:
    person = world.person()
    await person.consents()
    await person.writes("menu")
    (answer,) = await person.writes("1")
    assert "Send a number from 0 to 10" in answer
    return person


async def test_a_changed_language_stays_changed(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("language")
    (answer,) = await person.writes("Español")
    assert answer.startswith(opening("utter_changed", "es", CHANGE))
    contact = await person.contact()
    assert (contact.language, contact.language_chosen) == ("es", True)
    (menu,) = await person.writes("menu")
    assert menu.startswith(opening("utter_ask_menu_choice", "es", "ask_menu"))


async def test_changing_the_language_keeps_the_place_in_an_exercise(world: World) -> None:
    person = await breathing_in_english(world)
    await person.writes("language")
    (answer,) = await person.writes("4")
    assert opening("utter_changed", "ar", CHANGE) in answer
    assert opening("utter_ask_distress_before", "ar", "breathing") in answer
    (answer,) = await person.writes("٤")
    assert opening("utter_breathe", "ar", "breathing") in answer


@pytest.mark.parametrize("word", ["idioma", "langue", "لغة", "мова", "язык", "language"])
async def test_the_word_for_language_works_in_every_language_from_anywhere(world: World, word: str) -> None:
    person = await breathing_in_english(world)
    (answer,) = await person.writes(word)
    assert opening("utter_ask_language", flow=CHANGE) in answer


async def test_the_language_of_danger_is_the_changed_one(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("language")
    await person.writes("fr")
    await person.writes("3")
    (answer,) = await person.writes("i want to kill myself tonight")
    assert answer.startswith(opening("crisis_on_duty", "fr"))


async def test_the_rota_is_asked_for_the_changed_language(world: World) -> None:
    async with world.database.transaction() as session:
        await session.run(sa.update(shift).values(languages=["en"]))
    person = world.person()
    await person.consents()
    await person.writes("language")
    await person.writes("2")
    (answer,) = await person.writes("person")
    assert answer.startswith(opening("utter_off_duty", "es", "talk_to_person"))


async def test_on_sms_the_plainer_text_is_sent(world: World) -> None:
    person = world.person(channel=Channel.SMS)
    (answer,) = await person.writes("i want to kill myself tonight")
    assert answer.startswith("Thank you for telling me. I am a program and I call a person")

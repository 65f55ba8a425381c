"""The menu: by number in any script, by word, by button; and the global words from everywhere."""

from __future__ import annotations

import pytest

from tests.world import Person, World, opening, shipped

LANGUAGES = ["en", "es", "fr", "ar", "uk", "ru"]
BREATHING = "utter_ask_distress_before"


async def at_menu(world: World, language: str = "en") -> Person:
    person = world.person()
    await person.consents(language)
    (menu,) = await person.writes("menu")
    assert menu.startswith(opening("utter_ask_menu_choice", language, "ask_menu"))
    return person


@pytest.mark.parametrize(
    "said", ["1", "١", "۱", "१", "１", "1️⃣", " 1. ", "1)", "breathing", "Slow breathing, to calm down", "EXERCISE"]
)
async def test_an_item_is_chosen_by_number_in_any_script_or_by_its_words(world: World, said: str) -> None:
    person = await at_menu(world)
    (answer,) = await person.writes(said)
    assert opening(BREATHING, flow="breathing") in answer


async def test_an_item_is_chosen_by_its_button(world: World) -> None:
    person = await at_menu(world)
    (answer,) = await person.taps("breathing", "Slow breathing, to calm down")
    assert opening(BREATHING, flow="breathing") in answer


async def test_a_button_counts_even_when_its_title_came_in_another_language(world: World) -> None:
    person = await at_menu(world, "uk")
    (answer,) = await person.taps("breathing", "Slow breathing")
    assert opening(BREATHING, "uk", "breathing") in answer


async def test_an_old_button_of_something_else_is_asked_again_not_guessed(world: World) -> None:
    person = await at_menu(world)
    (answer,) = await person.taps("agree", "I agree")
    assert answer.startswith(opening("again"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_item_leads_somewhere_in_every_language(world: World, language: str) -> None:
    first_words = {
        "1": opening("utter_intro", language, "breathing"),
        "2": opening("utter_ask_group_action", language, "groups"),
        "3": opening("utter_ask_site", language, "find_service"),
        "4": opening("utter_on_duty", language, "talk_to_person"),
        "5": opening("utter_ask_language", language, "change_language"),
        "6": opening("utter_what", language, "my_data"),
    }
    for number, words in first_words.items():
        person = world.person(f"+1555{number}")
        await person.consents(language)
        await person.writes("menu")
        (answer,) = await person.writes(number)
        assert answer.startswith(words), number


@pytest.mark.parametrize("said", ["0", "7", "99", "-1x", "1 2", "maybe"])
async def test_a_number_that_is_not_on_the_menu_is_asked_again(world: World, said: str) -> None:
    person = await at_menu(world)
    (answer,) = await person.writes(said)
    assert answer.startswith(opening("again"))
    assert "1. Slow breathing" in answer


async def test_two_things_at_once_are_asked_again_not_guessed(world: World) -> None:
    person = await at_menu(world)
    (answer,) = await person.writes("group or human")
    assert answer.startswith(opening("again"))


# What cannot be understood


async def test_the_first_time_nothing_is_understood_the_menu_is_shown_with_an_honest_word(world: World) -> None:
    person = world.person()
    await person.consents()
    (answer,) = await person.writes("xyzzy")
    assert answer.startswith(opening("utter_sorry", flow="cannot_handle"))
    assert "1. Slow breathing" in answer


async def test_inside_a_question_first_other_words_then_a_way_out(world: World) -> None:
    person = await at_menu(world)
    await person.writes("xyzzy")
    (answer,) = await person.writes("xyzzy")
    assert answer == "That is all right. How shall we go on?\n1. Ask me again\n2. Menu\n3. Talk to a person"


@pytest.mark.parametrize(
    ("said", "key", "flow"),
    [
        ("1", "utter_ask_menu_choice", "ask_menu"),
        ("2", "utter_ask_menu_choice", "ask_menu"),
        ("3", "utter_on_duty", "talk_to_person"),
        ("person", "utter_on_duty", "talk_to_person"),
        ("groups", "utter_ask_group_action", "groups"),
    ],
)
async def test_every_way_out_leads_on_and_a_late_answer_counts_too(
    world: World, said: str, key: str, flow: str
) -> None:
    person = await at_menu(world)
    await person.writes("xyzzy")
    await person.writes("xyzzy")
    (answer,) = await person.writes(said)
    assert answer.startswith(opening(key, flow=flow))


# Global words

INSIDE = {
    "ask_menu": ["menu"],
    "breathing": ["menu", "1"],
    "breathing, waiting": ["menu", "1", "4"],
    "groups": ["menu", "2"],
    "groups, rules": ["menu", "2", "1", "7", "3", "1"],
    "find_service": ["menu", "3"],
    "change_language": ["menu", "5"],
    "my_data": ["menu", "6"],
    "way out": ["menu", "xyzzy", "xyzzy"],
}


async def inside(world: World, where: str) -> Person:
    person = world.person()
    await person.consents()
    for text in INSIDE[where]:
        await person.writes(text)
    return person


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_menu_shows_the_menu_from_everywhere(world: World, where: str) -> None:
    person = await inside(world, where)
    for _ in range(3):
        (answer,) = await person.writes("menu")
        assert answer.startswith(opening("utter_ask_menu_choice", flow="ask_menu"))


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_person_brings_one_from_everywhere(world: World, where: str) -> None:
    person = await inside(world, where)
    (answer,) = await person.writes("person")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))
    assert (await person.contact()).control.value == "counsellor"


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_stop_stops_from_everywhere(world: World, where: str) -> None:
    person = await inside(world, where)
    assert await person.writes("stop") == [opening("stopped")]


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_exit_leaves_at_once_with_a_neutral_sentence(world: World, where: str) -> None:
    person = await inside(world, where)
    assert await person.writes("exit") == [opening("exited")]
    assert not (await person.contact()).state
    (answer,) = await person.writes("4")
    assert "breath" not in answer.partition("1. ")[0]


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_delete_takes_a_wish_from_everywhere(world: World, where: str) -> None:
    person = await inside(world, where)
    (answer,) = await person.writes("delete")
    assert answer.startswith(opening("utter_what", flow="my_data")) or where == "my_data"


@pytest.mark.parametrize("where", INSIDE)
async def test_the_word_language_asks_for_it_from_everywhere(world: World, where: str) -> None:
    person = await inside(world, where)
    (answer,) = await person.writes("language")
    assert opening("utter_ask_language", flow="change_language") in answer


@pytest.mark.parametrize("where", [where for where in INSIDE if where != "way out"])
async def test_the_word_repeat_repeats_the_question(world: World, where: str) -> None:
    person = await inside(world, where)
    (first,) = await person.writes("repeat")
    assert await person.writes("repeat") == [first]
    assert not first.startswith(opening("again"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_words_for_menu_and_person_work_in_every_language(world: World, language: str) -> None:
    words = shipped().service[language].words
    for number, word in enumerate(words["menu"]):
        person = world.person(f"+1555{number:04}")
        await person.consents(language)
        (answer,) = await person.writes(word)
        assert answer.startswith(opening("utter_ask_menu_choice", language, "ask_menu")), word
    for number, word in enumerate(words["person"], start=5000):
        person = world.person(f"+1555{number:04}")
        await person.consents(language)
        (answer,) = await person.writes(word)
        assert answer.startswith(opening("utter_on_duty", language, "talk_to_person")), word


# My data


async def test_whoever_wants_their_data_erased_is_heard_by_a_human_and_the_bot_stays(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("delete")
    assert await person.writes("1") == [opening("utter_noted", flow="my_data")]
    case, contact = await person.case(), await person.contact()
    assert case is not None and case.reason == "asked for their data to be erased"
    assert contact.control.value == "bot"


@pytest.mark.parametrize("said", ["do not erase it", "dont delete anything"])
async def test_a_sentence_against_erasing_is_not_taken_for_the_wish(world: World, said: str) -> None:
    person = world.person()
    await person.consents()
    await person.writes("delete")
    await person.writes(said)
    assert await person.case() is None


@pytest.mark.parametrize("said", ["please do not stop", "dont stop writing"])
async def test_a_sentence_against_stopping_is_not_taken_for_stop(world: World, said: str) -> None:
    world.understands("write less", "stop_messages")
    person = world.person()
    await person.consents()
    await person.writes("write less")
    answers = await person.writes(said)
    assert opening("utter_stopped", flow="stop_pause") not in answers

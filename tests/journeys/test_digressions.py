"""People leave a question, go elsewhere, stay away for days, and find their place again."""

from __future__ import annotations

import dataclasses

import pytest

from bot.flow import Bundle
from bot.flow.bundle import Text
from bot.store import content
from tests.world import Person, World, opening, play, shipped

GROUPS_WHEN, BREATHE, LEAVE = "when do groups meet", "i need to calm down", "take me out of my group"
UNSURE = "hmm group maybe"


@pytest.fixture(autouse=True)
def understanding(world: World) -> None:
    world.understands(GROUPS_WHEN, "group_schedule")
    world.understands(BREATHE, "panic")
    world.understands(LEAVE, "leave_group")
    world.understands(UNSURE, "group_schedule", 0.5)
    world.understands("hello", "greet")
    world.understands("thanks", "thank")


async def breathing(world: World) -> Person:
    """Somebody who is asked for a number before the exercise."""
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(BREATHE)
    assert opening("utter_ask_distress_before", flow="breathing") in answer
    return person


async def test_a_clear_wish_for_something_else_is_followed_and_then_the_question_comes_back(world: World) -> None:
    person = await breathing(world)
    (answer,) = await person.writes(GROUPS_WHEN)
    assert answer.startswith(opening("utter_ask_group_action", flow="groups"))
    for text in ("1", "7", "3"):
        await person.writes(text)
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_fine", flow="groups"))
    assert opening("resume") in answer
    assert answer.endswith(opening("utter_ask_distress_before", flow="breathing"))
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_breathe", flow="breathing"))


async def test_an_unsure_reading_is_no_digression(world: World) -> None:
    person = await breathing(world)
    (answer,) = await person.writes(UNSURE)
    assert answer.startswith(opening("utter_again_distress_before", flow="breathing"))


async def test_small_talk_in_the_middle_is_answered_and_the_question_comes_back(world: World) -> None:
    person = await breathing(world)
    (answer,) = await person.writes("thanks")
    assert answer.startswith(opening("utter_thanks", flow="small_talk"))
    assert answer.endswith(opening("utter_ask_distress_before", flow="breathing"))


async def test_an_answer_is_an_answer_whatever_the_engine_makes_of_it(world: World) -> None:
    world.understands("4", "group_schedule", 1.0)
    person = await breathing(world)
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_breathe", flow="breathing"))


async def test_asking_for_the_same_thing_again_does_not_begin_it_twice(world: World) -> None:
    person = await breathing(world)
    (answer,) = await person.writes(BREATHE)
    assert answer.startswith(opening("utter_again_distress_before", flow="breathing"))


async def test_a_place_asked_in_two_flows_is_asked_in_each(world: World) -> None:
    """Both name the slot `site`; the one in between must not answer for the other."""
    world.understands("where is a doctor", "find_service")
    person = world.person()
    await person.consents()
    await person.writes(GROUPS_WHEN)
    await person.writes("1")
    await person.writes("7")
    (answer,) = await person.writes("where is a doctor")
    assert answer.startswith(opening("utter_ask_site", flow="find_service"))
    (answer,) = await person.writes("1")
    assert "Health post" in answer
    assert "Where?\n1. North site" in answer
    (answer,) = await person.writes("2")
    assert "South site" in answer and "North site" not in answer


async def test_digressions_inside_digressions_are_all_come_back_from(world: World) -> None:
    person = await breathing(world)
    await person.writes(GROUPS_WHEN)
    (answer,) = await person.writes("language")
    assert opening("utter_ask_language", flow="change_language") in answer
    (answer,) = await person.writes("1")
    assert answer.endswith("What would you like to do?\n1. See when groups meet\n2. Leave a group")
    (answer,) = await person.writes("2")
    assert answer.startswith(opening("utter_no_group", flow="groups"))
    assert answer.endswith(opening("utter_ask_distress_before", flow="breathing"))


async def test_yes_after_an_exercise_is_not_the_answer_to_an_older_question(world: World) -> None:
    world.understands("yes", "affirm")
    person = world.person()
    await person.consents()
    (answer,) = await person.writes("yes")
    assert answer.startswith(opening("utter_sorry", flow="cannot_handle"))


async def test_the_second_time_nothing_is_understood_a_person_is_offered(world: World) -> None:
    person = world.person()
    await person.consents()
    for text in ("xyzzy", "6", "2"):
        await person.writes(text)
    (answer,) = await person.writes("xyzzy")
    assert answer == f"{opening('utter_ask_rather_person', flow='cannot_handle')}\n1. A person\n2. The menu"
    (answer,) = await person.writes("1")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))


# Silence


async def test_after_days_of_silence_an_answer_still_counts(world: World) -> None:
    person = await breathing(world)
    world.pass_time(days=5)
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_breathe", flow="breathing"))


async def test_after_days_of_silence_whoever_writes_something_else_is_welcomed_back_to_the_question(
    world: World,
) -> None:
    person = await breathing(world)
    world.pass_time(days=3)
    (answer,) = await person.writes("hi there")
    assert answer.startswith(opening("welcome_back"))
    assert answer.endswith(opening("utter_ask_distress_before", flow="breathing"))
    (answer,) = await person.writes("4")
    assert answer.startswith(opening("utter_breathe", flow="breathing"))


async def test_the_welcome_back_names_no_topic(world: World) -> None:
    """Somebody else may hold the phone by then (specification 8, T11)."""
    person = await breathing(world)
    world.pass_time(days=3)
    (answer,) = await person.writes("hi there")
    first = answer.partition("\n\n")[0]
    assert first == opening("welcome_back")
    assert not {"breath", "person", "crisis", "groups"} & set(first.lower().split())


async def test_after_an_hour_of_silence_nobody_is_welcomed_back(world: World) -> None:
    person = await breathing(world)
    world.pass_time(hours=1)
    (answer,) = await person.writes("hi there")
    assert answer.startswith(opening("utter_again_distress_before", flow="breathing"))


async def test_days_of_silence_start_the_count_of_misunderstandings_anew(world: World) -> None:
    person = await breathing(world)
    await person.writes("hi there")
    world.pass_time(days=3)
    await person.writes("hi there")
    (answer,) = await person.writes("hi there")
    assert answer.startswith(opening("utter_again_distress_before", flow="breathing"))


async def test_after_a_month_the_old_place_is_not_come_back_to(world: World) -> None:
    """Specification 2.0: resume from the last step for 14 days."""
    person = await breathing(world)
    world.pass_time(days=30)
    (answer,) = await person.writes("hi there")
    assert opening("utter_ask_distress_before", flow="breathing") not in answer


# New content while somebody is inside a flow


async def test_whoever_is_inside_a_flow_stays_on_its_old_words_until_it_ends(world: World) -> None:
    person = await breathing(world)
    await publish_changed(world, "utter_breathe", "Breathe as the new text says.")
    newcomer = world.person("+15552")
    await newcomer.consents()
    await newcomer.writes(BREATHE)
    assert "Breathe as the new text says." in (await newcomer.writes("4"))[0]
    assert opening("utter_breathe", flow="breathing") in (await person.writes("4"))[0]
    await person.writes("1")
    await person.writes("3")
    await person.writes(BREATHE)
    assert "Breathe as the new text says." in (await person.writes("4"))[0]


async def publish_changed(world: World, key: str, text: str) -> None:
    """Publish the shipped flows with one English text of breathing changed."""
    old = shipped()
    english = {**old.texts["en"], "breathing": {**old.texts["en"]["breathing"], key: Text(text)}}
    new = dataclasses.replace(old, texts={**old.texts, "en": english})
    bundles: dict[str, Bundle] = {old.hash: old, new.hash: new}
    world.engine._play = lambda turn, *given: play(bundles[turn.bundle_hash])(turn, *given)
    world.pass_time(seconds=10)
    async with world.database.transaction() as session:
        await content.publish(session, new.hash, new.to_json())
    world.turns = world.handler()

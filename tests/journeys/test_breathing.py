"""Slow breathing: never without a way out, and whoever is worse is offered a person."""

from __future__ import annotations

import pytest

from bot.store.tables import measure
from tests.world import Person, World, opening

FLOW = "breathing"
LANGUAGES = ["en", "es", "fr", "ar", "uk", "ru"]


def text(key: str, language: str = "en") -> str:
    return opening(key, language, FLOW)


async def asked_before(world: World, language: str = "en") -> Person:
    person = world.person()
    await person.consents(language)
    await person.writes("menu")
    (question,) = await person.writes("1")
    assert text("utter_ask_distress_before", language) in question
    return person


async def asked_after(world: World, before: str = "5") -> Person:
    person = await asked_before(world)
    await person.writes(before)
    if before in ("8", "9", "10"):
        await person.writes("1")
    (question,) = await person.writes("done")
    assert question.startswith(text("utter_ask_distress_after"))
    return person


async def scores(world: World) -> list[tuple[int | None, int | None]]:
    return [(row["before"], row["after"]) for row in await world.rows(measure)]


async def test_the_whole_exercise_ends_with_thanks_and_keeps_both_numbers(world: World) -> None:
    person = await asked_after(world, "6")
    assert await person.writes("3") == [text("utter_thanks")]
    assert await scores(world) == [(6, 3)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_can_be_done_in_every_language(world: World, language: str) -> None:
    person = await asked_before(world, language)
    (answer,) = await person.writes("٤")
    assert answer.startswith(text("utter_breathe", language))
    (answer,) = await person.writes("1")
    assert answer.startswith(text("utter_ask_distress_after", language))
    (answer,) = await person.writes("2/10")
    assert answer == text("utter_thanks", language)
    assert await scores(world) == [(4, 2)]


@pytest.mark.parametrize(
    ("language", "word", "score"), [("es", "siete", 7), ("uk", "сім", 7), ("ar", "سبعة", 7), ("fr", "sept", 7)]
)
async def test_a_number_may_be_written_as_a_word(world: World, language: str, word: str, score: int) -> None:
    person = await asked_before(world, language)
    await person.writes(word)
    await person.writes("1")
    await person.writes("1")
    assert await scores(world) == [(score, 1)]


@pytest.mark.parametrize("said", ["8", "9", "10", "10/10", "٩"])
async def test_whoever_is_very_heavy_is_offered_a_person_before_the_exercise(world: World, said: str) -> None:
    person = await asked_before(world)
    (answer,) = await person.writes(said)
    assert answer.startswith(text("utter_ask_person_first"))
    (answer,) = await person.writes("2")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))
    assert (await person.contact()).control.value == "counsellor"


async def test_whoever_is_very_heavy_may_still_do_the_exercise(world: World) -> None:
    person = await asked_before(world)
    await person.writes("9")
    (answer,) = await person.writes("1")
    assert answer.startswith(text("utter_breathe"))


async def test_seven_is_not_very_heavy(world: World) -> None:
    person = await asked_before(world)
    (answer,) = await person.writes("7")
    assert answer.startswith(text("utter_breathe"))


@pytest.mark.parametrize(("before", "after"), [("5", "8"), ("2", "4"), ("9", "8"), ("0", "2"), ("skip", "8")])
async def test_whoever_is_worse_or_very_heavy_afterwards_is_offered_a_person(
    world: World, before: str, after: str
) -> None:
    person = await asked_after(world, before)
    (answer,) = await person.writes(after)
    assert answer.startswith(text("utter_ask_person_after"))
    (answer,) = await person.writes("1")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))


@pytest.mark.parametrize(
    ("before", "after"), [("5", "6"), ("5", "5"), ("7", "7"), ("skip", "7"), ("5", "skip"), ("skip", "skip")]
)
async def test_whoever_is_not_worse_is_thanked(world: World, before: str, after: str) -> None:
    person = await asked_after(world, before)
    assert await person.writes(after) == [text("utter_thanks")]


async def test_whoever_is_worse_may_rather_see_the_menu(world: World) -> None:
    person = await asked_after(world, "2")
    await person.writes("6")
    (answer,) = await person.writes("2")
    assert "What would help you now" in answer
    assert (await person.contact()).control.value == "bot"


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [("skip", "4", [(None, 4)]), ("4", "skip", [(4, None)]), ("skip", "skip", []), ("0", "0", [(0, 0)])],
)
async def test_a_number_that_was_skipped_is_not_made_up(
    world: World, before: str, after: str, kept: list[tuple[int | None, int | None]]
) -> None:
    person = await asked_after(world, before)
    await person.writes(after)
    assert await scores(world) == kept


@pytest.mark.parametrize("said", ["2", "dizzy", "it does not feel good"])
async def test_whoever_feels_bad_may_stop_and_is_offered_a_person(world: World, said: str) -> None:
    person = await asked_before(world)
    await person.writes("5")
    (answer,) = await person.writes(said)
    assert answer.startswith(text("utter_stop_here"))
    assert text("utter_ask_person_after") in answer


@pytest.mark.parametrize("said", ["11", "100", "a lot", "7.5", "-", "?"])
async def test_what_is_no_number_from_0_to_10_is_asked_once_in_other_words_then_a_way_out(
    world: World, said: str
) -> None:
    person = await asked_before(world)
    (answer,) = await person.writes(said)
    assert answer.startswith(text("utter_again_distress_before"))
    (answer,) = await person.writes(said)
    assert answer.startswith(opening("way_out"))
    (answer,) = await person.writes("1")
    assert answer.startswith(text("utter_ask_distress_before"))
    (answer,) = await person.writes("4")
    assert answer.startswith(text("utter_breathe"))


async def test_inside_the_way_out_a_number_means_the_way_not_the_feeling(world: World) -> None:
    person = await asked_before(world)
    await person.writes("a lot")
    await person.writes("a lot")
    (answer,) = await person.writes("3")
    assert answer.startswith(opening("utter_on_duty", flow="talk_to_person"))


async def test_nobody_is_asked_how_they_feel_twice_with_the_same_answer_kept(world: World) -> None:
    person = await asked_after(world, "6")
    await person.writes("3")
    await person.writes("menu")
    (question,) = await person.writes("1")
    assert text("utter_ask_distress_before") in question

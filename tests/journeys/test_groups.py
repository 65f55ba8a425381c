"""Groups: when and where in the person's own words and time; the place is for members only."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot import clock
from bot.conversation.turn import Took
from bot.store.contacts import change_contact
from bot.store.tables import group_, meeting, membership, service
from tests.world import NIGHT, Person, World, opening

FLOW = "groups"
PLACES = {"en": "Community room", "es": "Sala comunitaria", "ar": "القاعة المجتمعية", "uk": "Кімната громади"}


async def looking(world: World, *answers: str, language: str = "en", number: str = "+15550001111", **known: Any) -> str:
    """What somebody reads who asks for groups and answers like this."""
    person = world.person(number)
    await person.consents(language)
    await change(world, person, **known)
    await person.writes("menu")
    said = [""]
    for text in ("2", "1", *answers):
        said = await person.writes(text)
    return said[0]


async def change(world: World, person: Person, **known: Any) -> None:
    if known:
        async with world.database.transaction() as session:
            await change_contact(session, (await person.contact()).id, known)


async def update(world: World, table: sa.Table, **values: Any) -> None:
    async with world.database.transaction() as session:
        await session.run(sa.update(table).values(**values))


async def members(world: World) -> int:
    return len(await world.rows(membership))


# The list


async def test_meetings_are_listed_soonest_first_in_the_time_of_their_place(world: World) -> None:
    answer = await looking(world, "7", "3")
    assert answer.splitlines() == [
        "These are the next meetings, in the local time of each place. Send a number to join a group.",
        "1. Women's circle – North site – Tue 24 Nov, 15:00",
        "2. Talking together – South site – Wed 25 Nov, 10:00",
        "3. Men talk – North site – Thu 26 Nov, 17:00",
        "4. Not now",
    ]


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("es", "1. Círculo de mujeres – Sitio norte – mar 24 nov, 15:00"),
        ("fr", "1. Cercle de femmes – Site nord – mar. 24 nov., 15:00"),
        ("ar", "1. حلقة النساء – الموقع الشمالي – الثلاثاء 24 نوفمبر, 15:00"),
        ("uk", "1. Жіноче коло – Північний майданчик – вт 24 лист., 15:00"),
        ("ru", "1. Женский круг – Северная площадка – вт 24 нояб., 15:00"),
    ],
)
async def test_meetings_are_listed_in_the_language_of_the_person(world: World, language: str, line: str) -> None:
    answer = await looking(world, "7", "3", language=language)
    assert answer.splitlines()[1] == line


async def test_only_the_kind_and_the_place_that_were_asked_for_are_listed(world: World) -> None:
    answer = await looking(world, "2", "1")
    assert "Women's circle" in answer and "Men talk" not in answer and "South site" not in answer


async def test_a_kind_that_does_not_meet_is_said_and_the_menu_is_near(world: World) -> None:
    assert await looking(world, "6", "3") == opening("utter_none_found", flow=FLOW)


async def test_no_meeting_of_the_past_is_listed(world: World) -> None:
    world.pass_time(days=1, hours=5)
    answer = await looking(world, "2", "3")
    assert "Tue 1 Dec" in answer and "24 Nov" not in answer


async def test_the_list_never_tells_where_a_group_meets(world: World) -> None:
    for number, (language, place) in enumerate(PLACES.items()):
        assert place not in await looking(world, "7", "3", language=language, number=f"+1555{number}")


# Joining


async def test_whoever_accepts_the_rules_is_in_and_is_told_the_place(world: World) -> None:
    answer = await looking(world, "7", "3", "1", "1")
    assert answer == (
        "You are in: Women's circle. Next meeting: Tue 24 Nov, 15:00, Community room (North site)."
        " To leave the group, write GROUPS."
    )
    assert await members(world) == 1


@pytest.mark.parametrize("language", ["es", "ar", "uk"])
async def test_the_place_is_told_in_the_language_of_the_member(world: World, language: str) -> None:
    assert PLACES[language] in await looking(world, "7", "3", "1", "1", language=language)


@pytest.mark.parametrize("said", ["2", "no", "later", "I do not agree", "i dont agree with that"])
async def test_whoever_does_not_accept_the_rules_is_not_in_and_not_told_the_place(world: World, said: str) -> None:
    answer = await looking(world, "7", "3", "1", said)
    assert "Community room" not in answer
    assert await members(world) == 0


async def test_whoever_joins_none_is_told_that_it_is_fine(world: World) -> None:
    assert await looking(world, "7", "3", "4") == opening("utter_fine", flow=FLOW)


async def test_a_full_group_is_said_to_be_full_and_its_place_is_not_told(world: World) -> None:
    await update(world, group_, capacity=1)
    await looking(world, "7", "3", "1", "1", number="+1")
    answer = await looking(world, "7", "3", "1", "1", number="+2")
    assert answer == opening("utter_full", flow=FLOW)
    assert await members(world) == 1


async def test_joining_twice_is_joining_once_even_when_the_group_is_full(world: World) -> None:
    await update(world, group_, capacity=1)
    await looking(world, "7", "3", "1", "1")
    answer = await looking(world, "7", "3", "1", "1")
    assert answer.startswith("You are in: Women's circle")
    assert await members(world) == 1


async def test_the_last_place_goes_to_one_of_two_who_ask_at_once(world: World) -> None:
    await update(world, group_, capacity=1)
    people = [world.person(f"+{n}") for n in range(4)]
    for person in people:
        await person.consents()
        for text in ("menu", "2", "1", "7", "3", "1"):
            await person.writes(text)
        await person.sends("1")

    async def one(handler: Any) -> None:
        while (await handler.next_turn()).took is not Took.NOTHING:
            pass

    await asyncio.gather(*(one(world.handler()) for _ in range(4)))
    answers = [answer for person in people for answer in await person.reads()]
    assert sum(answer.startswith("You are in") for answer in answers) == 1
    assert sum(answer == opening("utter_full", flow=FLOW) for answer in answers) == 3
    assert await members(world) == 1


async def test_whoever_joins_a_group_whose_meetings_just_ended_is_not_a_silent_member(world: World) -> None:
    """They are told that there is no place; then they must not be in it either."""
    person = world.person()
    await person.consents()
    for text in ("menu", "2", "1", "7", "3", "1"):
        await person.writes(text)
    await update(world, meeting, starts_at=meeting.c.starts_at - timedelta(days=60))
    (answer,) = await person.writes("1")
    assert (answer.startswith("You are in"), await members(world)) in {(True, 1), (False, 0)}


# Minors


async def test_minors_only_see_groups_for_minors(world: World) -> None:
    answer = await looking(world, "7", "3", age_band="teen")
    assert answer.splitlines()[1:] == [
        "1. Young people: craft and sport – South site – Sat 28 Nov, 14:00",
        "2. Not now",
    ]


@pytest.mark.parametrize("age_band", ["adult", "rather_not", None])
async def test_only_who_said_they_are_minors_see_groups_for_minors(world: World, age_band: str | None) -> None:
    answer = await looking(world, "4", "3", age_band=age_band)
    assert answer == opening("utter_none_found", flow=FLOW)


async def test_an_adult_cannot_join_a_group_for_minors_by_an_old_button(world: World) -> None:
    person = world.person()
    await person.consents()
    await change(world, person, age_band="teen")
    for text in ("menu", "2", "1", "7", "3", "1"):
        await person.writes(text)
    await change(world, person, age_band="adult")
    (answer,) = await person.writes("1")
    assert answer == opening("utter_full", flow=FLOW)
    assert await members(world) == 0


async def test_a_minor_cannot_join_a_group_for_adults_by_an_old_button(world: World) -> None:
    (women,) = [row for row in await world.rows(group_) if row["kind"] == "women"]
    person = world.person()
    await person.consents()
    for text in ("menu", "2", "1", "7", "3"):
        await person.writes(text)
    await change(world, person, age_band="teen")
    await person.taps(str(women["id"]), "Women's circle")
    (answer,) = await person.writes("1")
    assert "Community room" not in answer
    assert await members(world) == 0


async def test_a_meeting_that_was_never_offered_cannot_be_joined_by_its_id(world: World) -> None:
    (men,) = [row for row in await world.rows(group_) if row["kind"] == "men"]
    person = world.person()
    await person.consents()
    for text in ("menu", "2", "1", "2", "3"):
        await person.writes(text)
    (answer,) = await person.writes(str(men["id"]))
    assert answer.startswith(opening("again"))


# Leaving


async def test_leaving_needs_one_choice_and_no_reason(world: World) -> None:
    await looking(world, "7", "3", "1", "1")
    person = world.person()
    await person.writes("menu")
    await person.writes("2")
    (answer,) = await person.writes("2")
    assert answer.splitlines()[1:] == ["1. Women's circle", "2. Not now"]
    (answer,) = await person.writes("1")
    assert answer.startswith("Done. You have left the group: Women's circle.")
    assert await members(world) == 0


async def test_leaving_in_words_goes_straight_to_the_own_groups(world: World) -> None:
    world.understands("i want to leave my group", "leave_group")
    await looking(world, "7", "3", "1", "1")
    person = world.person()
    (answer,) = (await person.writes("i want to leave my group"))[-1:]
    assert answer.startswith(opening("utter_ask_leave_which", flow=FLOW))


async def test_changing_ones_mind_about_leaving_changes_nothing(world: World) -> None:
    await looking(world, "7", "3", "1", "1")
    person = world.person()
    for text in ("menu", "2", "2", "2"):
        await person.writes(text)
    assert await members(world) == 1


async def test_whoever_is_in_no_group_is_told_so(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("menu")
    await person.writes("2")
    assert await person.writes("2") == [opening("utter_no_group", flow=FLOW)]


# Services


async def finding(world: World, place: str, language: str = "en", number: str = "+15550001111") -> str:
    person = world.person(number)
    await person.consents(language)
    await person.writes("menu")
    await person.writes("3")
    (answer,) = await person.writes(place)
    return answer


async def test_services_of_the_place_are_listed_with_what_one_must_know(world: World) -> None:
    answer = await finding(world, "1")
    assert "*Health post* (North site)\nBeside the main gate." in answer
    assert "Legal advice desk" not in answer


async def test_services_are_told_in_the_language_of_the_person(world: World) -> None:
    answer = await finding(world, "3", language="uk")
    assert "Медпункт" in answer and "Правова консультація" in answer


async def test_a_service_that_nobody_checked_for_half_a_year_is_not_shown(world: World) -> None:
    await update(world, service, verified_at=world.now - timedelta(days=181))
    assert await finding(world, "1") == opening("utter_none_found", flow="find_service")
    await update(world, service, verified_at=world.now - timedelta(days=179))
    assert "Health post" in await finding(world, "1", number="+2")


async def test_a_service_that_was_never_checked_is_not_shown(world: World) -> None:
    await update(world, service, verified_at=None)
    assert await finding(world, "3") == opening("utter_none_found", flow="find_service")


async def test_at_most_three_services_are_shown(world: World) -> None:
    (north,) = [row["site_id"] for row in await world.rows(service) if row["name"]["en"] == "Health post"]
    async with world.database.transaction() as session:
        for n in range(5):
            values = {"name": {"en": f"Place {n}"}, "details": {"en": "x"}, "verified_at": world.now}
            await session.insert(service, {"id": clock.new_id(), "site_id": north, **values})
    assert (await finding(world, "1")).count("North site") == 3


async def test_the_place_somebody_named_is_the_zone_of_their_times(world: World) -> None:
    await finding(world, "2")
    world.now = NIGHT
    person = world.person()
    (answer,) = (await person.writes("person"))[-1:]
    assert "10:00" in answer, "7:00 UTC is 10:00 in Nairobi"

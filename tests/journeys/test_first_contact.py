"""The first minutes of a person with the service."""

from __future__ import annotations

from tests.world import World


async def test_a_first_message_is_answered_by_a_program_that_says_so(world: World) -> None:
    answers = await world.person().writes("hello")
    assert len(answers) == 1
    assert "computer program" in answers[0]
    assert "Test organisation" in answers[0]


async def test_the_whole_welcome_ends_at_the_menu_and_is_remembered(world: World) -> None:
    person = world.person()
    await person.writes("hello")
    await person.writes("1")
    await person.writes("I agree")
    (menu,) = await person.writes("3")
    assert "Send a number" in menu
    contact = await person.contact()
    assert (contact.consent, contact.age_band, contact.language) == ("2", "adult", "en")

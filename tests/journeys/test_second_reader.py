"""What the word lists overlook the second reader may hear; without it nothing else stops."""

from __future__ import annotations

import pytest

from bot.dialogue.protocol import Sounds
from tests.world import World, opening

INDIRECT = "the pond behind the tents looks so quiet these days"
TONIGHT = "i want to kill myself tonight"
HARMLESS = "when is the next meeting"


async def test_what_only_the_second_reader_hears_brings_a_person(world: World) -> None:
    world.engine.sounds[INDIRECT] = Sounds(3, "R1", 0.97)
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(INDIRECT)
    assert answer.startswith(opening("crisis_on_duty"))
    case = await person.case()
    assert case is not None and (case.level, case.categories) == (3, ("R1",))


async def test_a_suspicion_is_asked_about_before_anything_else(world: World) -> None:
    world.engine.sounds[INDIRECT] = Sounds(1, "R1", 0.6)
    person = world.person()
    await person.consents()
    (answer,) = await person.writes(INDIRECT)
    assert answer.startswith(opening("meaning_check"))
    assert await person.case() is None


async def test_it_never_calms(world: World) -> None:
    world.engine.sounds[TONIGHT] = Sounds(0, "R1", 0.0)
    person = world.person()
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))
    assert TONIGHT not in world.engine.read_texts  # the alarm did not wait for it


async def test_it_listens_while_a_counsellor_holds_the_conversation(world: World) -> None:
    person = world.person()
    await person.writes(TONIGHT)
    await world.counsellor().takes(person)
    world.engine.sounds[INDIRECT] = Sounds(3, "R3", 0.95)
    assert await person.writes(INDIRECT) == []
    case = await person.case()
    assert case is not None and "R3" in case.categories


@pytest.mark.parametrize("text", [HARMLESS, INDIRECT])
async def test_without_an_engine_the_word_lists_go_on_alone(world: World, text: str) -> None:
    person = world.person()
    await person.consents()
    world.engine.sounds[text] = Sounds(3, "R1", 0.97)
    world.engine_goes_down()
    await person.writes(text)
    (answer,) = await person.writes(TONIGHT)
    assert answer.startswith(opening("crisis_on_duty"))


async def test_what_was_read_is_handed_to_the_flows_and_not_read_again(world: World) -> None:
    world.understands(HARMLESS, "group_schedule", 0.9)
    person = world.person()
    await person.consents()
    await person.writes(HARMLESS)
    reading = world.engine.turns[-1].reading or world.engine.turns[0].reading
    assert reading is not None and reading.intent == "group_schedule"

"""Danger is heard wherever it is said: at every waiting step of every flow, in every form of message.

The messages are all labelled ones that the lexicons find (tests/labelled.py); what they overlook is
measured in tests/escalation/test_corpus.py. Waiting steps are collected by playing the shipped flows,
so a new flow is part of this by being there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from bot.channels._forms import read_inbound
from bot.conversation.checks import Check
from bot.conversation.decide import Alarm, Situation, decide
from bot.flow import DialogueState, TurnInput, advance
from bot.flow.state import Frame
from bot.store import inbox
from bot.store.contacts import change_contact, find_or_create
from bot.vocabulary import Control, OptOut
from escalation import RiskLevel
from tests.channels import inbound_forms as forms
from tests.labelled import Danger, dangers, spread
from tests.world import Person, World, shipped

WAVE_1 = ("en", "es", "fr", "ar", "uk", "ru")
PHASES = ("asked", "way_out")
OTHER_LANGUAGE = {"en": "uk", "es": "ar", "fr": "ru", "ar": "en", "uk": "fr", "ru": "es"}


@cache
def waiting() -> tuple[DialogueState, ...]:
    """One state for every place where a flow waits for the contact: its questions, and the way out
    that is offered after two answers nobody understood."""
    steps = [(flow.id, step) for flow in shipped().flows.values() for step in flow.steps if step.kind == "collect"]
    return tuple(
        state for flow, step in steps for state in _states_at(DialogueState(shipped().hash, (Frame(flow, step.id),)))
    )


def _states_at(state: DialogueState) -> Iterator[DialogueState]:
    seen = set()
    for text in ("", "", "", ""):
        state = advance(shipped(), state, TurnInput("en", text=text)).state
        frame = state.waiting_for
        if frame is not None and frame.phase in PHASES and frame.phase not in seen:
            seen.add(frame.phase)
            yield state


def place(state: DialogueState) -> tuple[str, str, str]:
    """Flow, step and phase that a state waits in."""
    frame = state.waiting_for
    assert frame is not None
    return frame.flow, frame.step, frame.phase


def test_no_waiting_step_of_any_flow_is_left_out() -> None:
    asked = {(flow.id, step.id) for flow in shipped().flows.values() for step in flow.steps if step.kind == "collect"}
    assert {place(state)[:2] for state in waiting()} == asked
    assert {phase for *_, phase in map(place, waiting())} == set(PHASES)


def test_there_are_messages_of_every_level_and_language_to_try() -> None:
    for language in WAVE_1:
        assert {danger.found.level for danger in dangers() if danger.item.language == language} == {2, 3, 4}
    assert len(dangers()) > 1000


def situations(danger: Danger) -> Iterator[Situation]:
    """Wherever a contact can stand when this message comes."""
    found = danger.found
    yield Situation(found, found, consented=False)
    for flow in sorted({place(state)[0] for state in waiting()}):
        yield Situation(found, found, open_flow=flow)
        yield Situation(found, found, open_flow=flow, opted_out=True)
        yield Situation(found, found, open_flow=flow, child=True)
        yield Situation(found, found, open_flow=flow, control=Control.COUNSELLOR, case_level=1)
    for word in ("stop", "start", "menu", "exit", "person", "delete"):
        yield Situation(found, found, word=word)
    for opt_out in OptOut:
        yield Situation(found, found, opt_out=opt_out)
    for check in Check:
        yield Situation(found, found, open_check=check.value)


def test_every_danger_that_is_found_is_an_alarm_at_every_waiting_step() -> None:
    for danger in dangers():
        for now in situations(danger):
            decision = decide(now)
            assert isinstance(decision, Alarm), (danger.item.id, now)
            assert decision.level >= danger.found.level
            assert not decision.quiet


def test_with_a_counsellor_every_danger_raises_the_case_and_the_bot_is_silent() -> None:
    for danger in dangers():
        held = Situation(danger.found, danger.found, control=Control.COUNSELLOR, case_level=2, acknowledged=True)
        decision = decide(held)
        assert isinstance(decision, Alarm) and decision.quiet, danger.item.id
        assert decision.level >= danger.found.level


# Through the whole turn


async def at(world: World, number: int, state: DialogueState, language: str) -> Person:
    """Somebody whom a flow has just asked something."""
    person = world.person(f"+1555{number:07}")
    await person.consents(language)
    async with world.database.transaction() as session:
        contact_id, _ = await find_or_create(session, [person.address])
        await change_contact(session, contact_id, {"state": state.to_json()})
    return person


async def heard(person: Person, danger: Danger, answers: list[str]) -> None:
    """A case of at least this level, an answer, and nothing asked of the engine."""
    case = await person.case()
    assert case is not None, danger.item.id
    assert case.level >= danger.found.level, danger.item.id
    assert answers, danger.item.id
    assert person.world.engine.turns == [], danger.item.id


@pytest.mark.parametrize("language", WAVE_1)
async def test_danger_at_every_waiting_step_opens_a_case_and_is_answered(world: World, language: str) -> None:
    """Every waiting step in every language, each with another message of that language."""
    messages = spread(len(waiting()), language)
    for number, state in enumerate(waiting()):
        danger = messages[number % len(messages)]
        person = await at(world, number, state, language)
        await heard(person, danger, await person.writes(danger.item.text))


async def receives(world: World, number: int, form: forms.Form) -> tuple[Person, list[str]]:
    """What the provider's form brings, taken through the turn."""
    message = read_inbound([*dict(form, From=f"whatsapp:+1555{number:07}", ExternalUserId="").items()])
    person = Person(world, message.sender)
    await person.consents()
    async with world.database.transaction() as session:
        assert await inbox.receive(session, message)
    await world.work()
    return person, await person.reads()


PICTURE = ("image/jpeg", "https://media.example/1")
WAYS = {
    "the title of a button": lambda text: forms.tap(text, "yes"),
    "a quick reply": lambda text: forms.tap(text, text[:20], ButtonType="QUICK_REPLY"),
    "a row of a list": lambda text: forms.whatsapp(text, ListTitle=text, ListId="2", MessageType="interactive"),
    "a row of a list without a body": lambda text: forms.whatsapp("", ListTitle=text, ListId="2"),
    "the caption of a picture": lambda text: forms.media(PICTURE, caption=text),
    "the name of a place": lambda text: forms.location(1.0, 2.0, text),
    "words that the provider took for STOP": lambda text: forms.whatsapp(text, OptOutType="STOP"),
    "a forwarded message": lambda text: forms.whatsapp(text, Forwarded="true"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_danger_is_heard_in_whatever_form_it_comes(world: World, way: str) -> None:
    for number, danger in enumerate(spread(24)):
        person, answers = await receives(world, number, WAYS[way](danger.item.text))
        await heard(person, danger, answers)


async def test_danger_in_the_very_first_message_is_heard_before_consent(world: World) -> None:
    for number, danger in enumerate(spread(24)):
        person = world.person(f"+1555{number:07}")
        await heard(person, danger, await person.writes(danger.item.text))
        assert (await person.contact()).consent is None


@pytest.mark.parametrize("language", WAVE_1)
async def test_danger_is_heard_in_another_language_than_the_contacts(world: World, language: str) -> None:
    for number, danger in enumerate(spread(8, language)):
        person = world.person(f"+1555{number:07}")
        await person.consents(OTHER_LANGUAGE[language])
        await heard(person, danger, await person.writes(danger.item.text))


async def test_danger_is_heard_after_stop(world: World) -> None:
    for number, danger in enumerate(spread(24)):
        person = world.person(f"+1555{number:07}")
        await person.consents()
        await person.writes("stop")
        await heard(person, danger, await person.writes(danger.item.text))
        assert (await person.fates())[-1][0] == "crisis"


async def test_danger_is_heard_while_the_engine_is_down(world: World) -> None:
    world.engine_goes_down()
    for number, danger in enumerate(spread(24)):
        person = world.person(f"+1555{number:07}")
        await person.consents()
        await heard(person, danger, await person.writes(danger.item.text))


async def test_danger_while_a_counsellor_holds_the_conversation_raises_the_case_in_silence(world: World) -> None:
    for number, danger in enumerate(spread(24)):
        person = world.person(f"+1555{number:07}")
        await person.consents()
        await person.writes("person")
        await world.counsellor().takes(person)
        await person.reads()
        assert await person.writes(danger.item.text) == []
        case = await person.case()
        assert case is not None and case.level >= max(danger.found.level, RiskLevel.ELEVATED)
        assert case.events[-1].kind == "raised", danger.item.id

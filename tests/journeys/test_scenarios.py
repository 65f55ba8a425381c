"""The twelve scenarios of the service specification, section 8, as far as the software goes today.

The words are the specification's own. Each scenario asserts what exists; what does not exist yet is
named in one comment line and not asserted. Levels of the single messages without a conversation:
tests/escalation/test_levels.py.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.simulator import SimulatorChannel
from bot.store import cases
from bot.store.contacts import change_contact, find_or_create
from bot.store.tables import contact
from bot.vocabulary import Channel
from tests.world import NIGHT, Person, World, opening, shipped

AT_NIGHT = datetime(2026, 11, 23, 23, 50, tzinfo=UTC)
PROMISES = re.compile(r"will (contact|call|write to) you|someone will|is coming|bringing in|30 min", re.IGNORECASE)


async def level_of(person: Person) -> int | None:
    case = await person.case()
    return case and case.level


async def someone(world: World, language: str, channel: Channel = Channel.WHATSAPP, **known: str) -> Person:
    """Somebody who has been through the welcome."""
    person = world.person(channel=channel)
    await person.consents(language)
    if known:
        async with world.database.transaction() as session:
            contact_id, _ = await find_or_create(session, [person.address])
            await change_contact(session, contact_id, dict(known))
    return person


async def test_t01_negated_risk_on_sms(world: World) -> None:
    person = await someone(world, "en", Channel.SMS)
    (answer,) = await person.writes("I don't want to kill myself, I just want to sleep")
    assert answer.startswith(opening("meaning_check_negated"))
    assert await person.case() is None
    await person.writes("2 i am tired not sleeping 3 days")
    assert await person.case() is None
    (answer,) = await person.writes("sleep and not wake up")
    assert "30 min" in answer
    assert await level_of(person) == 2
    opened = (await person.case()).opened_at
    assert opened == world.now
    assert (await person.contact()).control.value == "counsellor", "no exercise is begun"
    world.pass_time(minutes=20)
    await world.counsellor().takes(person)
    taken = (await person.case()).events[-1]
    assert (taken.kind, taken.at - opened) == ("acknowledged", timedelta(minutes=20))
    # Not there yet: an alert to a counsellor's phone; setting a level with a note; follow-ups on day 3 and 7.


async def test_t02_an_idiom_that_may_be_literal(world: World) -> None:
    person = await someone(world, "es")
    (answer,) = await person.writes("me muero de hambre y este calor me mata")
    assert answer.startswith(opening("need_check", "es"))
    assert await person.case() is None
    (answer,) = await person.writes("No")
    assert answer.startswith(opening("need_noted", "es"))
    case = await person.case()
    assert (case.level, case.categories) == (2, ("R10",))
    events = len(case.events)
    assert (await person.contact()).control.value == "bot", "services stay in reach"
    await person.writes("gracias jaja me muero de risa con mi bebé")
    assert len((await person.case()).events) == events
    # Not there yet: "no, mis hijos tampoco" understood as the answer no; children noted; services
    # offered by themselves; the question on day 7 whether they were of use.


async def test_t03_another_person_in_arabizi(world: World) -> None:
    person = world.person()
    begun = world.now
    (answer,) = await person.writes("akhi bado ymout 3am y7ki eno ma bado y3ish")
    case = await person.case()
    assert (case.level, case.categories) == (3, ("R1T",))
    assert case.opened_at - begun <= timedelta(seconds=10)
    assert answer.startswith(opening("third_person", "ar"))
    assert (await person.contact()).language == "ar"
    await person.writes("halla2 msakkar 3a 7alo bel 2oda")
    assert await level_of(person) == 4
    assert len(await world.rows(contact)) == 1, "the brother is not recorded as a person"
    # Not there yet: an answer in Arabizi; the question how the writer is; a follow-up for the writer.


async def test_t04_a_song_and_a_code_word_of_a_girl_of_15(world: World) -> None:
    person = await someone(world, "uk", age_band="teen")
    (answer,) = await person.writes("слухаю пісню, там співають «забери мене в темряву назавжди» 😭 класний трек")
    assert answer.startswith(opening("meaning_check", "uk"))
    assert await person.case() is None
    await person.writes("та ні норм")
    assert await person.case() is None
    (answer,) = await person.writes("хоча якщо чесно думаю про роскомнадзор кожен вечір")
    assert answer.startswith(opening("crisis_on_duty", "uk"))
    assert await level_of(person) == 3
    assert (await person.contact()).language == "uk"
    assert not re.search(r"\d{3}", answer), "no line that nobody has checked"
    # Not there yet: "та ні норм" understood as the answer no; counsellors trained for children.


async def test_t05_a_past_attempt_in_short_french(world: World) -> None:
    person = await someone(world, "fr", Channel.SMS)
    (answer,) = await person.writes("slt jpp, ya 2 an g essayé de me tuer, là sa recommence ds ma tete")
    assert await level_of(person) == 2, "history alone is not high"
    assert not answer.startswith(opening("meaning_check", "fr"))
    said = [answer]
    (answer,) = await person.writes("jé pri d cachet a coté de moi")
    case = await person.case()
    assert case.level == 4 and {"R1", "R6"} <= set(case.categories)
    said.append(answer)
    said += await person.writes("non")
    assert await level_of(person) == 4
    for means in ("corde", "couteau", "pont", "arme", "pendre"):
        assert means not in " ".join(said)
    # Not there yet: "Avez-vous avalé quelque chose ?"; the history at the top of the counsellor's screen.


async def test_t06_a_shared_phone(world: World) -> None:
    person = world.person()
    await person.writes("سلام")
    (answer,) = await person.writes("exit")
    assert answer == opening("exited")
    world.pass_time(minutes=40)
    answers = await person.writes("این کیه؟ چی نوشتی؟")
    assert "GBV" not in " ".join(answers)
    assert await person.case() is None
    await world.do_what_is_due()
    assert await person.reads() == [], "nothing is sent by itself"
    # Not there yet: private topics, safe word, discreet mode, a check question, Persian texts.


async def test_t07_typing_errors_at_night_with_nobody_on_duty(world: World) -> None:
    world.now = NIGHT
    person = await someone(world, "en")
    said = await person.writes("i wnt 2 kil my slef tnite")
    assert await level_of(person) == 4
    assert said[0].startswith(opening("crisis_off_duty"))
    said += await person.writes("no 1 picks up")
    assert said[1].startswith(opening("stay_company"))
    (answer,) = await person.writes("no")
    said.append(answer)
    assert opening("stay_go") in answer and opening("stay_safe") in answer
    assert not [text for text in said if PROMISES.search(text)]
    assert not [text for text in said if "breath" in text.lower()]
    world.now = NIGHT.replace(hour=8, minute=0)
    other = world.person("+15550002222")
    await other.consents()
    await other.writes("i want to die")
    async with world.database.transaction() as session:
        first, *_ = await cases.queue_of_cases(session)
    assert first.id == (await person.case()).id, "first in the queue"
    world.pass_time(minutes=4)
    await world.counsellor().answers(person, "Good morning. I am Amal, a person.")
    assert (await person.reads())[-1] == "Good morning. I am Amal, a person."
    # Not there yet: ringing a supervisor; nudges after 5 and 15 minutes.


async def test_t08_emoji_only(world: World) -> None:
    person = world.person()
    (answer,) = await person.writes("💊😭🖤")
    assert answer.startswith(opening("unreadable"))
    assert await person.case() is None
    await person.writes("🔪")
    assert (await level_of(person), (await person.case()).categories) == (2, ("R11",))
    other = world.person("+15550002222")
    await other.writes("💊😭🖤")
    await other.writes("1")
    assert await level_of(other) == 4
    laughs = world.person("+15550003333")
    await laughs.writes("😂💀")
    assert await laughs.case() is None
    # Not there yet: a question in pictures or sound.


async def test_t09_voice_notes_only(world: World) -> None:
    person = world.person()
    (answer,) = await person.sends_voice()
    assert answer.startswith(opening("voice_note"))
    assert (await level_of(person), (await person.case()).categories) == (1, ("R11",))
    (answer,) = await person.sends_voice()
    assert answer.startswith(opening("voice_note"))
    assert await level_of(person) == 2
    assert (await person.contact()).control.value == "bot"
    # Not there yet: fetching, hearing, answering and deleting voice notes; Hausa; setting a level by hand.


async def test_t10_stop_in_the_middle_of_a_crisis(world: World) -> None:
    person = await someone(world, "uk", Channel.SMS)
    (answer,) = await person.writes("не бачу сенсу, сьогодні все закінчу")
    assert await level_of(person) == 4
    assert answer.startswith(opening("crisis_on_duty", "uk")[:12])
    (answer,) = await person.writes("СТОП")
    assert answer.startswith(shipped().service["uk"].texts["stop_in_crisis"].sms[:20])
    assert await level_of(person) == 4, "the case stays open"
    await world.send_out(SimulatorChannel())
    world.pass_time(minutes=40)
    await world.do_what_is_due()
    await world.send_out(SimulatorChannel())
    _, last_word, *later = [status for _, status, _ in await person.fates()]
    assert last_word == "sent"
    assert "sent" not in later, "automatic sends have ceased"
    await person.reads()
    world.pass_time(hours=2)
    (answer,) = await person.writes("я тут")
    assert answer, "not met with silence"
    assert await level_of(person) == 4
    assert "raised" in [event.kind for event in (await person.case()).events]
    # Not there yet: the supervisor's decision to call once. The carrier's error 21610: tests/worker, tests/channels.


async def test_t11_back_after_three_days(world: World) -> None:
    person, amal = await someone(world, "es"), world.counsellor()
    await person.writes("quiero matarme")
    await amal.takes(person)
    await amal.answers(person, "Soy Amal, estoy aquí.")
    opened = await person.case()
    assert opened.level == 3
    world.pass_time(days=3)
    await world.do_what_is_due()
    await person.reads()
    for text in ("hola", "ya estoy bien, era broma"):
        assert await person.writes(text) == [], "the counsellor has the conversation"
        case = await person.case()
        assert (case.id, case.level) == (opened.id, 3)
        assert [event.by for event in case.events if event.kind == "acknowledged"] == ["Amal"]
    # Not there yet: attempts after 30 minutes, 4, 24 and 72 hours; neutral templates; a check question;
    # a safety plan; setting level 2 with a note; caring contacts.


async def test_t12_a_member_of_staff_at_ten_to_midnight(world: World) -> None:
    world.now = AT_NIGHT
    person = await someone(world, "fr")
    (answer,) = await person.writes("je suis vide, je bois tous les soirs")
    assert answer.startswith(opening("meaning_check", "fr"))
    (answer,) = await person.writes("3")
    assert answer.startswith(opening("utter_off_duty", "fr", "talk_to_person"))
    assert await level_of(person) == 1
    (answer,) = await person.writes("et mon chef demande du sexe aux filles du camp")
    case = await person.case()
    assert case.level == 3 and "R9" in case.categories
    assert not PROMISES.search(answer)
    # Not there yet: the connection to a counsellor that is lost; a queue of their own for reports
    # about staff; the duty to report told to the person; separate organisations.


@pytest.mark.parametrize("language", sorted(shipped().service))
async def test_when_nobody_accepts_in_the_promised_time_it_is_told_at_that_time(world: World, language: str) -> None:
    """T12, step 3, with somebody on duty who does not come."""
    person = await someone(world, language)
    (answer,) = await person.writes("i want to kill myself tonight")
    assert "30" in answer
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    (answer,) = await person.reads()
    assert answer.startswith(opening("still_waiting", language))

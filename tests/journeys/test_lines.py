"""Help lines in a conversation: a checked one is given, another when it does not help, and never an unchecked one."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.channels.segments import sms_segments
from bot.store import cases, lines
from bot.store.tables import contact, outbox, site
from bot.vocabulary import Channel
from escalation.lines import Cost, HelpLine, Hours, LineChannel, LineContact, LineStatus, LineType, Span
from tests.escalation.test_lines import line, weekdays
from tests.world import NIGHT, Person, World, opening, shipped

TONIGHT = "i want to kill myself tonight"
LANGUAGES = ["ar", "en", "es", "fr", "ru", "uk"]
Knows = Callable[..., Awaitable[None]]


@pytest.fixture
def knows(world: World) -> Knows:
    """Put lines into the list, as if imported and, unless they say otherwise, verified."""

    async def put(*found: HelpLine) -> None:
        async with world.database.transaction() as session:
            for one in found:
                await lines.save(session, one)

    return put


def phone(value: str, **more: Any) -> tuple[LineContact, ...]:
    return (LineContact(LineChannel.PHONE, value, **more),)


def emergency(**changed: Any) -> HelpLine:
    return line("xx-emergency", type=LineType.EMERGENCY, contacts=phone("00 01"), name={"en": "Ambulance"}, **changed)


def talk(**changed: Any) -> HelpLine:
    names = {"en": "Talk line", "ar": "خط الكلام", "uk": "Лінія розмови"}
    return line("xx-talk", **{"contacts": phone("00 02"), "name": names, "languages": tuple(LANGUAGES), **changed})


async def in_danger(world: World, language: str = "en", channel: Channel = Channel.WHATSAPP) -> tuple[Person, str]:
    person = world.person(channel=channel)
    await person.consents(language)
    (answer,) = await person.writes(TONIGHT)
    return person, answer


async def gave(world: World) -> list[list[str]]:
    """The lines that each message gave, oldest first."""
    return [row["line_ids"] for row in sorted(await world.rows(outbox), key=lambda row: row["position"])]


async def test_a_checked_line_stands_in_the_first_answer_to_danger(world: World, knows: Knows) -> None:
    await knows(emergency(), talk(contacts=phone("00 02", cost=Cost.FREE)))
    _, answer = await in_danger(world)
    assert (
        "minutes.\n\nHelp lines that our team has checked:\n- Ambulance: 00 01 (24 hours, every day)"
        "\n- Talk line: 00 02 (24 hours, every day · free)\n\nUntil then" in answer
    )
    assert opening("no_lines") not in answer


@pytest.mark.parametrize(
    "changed",
    [
        {"status": LineStatus.UNVERIFIED},
        {"status": LineStatus.SUSPENDED},
        {"verified_on": NIGHT.date() - timedelta(days=181)},
        {"hours": Hours(UTC)},
        {"country": "YY"},
        {"may_call_police": True},
        {"contacts": phone("unknown")},
    ],
)
async def test_no_other_line_is_ever_given_and_it_is_said_that_there_is_none(
    world: World, knows: Knows, changed: dict[str, Any]
) -> None:
    await knows(talk(**changed))
    _, answer = await in_danger(world)
    assert opening("no_lines") in answer
    assert "00 02" not in answer
    assert await gave(world) == [[]]


async def test_a_check_runs_out_while_the_service_runs(world: World, knows: Knows) -> None:
    await knows(talk(verified_on=world.now.date()))
    world.pass_time(days=180)
    assert "00 02" in (await in_danger(world))[1]
    world.pass_time(days=1)
    (answer,) = await world.person("+15550002222").writes(TONIGHT)
    assert "00 02" not in answer


@pytest.mark.parametrize("language", LANGUAGES)
async def test_lines_are_told_in_the_language_of_the_person(world: World, knows: Knows, language: str) -> None:
    await knows(talk())
    _, answer = await in_danger(world, language)
    texts = shipped().service[language].texts
    assert opening("help_lines", language) in answer and texts["line_always"].text in answer
    assert talk().name.get(language, "Talk line") in answer


async def test_in_arabic_a_number_is_kept_apart_from_the_text_around_it(world: World, knows: Knows) -> None:
    """Else "00 02" is shown as "02 00" (service specification 7.2)."""
    await knows(talk())
    for channel in (Channel.WHATSAPP, Channel.SMS):
        person = world.person("+15550003333" if channel is Channel.SMS else "+15550004444", channel)
        await person.consents("ar")
        (answer,) = await person.writes(TONIGHT)
        assert "\u206600 02\u2069" in answer
    assert "\u2066" not in (await in_danger(world, "en"))[1]


async def test_hours_are_told_in_the_time_of_the_person(world: World, knows: Knows) -> None:
    await knows(talk(hours=weekdays(ZoneInfo("Asia/Kathmandu"))))  # until 17:00 there, 11:15 UTC
    person = world.person()
    await person.consents()
    async with world.database.transaction() as session:
        lagos = await session.scalar(sa.select(site.c.id).where(site.c.time_zone == "Africa/Lagos"))
        await session.run(sa.update(contact).values(site_id=lagos))
    (answer,) = await person.writes(TONIGHT)
    assert "00 02 (open now, until 12:15)" in answer


async def test_the_country_is_that_of_the_place_of_the_person(world: World, knows: Knows) -> None:
    await knows(talk(), dataclasses.replace(talk(), id="yy-talk", country="YY", contacts=phone("00 03")))
    person = world.person()
    await person.consents()
    async with world.database.transaction() as session:
        lagos = await session.scalar(sa.select(site.c.id).where(site.c.time_zone == "Africa/Lagos"))
        await session.run(sa.update(site).values(country="YY").where(site.c.id == lagos))
        await session.run(sa.update(contact).values(site_id=lagos))
    (answer,) = await person.writes(TONIGHT)
    assert "00 03" in answer and "00 02" not in answer


async def test_a_line_that_answers_in_other_languages_says_in_which(world: World, knows: Knows) -> None:
    await knows(talk(languages=("fr", "en")))
    _, answer = await in_danger(world, "es")
    assert "francés, inglés)" in answer


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_sms_stays_one_message_with_two_lines_of_long_names(world: World, knows: Knows, language: str) -> None:
    long = {language: "Я" * 40 if language in {"uk", "ru"} else "n" * 40}
    many = [dataclasses.replace(one, name=long, languages=(language,)) for one in (emergency(), talk())]
    await knows(*many, line("xx-third", type=LineType.SUICIDE, contacts=phone("00 03"), languages=(language,)))
    _, answer = await in_danger(world, language, Channel.SMS)
    assert "00 01" in answer and "\n-" not in answer
    assert sms_segments(answer).segments <= 6
    assert len((await gave(world))[0]) == 2


# Nobody came, and the first line did not help (service specification 8, T07)


async def test_when_nobody_picks_up_the_next_line_is_given_and_then_that_there_is_no_other(
    world: World, knows: Knows
) -> None:
    world.now = NIGHT
    more = [line(f"xx-{one}", contacts=phone(f"00 1{at}"), name={"en": one}) for at, one in enumerate("abc")]
    await knows(emergency(), *more)
    person, answer = await in_danger(world)
    assert all(number in answer for number in ("00 01", "00 10", "00 11")) and "00 12" not in answer
    world.pass_time(seconds=30)
    (answer,) = await person.writes("no 1 picks up")
    assert "\n\nOne more help line that our team has checked:\n- c: 00 12" in answer
    assert "00 01" not in answer
    await person.writes("no")
    (answer,) = await person.writes("no")
    assert answer.startswith(opening("still_danger"))
    assert opening("no_more_lines") in answer and opening("no_lines") not in answer
    assert await gave(world) == [["xx-emergency", "xx-a", "xx-b"], ["xx-c"], [], []]


async def test_after_a_day_the_whole_list_is_given_again(world: World, knows: Knows) -> None:
    await knows(emergency(), talk())
    person, _ = await in_danger(world)
    world.pass_time(hours=25)
    (answer,) = await person.writes(TONIGHT)
    assert "00 01" in answer and "00 02" in answer


async def test_a_line_whose_message_failed_was_not_given(world: World, knows: Knows) -> None:
    await knows(talk())
    person, _ = await in_danger(world)
    async with world.database.transaction() as session:
        await session.run(sa.update(outbox).values(status="failed"))
    world.pass_time(seconds=30)
    (answer,) = await person.writes("hello?")
    assert "00 02" in answer


async def test_whoever_says_in_the_welcome_that_they_are_in_danger_is_given_lines_and_it_is_kept(
    world: World, knows: Knows
) -> None:
    await knows(talk())
    person = world.person()
    await person.writes("hello")
    (answer,) = await person.writes("2")
    assert "00 02" in answer
    assert (await gave(world))[-1] == ["xx-talk"]


async def test_when_nobody_came_in_the_promised_time_lines_are_told_too(world: World, knows: Knows) -> None:
    await knows(talk())
    person, _ = await in_danger(world)
    world.pass_time(minutes=31)
    await world.do_what_is_due()
    (told,) = await person.reads()
    assert told.startswith(opening("still_waiting")) and "00 02" in told
    assert (await gave(world))[-1] == ["xx-talk"]


async def test_the_counsellor_sees_which_lines_were_given(world: World, knows: Knows) -> None:
    await knows(emergency(), talk())
    person, _ = await in_danger(world)
    found = await person.contact()
    async with world.database.transaction() as session:
        said = await cases.conversation(session, found.id)
    assert [one.gave for one in said if one.by == "bot"] == [("xx-emergency", "xx-talk")]


async def test_stop_in_a_crisis_still_names_the_lines(world: World, knows: Knows) -> None:
    await knows(talk())
    person, _ = await in_danger(world)
    (answer,) = await person.writes("stop")
    assert "00 02" in answer


async def test_a_line_that_opens_later_is_not_given_before(world: World, knows: Knows) -> None:
    evenings = Hours(UTC, weekly=((Span(18 * 60, 22 * 60),),) * 7)
    await knows(talk(hours=evenings))
    _, answer = await in_danger(world)
    assert "00 02" not in answer

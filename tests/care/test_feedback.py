"""What counsellors find out becomes labels that measure the screening and name nobody."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot.care import feedback
from bot.care.feedback import Finding, NothingToLabel
from bot.store.seal import Keyring
from bot.store.tables import audit_entry, contact, inbox, label
from tests.world import Person, World

MONTH = datetime(2026, 11, 1, tzinfo=UTC)


async def in_danger(world: World, text: str = "i want to kill myself tonight") -> Person:
    person = world.person()
    await person.consents()
    await person.writes(text)
    return person


async def closed(world: World, person: Person, reason: str) -> list[dict[str, Any]]:
    amal = world.counsellor()
    await amal.answers(person, "I am here.")
    await amal.closes(person, reason)
    return await world.rows(label)


async def labelled(world: World, person: Person, finding: Finding) -> list[dict[str, Any]]:
    found = await person.contact()
    async with world.database.transaction() as session:
        await feedback.label(session, found.id, "Amal", finding)
    return await world.rows(label)


async def test_a_false_alarm_is_kept_without_the_words_the_person_or_the_hour(world: World) -> None:
    person = await in_danger(world)
    (row,) = await closed(world, person, "false alarm")
    assert (row["verdict"], row["level_given"], row["level_true"]) == ("false", 4, 0)
    assert (row["language"], row["category"]) == ("en", "R1")
    assert row["rule"].startswith("3.2-") and row["entries"]
    assert row["day"] == date(2026, 11, 23)
    ids = {str(value) for table in (contact, inbox) for one in await world.rows(table) for value in (one["id"],)}
    assert not ids & {str(value) for value in row.values()}
    assert set(row) == {column.name for column in label.columns} and "sealed" not in " ".join(row)


@pytest.mark.parametrize("reason", ["helped", "referred"])
async def test_an_alert_that_led_to_help_is_confirmed(world: World, reason: str) -> None:
    (row,) = await closed(world, await in_danger(world), reason)
    assert (row["verdict"], row["level_given"], row["level_true"]) == ("confirmed", 4, 4)


@pytest.mark.parametrize("reason", ["no answer", "asked to stop", "duplicate"])
async def test_a_reason_that_says_nothing_about_the_alert_labels_nothing(world: World, reason: str) -> None:
    assert await closed(world, await in_danger(world), reason) == []


async def test_a_case_without_alert_labels_nothing(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("person")
    assert await closed(world, person, "helped") == []


async def test_what_an_earlier_case_found_is_labelled_once(world: World) -> None:
    person = await in_danger(world)
    await closed(world, person, "false alarm")
    world.pass_time(days=1)
    await person.writes("i want to kill myself tonight")
    rows = await closed(world, person, "helped")
    assert sorted(row["verdict"] for row in rows) == ["confirmed", "false"]


async def test_what_was_said_of_one_message_stays_when_the_case_is_closed(world: World) -> None:
    person = await in_danger(world)
    await labelled(world, person, Finding(0))
    (row,) = await closed(world, person, "helped")
    assert row["verdict"] == "false"


async def test_a_missed_danger_is_kept_with_both_levels(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("hello")
    await person.writes("thank you")
    first = min(row["id"] for row in await world.rows(inbox))
    (row,) = await labelled(world, person, Finding(3, first, "R3"))
    assert (row["verdict"], row["level_given"], row["level_true"], row["category"]) == ("missed", 0, 3, "R3")
    assert [one["act"] for one in await world.rows(audit_entry)] == ["labelled a message as missed"]
    (row,) = await labelled(world, person, Finding(4, first))
    assert row["level_true"] == 4, "who looks again may correct it; the message is not counted twice"
    assert len(await labelled(world, person, Finding(2))) == 2, "without a number it is the last message"


@pytest.mark.parametrize(
    ("finding", "says"),
    [
        (Finding(4), "higher one"),
        (Finding(7), "4 at most"),
        (Finding(-1), "higher one"),
        (Finding(3, message=999999), "message 999999"),
    ],
)
async def test_a_finding_that_cannot_be_is_refused(world: World, finding: Finding, says: str) -> None:
    person = await in_danger(world)
    with pytest.raises(NothingToLabel, match=says):
        await labelled(world, person, finding)
    assert await world.rows(label) == []


async def test_no_risk_and_an_unknown_category_are_checked_too(world: World) -> None:
    person = world.person()
    await person.consents()
    await person.writes("hello")
    with pytest.raises(NothingToLabel, match="level 0 already"):
        await labelled(world, person, Finding(0))
    with pytest.raises(NothingToLabel, match="R99"):
        await labelled(world, person, Finding(3, category="R99"))


async def test_nobody_labels_another_persons_message(world: World) -> None:
    await in_danger(world)
    other = world.person("+15550002222")
    await other.consents()
    await other.writes("hello")
    theirs = min(row["id"] for row in await world.rows(inbox))
    with pytest.raises(NothingToLabel):
        await labelled(world, other, Finding(0, theirs))


async def test_labels_outlive_the_person_and_lead_to_nobody(world: World) -> None:
    person = await in_danger(world)
    (before,) = await closed(world, person, "false alarm")
    async with world.database.transaction() as session:
        await session.run(sa.delete(contact))
    assert await world.rows(label) == [before]


async def test_only_who_has_the_key_finds_a_labels_message(world: World) -> None:
    (row,) = await closed(world, await in_danger(world), "false alarm")
    (message,) = [str(one["id"]) for one in await world.rows(inbox)]
    assert row["id"] == world.database.keys.pseudonym("label", message)
    assert row["id"] != Keyring({"test": b"k" * 32}, b"x" * 32).pseudonym("label", message)


async def report(world: World, days: int = 30, least: int = 1) -> dict[tuple[str, ...], list[str]]:
    async with world.database.transaction() as session:
        lines = [line.split() for line in await feedback.report(session, days=days, least=least)]
    return {tuple(line[:-4]): line[-4:] for line in lines[1:]}


async def test_the_report_counts_alerts_and_what_people_found(world: World) -> None:
    person = await in_danger(world)
    await closed(world, person, "false alarm")
    calm = world.person("+15550002222")
    await calm.consents("es")
    await calm.writes("hola")
    await labelled(world, calm, Finding(3, category="R3"))
    found = await report(world)
    assert found["en", "all"] == ["1", "0", "1", "0"]
    assert found["es", "R3", "none"] == ["0", "0", "0", "1"]
    assert found["all",] == ["1", "0", "1", "1"]
    assert {cell for cells in (await report(world, least=5)).values() for cell in cells} <= {"·", "0"}
    world.pass_time(days=40)
    assert await report(world) == {("all",): ["0", "0", "0", "0"]}


async def conversations(world: World, how_many: int) -> None:
    for number in range(how_many):
        await world.person(f"+1555000{number:04}").sends("hello")
    await world.work()


async def drawn(world: World, month: datetime = MONTH) -> list[str]:
    async with world.database.transaction() as session:
        return [str(one) for one in await feedback.sampled(session, month)]


async def test_two_in_a_hundred_conversations_without_alarm_are_drawn_and_the_same_each_time(world: World) -> None:
    await conversations(world, 60)
    first = await drawn(world)
    assert len(first) == math.ceil(60 * 0.02) == len(set(first))
    assert await drawn(world) == first
    everybody = [str(row["id"]) for row in await world.rows(contact)]
    assert set(first) <= set(everybody)
    assert await drawn(world, datetime(2026, 10, 1, tzinfo=UTC)) == [], "nobody wrote in October"


async def test_the_draw_depends_on_the_month(world: World) -> None:
    await conversations(world, 30)
    november = await drawn(world)
    world.pass_time(days=20)
    await conversations(world, 30)
    keys = world.database.keys
    ids = [str(row["id"]) for row in await world.rows(contact)]
    december = sorted(ids, key=lambda one: keys.pseudonym("sample 2026-12", one))[:1]
    assert await drawn(world, datetime(2026, 12, 1, tzinfo=UTC)) == december
    assert november == sorted(ids, key=lambda one: keys.pseudonym("sample 2026-11", one))[:1]


async def test_whoever_a_person_was_called_to_is_not_in_the_sample(world: World) -> None:
    await in_danger(world)
    asks = world.person("+15550002222")
    await asks.consents()
    await asks.writes("person")
    assert await drawn(world) == []
    await world.person("+15550003333").writes("hello")
    assert len(await drawn(world)) == 1
